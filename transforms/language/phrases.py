"""Finding the phrases and patterns of a taxonomy in a text, in time linear in its length.

Imports neither Beam nor spaCy.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, NamedTuple

MAX_WORDS: Final = 8
"""Words of a phrase at most."""

MIN_PREFIX: Final = 3
"""Letters before the * of a phrase at least."""

_WORD_CACHE = 1 << 16

# Group 1 is the word without a possessive 's. "U.S." and "I.C.E." are one word each.
_WORD = re.compile(
    r"((?:[^\W\d_]\.){2,}|[^\W_]+(?:['’ʼ](?![sS]\b)[^\W_]+)*)(?:['’ʼ][sS]\b)?",
)
# What may stand between two words of a phrase: never the end of a sentence or a paragraph.
_GAP = re.compile(r"(?:['’ʼ][sS]?)?[ \t\u00a0\u2007-\u200a\u202f\u2010-\u2013-]{1,3}")
_PHRASE = re.compile(rf"(?:{_WORD.pattern})(\*?)")
_WORD_START = r"(?<![^\W_])"
_WORD_END = r"(?![^\W_])"


def bare(word: str) -> str:
    """A word without the dots of an abbreviation and with a plain apostrophe."""
    return word.replace(".", "").replace("’", "'").replace("ʼ", "'")


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

    def fits(self, words: "Sequence[_Known]", first: int, last: int) -> bool:
        """Whether the words around the match from word `first` to `last` allow it."""
        if not (self.near or self.not_near):
            return True
        around = [*words[max(0, first - self.within) : first]]
        around += words[last + 1 : last + 1 + self.within]
        if self.near and all(self.near.isdisjoint(word.symbols) for word in around):
            return False
        return all(self.not_near.isdisjoint(word.symbols) for word in around)


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


class _Candidate(NamedTuple):
    """A match before overlaps are settled, with its first and last word."""

    first: int
    last: int
    hit: Hit


@dataclass(slots=True)
class _Node:
    """A node of the trie of phrases: what may follow, and what ends here."""

    following: dict[str, "_Node"] = field(default_factory=dict)
    ending: list[tuple[Search, int]] = field(default_factory=list)


class _Known(NamedTuple):
    """A word as printed: how it is compared, and the phrases that it may begin."""

    lower: str
    symbols: tuple[str, ...]
    nodes: tuple[_Node, ...]


class _Words(dict[str, _Known]):
    """Filled as words are met, and emptied when it holds `_WORD_CACHE` of them."""

    def __init__(self, first_words: dict[str, _Node], vocabulary: set[str]) -> None:
        self._first_words = first_words
        self._vocabulary = vocabulary
        prefixes = (symbol for symbol in vocabulary if symbol.endswith("*"))
        self._lengths = sorted({len(symbol.strip("=*")) for symbol in prefixes})

    def __missing__(self, word: str) -> _Known:
        plain = bare(word)
        lower = plain.lower()
        names = [lower, "=" + plain]
        for length in self._lengths:
            names += [lower[:length] + "*", f"={plain[:length]}*"] if length <= len(lower) else []
        symbols = tuple(name for name in names if name in self._vocabulary)
        nodes = tuple(self._first_words[name] for name in symbols if name in self._first_words)
        if len(self) >= _WORD_CACHE:
            self.clear()
        self[word] = known = _Known(lower, symbols, nodes)
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
        self._patterns: list[tuple[re.Pattern[str], Search, int]] = []
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
                pattern = re.compile(rf"(?:{search.pattern}){_WORD_END}", flags)
                self._patterns.append((pattern, search, number))
                number += 1
        # One search finds where any pattern may match: several would read the text as often.
        any_pattern = "|".join(pattern.pattern for pattern, _, _ in self._patterns)
        self._any_pattern = re.compile(rf"{_WORD_START}(?:{any_pattern})", re.IGNORECASE)
        self._words = _Words(root.following, vocabulary)

    def find(self, text: str) -> Found:
        """The words and the matches of a text."""
        matches = list(_WORD.finditer(text))
        starts = [match.start() for match in matches]
        known = self._words
        words = [known[match[1]] for match in matches]
        found: list[list[_Candidate]] = [[] for _ in range(self._topics)]

        def add(search: Search, number: int, first: int, last: int, start: int, end: int) -> None:
            if search.fits(words, first, last):
                candidate = _Candidate(first, last, Hit(start, end, search, number))
                for topic in search.topics:
                    found[topic].append(candidate)

        for first, (_, _, nodes) in enumerate(words):
            last = first
            while nodes:
                end = matches[last].end(1)
                for node in nodes:
                    for search, number in node.ending:
                        add(search, number, first, last, starts[first], end)
                last += 1
                if last == len(words) or not _GAP.fullmatch(text, end, starts[last]):
                    break
                nodes = tuple(
                    node.following[symbol]
                    for node in nodes
                    for symbol in words[last].symbols
                    if symbol in node.following
                )
        place = self._any_pattern.search(text) if self._patterns else None
        while place:
            start = place.start()
            for pattern, search, number in self._patterns:
                match = pattern.match(text, start)
                if match:
                    first = max(0, bisect_right(starts, start) - 1)
                    last = bisect_left(starts, match.end()) - 1
                    if first <= last:
                        add(search, number, first, last, start, match.end())
            place = self._any_pattern.search(text, start + 1)
        lower = [word.lower for word in words]
        ends = [match.end(1) for match in matches]
        return Found(lower, starts, ends, [_without_overlaps(each) for each in found])


def _without_overlaps(candidates: list[_Candidate]) -> list[Hit]:
    """Matches of one topic in the order of the text: of those that overlap, the longest."""
    taken: set[int] = set()
    hits = []
    for first, last, hit in sorted(
        candidates, key=lambda c: (c.first - c.last, -c.hit.search.weight, c.first, c.hit.phrase)
    ):
        if taken.isdisjoint(range(first, last + 1)):
            taken.update(range(first, last + 1))
            hits.append(hit)
    return sorted(hits, key=attrgetter("start"))
