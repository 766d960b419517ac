"""The phrases of a taxonomy by what they match: which of them stand inside which.

Imports neither Beam nor spaCy.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from transforms.language.topics.phrases import phrase_symbols
from transforms.language.topics.taxonomy import Rule, Taxonomy, Topic


class Listed(NamedTuple):
    """A phrase or pattern of a taxonomy, with where it stands."""

    number: int
    """Its number in `Hit.phrase` of a tagger that is made from the taxonomy."""
    topic: Topic
    rule: Rule
    text: str
    """As written in the file."""
    symbols: tuple[str, ...]
    """What is compared, with a case mark only where case can matter; empty for a pattern."""
    line: int


def list_phrases(taxonomy: Taxonomy) -> list[Listed]:
    """All phrases and patterns, in the order in which a tagger numbers them."""
    listed: list[Listed] = []
    for topic in taxonomy.topics:
        for rule in topic.rules:
            texts = rule.phrases if rule.pattern is None else (rule.pattern,)
            lines = rule.lines or (topic.line,) * len(texts)
            for text, line in zip(texts, lines, strict=True):
                symbols = () if rule.pattern is not None else compared(text, case=rule.case)
                listed.append(Listed(len(listed), topic, rule, text, symbols, line))
    return listed


def compared(phrase: str, *, case: bool) -> tuple[str, ...]:
    """The symbols of a phrase, without a case mark at words that have no case.

    >>> compared("Act 2020", case=True)
    ('=Act', '2020')
    """
    return tuple(
        symbol.lstrip("=") if symbol.lower() == symbol.upper() else symbol
        for symbol in phrase_symbols(phrase, case)
    )


def covers(symbol: str, other: str) -> bool:
    """Whether every word that matches the other symbol matches this one, too.

    >>> covers("deport*", "=Deported"), covers("=Deport*", "deported"), covers("the", "the*")
    (True, False, False)
    """
    return symbol in _covering(other, [len(symbol.strip("=*"))])


def _covering(symbol: str, prefix_lengths: Iterable[int]) -> list[str]:
    """The symbols that cover one, prefixes of these lengths among them."""
    word = symbol.strip("=*")
    forms = [("", word.lower())]
    if symbol.startswith("="):
        forms.append(("=", word))
    names = [] if symbol.endswith("*") else [mark + form for mark, form in forms]
    for length in prefix_lengths:
        names += [f"{mark}{form[:length]}*" for mark, form in forms if length <= len(form)]
    return names


@dataclass(slots=True)
class _Node:
    following: dict[str, "_Node"] = field(default_factory=dict)
    ending: list[Listed] = field(default_factory=list)


class PhraseIndex:
    """A trie of phrases, by which those inside others are found in near linear time."""

    def __init__(self, listed: Iterable[Listed]) -> None:
        self._root = _Node()
        lengths = set()
        for phrase in listed:
            node = self._root
            for symbol in phrase.symbols:
                node = node.following.setdefault(symbol, _Node())
                if symbol.endswith("*"):
                    lengths.add(len(symbol.strip("=*")))
            if phrase.symbols:
                node.ending.append(phrase)
        self._lengths = sorted(lengths)

    def inside(self, symbols: tuple[str, ...]) -> Iterator[Listed]:
        """The phrases that match at all or some of the words wherever these symbols match.

        A phrase comes once for each place, itself among them.
        """
        covering = [_covering(symbol, self._lengths) for symbol in symbols]
        for first in range(len(symbols)):
            nodes = [self._root]
            for names in covering[first:]:
                nodes = [
                    node.following[name]
                    for node in nodes
                    for name in names
                    if name in node.following
                ]
                for node in nodes:
                    yield from node.ending
