"""Which names of an article stand for one another: surnames, initials, acronyms, aliases."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from transforms.language.entities.names import Sighting, ruled_label
from transforms.language.entities.rules import GENERATIONS, LINK_WORDS

MAX_PERSON_WORDS: Final = 6
"""A person's name of more words is a mistake, and nothing is concluded from it."""

_LOCATIVE = re.compile(r"\b(?:in|near|outside|across|throughout)\s$", re.IGNORECASE)

Forms = dict[str, list[Sighting]]
"""Sightings by normalised name."""


class People(NamedTuple):
    """The people of an article."""

    homes: dict[str, list[str]]
    """For each form of a person's name the full names that it may stand for."""
    surnames: dict[str, dict[str, None]]
    """For each ending or shortening of a name the full names that have it."""


def find_people(
    forms: Forms, labels: Mapping[str, str], same: Mapping[str, str], text: str
) -> People:
    """Which forms may stand for which full names; the longest names come first.

    ``same`` has the full name of aliases.
    """
    full = [
        key for key in forms if labels[key] == "PERSON" and 2 <= name_words(key) <= MAX_PERSON_WORDS
    ]
    full.sort(key=lambda key: (-len(key.split()), -len(key)))
    endings: dict[str, dict[str, None]] = defaultdict(dict)
    openings: dict[str, dict[str, None]] = defaultdict(dict)
    homes: dict[str, list[str]] = {}
    for key in full:
        longer = list(endings.get(key, ()))
        head = longer[0] if len(longer) == 1 else same.get(key, key)
        homes[key] = [head]
        words = key.split()
        if words[-1] in GENERATIONS:
            for first in range(len(words) - 1):
                endings[" ".join(words[first:])][head] = None
            words.pop()
            if " ".join(words) in forms:  # the father, whose name it is
                continue
            endings[" ".join(words)][head] = None
        for ending in _shorter(words):
            endings[ending][head] = None
        for last in range(1, len(words)):
            openings[" ".join(words[:last])][head] = None
    for key, seen in forms.items():
        if key in homes or key in same or ruled_label(key, labels[key]):
            continue
        if labels[key] in ("GPE", "LOC") and is_place(seen, text):
            continue
        if found := endings.get(key) or (openings.get(key) if labels[key] == "PERSON" else None):
            homes[key] = list(found)
    return People(homes, endings)


def name_words(key: str) -> int:
    """How many words a name has without "Jr."."""
    return sum(word not in GENERATIONS for word in key.split())


def _shorter(words: list[str]) -> Iterator[str]:
    """Other forms of a full name: its endings, and fewer or shorter words before the last."""
    for first in range(1, len(words)):
        yield " ".join(words[first:])
    initials = "".join(word[0] for word in words[:-1])
    yield f"{words[0]} {words[-1]}"
    yield f"{initials[0]} {words[-1]}"
    yield f"{initials} {words[-1]}"
    if len(words) > 2:
        yield f"{words[0]} {initials[1:]} {words[-1]}"


def is_place(seen: Sequence[Sighting], text: str) -> bool:
    """Whether something is said to be in what is seen."""
    places = sum(bool(_LOCATIVE.search(text[max(0, s.start - 12) : s.start])) for s in seen)
    return 3 * places >= len(seen)


def find_acronyms(
    forms: Forms, labels: Mapping[str, str], stated: Mapping[str, str]
) -> dict[str, str]:
    """The expansion of each acronym: the one stated, or the only name with these initials."""
    by_initials: dict[str, dict[str, None]] = defaultdict(dict)
    for key in forms:
        words = key.split()
        if len(words) > 1 and labels[key] not in ("PERSON", "NORP"):
            by_initials["".join(w[0] for w in words)][key] = None
            by_initials["".join(w[0] for w in words if w not in LINK_WORDS)][key] = None
    expansions = {acronym: key for acronym, key in stated.items() if acronym != key}
    for key, seen in forms.items():
        found = list(by_initials.get(key, ()))
        if len(found) == 1 and len(key) > 1 and all(s.name.isupper() for s in seen):
            expansions.setdefault(key, found[0])
    return expansions


def group(
    forms: Forms, people: People, expansions: Mapping[str, str], same: Mapping[str, str]
) -> Forms:
    """Sightings by the key of the fullest form."""
    titles: dict[str, set[str | None]] = defaultdict(set)
    for key, heads in people.homes.items():
        if len(heads) == 1:
            titles[heads[0]].update(sighting.title for sighting in forms[key])
    groups: Forms = {}
    for key, seen in forms.items():
        full = key if key in same else expansions.get(key, key)
        heads = people.homes.get(key) or [same.get(full, full)]
        by_title: dict[str | None, str] = {None: key if len(heads) > 1 else heads[0]}
        for sighting in seen:
            if sighting.title not in by_title:
                fitting = [head for head in heads if sighting.title in titles[head]]
                only = fitting if len(fitting) == 1 else [by_title[None]]
                by_title[sighting.title] = only[0]
            groups.setdefault(by_title[sighting.title], []).append(sighting)
    return groups
