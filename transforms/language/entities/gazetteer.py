"""The gazetteer: well-known names with their label, canonical name and Wikidata item.

A gazetteer is a UTF-8 file of tab-separated columns with this header:

    wikidata_id  label  name  aliases

`wikidata_id` may be empty. `label` is one of `LABELS`. `aliases` are further names, separated by
`|`. A name or alias belongs to one entry only. Empty lines and lines that begin with `#` are
skipped. A word in capitals ("NATO") matches only in capitals.

`Gazetteer.find_matches` finds the names in a text with a trie of their words. Its time is linear in
the length of the text. Imports neither Beam nor spaCy.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from transforms.language.entities.names import (
    MAX_NAME_LENGTH,
    SILENT_MARKS,
    is_of_united_states,
    normalise,
    split_person_name,
    strip_accents,
)
from transforms.language.entities.rules import LABELS
from transforms.language.text_files import read_text

SHIPPED_GAZETTEER: Final = Path(__file__).with_name("gazetteer.tsv")
NO_GAZETTEER: Final = "none"
"""The value of ``--gazetteer`` that switches the gazetteer off."""

HEADER: Final = ("wikidata_id", "label", "name", "aliases")
MAX_BYTES: Final = 16 << 20
"""The maximum size of a gazetteer file, in bytes."""
MAX_WORDS: Final = 12
"""The maximum number of words of a name."""

_WIKIDATA_ID = re.compile(r"Q[1-9][0-9]{0,11}")

# Group 1 is the word without a possessive 's, group 2 the possessive or "". "U.S." is one word.
_WORD = re.compile(
    r"((?:[^\W\d_]\.){2,}|[^\W_]+(?:['’ʼ](?![sS]\b)[^\W_]+)*)((?:['’ʼ][sS]\b)?)",
)
_GAP = re.compile(r"\.?[ \xa0]|[-‑–/]|\.? ?& ?|, ")
_WORDS_AFTER_COMMA = frozenset({"jr", "sr", "inc", "llc", "dc"})
_MAX_SHORT_WORD: Final = 3
"""The maximum length of a word after which ". " hardly ever ends a sentence: "St. Ives"."""


class GazetteerError(ValueError):
    """A gazetteer that cannot be used; the message names the file, the line and the remedy."""


class Entry(NamedTuple):
    """The entity that a name and its aliases denote.

    Attributes:
        name: the canonical name, as printed.
        label: one of `LABELS`.
        wikidata_id: the Wikidata item, such as Q42, or None.
    """

    name: str
    label: str
    wikidata_id: str | None


class GazetteerMatch(NamedTuple):
    """A match of a name of the gazetteer in a text. Offsets are code points."""

    start: int
    end: int
    entry: Entry


class _Word(NamedTuple):
    """A word of a text, and its bare form without a possessive 's. Offsets are code points."""

    start: int
    bare_end: int
    end: int
    bare: str

    @property
    def is_possessive(self) -> bool:
        return self.bare_end < self.end


class _Words:
    """The words of a text. A `_Word` is made on demand, since few words may be part of a name.

    Attributes:
        bare: the bare form of each word.
    """

    def __init__(self, text: str) -> None:
        parts = _WORD.split(text)  # gaps, bare words and possessives in turns
        self.bare: list[str] = parts[1::3]
        self._part_ends = [*accumulate(map(len, parts))]

    def __len__(self) -> int:
        return len(self.bare)

    def __getitem__(self, number: int) -> _Word:
        bare = self.bare[number]
        start, bare_end, end = self._part_ends[3 * number : 3 * number + 3]
        return _Word(start, bare_end, end, bare)


class _Form(NamedTuple):
    """A name or alias of an entry, in words."""

    words: tuple[_Word, ...]
    entry: Entry


@dataclass(slots=True)
class _TrieNode:
    """A node of the trie: the next nodes by folded word, and the forms that end here."""

    children: dict[str, "_TrieNode"] = field(default_factory=dict)
    forms: list[_Form] = field(default_factory=list)


