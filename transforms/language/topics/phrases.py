"""Finding the phrases and patterns of a taxonomy in a text, in time linear in its length.

Imports neither Beam nor spaCy.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple, TypeAlias

from transforms.language.topics.patterns import BEGINNING, beginnings

MAX_WORDS: Final = 8
"""Words of a phrase at most."""

MIN_PREFIX: Final = 3
"""Letters before the * of a phrase at least."""

_WORD_CACHE = 1 << 16

# "U.S." and "I.C.E." are one word each; a possessive 's is no part of one.
_BARE = r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’ʼ](?![sS]\b)[^\W_]+)*"
_POSSESSIVE = r"(?:['’ʼ][sS]\b)?"
_WORD = re.compile(f"((?:{_BARE}){_POSSESSIVE})")
_TAIL = re.compile(r"['’ʼ][sS]\Z")
# What may stand between two words of a phrase: never the end of a sentence or a paragraph.
_GAP = re.compile(r"(?:['’ʼ][sS]?)?[ \t\u00a0\u2007-\u200a\u202f\u2010-\u2013-]{1,3}")
_PHRASE = re.compile(rf"({_BARE}){_POSSESSIVE}(\*?)")
_WORD_START = r"(?<![^\W_])"
_WORD_END = r"(?![^\W_])"


def bare(word: str) -> str:
    """A word without the dots of an abbreviation and with a plain apostrophe."""
    return word.replace(".", "").replace("’", "'").replace("ʼ", "'")


def goes_on(text: str, end: int, start: int) -> bool:
    """Whether a phrase may go on from a word that ends at `end` with one that starts at `start`."""
    return _GAP.fullmatch(text, end, start) is not None


def phrase_symbols(phrase: str, case: bool) -> tuple[str, ...]:
    """The words of a phrase as they are compared: `word`, `=Word` if case counts, `wor*`.

    >>> phrase_symbols("Asylum-seeker*", case=False)
    ('asylum', 'seeker*')

    Raises ValueError for what no text can match, or that would match too much.
    """
    symbols = []
    end = 0
    for match in _PHRASE.finditer(phrase):
        between = phrase[end : match.start()]
        if not (_GAP.fullmatch(between) if end else between == ""):
            raise ValueError(f"has {between!r} before {match[0]!r}; put a space or hyphen there")
        word = bare(match[1])
        if match[2] and len(word) < MIN_PREFIX:
            raise ValueError(f"has a * after fewer than {MIN_PREFIX} letters; write the words out")
        symbols.append(("=" + word if case else word.lower()) + match[2])
        end = match.end()
    if end < len(phrase):
        raise ValueError(f"ends with {phrase[end:]!r}; use words, and * only at the end of one")
    if len(symbols) > MAX_WORDS:
        raise ValueError(f"has more than {MAX_WORDS} words; shorten it")
    return tuple(symbols)


@dataclass(frozen=True, slots=True)
class Search:
    """A rule as it is looked for. One that has a pattern has no phrases."""

    rule: str
    """Its id."""
    weight: float
    topics: tuple[int, ...]
    """Numbers of the topics that a match is evidence for."""
    phrases: tuple[tuple[str, ...], ...] = ()
    """Each as `phrase_symbols` gives it."""
    pattern: str | None = None
    case: bool = False
    near: frozenset[str] = frozenset()
    """Symbols of which one must stand near."""
    not_near: frozenset[str] = frozenset()
    within: int = 0
    """Words on each side of a match that are near."""

    def fits(self, symbols: Sequence[tuple[str, ...]], first: int, last: int) -> bool:
        """Whether the words around the match from word `first` to `last` allow it."""
        around = [*symbols[max(0, first - self.within) : first]]
        around += symbols[last + 1 : last + 1 + self.within]
        return self.not_near.isdisjoint(chain.from_iterable(around)) and not (
            self.near and self.near.isdisjoint(chain.from_iterable(around))
        )


class Hit(NamedTuple):
    """A match that counts: offsets into its text, its rule and the number of its phrase."""

    start: int
    end: int
    search: Search
    phrase: int


class Found(NamedTuple):
    """What is found in a text."""

    words: list[str]
    """Its words in lower case, bare."""
    starts: list[int]
    """Where each of them begins."""
    ends: list[int]
    """Where each of them ends, without a possessive 's."""
    hits: list[list[Hit]]
    """A list a topic, in the order of the text, without overlaps."""


