"""Find the entities of a document: correct, label and cluster the names that the model found.

`find_entities` turns a `Document` into `Entity` records in these steps. The time of each is linear
in the length of the text.

1. `find_names` corrects the names that the model found, and adds names that are certain.
2. `_index_by_key` indexes the mentions by normalised name, and finds acronyms stated in brackets.
3. `Labels` labels each name by the gazetteer, by rule or by majority. `NonNameFinder` finds common
   words and muddled names, which are dropped.
4. `find_people`, `expand_acronyms` and `cluster_mentions` cluster the mentions of each entity.
5. `find_further_mentions` searches the text for more mentions of the known names.
6. People who are named only in credits are dropped, and `_choose_canonical_name` names the others.
"""

import re
from collections.abc import Sequence
from itertools import chain

from schemas import Entity, Mention
from schemas.ids import entity_id_of
from transforms.language.document import Document
from transforms.language.entities.clustering import (
    MentionsByKey,
    cluster_mentions,
    expand_acronyms,
    find_people,
)
from transforms.language.entities.further_mentions import NameSearch, find_further_mentions
from transforms.language.entities.gazetteer import Gazetteer
from transforms.language.entities.labels import Labels, NonNameFinder
from transforms.language.entities.line_classifier import LineClassifier
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
_ACRONYM_IN_BRACKETS = re.compile(r"\s?\(([A-Z][A-Za-z.&]{1,9})\)")


def find_entities(
    document: Document, keys: RecordKeys, gazetteer: Gazetteer | None = None
) -> list[Entity]:
    """Return the entities of an article in the order of their first mention.

    Args:
        document: the text of the article, analysed.
        keys: the fields that the records have in common.
        gazetteer: the well-known names; None for no gazetteer.
    """
    text, lines = document.text, LineClassifier(document.text)
    corrected = find_names(document, gazetteer)
    names, stated = _index_by_key(text, corrected.mentions)
    labels = Labels(names, text, gazetteer)
    for key in [*NonNameFinder(document, names, labels, lines).find()]:
        del names[key], labels.by_key[key]
    people = find_people(names, labels.by_key, labels.full_names, text)
    expansions = expand_acronyms(names, labels.by_key, stated)
    clusters = cluster_mentions(names, people, expansions, labels.full_names)
    # The model may label most mentions of a surname wrongly, so the full name decides.
    person_keys = {*people.candidates, *chain.from_iterable(people.candidates.values())}
    cluster_labels = {
        cluster: "PERSON" if cluster in person_keys else labels.choose_label(cluster, mentions)
        for cluster, mentions in clusters.items()
    }
    search = NameSearch(clusters, cluster_labels, people, expansions, labels)
    search.add_one_word_names(corrected.one_word_matches, names, text)
    for cluster, start, end in find_further_mentions(document, lines, clusters, search):
        if cluster not in clusters:
            clusters[cluster], cluster_labels[cluster] = [], labels.choose_label(cluster, ())
        title = find_title_before(text, start)
        mention = make_mention(text, start, end, cluster_labels[cluster], title)
        clusters[cluster].append(mention)

    by_name: dict[tuple[str, str], tuple[str | None, list[NameMention]]] = {}
    for cluster, mentions in clusters.items():
        label = cluster_labels[cluster]
        if label == "PERSON" and all(lines.is_credit(m.start, m.end) for m in mentions):
            continue
        entry = labels.find_entry(cluster, label)
        name = entry.name if entry else _choose_canonical_name(mentions, label)
        by_name.setdefault((name, label), (entry and entry.wikidata_id, []))[1].extend(mentions)
    entities = [
        _make_entity(text, keys, name, label, wikidata_id, mentions)
        for (name, label), (wikidata_id, mentions) in by_name.items()
    ]
    return sorted(entities, key=lambda entity: entity.first_start)


def _make_entity(
    text: str,
    keys: RecordKeys,
    name: str,
    label: str,
    wikidata_id: str | None,
    name_mentions: Sequence[NameMention],
) -> Entity:
    mentions = [Mention(m.start, m.end, text[m.start : m.end]) for m in sorted(name_mentions)]
    return Entity(
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


def _index_by_key(
    text: str, mentions: Sequence[NameMention]
) -> tuple[MentionsByKey, dict[str, str]]:
    """Return the mentions by normalised name, and the full name of each acronym in brackets."""
    names: MentionsByKey = {}
    stated: dict[str, str] = {}
    last_end = 0
    for mention, following in zip(mentions, [*mentions[1:], None], strict=False):
        if mention.start < last_end:  # part of the acronym that was just read
            continue
        names.setdefault(mention.key, []).append(mention)
        last_end = mention.end
        match = _ACRONYM_IN_BRACKETS.match(text, mention.end)
        if match and mention.label != "PERSON" and is_acronym_of(match[1], mention.key):
            start, end = match.span(1)
            # The acronym replaces the mention that the model found there, unless that is longer.
            if not following or following.start >= end or following.end <= end:
                acronym = make_mention(text, start, end, mention.label)
                names.setdefault(acronym.key, []).append(acronym)
                stated.setdefault(acronym.key, mention.key)
                last_end = end
    return names, stated


def _choose_canonical_name(mentions: Sequence[NameMention], label: str) -> str:
    """Return the fullest form in a cluster as printed, the first of equally full ones.

    A form in capitals is used only if there is no other. A place or person that is printed only in
    capitals ("LISBON, Nov. 3") gets title case.
    """
    name = min(
        sorted(mentions),
        key=lambda m: (-len(m.key.split()), m.name.isupper(), -sum(map(str.isalpha, m.name))),
    ).name
    only_in_capitals = label in ("GPE", "PERSON") and name.isupper() and _LONG_WORD.search(name)
    return name.title() if only_in_capitals else name
