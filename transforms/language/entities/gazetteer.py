"""The gazetteer: well-known names with their label, full name and Wikidata item.

A gazetteer is a UTF-8 file of tab-separated columns with this header:

    wikidata_id  label  name  aliases

`wikidata_id` may be empty; `label` is one of `LABELS`; `aliases` are further names, separated
by `|`. A name or alias stands for one entry only. Lines that begin with `#` and empty ones are
skipped. A word in capitals ("NATO") is found in capitals only.

Imports neither Beam nor spaCy.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from transforms.language.entities.names import (
    MAX_LENGTH,
    is_of_united_states,
    normalise,
    strip_accents,
)
from transforms.language.entities.rules import GENERATIONS, LABELS
from transforms.language.text_files import read_text

SHIPPED_GAZETTEER: Final = Path(__file__).with_name("gazetteer.tsv")
NO_GAZETTEER: Final = "none"
"""The value of ``--gazetteer`` for none."""

HEADER: Final = ("wikidata_id", "label", "name", "aliases")
MAX_BYTES: Final = 16 << 20
MAX_WORDS: Final = 12

_ITEM = re.compile(r"Q[1-9][0-9]{0,11}")
_END = ""
"""The key of the forms that end at a node. No word is empty."""

# Group 1 is the word without a possessive 's. "U.S." is one word.
_WORD = re.compile(
    r"((?:[^\W\d_]\.){2,}|[^\W_]+(?:['’ʼ](?![sS]\b)[^\W_]+)*)(?:['’ʼ][sS]\b)?",
)
_GAP = re.compile(r"\.?[ \xa0]|[-‑–/]|\.? ?& ?|, ")
_AFTER_COMMA = frozenset({"jr", "sr", "inc", "llc", "dc"})
_SHORT_WORD: Final = 3
"""The most letters of a word after which ". " hardly ends a sentence: "St. Ives", "J. Poe"."""
_SILENT = re.compile(r"['’ʼ.]")


class GazetteerError(ValueError):
    """A gazetteer that cannot be used; the message names the file, the line and the remedy."""


class Entry(NamedTuple):
    """The entity that names stand for."""

    name: str
    label: str
    wikidata_id: str | None


class GazetteerMatch(NamedTuple):
    """A match of a name of the gazetteer in a text. Offsets are code points."""

    start: int
    end: int
    entry: Entry


class _Word(NamedTuple):
    start: int
    bare_end: int
    """Without a possessive 's."""
    end: int
    bare: str

    @property
    def is_possessive(self) -> bool:
        return self.bare_end < self.end


class _Form(NamedTuple):
    words: tuple[_Word, ...]
    entry: Entry


_Node = dict[str, Any]
"""The next node by folded word; at `_END`, the forms that end here."""


@dataclass(frozen=True)
class Gazetteer:
    """The entries of a gazetteer, with a trie of the words of their names.

    Attributes:
        entries: the entries by normalised name.
        capitals: the normalised one-word names that match only in capitals.
        american: the normalised names that begin with the United States in all forms: "U.S.
            Senate".
        surnames: the normalised last words of people's names that name nothing else.
    """

    entries: dict[str, Entry]
    capitals: frozenset[str]
    american: frozenset[str]
    surnames: frozenset[str]
    _tree: _Node

    def __repr__(self) -> str:
        return f"<Gazetteer of {len(self.entries)} names>"

    def entry(self, key: str, printed: str) -> Entry | None:
        """Return the entry of a name, given normalised and as printed, or None."""
        if key in self.capitals and not printed.isupper():
            return None
        return self.entries.get(key)

    def find(self, text: str, end: int) -> Iterator[GazetteerMatch]:
        """Yield the longest matches in the first ``end`` code points of a text, in order."""
        words = _words(text, end)
        number = 0
        while number < len(words):
            length, form = 0, None
            if words[number].bare[0].isupper():
                length, form = self._longest(text, words, number)
            if form:
                last = words[number + length - 1]
                stop = last.end if form.words[-1].is_possessive else last.bare_end
                yield GazetteerMatch(words[number].start, stop, form.entry)
            number += length or 1

    def _longest(self, text: str, words: Sequence[_Word], first: int) -> tuple[int, _Form | None]:
        """Return the number of words of the longest match at a word, and its form, or (0, None)."""
        node, best = self._tree, (0, None)
        for number in range(first, min(first + MAX_WORDS, len(words))):
            if number > first and not _follows(text, words[number - 1], words[number]):
                break
            node = node.get(_fold(words[number].bare), {})
            if not node:
                break
            printed = words[first : number + 1]
            for form in node.get(_END, ()):
                if _is_printed(form, printed):
                    best = (len(printed), form)
        return best


def _words(text: str, end: int) -> list[_Word]:
    return [_Word(m.start(), m.end(1), m.end(), m[1]) for m in _WORD.finditer(text, 0, end)]


def _fold(word: str) -> str:
    return strip_accents(_SILENT.sub("", word)).casefold() or word


def _follows(text: str, word: _Word, following: _Word) -> bool:
    """Return whether a word and the next one may belong to one name."""
    gap = _GAP.fullmatch(text, word.end, following.start)
    if not gap or (gap[0][0] == "." and len(word.bare) > _SHORT_WORD):
        return False
    return gap[0] != ", " or _fold(following.bare) in _AFTER_COMMA


