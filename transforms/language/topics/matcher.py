"""The matcher: finds the phrases and patterns of a taxonomy in a text, in linear time.

Imports neither Beam nor spaCy.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple, TypeAlias

from transforms.language.topics.patterns import PREFIX_CHARACTERS, list_match_prefixes
from transforms.language.topics.symbols import (
    POSSESSIVE_END,
    TOKEN_WITH_POSSESSIVE,
    is_phrase_gap,
    list_covering_symbols,
    normalize_token,
    parse_context_words,
    parse_phrase,
    prefix_length,
)
from transforms.language.topics.taxonomy import Rule

_TOKEN_START: Final = r"(?<![^\W_])"
_TOKEN_END: Final = r"(?![^\W_])"


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule of the taxonomy in the form that `Matcher` takes. It has phrases or a pattern."""

    rule_id: str
    weight: float
    topics: tuple[int, ...]
    """Numbers of the topics for which a match is evidence."""
    phrases: tuple[tuple[str, ...], ...] = ()
    """The symbols of each phrase; see `parse_phrase`."""
    pattern: str | None = None
    case: bool = False
    near: frozenset[str] = frozenset()
    """Symbols of which one must stand near a match, unless there are none."""
    not_near: frozenset[str] = frozenset()
    """Symbols of which none may stand near a match."""
    within: int = 0
    """Tokens on each side of a match that are near."""

    def allows_context(self, symbols: Sequence[tuple[str, ...]], first: int, last: int) -> bool:
        """Return whether the tokens around a match satisfy `near` and `not_near`.

        Args:
            symbols: The symbols that match each token of the text.
            first: Position of the first token of the match.
            last: Position of its last token.
        """
        around = [*symbols[max(0, first - self.within) : first]]
        around += symbols[last + 1 : last + 1 + self.within]
        return self.not_near.isdisjoint(chain.from_iterable(around)) and not (
            self.near and self.near.isdisjoint(chain.from_iterable(around))
        )


def compile_rule(rule: Rule, topics: tuple[int, ...]) -> CompiledRule:
    """Return a rule as evidence for the topics with these numbers."""
    return CompiledRule(
        rule_id=rule.id,
        weight=rule.weight,
        topics=topics,
        phrases=tuple(parse_phrase(phrase, case=rule.case) for phrase in rule.phrases),
        pattern=rule.pattern,
        case=rule.case,
        near=frozenset(parse_context_words(rule.near)),
        not_near=frozenset(parse_context_words(rule.not_near)),
        within=rule.within,
    )


class Match(NamedTuple):
    """A match of a phrase or pattern that counts as evidence."""

    start: int
    """Offset into the text, in code points."""
    end: int
    rule: CompiledRule
    phrase_number: int
    """Number of the phrase or pattern, over all rules of the matcher in order."""


class TextMatches(NamedTuple):
    """The tokens of a text and its matches."""

    tokens: list[str]
    """In lower case; see `normalize_token`."""
    starts: list[int]
    """Offset of each token, in code points."""
    ends: list[int]
    """Offset at which each token ends, without a possessive 's."""
    by_topic: list[list[Match]]
    """One list per topic, by number: its matches in the order of the text, without overlaps."""


_Candidate: TypeAlias = tuple[int, int, Match]
"""Positions of the first and last token of a match, and the match; overlaps are not yet removed."""