_Candidate: TypeAlias = tuple[int, int, Hit]
"""First and last word of a match before overlaps are settled, and the match."""


@dataclass(slots=True)
class _Node:
    """A node of the trie of phrases: what may follow, and what ends here."""

    following: dict[str, "_Node"] = field(default_factory=dict)
    ending: list[tuple[Search, int]] = field(default_factory=list)


class _Pattern(NamedTuple):
    """A pattern of a rule, made to end with a word, and its number among the phrases."""

    regex: re.Pattern[str]
    search: Search
    number: int


class _Union(NamedTuple):
    """Several patterns, and one that matches wherever one of them does."""

    regex: re.Pattern[str]
    patterns: list[_Pattern]

    def at(self, text: str, start: int) -> Iterator[tuple[int, int, _Pattern]]:
        """The matches that start at a place where the union matches, with start and end."""
        for pattern in self.patterns:
            if match := pattern.regex.match(text, start):
                yield start, match.end(), pattern


def _union(patterns: list[_Pattern]) -> _Union | None:
    if not patterns:
        return None
    either = "|".join(pattern.regex.pattern for pattern in patterns)
    return _Union(re.compile(rf"{_WORD_START}(?:{either})", re.IGNORECASE), patterns)


class _Patterns:
    """Finds patterns in a text: few words begin like one."""

    def __init__(self, patterns: list[_Pattern]) -> None:
        by_beginning: dict[str, list[_Pattern]] = {}
        plain, others = [], []
        for pattern in patterns:
            begin = beginnings(pattern.search.pattern or "")
            if all(text[:1].isalnum() for text in begin):
                plain.append(pattern)
                for text in begin:
                    by_beginning.setdefault(text, []).append(pattern)
            else:
                others.append(pattern)
        self._by_beginning = by_beginning
        self._beyond_ascii = _union(plain)
        self._others = _union(others)

    def beginning(self, word: str) -> "_Union | None":
        """The patterns that may begin with a word."""
        if not word[:BEGINNING].isascii():
            return self._beyond_ascii
        begin = word[:BEGINNING].lower()
        patterns = [
            pattern
            for text, some in self._by_beginning.items()
            if text.startswith(begin) or begin.startswith(text)
            for pattern in some
        ]
        return _union([*dict.fromkeys(patterns)])

    def elsewhere(self, text: str) -> Iterator[tuple[int, int, _Pattern]]:
        """Matches of the patterns that begin with anything but a word, with start and end."""
        place = self._others.regex.search(text) if self._others else None
        while place and self._others:
            yield from self._others.at(text, place.start())
            place = self._others.regex.search(text, place.start() + 1)


_Known: TypeAlias = tuple[
    str,
    tuple[str, ...],
    tuple[list[tuple[Search, int]], ...],
    tuple[dict[str, _Node], ...],
    _Union | None,
    int,
]
"""A word as printed: in lower case; its symbols; the phrases that it is all of; how phrases go on
that begin with it, by what follows; the patterns that may begin with it; the characters of its
possessive 's. A plain tuple, since Python's collector of garbage leaves those of plain things
alone, and there are many."""


class _Words(dict[str, _Known]):
    """Filled as words are met, and emptied when it holds `_WORD_CACHE` of them."""

    def __init__(
        self, first_words: dict[str, _Node], vocabulary: set[str], patterns: "_Patterns"
    ) -> None:
        self._first_words = first_words
        self._vocabulary = vocabulary
        self._patterns = patterns
        self._unions: dict[str, _Union | None] = {}
        """By beginning of a word."""
        prefixes = (symbol for symbol in vocabulary if symbol.endswith("*"))
        self._lengths = sorted({len(symbol.strip("=*")) for symbol in prefixes})

    def __missing__(self, word: str) -> _Known:
        tail = _TAIL.search(word)
        plain = bare(word[: tail.start()] if tail else word)
        lower = plain.lower()
        names = [lower, "=" + plain]
        for length in self._lengths:
            names += [lower[:length] + "*", f"={plain[:length]}*"] if length <= len(lower) else []
        symbols = tuple(name for name in names if name in self._vocabulary)
        nodes = [self._first_words[name] for name in symbols if name in self._first_words]
        ending = tuple(node.ending for node in nodes if node.ending)
        following = tuple(node.following for node in nodes if node.following)
        begin = word[:BEGINNING]
        if begin not in self._unions:
            self._unions[begin] = self._patterns.beginning(begin)
        possessive = len(tail[0]) if tail else 0
        known = (lower, symbols, ending, following, self._unions[begin], possessive)
        if len(self) >= _WORD_CACHE:
            self.clear()
        self[word] = known
        return known


