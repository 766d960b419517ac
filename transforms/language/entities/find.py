"""Entities of an article: the model's names trimmed, mended and grouped, each under one name.

`find_entities` goes through these steps, each linear in the text:

1. `find_names`: what the model found, mended, with names that are sure.
2. `_forms`: the names by what they are compared by, and acronyms stated in brackets.
3. `Labels`: labels and full names, by the gazetteer, by rule or by majority; `NoNames` are
   left out.
4. `find_people`, `find_acronyms` and `group`: which forms stand for which fuller form.
5. `missed`: further places at which a name now known is printed.
6. People who are named in credits alone are left out.
"""

import re
from collections.abc import Sequence

from schemas import Entity, Mention
from schemas.ids import entity_id_of
from transforms.language.document import Document
from transforms.language.entities.clustering import Forms, find_acronyms, find_people, group
from transforms.language.entities.further_mentions import Sought, missed
from transforms.language.entities.gazetteer import Gazetteer
from transforms.language.entities.labels import Labels, NoNames
from transforms.language.entities.lines import Lines
from transforms.language.entities.names import Sighting, abbreviates, sighting, title_before
from transforms.language.entities.ner_corrections import find_names
from transforms.language.record_keys import RecordKeys

_LONG_WORD = re.compile(r"[^\W\d_]{5,}")
"""What is longer than acronyms are."""
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
    forms, stated = _forms(text, names.sightings)
    labels = Labels(forms, text, gazetteer)
    for key in [*NoNames(document, forms, labels, lines)]:
        del forms[key], labels.of[key]
    people = find_people(forms, labels.of, labels.full, text)
    expansions = find_acronyms(forms, labels.of, stated)
    groups = group(forms, people, expansions, labels.full)
    # A person's surname may be mislabelled more often than not, so the full name decides.
    persons = {*people.homes, *(head for heads in people.homes.values() for head in heads)}
    group_labels = {
        head: "PERSON" if head in persons else labels.label(head, seen)
        for head, seen in groups.items()
    }
    sought = Sought(groups, group_labels, people, expansions, labels)
    sought.add_singles(names.singles, forms, text)
    for head, start, end in missed(document, lines, groups, sought):
        if head not in groups:
            groups[head], group_labels[head] = [], labels.label(head, ())
        title = title_before(text, start)
        groups[head].append(sighting(text, start, end, group_labels[head], title))

    found: dict[tuple[str, str], tuple[str | None, list[Sighting]]] = {}
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


def _forms(text: str, names: Sequence[Sighting]) -> tuple[Forms, dict[str, str]]:
    """The names by key, and the name for which each acronym stated in brackets stands."""
    forms: Forms = {}
    stated: dict[str, str] = {}
    last_end = 0
    for name, following in zip(names, [*names[1:], None], strict=False):
        if name.start < last_end:  # the acronym that was just read
            continue
        forms.setdefault(name.key, []).append(name)
        last_end = name.end
        match = _STATED.match(text, name.end)
        if match and name.label != "PERSON" and abbreviates(match[1], name.key):
            start, end = match.span(1)
            # What the model sees there is read as the acronym, unless it sees more than that.
            if not following or following.start >= end or following.end <= end:
                acronym = sighting(text, start, end, name.label)
                forms.setdefault(acronym.key, []).append(acronym)
                stated.setdefault(acronym.key, name.key)
                last_end = end
    return forms, stated


def _canonical(seen: Sequence[Sighting], label: str) -> str:
    """The fullest form as printed, in capitals only if there is no other; of equals the first.

    A place or person that is printed in capitals only ("LISBON, Nov. 3") has a name all the same.
    """
    name = min(
        sorted(seen),
        key=lambda s: (-len(s.key.split()), s.name.isupper(), -sum(map(str.isalpha, s.name))),
    ).name
    shouted = label in ("GPE", "PERSON") and name.isupper() and _LONG_WORD.search(name)
    return name.title() if shouted else name