@dataclass(frozen=True)
class Gazetteer:
    """The entries of a gazetteer, with a trie of the words of their names.

    All names in it are normalised, see `names.normalise`.

    Attributes:
        entries: the entries by name and alias.
        capitals_only: the one-word names that match only in capitals.
        of_united_states: the names that begin with the United States in all forms ("U.S. Senate"),
            which `normalise` leaves out.
        surnames: the surnames of people, except those that name something else, too.
    """

    entries: dict[str, Entry]
    capitals_only: frozenset[str]
    of_united_states: frozenset[str]
    surnames: frozenset[str]
    _trie: _TrieNode

    def __repr__(self) -> str:
        return f"<Gazetteer of {len(self.entries)} names>"

    def find_entry(self, key: str, printed: str) -> Entry | None:
        """Return the entry of a name, or None.

        Args:
            key: the normalised name.
            printed: the name as printed.
        """
        if key in self.capitals_only and not printed.isupper():
            return None
        return self.entries.get(key)

    def find_matches(self, text: str, end: int) -> Iterator[GazetteerMatch]:
        """Yield the longest matches in the first ``end`` code points of a text, in order."""
        words = _Words(text[:end])
        first_words = self._trie.children
        starts = [
            number
            for number, bare in enumerate(words.bare)
            if bare[0].isupper() and _fold(bare) in first_words
        ]
        next_number = 0
        for number in starts:
            longest = self._find_longest(text, words, number) if number >= next_number else None
            if longest:
                printed, form = longest
                next_number = number + len(printed)
                last = printed[-1]
                match_end = last.end if form.words[-1].is_possessive else last.bare_end
                yield GazetteerMatch(printed[0].start, match_end, form.entry)

    def _find_longest(
        self, text: str, words: _Words, first: int
    ) -> tuple[list[_Word], _Form] | None:
        """Return the words and the form of the longest match from a word on, or None."""
        node = self._trie
        printed: list[_Word] = []
        longest = None
        for number in range(first, min(first + MAX_WORDS, len(words))):
            child = node.children.get(_fold(words.bare[number]))
            if not child:
                break
            word = words[number]
            if printed and not _may_follow(text, printed[-1], word):
                break
            node = child
            printed.append(word)
            for form in node.forms:
                if _is_printed_like(form, printed):
                    longest = ([*printed], form)
        return longest


def _fold(word: str) -> str:
    return strip_accents(SILENT_MARKS.sub("", word)).casefold() or word


def _may_follow(text: str, word: _Word, following: _Word) -> bool:
    """Return whether a word and the next one may belong to one name."""
    gap = _GAP.fullmatch(text, word.end, following.start)
    if not gap or (gap[0][0] == "." and len(word.bare) > _MAX_SHORT_WORD):
        return False
    return gap[0] != ", " or _fold(following.bare) in _WORDS_AFTER_COMMA


def _is_printed_like(form: _Form, printed: Sequence[_Word]) -> bool:
    """Return whether words of a text have the capitals and possessives of a form.

    Words may have more capitals than the form. The last may have a possessive that the form lacks.
    """
    *_, last = printed
    return all(
        (word.bare.isupper() if len(of_form.bare) > 1 and of_form.bare.isupper() else True)
        and (word.bare[0].isupper() or not of_form.bare[0].isupper())
        and (
            of_form.is_possessive == word.is_possessive
            or (word is last and not of_form.is_possessive)
        )
        for of_form, word in zip(form.words, printed, strict=True)
    )


def load_gazetteer(path: str | os.PathLike[str] | None = None) -> Gazetteer:
    """Read and check a gazetteer.

    Args:
        path: the file, on any Beam file system; None for the shipped one.

    Raises:
        GazetteerError: the file cannot be used; the message has the file, line and remedy.
    """
    name = os.fspath(SHIPPED_GAZETTEER if path is None else path)
    text = read_text(name, max_bytes=MAX_BYTES, remedy="leave out rare names", error=GazetteerError)
    return _Reader(name).read(text)


SHIPPED: Final = "shipped"
GazetteerChoice: TypeAlias = Gazetteer | Literal["shipped"] | None
"""The gazetteer of a run: a loaded one, "shipped", or None for no gazetteer.

The shipped one is passed by name: every process can read it, and a large object costs time in
each stage of a pipeline.
"""