@dataclass(slots=True)
class _Node:
    """A node of the trie of phrases, by symbol."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    ending: list[tuple[CompiledRule, int]] = field(default_factory=list)
    """Rule and number of each phrase that ends here."""


class _Pattern(NamedTuple):
    """A pattern of a rule and its number among the phrases. Its matches end where a token ends."""

    regex: re.Pattern[str]
    rule: CompiledRule
    number: int


class _PatternUnion(NamedTuple):
    """Several patterns, and a regular expression that matches wherever one of them does."""

    regex: re.Pattern[str]
    patterns: list[_Pattern]

    def match_at(self, text: str, start: int) -> Iterator[tuple[int, int, _Pattern]]:
        """Yield start, end and pattern of each match at an offset."""
        for pattern in self.patterns:
            if match := pattern.regex.match(text, start):
                yield start, match.end(), pattern


def _unite(patterns: list[_Pattern]) -> _PatternUnion | None:
    if not patterns:
        return None
    either = "|".join(pattern.regex.pattern for pattern in patterns)
    return _PatternUnion(re.compile(rf"{_TOKEN_START}(?:{either})", re.IGNORECASE), patterns)


class _PatternIndex:
    """The patterns by the characters that their matches begin with.

    Few tokens begin like a match, so most tokens cost no regular expression.
    """

    def __init__(self, patterns: list[_Pattern]) -> None:
        self._by_prefix: dict[str, list[_Pattern]] = {}
        at_tokens, elsewhere = [], []
        for pattern in patterns:
            prefixes = list_match_prefixes(pattern.rule.pattern or "")
            if all(prefix[:1].isalnum() for prefix in prefixes):
                at_tokens.append(pattern)
                for prefix in prefixes:
                    self._by_prefix.setdefault(prefix, []).append(pattern)
            else:
                elsewhere.append(pattern)
        # The prefixes are ASCII only: a token that begins otherwise is tried with all patterns.
        self._at_tokens = _unite(at_tokens)
        self._elsewhere = _unite(elsewhere)

    def find_by_token(self, token: str) -> _PatternUnion | None:
        """Return the patterns whose matches may begin with a token."""
        if not token[:PREFIX_CHARACTERS].isascii():
            return self._at_tokens
        start = token[:PREFIX_CHARACTERS].lower()
        patterns = [
            pattern
            for prefix, with_prefix in self._by_prefix.items()
            if prefix.startswith(start) or start.startswith(prefix)
            for pattern in with_prefix
        ]
        return _unite([*dict.fromkeys(patterns)])

    def match_elsewhere(self, text: str) -> Iterator[tuple[int, int, _Pattern]]:
        """Yield start, end and pattern of matches that need not begin with a token."""
        match = self._elsewhere.regex.search(text) if self._elsewhere else None
        while match and self._elsewhere:
            yield from self._elsewhere.match_at(text, match.start())
            match = self._elsewhere.regex.search(text, match.start() + 1)


_TokenEntry: TypeAlias = tuple[
    str,
    tuple[str, ...],
    tuple[list[tuple[CompiledRule, int]], ...],
    tuple[dict[str, _Node], ...],
    _PatternUnion | None,
    int,
]
"""The cached facts about a token as printed.

