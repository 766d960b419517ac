"""Label the names of an article, and tell names from other words that the model took for names.

A label comes from the gazetteer, from a rule, or from the majority of the model's labels.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from transforms.language.document import Document
from transforms.language.entities.clustering import MAX_PERSON_WORDS, MentionsByKey, is_place
from transforms.language.entities.gazetteer import Entry, Gazetteer
from transforms.language.entities.lines import Lines
from transforms.language.entities.names import (
    NameMention,
    find_ruled_label,
    is_of_united_states,
    normalise,
)
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
"""The normalised names that show that an article is about the United States."""

_COMMON_WORD = re.compile(r"(?<![^\W_])[a-z]{4,}(?![^\W_])")
_DEFINITE = re.compile(r"\b[Tt]he $")


class Labels:
    """The labels of the names of an article, and their entries in the gazetteer.

    Attributes:
        by_key: the label of each normalised name; "" if it is not a name.
        full_names: the normalised full name of each name that the gazetteer has.
    """

    def __init__(self, forms: MentionsByKey, text: str, gazetteer: Gazetteer | None) -> None:
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
        self.full_names: dict[str, str] = {}
        foreign: frozenset[str] = frozenset()
        if gazetteer and not _is_american(forms, majority, gazetteer):
            foreign = gazetteer.american
        for key, seen in forms.items():
            entry = gazetteer.entry(key, seen[0].name) if gazetteer else None
            if key in foreign and not any(is_of_united_states(s.name) for s in seen):
                continue  # some other country's Senate
            if entry and not self.is_a_persons(key) and not _is_elsewhere(entry, seen, text):
                self.full_names[key] = normalise(entry.name)
                self._entries[self.full_names[key]] = entry
        self.by_key = {key: self.label(key, seen) for key, seen in forms.items()}

    def is_a_persons(self, key: str) -> bool:
        """Return whether a word is part of the name of a person of the article."""
        return key in self._of_people

    def add(self, entry: Entry) -> str:
        """Add an entry that no name stood for so far, and return the key of its cluster."""
        key = normalise(entry.name)
        self._entries.setdefault(key, entry)
        return key

    def entry(self, key: str, label: str) -> Entry | None:
        """Return the entry of a normalised full name, or None if there is none with this label."""
        entry = self._entries.get(key)
        return entry if entry and entry.label == label else None

    def is_sure(self, key: str) -> bool:
        """Return whether the gazetteer or a rule confirms a name."""
        return key in self.full_names or bool(find_ruled_label(key, "ORG"))

    def label(self, key: str, seen: Sequence[NameMention]) -> str:
        """Return the label of a name by the gazetteer, by a rule, or else by the majority of
        mentions.

        It is "" if a rule says that this is not a name.
        """
        if key in self.full_names:
            return self._entries[self.full_names[key]].label
        if key in self._entries:
            return self._entries[key].label
        label = _majority(seen)
        ruled = find_ruled_label(key, label)
        if ruled is not None:
            return ruled
        return "PERSON" if label != "PERSON" and self._is_person(key, seen, label) else label

    def _is_person(self, key: str, seen: Sequence[NameMention], label: str) -> bool:
        """Return whether the model mistook a person's name for something else."""
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


def _is_american(forms: MentionsByKey, labels: Mapping[str, str], gazetteer: Gazetteer) -> bool:
    """Return whether an article names the United States more often than other countries."""
    mine = sum(len(seen) for key, seen in forms.items() if key in AMERICAN)
    others = sum(
        len(seen)
        for key, seen in forms.items()
        if labels[key] == "GPE" and key in gazetteer.entries and key not in AMERICAN
    )
    return mine > others


def _is_elsewhere(entry: Entry, seen: Sequence[NameMention], text: str) -> bool:
    """Return whether the text tells a place from its famous namesake: "Paris, Texas"."""
    return entry.label == "GPE" and any(is_in_state(text, s.end) for s in seen)


def _majority(seen: Sequence[NameMention]) -> str:
    """Return the most frequent label, the first of equals."""
    return Counter(s.label for s in seen).most_common(1)[0][0]


class NonNames:
    """The keys of what is not a name: common words, muddled names, phrases of headings.

    `find_further_mentions` finds the names within them again.
    """

    def __init__(
        self, document: Document, forms: MentionsByKey, labels: Labels, lines: Lines
    ) -> None:
        self._forms = forms
        self._labels = labels
        self._document = document
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        phrases = []
        for key, seen in self._forms.items():
            label = self._labels.by_key[key]
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
        """Return whether a key is two names, or a name after a stray word, as in headings."""
        words = key.split()
        if key in self._labels.full_names or not 3 <= len(words) <= MAX_PERSON_WORDS:
            return False
        rest = self._forms.get(" ".join(words[1:]), ())
        return (len(words[0]) > 1 and len(rest) > len(self._forms[key])) or any(
            " ".join(words[:cut]) in self._forms and " ".join(words[cut:]) in self._forms
            for cut in range(2, len(words) - 1)
        )

    def _is_common(self, key: str, seen: Sequence[NameMention]) -> bool:
        """Return whether a word is never tagged as a proper noun, nor part of a person's name."""
        return not self._labels.is_a_persons(key) and not any(
            self._document.index.is_named(s.start) for s in seen
        )

    def _is_in_headings(self, seen: Sequence[NameMention]) -> bool:
        return all(self._lines.is_heading(s.start) for s in seen)

    def _people(self) -> set[str]:
        """Return the first and last words of the names of people named outside headings."""
        return {
            word
            for key, seen in self._forms.items()
            if self._labels.by_key[key] == "PERSON" and not self._is_in_headings(seen)
            for word in (key.split()[0], key.split()[-1])
        }

    def _is_phrase(self, key: str, common: set[str], people: set[str]) -> bool:
        """Return whether words of a heading look like a name only because of their capitals."""
        first, *_, last = words = key.split()
        label = self._labels.by_key[key]
        if label == "PERSON" and len(words) == 2 and first in GIVEN_NAMES:
            return False
        if label != "PERSON" and len(words) > 2:
            return len(words) > MAX_PERSON_WORDS or ORGANISATION_WORDS.isdisjoint(words)
        return not common.isdisjoint(words) or not people.isdisjoint((first, last))
