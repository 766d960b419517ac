"""The phrases of a taxonomy by what they match: which phrases lie inside which.

Imports neither Beam nor spaCy.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from transforms.language.topics.symbols import list_covering_symbols, parse_phrase, prefix_length
from transforms.language.topics.taxonomy import Rule, Taxonomy, Topic


class PhraseEntry(NamedTuple):
    """A phrase or pattern of a taxonomy, with its rule and topic."""

    number: int
    """Its `Match.phrase_number` in a tagger for the taxonomy."""
    topic: Topic
    rule: Rule
    text: str
    """The phrase as the file has it."""
    symbols: tuple[str, ...]
    """From `normalize_symbols`; empty for a pattern."""
    line: int
    """Line of the file."""


def list_phrases(taxonomy: Taxonomy) -> list[PhraseEntry]:
    """Return all phrases and patterns in the order in which a tagger numbers them."""
    entries: list[PhraseEntry] = []
    for topic in taxonomy.topics:
        for rule in topic.rules:
            texts = rule.phrases if rule.pattern is None else (rule.pattern,)
            lines = rule.lines or (topic.line,) * len(texts)
            for text, line in zip(texts, lines, strict=True):
                symbols = () if rule.pattern is not None else normalize_symbols(text, rule.case)
                entries.append(PhraseEntry(len(entries), topic, rule, text, symbols, line))
    return entries


def normalize_symbols(phrase: str, case: bool) -> tuple[str, ...]:
    """Return the symbols of a phrase, without a case mark at words that have no case.

    >>> normalize_symbols("Act 2020", True)
    ('=Act', '2020')
    """
    return tuple(
        symbol.lstrip("=") if symbol.lower() == symbol.upper() else symbol
        for symbol in parse_phrase(phrase, case=case)
    )


@dataclass(slots=True)
class _Node:
    """A node of the trie of phrases, by symbol."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    ending: list[PhraseEntry] = field(default_factory=list)
    """The phrases that end here."""


class PhraseIndex:
    """A trie of phrases that finds those inside other phrases in near linear time."""

    def __init__(self, phrases: Iterable[PhraseEntry]) -> None:
        self._root = _Node()
        lengths = set()
        for phrase in phrases:
            node = self._root
            for symbol in phrase.symbols:
                node = node.children.setdefault(symbol, _Node())
                if symbol.endswith("*"):
                    lengths.add(prefix_length(symbol))
            if phrase.symbols:
                node.ending.append(phrase)
        self._prefix_lengths = sorted(lengths)

    def find_inside(self, symbols: tuple[str, ...]) -> Iterator[PhraseEntry]:
        """Yield the phrases that match all or some of the tokens wherever these symbols match.

        A phrase comes once per position in the symbols; the phrase of the symbols comes, too.
        """
        covering = [list_covering_symbols(symbol, self._prefix_lengths) for symbol in symbols]
        for first in range(len(symbols)):
            nodes = [self._root]
            for alternatives in covering[first:]:
                nodes = [
                    node.children[symbol]
                    for node in nodes
                    for symbol in alternatives
                    if symbol in node.children
                ]
                for node in nodes:
                    yield from node.ending
