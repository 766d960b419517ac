"""Label the names of an article, and find the words that the model wrongly took for names.

The input is the mentions by normalised name. The output is a label for each name, and the names to
drop. A label comes from the gazetteer, from a rule, or from the majority of the model's labels.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from transforms.language.document import Document
from transforms.language.entities.clustering import (
    MAX_PERSON_WORDS,
    MentionsByKey,
    is_used_as_place,
)
from transforms.language.entities.gazetteer import Entry, Gazetteer
from transforms.language.entities.line_classifier import LineClassifier
from transforms.language.entities.names import (
    NameMention,
    apply_label_rules,
    is_of_united_states,
    normalise,
)
from transforms.language.entities.ner_corrections import is_in_state
from transforms.language.entities.rules import (
    FUNCTION_WORDS,
    ORGANISATION_WORDS,
    PARTICLES,
    STATES,
    US_INDICATORS,
)
from transforms.language.given_names import GIVEN_NAMES

_US_NAMES: Final = US_INDICATORS | {normalise(state) for state in STATES.values()}
"""The normalised names that show that an article is about the United States."""

_COMMON_WORD = re.compile(r"(?<![^\W_])[a-z]{4,}(?![^\W_])")
_THE_BEFORE = re.compile(r"\b[Tt]he $")


class Labels:
    """The labels of the names of an article, and their entries in the gazetteer.

    Args:
        names: the mentions by normalised name.
        text: the text of the article.
        gazetteer: the well-known names; None for no gazetteer.

    Attributes:
        by_key: the label of each normalised name; "" if it is not a name.
        full_names: the canonical name of each name that the gazetteer has, both normalised.
    """

    def __init__(self, names: MentionsByKey, text: str, gazetteer: Gazetteer | None) -> None:
        self._text = text
        self._gazetteer = gazetteer
        majority = {key: _choose_majority_label(mentions) for key, mentions in names.items()}
        # "Jordan" in an article about Jim Jordan, or about Jordan Poe, may not be the country.
        self._words_of_people = {
            word
            for key, label in majority.items()
            if label == "PERSON" and " " in key
            for word in (key.split()[0], key.split()[-1])
        }
        self._entries: dict[str, Entry] = {}
        self.full_names: dict[str, str] = {}
        # In an article about another country, "Senate" is not the United States Senate.
        needs_country: frozenset[str] = frozenset()
        if gazetteer and not _is_about_united_states(names, majority, gazetteer):
            needs_country = gazetteer.of_united_states
        for key, mentions in names.items():
            entry = gazetteer.find_entry(key, mentions[0].name) if gazetteer else None
            if key in needs_country and not any(is_of_united_states(m.name) for m in mentions):
                continue
            if (
                entry
                and not self.is_word_of_person(key)
                and not _is_in_other_state(entry, mentions, text)
            ):
                self.full_names[key] = normalise(entry.name)
                self._entries[self.full_names[key]] = entry
        self.by_key = {key: self.choose_label(key, mentions) for key, mentions in names.items()}

    def is_word_of_person(self, word: str) -> bool:
        """Return whether a word begins or ends the full name of a person of the article."""
        return word in self._words_of_people

    def add_entry(self, entry: Entry) -> str:
        """Add an entry that no name stood for so far, and return the key of its cluster."""
        key = normalise(entry.name)
        self._entries.setdefault(key, entry)
        return key

    def find_entry(self, key: str, label: str) -> Entry | None:
        """Return the entry of a normalised canonical name, or None if none has this label."""
        entry = self._entries.get(key)
        return entry if entry and entry.label == label else None

    def is_confirmed(self, key: str) -> bool:
        """Return whether the gazetteer or a rule confirms that this is a name."""
        return key in self.full_names or bool(apply_label_rules(key, "ORG"))

    def choose_label(self, key: str, mentions: Sequence[NameMention]) -> str:
        """Return the label of a name by the gazetteer, else by a rule, else by majority.

        Args:
            key: the normalised name.
            mentions: its mentions; may be empty if the gazetteer has the name.

        Returns:
            The label, or "" if a rule says that this is not a name.
        """
        if key in self.full_names:
            return self._entries[self.full_names[key]].label
        if key in self._entries:
            return self._entries[key].label
        label = _choose_majority_label(mentions)
        ruled = apply_label_rules(key, label)
        if ruled is not None:
            return ruled
        return "PERSON" if self._is_mislabelled_person(key, mentions, label) else label

    def _is_mislabelled_person(self, key: str, mentions: Sequence[NameMention], label: str) -> bool:
        """Return whether a name that the model labelled otherwise is that of a person."""
        if label not in ("ORG", "GPE", "FAC"):
            return False
        words = key.split()
        surnames = self._gazetteer.surnames if self._gazetteer else frozenset[str]()
        if len(words) == 1:
            if is_used_as_place(mentions, self._text):
                return False
            if key in GIVEN_NAMES or (label == "ORG" and self.is_word_of_person(key)):
                return True
            in_capitals = all(m.name.isupper() for m in mentions)
            after_the = any(
                _THE_BEFORE.search(self._text, max(0, m.start - 4), m.start) for m in mentions
            )
            return key in surnames and not in_capitals and not after_the
        printed = mentions[0].name.replace("-", " ").replace(".", "").split()
        return (
            len(words) <= 4
            and words[0] in GIVEN_NAMES
            and all(word.isalpha() and (word[0].isupper() or word in PARTICLES) for word in printed)
            and ORGANISATION_WORDS.isdisjoint(words)
            and (FUNCTION_WORDS - PARTICLES).isdisjoint(words)
        )


def _is_about_united_states(
    names: MentionsByKey, labels: Mapping[str, str], gazetteer: Gazetteer
) -> bool:
    """Return whether an article mentions the United States more often than other places."""
    of_united_states = sum(len(mentions) for key, mentions in names.items() if key in _US_NAMES)
    of_other_places = sum(
        len(mentions)
        for key, mentions in names.items()
        if labels[key] == "GPE" and key in gazetteer.entries and key not in _US_NAMES
    )
    return of_united_states > of_other_places


def _is_in_other_state(entry: Entry, mentions: Sequence[NameMention], text: str) -> bool:
    """Return whether the text tells a place from its famous namesake: "Paris, Texas"."""
    return entry.label == "GPE" and any(is_in_state(text, m.end) for m in mentions)


def _choose_majority_label(mentions: Sequence[NameMention]) -> str:
    """Return the most frequent label by the model, the first of equally frequent ones."""
    labels = [mention.label for mention in mentions]
    return max(dict.fromkeys(labels), key=labels.count)


class NonNameFinder:
    """The finder of keys that are not names: common words, muddled names, phrases of headings.

    `find_further_mentions` finds the names within them again.

    Args:
        document: the document.
        names: the mentions by normalised name.
        labels: the labels of these names.
        lines: the headings and credits of the document.
    """

    def __init__(
        self, document: Document, names: MentionsByKey, labels: Labels, lines: LineClassifier
    ) -> None:
        self._names = names
        self._labels = labels
        self._document = document
        self._lines = lines

    def find(self) -> Iterator[str]:
        """Yield the normalised names that are not names."""
        heading_phrases = []
        for key, mentions in self._names.items():
            label = self._labels.by_key[key]
            if not label or (label == "PERSON" and self._is_muddled(key)):
                yield key
            elif self._labels.is_confirmed(key):
                continue
            elif " " not in key:
                if label not in ("NORP", "GPE") and self._is_common_word(key, mentions):
                    yield key
            elif self._is_only_in_headings(mentions):
                heading_phrases.append(key)
        if heading_phrases:
            common = set(_COMMON_WORD.findall(self._document.text))
            people = self._words_of_people_outside_headings()
            for key in heading_phrases:
                if self._is_capitalised_phrase(key, common, people):
                    yield key

    def _is_muddled(self, key: str) -> bool:
        """Return whether a key is two names, or a name after a stray word, as in headings."""
        words = key.split()
        if key in self._labels.full_names or not 3 <= len(words) <= MAX_PERSON_WORDS:
            return False
        without_first = self._names.get(" ".join(words[1:]), ())
        return (len(words[0]) > 1 and len(without_first) > len(self._names[key])) or any(
            " ".join(words[:cut]) in self._names and " ".join(words[cut:]) in self._names
            for cut in range(2, len(words) - 1)
        )

    def _is_common_word(self, key: str, mentions: Sequence[NameMention]) -> bool:
        """Return whether a word is never tagged as a name, and not part of a person's name."""
        return not self._labels.is_word_of_person(key) and not any(
            self._document.index.may_start_name(m.start) for m in mentions
        )

    def _is_only_in_headings(self, mentions: Sequence[NameMention]) -> bool:
        return all(self._lines.is_heading(m.start) for m in mentions)

    def _words_of_people_outside_headings(self) -> set[str]:
        """Return the first and last words of the names of people named outside headings."""
        return {
            word
            for key, mentions in self._names.items()
            if self._labels.by_key[key] == "PERSON" and not self._is_only_in_headings(mentions)
            for word in (key.split()[0], key.split()[-1])
        }

    def _is_capitalised_phrase(self, key: str, common: set[str], people: set[str]) -> bool:
        """Return whether words of a heading look like a name only because of their capitals.

        Args:
            key: the normalised words.
            common: the words that the text has in lower case.
            people: the first and last words of the names of people.
        """
        first, *_, last = words = key.split()
        label = self._labels.by_key[key]
        if label == "PERSON" and len(words) == 2 and first in GIVEN_NAMES:
            return False
        if label != "PERSON" and len(words) > 2:
            return len(words) > MAX_PERSON_WORDS or ORGANISATION_WORDS.isdisjoint(words)
        return not common.isdisjoint(words) or not people.isdisjoint((first, last))
