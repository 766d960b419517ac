"""What the names of an article stand for, and what the model took for names but is none."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from transforms.language.document import Document
from transforms.language.entities.clustering import MAX_PERSON_WORDS, Forms, is_place
from transforms.language.entities.gazetteer import Entry, Gazetteer
from transforms.language.entities.lines import Lines
from transforms.language.entities.names import Sighting, is_of_united_states, normalise, ruled_label
from transforms.language.entities.ner_corrections import is_in_state
from transforms.language.entities.rules import (
    LINK_WORDS,
    ORGANISATION_WORDS,
    PARTICLES,
    SIGNS_OF_AMERICA,
    STATES,
)
from transforms.language.given_names import GIVEN_NAMES

AMERICAN: Final = SIGNS_OF_AMERICA | {normalise(state) for state in STATES.values()}
"""Normalised names that tell an article about the United States."""

_COMMON_WORD = re.compile(r"(?<![^\W_])[a-z]{4,}(?![^\W_])")
_DEFINITE = re.compile(r"\b[Tt]he $")


class Labels:
    """What the names of an article stand for: labels, and the entries of the gazetteer."""

    def __init__(self, forms: Forms, text: str, gazetteer: Gazetteer | None) -> None:
        self._text = text
        self._gazetteer = gazetteer
        majority = {key: _majority(seen) for key, seen in forms.items()}
        # "Jordan" in an article about Jim Jordan, or about Jordan Poe, may be either.
        self._of_people = {
            word
            for key, label in majority.items()
            if label == "PERSON" and " " in key
            for word in (key.split()[0], key.split()[-1])
        }
        self._entries: dict[str, Entry] = {}
        """By the normalised full name."""
        self.full: dict[str, str] = {}
        """The normalised full names of those for which names stand, themselves included."""
        foreign: frozenset[str] = frozenset()
        if gazetteer and not _is_american(forms, majority, gazetteer):
            foreign = gazetteer.american
        for key, seen in forms.items():
            entry = gazetteer.entry(key, seen[0].name) if gazetteer else None
            if key in foreign and not any(is_of_united_states(s.name) for s in seen):
                continue  # some other country's Senate
            if entry and not self.is_a_persons(key) and not _is_elsewhere(entry, seen, text):
                self.full[key] = normalise(entry.name)
                self._entries[self.full[key]] = entry
        self.of = {key: self.label(key, seen) for key, seen in forms.items()}
        """By normalised name."""

    def is_a_persons(self, key: str) -> bool:
        """Whether a word is part of the name of a person of the article."""
        return key in self._of_people

    def add(self, entry: Entry) -> str:
        """The key of a group for an entry that nothing stood for so far."""
        key = normalise(entry.name)
        self._entries.setdefault(key, entry)
        return key

    def entry(self, key: str, label: str) -> Entry | None:
        """The entry for a full name, if it is of this label."""
        entry = self._entries.get(key)
        return entry if entry and entry.label == label else None

    def is_sure(self, key: str) -> bool:
        """Whether a name is one by the gazetteer or by a rule."""
        return key in self.full or bool(ruled_label(key, "ORG"))

    def label(self, key: str, seen: Sequence[Sighting]) -> str:
        """The label by gazetteer or rule, or else of most sightings; "" if it is no name."""
        if key in self.full:
            return self._entries[self.full[key]].label
        if key in self._entries:
            return self._entries[key].label
        label = _majority(seen)
        ruled = ruled_label(key, label)
        if ruled is not None:
            return ruled
        return "PERSON" if label != "PERSON" and self._is_person(key, seen, label) else label

    def _is_person(self, key: str, seen: Sequence[Sighting], label: str) -> bool:
        """Whether the model mistook a person's name for something else."""
        if label not in ("ORG", "GPE", "FAC"):
            return False
        words = key.split()
        surnames = self._gazetteer.surnames if self._gazetteer else frozenset[str]()
        if len(words) == 1:
            if is_place(seen, self._text):
                return False
            if key in GIVEN_NAMES or (label == "ORG" and self.is_a_persons(key)):
                return True
            shouted = all(s.name.isupper() for s in seen)
            definite = any(_DEFINITE.search(self._text, max(0, s.start - 4), s.start) for s in seen)
            return key in surnames and not shouted and not definite
        printed = seen[0].name.replace("-", " ").replace(".", "").split()
        return (
            len(words) <= 4
            and words[0] in GIVEN_NAMES
            and all(word.isalpha() and (word[0].isupper() or word in PARTICLES) for word in printed)
            and ORGANISATION_WORDS.isdisjoint(words)
            and (LINK_WORDS - PARTICLES).isdisjoint(words)
        )