class Matcher:
    """Finds the matches of many rules in one go. Not safe in threads.

    Matches that are evidence for the same topic and overlap count once for it: the longest, or of
    equals the one with the higher weight.
    """

    def __init__(self, searches: Iterable[Search], topics: int) -> None:
        root = _Node()
        vocabulary: set[str] = set()
        self._topics = topics
        patterns: list[_Pattern] = []
        number = 0
        for search in searches:
            vocabulary |= search.near | search.not_near
            for symbols in search.phrases:
                vocabulary.update(symbols)
                node = root
                for symbol in symbols:
                    node = node.following.setdefault(symbol, _Node())
                node.ending.append((search, number))
                number += 1
            if search.pattern is not None:
                flags = 0 if search.case else re.IGNORECASE
                regex = re.compile(rf"(?:{search.pattern}){_WORD_END}", flags)
                patterns.append(_Pattern(regex, search, number))
                number += 1
        self._patterns = _Patterns(patterns)
        self._words = _Words(root.following, vocabulary, self._patterns)

    def find(self, text: str) -> Found:
        """The words and the matches of a text."""
        known = self._words
        parts = _WORD.split(text)  # what is between words, and words, in turns
        words = list(map(known.__getitem__, parts[1::2]))
        places = list(accumulate(map(len, parts)))
        starts = places[:-1:2]
        ends = [end - word[5] for end, word in zip(places[1::2], words, strict=True)]
        symbols = [word[1] for word in words]
        found: list[_Candidate] = []

        def add(search: Search, number: int, first: int, last: int, start: int, end: int) -> None:
            if not (search.near or search.not_near) or search.fits(symbols, first, last):
                found.append((first, last, Hit(start, end, search, number)))

        def go_on(nodes: list[_Node], first: int) -> None:
            """Follow phrases whose first two words have been met."""
            last = first + 1
            while nodes and _GAP.fullmatch(text, ends[last - 1], starts[last]):
                for node in nodes:
                    for search, number in node.ending:
                        add(search, number, first, last, starts[first], ends[last])
                last += 1
                nodes = [
                    node.following[symbol]
                    for node in nodes
                    for symbol in (symbols[last] if last < len(symbols) else ())
                    if symbol in node.following
                ]

        def try_patterns(matches: Iterable[tuple[int, int, _Pattern]]) -> None:
            for start, end, pattern in matches:
                first = max(0, bisect_right(starts, start) - 1)
                last = bisect_left(starts, end) - 1
                if first <= last:
                    add(pattern.search, pattern.number, first, last, start, end)

        for first, (_, _, endings, followings, union, _) in enumerate(words):
            for ending in endings:
                for search, number in ending:
                    add(search, number, first, first, starts[first], ends[first])
            if followings and first + 1 < len(words):
                then = symbols[first + 1]
                for following in followings:
                    if not following.keys().isdisjoint(then):
                        go_on([following[s] for s in then if s in following], first)
            if union and union.regex.match(text, starts[first]):
                try_patterns(union.at(text, starts[first]))
        try_patterns(self._patterns.elsewhere(text))
        by_topic: list[list[_Candidate]] = [[] for _ in range(self._topics)]
        for candidate in found:
            for topic in candidate[2].search.topics:
                by_topic[topic].append(candidate)
        hits = [_without_overlaps(some) if some else [] for some in by_topic]
        return Found([word[0] for word in words], starts, ends, hits)


def _without_overlaps(candidates: list[_Candidate]) -> list[Hit]:
    """Matches of one topic in the order of the text: of those that overlap, the longest."""
    candidates.sort(key=itemgetter(0))
    if all(one[1] < other[0] for one, other in pairwise(candidates)):
        return [hit for _, _, hit in candidates]
    taken: set[int] = set()
    hits = []
    for first, last, hit in sorted(
        candidates, key=lambda c: (c[0] - c[1], -c[2].search.weight, c[0], c[2].phrase)
    ):
        if taken.isdisjoint(range(first, last + 1)):
            taken.update(range(first, last + 1))
            hits.append(hit)
    return sorted(hits, key=attrgetter("start"))
