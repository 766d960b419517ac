"""Places at which a text has a known name that the model did not see there."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from transforms.language.document import Document
from transforms.language.entities.clustering import Forms, People, name_words
from transforms.language.entities.gazetteer import Known
from transforms.language.entities.labels import Labels
from transforms.language.entities.lines import Lines
from transforms.language.entities.names import normalise, title_before
from transforms.language.entities.ner_corrections import is_in_state, is_part_of_more
from transforms.language.entities.rules import GENERATIONS, ORGANISATION_WORDS
from transforms.language.given_names import GIVEN_NAMES

_WORD = re.compile(r"[^\W_]+")
_WORD_BEFORE = re.compile(r"([^\W_]+)[ \xa0]\Z")
_WORD_AFTER = re.compile(r"(?:['’ʼ]s)?[ \xa0-]([^\W_]+)")


class Sought:
    """Names to look for in the whole text, as printed, with the group of each."""

    def __init__(
        self,
        groups: Forms,
        group_labels: Mapping[str, str],
        people: People,
        expansions: Mapping[str, str],
        labels: Labels,
    ) -> None:
        self._groups = groups
        self._group_labels = group_labels
        self._people = people
        self._labels = labels
        self._heads: dict[str, str] = {}
        self._callers: dict[str, str] = {}
        """Surnames in capitals, as they stand before what is said: "POE: No." """
        for head, seen in groups.items():
            for name, key in {(s.name, s.key): None for s in seen}:
                if " " in name or key in expansions or key in labels.full:
                    self._heads.setdefault(name, head)
                if group_labels[head] != "PERSON":
                    continue
                if name_words(key) > 1:
                    self._add_surname(name, head)
                elif len(seen) > 1:
                    self._heads.setdefault(name, head)

    def _add_surname(self, name: str, head: str) -> None:
        *_, surname = (word for word in name.split() if normalise(word) not in GENERATIONS)
        key = normalise(surname)
        if key in self._groups:  # those of whom it is not clear whose it is
            if self._group_labels[key] == "PERSON":
                self._heads.setdefault(surname, key)
        elif [*self._people.surnames.get(key, ())] == [head]:
            self._heads.setdefault(surname, head)
            self._callers.setdefault(surname.upper(), head)

    def add_singles(self, singles: Sequence[Known], forms: Forms, text: str) -> None:
        """Add names of one word that the gazetteer has, but for what is part of longer names."""
        parts = {word for key in forms if " " in key for word in key.split()}
        for known in singles:
            printed = text[known.start : known.end]
            if (
                known.entry.label in ("GPE", "ORG")
                and normalise(printed) not in parts
                and not is_in_state(text, known.end)
            ):
                self._heads.setdefault(printed, self._labels.add(known.entry))

    def head(self, name: str, following: str) -> str | None:
        """The group of a name that is printed before a character."""
        return self._heads.get(name) or (self._callers.get(name) if following == ":" else None)

    def is_full(self, name: str) -> bool:
        """Whether a name is a person's full name, or a surname that is to be found in capitals."""
        head = self._heads.get(name)
        return not head or (" " in name and self._group_labels.get(head) == "PERSON")

    def lengths(self) -> dict[str, list[int]]:
        """By the first word of names how long they are, the longest first."""
        found: dict[str, set[int]] = defaultdict(set)
        for name in {**self._heads, **self._callers}:
            if word := _WORD.match(name):
                found[word[0]].add(len(name))
        return {word: sorted(lengths, reverse=True) for word, lengths in found.items()}


def missed(
    document: Document, lines: Lines, groups: Forms, sought: Sought
) -> Iterator[tuple[str, int, int]]:
    """Each place with the key of the group of its name.

    All but full names must stand apart from other proper nouns: the "Smith" of "Smith
    Foundation" is nobody.
    """
    text, index = document.text, document.index
    lengths = sought.lengths()
    taken = bytearray(len(text))
    for seen in groups.values():
        for name in seen:
            taken[name.start : name.end] = b"\1" * (name.end - name.start)
    for word in _WORD.finditer(text, 0, document.analysed_end):
        start = word.start()
        for length in lengths.get(word[0], ()):
            end = start + length
            head = sought.head(text[start:end], text[end : end + 1])
            if (
                head
                and start in index.first
                and end in index.last
                and 1 not in taken[start:end]
                and not is_part_of_more(text, start, end)
                and (sought.is_full(text[start:end]) or _stands_apart(document, start, end, lines))
            ):
                yield head, start, end
                taken[start:end] = b"\1" * length
                break


def _stands_apart(document: Document, start: int, end: int, lines: Lines) -> bool:
    """Whether a name is no part of a longer one, as far as tags and capitals tell."""
    text, index = document.text, document.index
    first, last = index.first[start], index.last[end]
    before = _WORD_BEFORE.search(text, max(0, start - 30), start)
    if lines.is_heading(start):  # where everything has capitals
        after = _WORD_AFTER.match(text, end)
        return not (before and before[1].casefold() in GIVEN_NAMES) and not (
            after and after[1].casefold() in ORGANISATION_WORDS
        )
    if not index.may_be_proper(last) or index.is_proper(last + 1):
        return False
    named = before and before[1][0].isupper() and index.is_noun_or_adjective(first - 1)
    return not named or bool(title_before(text, start))