def _is_american(forms: Forms, labels: Mapping[str, str], gazetteer: Gazetteer) -> bool:
    """Whether an article names the United States, or its parties and states, more than others."""
    mine = sum(len(seen) for key, seen in forms.items() if key in AMERICAN)
    others = sum(
        len(seen)
        for key, seen in forms.items()
        if labels[key] == "GPE" and key in gazetteer.entries and key not in AMERICAN
    )
    return mine > others


def _is_elsewhere(entry: Entry, seen: Sequence[Sighting], text: str) -> bool:
    """Whether a place is told from the well-known one: "Paris, Texas"."""
    return entry.label == "GPE" and any(is_in_state(text, s.end) for s in seen)


def _majority(seen: Sequence[Sighting]) -> str:
    """The label of most; of equals, the one seen first."""
    return Counter(s.label for s in seen).most_common(1)[0][0]


class NoNames:
    """Tells what is no name of an article: common things, muddled names, phrases of headings.

    What is a name in them is found again by `missed`.
    """

    def __init__(self, document: Document, forms: Forms, labels: Labels, lines: Lines) -> None:
        self._forms = forms
        self._labels = labels
        self._document = document
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        phrases = []
        for key, seen in self._forms.items():
            label = self._labels.of[key]
            if not label or (label == "PERSON" and self._is_muddle(key)):
                yield key
            elif self._labels.is_sure(key):
                continue
            elif " " not in key:
                if label not in ("NORP", "GPE") and self._is_common(key, seen):
                    yield key
            elif self._is_in_headings(seen):
                phrases.append(key)
        if phrases:
            common = set(_COMMON_WORD.findall(self._document.text))
            people = self._people()
            yield from (key for key in phrases if self._is_phrase(key, common, people))

    def _is_muddle(self, key: str) -> bool:
        """A full name with another, or with a stray word before it, as the model reads headings."""
        words = key.split()
        if key in self._labels.full or not 3 <= len(words) <= MAX_PERSON_WORDS:
            return False
        rest = self._forms.get(" ".join(words[1:]), ())
        return (len(words[0]) > 1 and len(rest) > len(self._forms[key])) or any(
            " ".join(words[:cut]) in self._forms and " ".join(words[cut:]) in self._forms
            for cut in range(2, len(words) - 1)
        )

    def _is_common(self, key: str, seen: Sequence[Sighting]) -> bool:
        """Whether a word is nowhere tagged as a name, and is no person's."""
        return not self._labels.is_a_persons(key) and not any(
            self._document.index.is_named(s.start) for s in seen
        )

    def _is_in_headings(self, seen: Sequence[Sighting]) -> bool:
        return all(self._lines.is_heading(s.start) for s in seen)

    def _people(self) -> set[str]:
        """First and last words of the people who are named elsewhere than in headings."""
        return {
            word
            for key, seen in self._forms.items()
            if self._labels.of[key] == "PERSON" and not self._is_in_headings(seen)
            for word in (key.split()[0], key.split()[-1])
        }

    def _is_phrase(self, key: str, common: set[str], people: set[str]) -> bool:
        """Whether words that only headings have together are a name by nothing but capitals."""
        first, *_, last = words = key.split()
        label = self._labels.of[key]
        if label == "PERSON" and len(words) == 2 and first in GIVEN_NAMES:
            return False
        if label != "PERSON" and len(words) > 2:
            return len(words) > MAX_PERSON_WORDS or ORGANISATION_WORDS.isdisjoint(words)
        return not common.isdisjoint(words) or not people.isdisjoint((first, last))