In this order: the token in lower case; the symbols that match it; the phrases that it matches
alone; the children of the trie's nodes for it, where longer phrases continue; the patterns whose
matches may begin with it; the characters of its possessive 's. A plain tuple and not a class,
because Python's garbage collector stops tracking plain tuples, and there are many.
"""

_LOWER: Final = 0
_SYMBOLS: Final = 1
_POSSESSIVE_LENGTH: Final = 5


class _TokenCache(dict[str, _TokenEntry]):
    """Entries by token as printed, made on demand; emptied at `max_entries` entries."""

    def __init__(
        self,
        first_nodes: dict[str, _Node],
        vocabulary: set[str],
        patterns: _PatternIndex,
        max_entries: int,
    ) -> None:
        self._max_entries = max_entries
        self._first_nodes = first_nodes
        self._vocabulary = vocabulary
        self._patterns = patterns
        self._unions: dict[str, _PatternUnion | None] = {}
        """Patterns by the first characters of a token."""
        self._prefix_lengths = sorted(
            {prefix_length(symbol) for symbol in vocabulary if symbol.endswith("*")}
        )

    def __missing__(self, token: str) -> _TokenEntry:
        possessive = POSSESSIVE_END.search(token)
        plain = normalize_token(token[: possessive.start()] if possessive else token)
        covering = list_covering_symbols("=" + plain, self._prefix_lengths)
        symbols = tuple(symbol for symbol in covering if symbol in self._vocabulary)
        nodes = [self._first_nodes[symbol] for symbol in symbols if symbol in self._first_nodes]
        endings = tuple(node.ending for node in nodes if node.ending)
        children = tuple(node.children for node in nodes if node.children)
        start = token[:PREFIX_CHARACTERS]
        if start not in self._unions:
            self._unions[start] = self._patterns.find_by_token(start)
        possessive_length = len(possessive[0]) if possessive else 0
        entry = (plain.lower(), symbols, endings, children, self._unions[start], possessive_length)
        if len(self) >= self._max_entries:
            self.clear()
        self[token] = entry
        return entry


class Matcher:
    """Finds the matches of many rules in one pass over a text. Not thread-safe.

    Matches that overlap and are evidence for the same topic count once for it: the longest, or of
    equally long ones the one with the higher weight.
    """

    def __init__(
        self,
        rules: Iterable[CompiledRule],
        topic_count: int,
        *,
        max_cached_tokens: int = 1 << 16,
    ) -> None:
        """Build the trie of phrases and the index of patterns.

        Args:
            rules: The rules. Their phrases and patterns are numbered in this order, from 0.
            topic_count: The number of topics; the rules name topics by numbers below it.
            max_cached_tokens: The number of distinct tokens at which the cache is emptied.
        """
        root = _Node()
        vocabulary: set[str] = set()
        self._topic_count = topic_count
        patterns: list[_Pattern] = []
        number = 0
        for rule in rules:
            vocabulary |= rule.near | rule.not_near
            for symbols in rule.phrases:
                vocabulary.update(symbols)
                node = root
                for symbol in symbols:
                    node = node.children.setdefault(symbol, _Node())
                node.ending.append((rule, number))
                number += 1
            if rule.pattern is not None:
                flags = 0 if rule.case else re.IGNORECASE
                regex = re.compile(rf"(?:{rule.pattern}){_TOKEN_END}", flags)
                patterns.append(_Pattern(regex, rule, number))
                number += 1
        self._patterns = _PatternIndex(patterns)
        self._token_cache = _TokenCache(
            root.children, vocabulary, self._patterns, max_cached_tokens
        )

    def find_matches(self, text: str) -> TextMatches:
        """Return the tokens of a text and the matches of the rules in it."""
        parts = TOKEN_WITH_POSSESSIVE.split(text)  # gaps and tokens in turns
        entries = list(map(self._token_cache.__getitem__, parts[1::2]))
        offsets = list(accumulate(map(len, parts)))
        starts = offsets[:-1:2]
        ends = [
            end - entry[_POSSESSIVE_LENGTH]
            for end, entry in zip(offsets[1::2], entries, strict=True)
        ]
        symbols = [entry[_SYMBOLS] for entry in entries]
        candidates: list[_Candidate] = []

        def add(
            rule: CompiledRule, number: int, first: int, last: int, start: int, end: int
        ) -> None:
            if not (rule.near or rule.not_near) or rule.allows_context(symbols, first, last):
                candidates.append((first, last, Match(start, end, rule, number)))

        def follow_phrases(nodes: list[_Node], first: int) -> None:
            """Add the phrases that continue from the nodes of the first two tokens."""
            last = first + 1
            while nodes and is_phrase_gap(text, ends[last - 1], starts[last]):
                for node in nodes:
                    for rule, number in node.ending:
                        add(rule, number, first, last, starts[first], ends[last])
                last += 1
                nodes = [
                    node.children[symbol]
                    for node in nodes
                    for symbol in (symbols[last] if last < len(symbols) else ())
                    if symbol in node.children
                ]

        def add_patterns(matches: Iterable[tuple[int, int, _Pattern]]) -> None:
            for start, end, pattern in matches:
                first = max(0, bisect_right(starts, start) - 1)
                last = bisect_left(starts, end) - 1
                if first <= last:
                    add(pattern.rule, pattern.number, first, last, start, end)

        for first, (_, _, endings, followings, union, _) in enumerate(entries):
            for ending in endings:
                for rule, number in ending:
                    add(rule, number, first, first, starts[first], ends[first])
            if followings and first + 1 < len(entries):
                next_symbols = symbols[first + 1]
                for children in followings:
                    if not children.keys().isdisjoint(next_symbols):
                        follow_phrases([children[s] for s in next_symbols if s in children], first)
            if union and union.regex.match(text, starts[first]):
                add_patterns(union.match_at(text, starts[first]))
        add_patterns(self._patterns.match_elsewhere(text))
        by_topic_number: list[list[_Candidate]] = [[] for _ in range(self._topic_count)]
        for candidate in candidates:
            for topic in candidate[2].rule.topics:
                by_topic_number[topic].append(candidate)
        by_topic = [_remove_overlaps(of_topic) if of_topic else [] for of_topic in by_topic_number]
        return TextMatches([entry[_LOWER] for entry in entries], starts, ends, by_topic)


def _remove_overlaps(candidates: list[_Candidate]) -> list[Match]:
    """Return the matches of one topic in the order of the text: the longest where some overlap."""
    candidates.sort(key=itemgetter(0))
    if all(one[1] < other[0] for one, other in pairwise(candidates)):
        return [match for _, _, match in candidates]
    covered: set[int] = set()
    matches = []
    for first, last, match in sorted(
        candidates, key=lambda c: (c[0] - c[1], -c[2].rule.weight, c[0], c[2].phrase_number)
    ):
        if covered.isdisjoint(range(first, last + 1)):
            covered.update(range(first, last + 1))
            matches.append(match)
    return sorted(matches, key=attrgetter("start"))
