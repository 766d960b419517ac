"""Find further mentions of known names, which the model did not find."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from transforms.language.document import Document
from transforms.language.entities.clustering import MentionsByKey, People, name_words
from transforms.language.entities.gazetteer import GazetteerMatch
from transforms.language.entities.labels import Labels
from transforms.language.entities.lines import Lines
from transforms.language.entities.names import find_title_before, normalise
from transforms.language.entities.ner_corrections import is_in_state, is_part_of_word
from transforms.language.entities.rules import GENERATIONS, ORGANISATION_WORDS
from transforms.language.given_names import GIVEN_NAMES

_WORD = re.compile(r"[^\W_]+")
_WORD_BEFORE = re.compile(r"([^\W_]+)[ \xa0]\Z")
_WORD_AFTER = re.compile(r"(?:['’ʼ]s)?[ \xa0-]([^\W_]+)")


class NameSearch:
    """The names to search for in the whole text, as printed, with the cluster of each."""

    def __init__(
        self,
        groups: MentionsByKey,
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
        # Surnames in capitals, as transcripts have them before what is said: "POE: No."
        self._transcript_names: dict[str, str] = {}
        for head, seen in groups.items():
            for name, key in {(s.name, s.key): None for s in seen}:
                if " " in name or key in expansions or key in labels.full_names:
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
        if key in self._groups:  # mentions of a surname that several people have
            if self._group_labels[key] == "PERSON":
                self._heads.setdefault(surname, key)
        elif [*self._people.surnames.get(key, ())] == [head]:
            self._heads.setdefault(surname, head)
            self._transcript_names.setdefault(surname.upper(), head)

    def add_single_words(
        self, single_words: Sequence[GazetteerMatch], forms: MentionsByKey, text: str
    ) -> None:
        """Add one-word names of the gazetteer that are not part of longer names of the article."""
        parts = {word for key in forms if " " in key for word in key.split()}
        for known in single_words:
            printed = text[known.start : known.end]
            if (
                known.entry.label in ("GPE", "ORG")
                and normalise(printed) not in parts
                and not is_in_state(text, known.end)
            ):
                self._heads.setdefault(printed, self._labels.add(known.entry))

    def find_cluster(self, name: str, following: str) -> str | None:
        """Return the cluster of a name that is printed before a character, or None."""
        return self._heads.get(name) or (
            self._transcript_names.get(name) if following == ":" else None
        )

    def is_certain(self, name: str) -> bool:
        """Return whether a name needs no further check: a full name, or one in a transcript."""
        head = self._heads.get(name)
        return not head or (" " in name and self._group_labels.get(head) == "PERSON")

    def lengths_by_first_word(self) -> dict[str, list[int]]:
        """Return the lengths of the names by their first word, the longest first."""
        found: dict[str, set[int]] = defaultdict(set)
        for name in {**self._heads, **self._transcript_names}:
            if word := _WORD.match(name):
                found[word[0]].add(len(name))
        return {word: sorted(lengths, reverse=True) for word, lengths in found.items()}


def find_further_mentions(
    document: Document, lines: Lines, groups: MentionsByKey, search: NameSearch
) -> Iterator[tuple[str, int, int]]:
    """Yield the cluster, start and end of each further mention. Offsets are code points.

    Names other than full names must not adjoin other proper nouns: the "Smith" of "Smith
    Foundation" is not a person.

    Args:
        document: the document.
        lines: the kinds of its lines.
        groups: the mentions that are known, by cluster.
        search: the names to search for.
    """
    text, index = document.text, document.index
    lengths = search.lengths_by_first_word()
    taken = bytearray(len(text))
    for seen in groups.values():
        for name in seen:
            taken[name.start : name.end] = b"\1" * (name.end - name.start)
    for word in _WORD.finditer(text, 0, document.analysed_end):
        start = word.start()
        for length in lengths.get(word[0], ()):
            end = start + length
            head = search.find_cluster(text[start:end], text[end : end + 1])
            if (
                head
                and start in index.first
                and end in index.last
                and 1 not in taken[start:end]
                and not is_part_of_word(text, start, end)
                and (
                    search.is_certain(text[start:end]) or _stands_apart(document, start, end, lines)
                )
            ):
                yield head, start, end
                taken[start:end] = b"\1" * length
                break


def _stands_apart(document: Document, start: int, end: int, lines: Lines) -> bool:
    """Return whether a name is not part of a longer one, judged by tags and capitals."""
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
    return not named or bool(find_title_before(text, start))
