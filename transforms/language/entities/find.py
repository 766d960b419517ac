"""Find the entities of a document: names corrected, labelled and clustered, each under one name.

`find_entities` takes these steps. The time of each is linear in the length of the text.

1. `find_names`: the names that the model found, corrected, and names that are certain.
2. `_index_by_key`: the mentions by normalised name, and the acronyms stated in brackets.
3. `Labels`: the label and the full name of each, by the gazetteer, by rule or by majority.
   `NonNames` drops what is not a name.
4. `find_people`, `expand_acronyms` and `cluster`: which names stand for which fuller name.
5. `find_further_mentions`: further mentions of the names that are now known.
6. People who are named only in credits are dropped.
"""

import re
from collections.abc import Sequence

from schemas import Entity, Mention
from schemas.ids import entity_id_of
from transforms.language.document import Document
from transforms.language.entities.clustering import (
    MentionsByKey,
    cluster,
    expand_acronyms,
    find_people,
)
from transforms.language.entities.further_mentions import NameSearch, find_further_mentions
from transforms.language.entities.gazetteer import Gazetteer
from transforms.language.entities.labels import Labels, NonNames
from transforms.language.entities.lines import Lines
from transforms.language.entities.names import (
    NameMention,
    find_title_before,
    is_acronym_of,
    make_mention,
)
from transforms.language.entities.ner_corrections import find_names
from transforms.language.record_keys import RecordKeys

_LONG_WORD = re.compile(r"[^\W\d_]{5,}")
"""A word that is too long for an acronym."""
_STATED = re.compile(r"\s?\(([A-Z][A-Za-z.&]{1,9})\)")


def find_entities(
    document: Document, keys: RecordKeys, gazetteer: Gazetteer | None = None
) -> list[Entity]:
    """Return the entities of an article in the order of their first mention.

    Args:
        document: The text of the article.
        keys: The fields that the records have in common.
        gazetteer: The names that are known to be sure.
    """
    text, lines = document.text, Lines(document.text)
    names = find_names(document, gazetteer)
    forms, stated = _index_by_key(text, names.mentions)
    labels = Labels(forms, text, gazetteer)
    for key in [*NonNames(document, forms, labels, lines)]:
        del forms[key], labels.by_key[key]
    people = find_people(forms, labels.by_key, labels.full_names, text)
    expansions = expand_acronyms(forms, labels.by_key, stated)
    groups = cluster(forms, people, expansions, labels.full_names)
    # A person's surname may be mislabelled more often than not, so the full name decides.
    persons = {
        *people.full_names,
        *(head for heads in people.full_names.values() for head in heads),
    }
    group_labels = {
        head: "PERSON" if head in persons else labels.label(head, seen)
        for head, seen in groups.items()
    }
    search = NameSearch(groups, group_labels, people, expansions, labels)
    search.add_single_words(names.single_words, forms, text)
    for head, start, end in find_further_mentions(document, lines, groups, search):
        if head not in groups:
            groups[head], group_labels[head] = [], labels.label(head, ())
        title = find_title_before(text, start)
        groups[head].append(make_mention(text, start, end, group_labels[head], title))

    found: dict[tuple[str, str], tuple[str | None, list[NameMention]]] = {}
    for head, seen in groups.items():
        label = group_labels[head]
        if label == "PERSON" and all(lines.is_credit(s.start, s.end) for s in seen):
            continue
        entry = labels.entry(head, label)
        name = entry.name if entry else _canonical(seen, label)
        found.setdefault((name, label), (entry and entry.wikidata_id, []))[1].extend(seen)
    entities = []
    for (name, label), (wikidata_id, seen) in found.items():
        mentions = [Mention(s.start, s.end, text[s.start : s.end]) for s in sorted(seen)]
        entities.append(
            Entity(
                entity_id=entity_id_of(keys.article_id, name, label),
                article_id=keys.article_id,
                run_id=keys.run_id,
                day=keys.day,
                name=name,
                label=label,
                wikidata_id=wikidata_id,
                mentions=mentions,
                count=len(mentions),
                first_start=mentions[0].start,
            )
        )
    return sorted(entities, key=lambda entity: entity.first_start)


def _index_by_key(text: str, names: Sequence[NameMention]) -> tuple[MentionsByKey, dict[str, str]]:
    """Return the mentions by normalised name, and the full name of each acronym in brackets."""
    forms: MentionsByKey = {}
    stated: dict[str, str] = {}
    last_end = 0
    for name, following in zip(names, [*names[1:], None], strict=False):
        if name.start < last_end:  # the acronym that was just read
            continue
        forms.setdefault(name.key, []).append(name)
        last_end = name.end
        match = _STATED.match(text, name.end)
        if match and name.label != "PERSON" and is_acronym_of(match[1], name.key):
            start, end = match.span(1)
            # The model's name at this place is taken for the acronym, unless it is longer.
            if not following or following.start >= end or following.end <= end:
                acronym = make_mention(text, start, end, name.label)
                forms.setdefault(acronym.key, []).append(acronym)
                stated.setdefault(acronym.key, name.key)
                last_end = end
    return forms, stated


def _canonical(seen: Sequence[NameMention], label: str) -> str:
    """Return the canonical name of a cluster: the fullest form as printed, the first of equals.

    A form in capitals is used only if there is no other. A place or person that is printed only in
    capitals ("LISBON, Nov. 3") gets them in title case.
    """
    name = min(
        sorted(seen),
        key=lambda s: (-len(s.key.split()), s.name.isupper(), -sum(map(str.isalpha, s.name))),
    ).name
    shouted = label in ("GPE", "PERSON") and name.isupper() and _LONG_WORD.search(name)
    return name.title() if shouted else name