def _is_printed(form: _Form, printed: Sequence[_Word]) -> bool:
    """Return whether these words have the capitals and possessives of a form."""
    *_, last = printed
    return all(
        (b.bare.isupper() if len(a.bare) > 1 and a.bare.isupper() else True)
        and (b.bare[0].isupper() or not a.bare[0].isupper())
        and (a.is_possessive == b.is_possessive or (b is last and not a.is_possessive))
        for a, b in zip(form.words, printed, strict=True)
    )


def load_gazetteer(path: str | os.PathLike[str] | None = None) -> Gazetteer:
    """Read and check a gazetteer; None stands for the shipped one.

    Raises:
        GazetteerError: the file cannot be used; the message has the file, line and remedy.
    """
    name = os.fspath(SHIPPED_GAZETTEER if path is None else path)
    text = read_text(name, max_bytes=MAX_BYTES, remedy="leave out rare names", error=GazetteerError)
    return _Reader(name).read(text)


SHIPPED: Final = "shipped"
GazetteerChoice: TypeAlias = Gazetteer | Literal["shipped"] | None
"""The gazetteer of a run. The shipped one is passed by name, since every process can read it and
large objects cost each stage of a pipeline time."""


def choose_gazetteer(option: str | None) -> GazetteerChoice:
    """Return the gazetteer that ``--gazetteer`` names: a file, the shipped one by default, or none.

    Raises:
        GazetteerError: the file cannot be used.
    """
    if option is None:
        return SHIPPED
    return None if option == NO_GAZETTEER else load_gazetteer(option)


class _Reader:
    def __init__(self, path: str) -> None:
        self._path = path
        self._entries: dict[str, Entry] = {}
        self._lines: dict[str, int] = {}
        """The line of each normalised name and of each Wikidata item."""
        self._capitals: set[str] = set()
        self._plain: set[str] = set()
        """Names in a form without the United States before it."""
        self._surnames: set[str] = set()
        self._tree: _Node = {}

    def read(self, text: str) -> Gazetteer:
        lines = [
            (number, line.removesuffix("\r").split("\t"))
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip() and not line.startswith("#")
        ]
        if not lines or tuple(lines[0][1]) != HEADER:
            columns = ", ".join(HEADER)
            raise self._error(
                lines[0][0] if lines else 1, f"no header; begin with the columns {columns}"
            )
        for number, columns_of_line in lines[1:]:
            self._read_entry(number, columns_of_line)
        others = {key for key, entry in self._entries.items() if entry.label != "PERSON"}
        return Gazetteer(
            entries=self._entries,
            capitals=frozenset(self._capitals),
            american=frozenset(self._entries.keys() - self._plain),
            surnames=frozenset(self._surnames - others),
            _tree=self._tree,
        )

    def _error(self, line: int, message: str) -> GazetteerError:
        return GazetteerError(f"{self._path}:{line}: {message}")

    def _read_entry(self, line: int, columns: Sequence[str]) -> None:
        if len(columns) != len(HEADER):
            raise self._error(
                line, f"{len(columns)} columns; write {len(HEADER)}, separated by tabs"
            )
        item, label, name, aliases = (column.strip() for column in columns)
        if item and not _ITEM.fullmatch(item):
            raise self._error(line, f"{item!r} is no Wikidata id; write one as Q42 or nothing")
        if item and self._lines.setdefault(item, line) != line:
            known = self._lines[item]
            raise self._error(line, f"{item} is the entry of line {known}, too; make them one")
        if label not in LABELS:
            raise self._error(
                line, f"unknown label {label!r}; write one of {', '.join(sorted(LABELS))}"
            )
        entry = Entry(name, label, item or None)
        for form in [name, *(aliases.split("|") if aliases else ())]:
            self._add(line, form.strip(), entry)
        words = [word for word in normalise(name).split() if word not in GENERATIONS]
        if label == "PERSON" and len(words) > 1:
            self._surnames.add(words[-1])

    def _add(self, line: int, form: str, entry: Entry) -> None:
        words = tuple(_words(form, len(form)))
        key = normalise(form)
        if not any(map(str.isalpha, form)) or not key:
            raise self._error(line, "an empty name or alias; write a name with letters or no `|`")
        if not form.isprintable() or len(form) > MAX_LENGTH or len(words) > MAX_WORDS:
            raise self._error(
                line,
                f"{form[:MAX_LENGTH]!r} is no name in print; write up to {MAX_WORDS} words and "
                f"{MAX_LENGTH} characters",
            )
        if entry.label == "PERSON" and form != entry.name and _is_surname(key, entry.name):
            raise self._error(line, f"{form!r} is a surname, which many share; leave it out")
        if self._lines.setdefault(key, line) != line:
            known = self._lines[key]
            raise self._error(
                line, f"{form!r} stands for the entry of line {known}, too; leave it out of one"
            )
        if key not in self._entries and len(words) == 1 and len(form) > 1 and form.isupper():
            self._capitals.add(key)
        elif not form.isupper():
            self._capitals.discard(key)
        self._entries[key] = entry
        if not is_of_united_states(form):
            self._plain.add(key)
        node = self._tree
        for word in words:
            node = node.setdefault(_fold(word.bare), {})
        node.setdefault(_END, []).append(_Form(words, entry))


def _is_surname(key: str, name: str) -> bool:
    words = [word for word in normalise(name).split() if word not in GENERATIONS]
    return len(words) > 1 and key == words[-1]
