"""Cluster the names of an article: surnames, initials, acronyms and aliases with the full name."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from transforms.language.entities.names import NameMention, find_ruled_label
from transforms.language.entities.rules import GENERATIONS, LINK_WORDS

MAX_PERSON_WORDS: Final = 6
"""The most words of a person's name. A longer one is a mistake of the model and is ignored."""

_LOCATIVE = re.compile(r"\b(?:in|near|outside|across|throughout)\s$", re.IGNORECASE)

MentionsByKey = dict[str, list[NameMention]]
"""Mentions by normalised name."""


class People(NamedTuple):
    """The people of an article. All names are normalised.

    Attributes:
        full_names: the full names that each form of a name may stand for.
        surnames: the full names that have an ending or shortening, in order.
    """

    full_names: dict[str, list[str]]
    surnames: dict[str, dict[str, None]]


def find_people(
    forms: MentionsByKey, labels: Mapping[str, str], same: Mapping[str, str], text: str
) -> People:
    """Return which forms of names may stand for which full names; the longest names come first.

    Args:
        forms: the mentions of the article.
        labels: the label of each normalised name.
        same: the full name of each alias, by the gazetteer.
        text: the text of the article.
    """
    full = [
        key for key in forms if labels[key] == "PERSON" and 2 <= name_words(key) <= MAX_PERSON_WORDS
    ]
    full.sort(key=lambda key: (-len(key.split()), -len(key)))
    endings: dict[str, dict[str, None]] = defaultdict(dict)
    openings: dict[str, dict[str, None]] = defaultdict(dict)
    full_names: dict[str, list[str]] = {}
    for key in full:
        longer = list(endings.get(key, ()))
        head = longer[0] if len(longer) == 1 else same.get(key, key)
        full_names[key] = [head]
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
        if key in full_names or key in same or find_ruled_label(key, labels[key]):
            continue
        if labels[key] in ("GPE", "LOC") and is_place(seen, text):
            continue
        if found := endings.get(key) or (openings.get(key) if labels[key] == "PERSON" else None):
            full_names[key] = list(found)
    return People(full_names, endings)


def name_words(key: str) -> int:
    """Return how many words a name has without "Jr."."""
    return sum(word not in GENERATIONS for word in key.split())


def _shorter(words: list[str]) -> Iterator[str]:
    """Yield shorter forms of a full name: its endings, and the last word after fewer words."""
    for first in range(1, len(words)):
        yield " ".join(words[first:])
    initials = "".join(word[0] for word in words[:-1])
    yield f"{words[0]} {words[-1]}"
    yield f"{initials[0]} {words[-1]}"
    yield f"{initials} {words[-1]}"
    if len(words) > 2:
        yield f"{words[0]} {initials[1:]} {words[-1]}"


def is_place(seen: Sequence[NameMention], text: str) -> bool:
    """Return whether the text says that something is in it: a third of the mentions follow "in"."""
    places = sum(bool(_LOCATIVE.search(text[max(0, s.start - 12) : s.start])) for s in seen)
    return 3 * places >= len(seen)


def expand_acronyms(
    forms: MentionsByKey, labels: Mapping[str, str], stated: Mapping[str, str]
) -> dict[str, str]:
    """Return the full name of each acronym: the one stated, or the only one with these initials."""
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


def cluster(
    forms: MentionsByKey, people: People, expansions: Mapping[str, str], same: Mapping[str, str]
) -> MentionsByKey:
    """Return the mentions by the key of their fullest name.

    Where a form fits several people, a title ("Sen.") that only one of them has decides.

    Args:
        forms: the mentions of the article.
        people: the people of the article.
        expansions: the full name of each acronym.
        same: the full name of each alias, by the gazetteer.
    """
    titles: dict[str, set[str | None]] = defaultdict(set)
    for key, heads in people.full_names.items():
        if len(heads) == 1:
            titles[heads[0]].update(mention.title for mention in forms[key])
    groups: MentionsByKey = {}
    for key, seen in forms.items():
        full = key if key in same else expansions.get(key, key)
        heads = people.full_names.get(key) or [same.get(full, full)]
        by_title: dict[str | None, str] = {None: key if len(heads) > 1 else heads[0]}
        for mention in seen:
            if mention.title not in by_title:
                fitting = [head for head in heads if mention.title in titles[head]]
                only = fitting if len(fitting) == 1 else [by_title[None]]
                by_title[mention.title] = only[0]
            groups.setdefault(by_title[mention.title], []).append(mention)
    return groups
