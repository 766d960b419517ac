"""Cluster the names of an article: surnames, initials, acronyms and aliases with the full name.

The input is the mentions by normalised name, with a label for each name. The output is the mentions
by cluster, where the key of a cluster is the normalised name of its fullest form. The method is
string matching against the full names of the same article, and the aliases of the gazetteer.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from transforms.language.entities.names import NameMention, apply_label_rules, split_person_name
from transforms.language.entities.rules import FUNCTION_WORDS, GENERATIONAL_SUFFIXES

MAX_PERSON_WORDS: Final = 6
"""The maximum number of words of a person's name. A longer name is an error of the model."""

_LOCATIVE = re.compile(r"\b(?:in|near|outside|across|throughout)\s$", re.IGNORECASE)

MentionsByKey = dict[str, list[NameMention]]
"""Mentions by normalised name, or by the key of their cluster."""


class People(NamedTuple):
    """The people of an article. All names are normalised.

    Attributes:
        candidates: the full names that each name may stand for. A full name stands for itself, or
            for the only longer form of it.
        full_names_by_ending: the full names that each ending or shortened form may stand for, in
            order.
    """

    candidates: dict[str, list[str]]
    full_names_by_ending: dict[str, dict[str, None]]


def find_people(
    names: MentionsByKey, labels: Mapping[str, str], aliases: Mapping[str, str], text: str
) -> People:
    """Return the full names that each name of an article may stand for, the longest first.

    Args:
        names: the mentions by normalised name.
        labels: the label of each normalised name.
        aliases: the canonical name of each name that the gazetteer has, both normalised.
        text: the text of the article.
    """
    full_names = [
        key
        for key in names
        if labels[key] == "PERSON" and 2 <= len(split_person_name(key)) <= MAX_PERSON_WORDS
    ]
    full_names.sort(key=lambda key: (-len(key.split()), -len(key)))
    by_ending: dict[str, dict[str, None]] = defaultdict(dict)
    by_beginning: dict[str, dict[str, None]] = defaultdict(dict)
    candidates: dict[str, list[str]] = {}
    for key in full_names:
        longer = list(by_ending.get(key, ()))
        full_name = longer[0] if len(longer) == 1 else aliases.get(key, key)
        candidates[key] = [full_name]
        words = key.split()
        if words[-1] in GENERATIONAL_SUFFIXES:
            for first in range(len(words) - 1):
                by_ending[" ".join(words[first:])][full_name] = None
            words.pop()
            if " ".join(words) in names:  # the father, who has the shorter forms
                continue
            by_ending[" ".join(words)][full_name] = None
        for ending in _shorten(words):
            by_ending[ending][full_name] = None
        for last in range(1, len(words)):
            by_beginning[" ".join(words[:last])][full_name] = None
    for key, mentions in names.items():
        if key in candidates or key in aliases or apply_label_rules(key, labels[key]):
            continue
        if labels[key] in ("GPE", "LOC") and is_used_as_place(mentions, text):
            continue
        matches = by_ending.get(key)
        if not matches and labels[key] == "PERSON":
            matches = by_beginning.get(key)
        if matches:
            candidates[key] = list(matches)
    return People(candidates, by_ending)


def _shorten(words: list[str]) -> Iterator[str]:
    """Yield the shorter forms of a full name: its endings, and the last word after initials."""
    for first in range(1, len(words)):
        yield " ".join(words[first:])
    initials = "".join(word[0] for word in words[:-1])
    yield f"{words[0]} {words[-1]}"
    yield f"{initials[0]} {words[-1]}"
    yield f"{initials} {words[-1]}"
    if len(words) > 2:
        yield f"{words[0]} {initials[1:]} {words[-1]}"


def is_used_as_place(mentions: Sequence[NameMention], text: str) -> bool:
    """Return whether at least a third of the mentions follow "in", "near" or the like."""
    locative = sum(bool(_LOCATIVE.search(text[max(0, m.start - 12) : m.start])) for m in mentions)
    return 3 * locative >= len(mentions)


def expand_acronyms(
    names: MentionsByKey, labels: Mapping[str, str], stated: Mapping[str, str]
) -> dict[str, str]:
    """Return the full name of each acronym: the one stated, or the only one with these initials.

    Args:
        names: the mentions by normalised name.
        labels: the label of each normalised name.
        stated: the full names of acronyms that the text states in brackets.
    """
    by_initials: dict[str, dict[str, None]] = defaultdict(dict)
    for key in names:
        words = key.split()
        if len(words) > 1 and labels[key] not in ("PERSON", "NORP"):
            by_initials["".join(w[0] for w in words)][key] = None
            by_initials["".join(w[0] for w in words if w not in FUNCTION_WORDS)][key] = None
    expansions = {acronym: key for acronym, key in stated.items() if acronym != key}
    for key, mentions in names.items():
        full_names = list(by_initials.get(key, ()))
        if len(full_names) == 1 and len(key) > 1 and all(m.name.isupper() for m in mentions):
            expansions.setdefault(key, full_names[0])
    return expansions


def cluster_mentions(
    names: MentionsByKey, people: People, expansions: Mapping[str, str], aliases: Mapping[str, str]
) -> MentionsByKey:
    """Return the mentions by cluster.

    If a name may stand for several people, a title ("Sen.") that only one of them has decides. A
    name that stays ambiguous is a cluster by itself.

    Args:
        names: the mentions by normalised name.
        people: the people of the article.
        expansions: the full name of each acronym.
        aliases: the canonical name of each name that the gazetteer has, both normalised.
    """
    titles: dict[str, set[str | None]] = defaultdict(set)
    for key, candidates in people.candidates.items():
        if len(candidates) == 1:
            titles[candidates[0]].update(mention.title for mention in names[key])
    clusters: MentionsByKey = {}
    for key, mentions in names.items():
        expanded = key if key in aliases else expansions.get(key, key)
        candidates = people.candidates.get(key) or [aliases.get(expanded, expanded)]
        untitled = key if len(candidates) > 1 else candidates[0]
        by_title: dict[str | None, str] = {None: untitled}
        for mention in mentions:
            if mention.title not in by_title:
                titled = [name for name in candidates if mention.title in titles[name]]
                by_title[mention.title] = titled[0] if len(titled) == 1 else untitled
            clusters.setdefault(by_title[mention.title], []).append(mention)
    return clusters