def choose_gazetteer(option: str | None) -> GazetteerChoice:
    """Return the gazetteer that the flag ``--gazetteer`` selects.

    Args:
        option: a file, "none" for no gazetteer, or None for the shipped one.

    Raises:
        GazetteerError: the file cannot be used.
    """
    if option is None:
        return SHIPPED
    return None if option == NO_GAZETTEER else load_gazetteer(option)


class _Reader:
    """The parser of a gazetteer file. It checks each line and adds its forms to the trie."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._entries: dict[str, Entry] = {}
        self._line_numbers: dict[str, int] = {}
        """The line number of each normalised name and of each Wikidata item."""
        self._capitals: set[str] = set()
        self._without_united_states: set[str] = set()
        """The normalised names that have a form without the United States before it."""
        self._surnames: set[str] = set()
        self._trie = _TrieNode()

    def read(self, text: str) -> Gazetteer:
        lines = [
            (number, line.removesuffix("\r").split("\t"))
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip() and not line.startswith("#")
        ]
        if not lines or tuple(lines[0][1]) != HEADER:
            header = ", ".join(HEADER)
            raise self._error(
                lines[0][0] if lines else 1, f"no header; begin with the columns {header}"
            )
        for number, columns in lines[1:]:
            self._read_entry(number, columns)
        not_people = {key for key, entry in self._entries.items() if entry.label != "PERSON"}
        return Gazetteer(
            entries=self._entries,
            capitals_only=frozenset(self._capitals),
            of_united_states=frozenset(self._entries.keys() - self._without_united_states),
            surnames=frozenset(self._surnames - not_people),
            _trie=self._trie,
        )

    def _error(self, line: int, message: str) -> GazetteerError:
        return GazetteerError(f"{self._path}:{line}: {message}")

    def _read_entry(self, line: int, columns: Sequence[str]) -> None:
        if len(columns) != len(HEADER):
            raise self._error(
                line, f"{len(columns)} columns; write {len(HEADER)}, separated by tabs"
            )
        item, label, name, aliases = (column.strip() for column in columns)
        if item and not _WIKIDATA_ID.fullmatch(item):
            raise self._error(line, f"{item!r} is no Wikidata id; write one as Q42 or nothing")
        if item and self._line_numbers.setdefault(item, line) != line:
            other_line = self._line_numbers[item]
            raise self._error(line, f"{item} is the entry of line {other_line}, too; make them one")
        if label not in LABELS:
            raise self._error(
                line, f"unknown label {label!r}; write one of {', '.join(sorted(LABELS))}"
            )
        entry = Entry(name, label, item or None)
        for form in [name, *(aliases.split("|") if aliases else ())]:
            self._add_form(line, form.strip(), entry)
        words = split_person_name(normalise(name))
        if label == "PERSON" and len(words) > 1:
            self._surnames.add(words[-1])

    def _add_form(self, line: int, form: str, entry: Entry) -> None:
        of_form = _Words(form)
        words = tuple(of_form[number] for number in range(len(of_form)))
        key = normalise(form)
        if not any(map(str.isalpha, form)) or not key:
            raise self._error(line, "an empty name or alias; write a name with letters or no `|`")
        if not form.isprintable() or len(form) > MAX_NAME_LENGTH or len(words) > MAX_WORDS:
            raise self._error(
                line,
                f"{form[:MAX_NAME_LENGTH]!r} is no name in print; write up to {MAX_WORDS} words "
                f"and {MAX_NAME_LENGTH} characters",
            )
        if entry.label == "PERSON" and form != entry.name and _is_surname(key, entry.name):
            raise self._error(line, f"{form!r} is a surname, which many share; leave it out")
        if self._line_numbers.setdefault(key, line) != line:
            other_line = self._line_numbers[key]
            raise self._error(
                line,
                f"{form!r} stands for the entry of line {other_line}, too; leave it out of one",
            )
        if key not in self._entries and len(words) == 1 and len(form) > 1 and form.isupper():
            self._capitals.add(key)
        elif not form.isupper():
            self._capitals.discard(key)
        self._entries[key] = entry
        if not is_of_united_states(form):
            self._without_united_states.add(key)
        node = self._trie
        for word in words:
            node = node.children.setdefault(_fold(word.bare), _TrieNode())
        node.forms.append(_Form(words, entry))


def _is_surname(key: str, name: str) -> bool:
    words = split_person_name(normalise(name))
    return len(words) > 1 and key == words[-1]
