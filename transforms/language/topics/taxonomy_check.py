"""What an editor should know of a taxonomy that loads: rules and topics that do not work as meant.

Every finding follows from how `TopicTagger` counts: evidence for a topic is evidence for those
above it, and of matches of one topic that overlap the longest counts, of equals the heavier.
Imports neither Beam nor spaCy.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final, Literal, NamedTuple

from transforms.language.topics.media_topics import media_topics, media_topics_release
from transforms.language.topics.model import LEAST_CHANCE
from transforms.language.topics.phrase_index import Listed, PhraseIndex, covers, list_phrases
from transforms.language.topics.phrases import phrase_symbols
from transforms.language.topics.tagger import LEAST_WORDS, mean_score, needed_evidence
from transforms.language.topics.taxonomy import Rule, Taxonomy, Topic

Level = Literal["error", "warning", "note"]

FEW_SHARED: Final = 3
"""Topics of different families that share more phrases than this are worth a note."""

SHOWN: Final = 12
"""Phrases that a message names at most."""

FAR_BELOW: Final = 2.0
"""A parent that needs so many times the evidence decides for its child."""


class Finding(NamedTuple):
    """Something to say about a line of a taxonomy file."""

    line: int
    """0 for what concerns the file as a whole."""
    level: Level
    text: str


def check_taxonomy(taxonomy: Taxonomy, *, overlaps: bool = False) -> list[Finding]:
    """The findings in the order of the file; with `overlaps` those between families, too."""
    listed = list_phrases(taxonomy)
    above = {topic.id: [t.id for t in taxonomy.lineage(topic.id)] for topic in taxonomy.topics}
    found = [
        *_codes(taxonomy),
        *_phrases(listed, above),
        *_contexts(taxonomy.topics),
        *_patterns(listed),
        *_thresholds(taxonomy, above),
    ]
    if overlaps:
        found += _overlaps(listed, above)
    return sorted(found, key=lambda finding: finding.line)


def names(texts: Iterable[str], most: int | None = SHOWN) -> str:
    """Some phrases for a message, quoted, and how many there are beyond `most`.

    >>> names(["gun", "guns", "rifle*"], most=2)
    '"gun", "guns" and 1 more'
    """
    quoted = [f'"{text}"' for text in texts]
    shown = ", ".join(quoted[:most])
    return (
        shown if most is None or len(quoted) <= most else f"{shown} and {len(quoted) - most} more"
    )


def _codes(taxonomy: Taxonomy) -> Iterator[Finding]:
    for topic in taxonomy.topics:
        lines = topic.iptc_lines or (topic.line,) * len(topic.iptc)
        for code, line in zip(topic.iptc, lines, strict=True):
            if code not in media_topics():
                yield Finding(
                    line,
                    "warning",
                    f"{topic.id}: {code} is no IPTC Media Topic that this version knows; "
                    "check the digits",
                )
    release = media_topics_release()
    if taxonomy.iptc_release != release:
        yield Finding(
            taxonomy.release_line,
            "note",
            f"iptc_release is {taxonomy.iptc_release}; codes are checked against that of {release}",
        )


def _phrases(listed: Sequence[Listed], above: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Phrases that never count, that stand twice, or that hide a stronger one."""
    families = defaultdict[str, list[Listed]](list)
    for phrase in listed:
        families[above[phrase.topic.id][-1]].append(phrase)
    for family in families.values():
        index = PhraseIndex(family)
        for phrase in family:
            if not phrase.symbols:
                continue
            inside = [
                other
                for other in index.inside(phrase.symbols)
                if other.number != phrase.number
                and (
                    phrase.topic.id in above[other.topic.id]
                    or other.topic.id in above[phrase.topic.id]
                )
            ]
            finding = (
                _repeated(phrase, inside, above)
                or _shadowed(phrase, inside, above)
                or _lowers(phrase, inside)
            )
            if finding:
                yield finding


def _repeated(
    phrase: Listed, inside: Sequence[Listed], above: Mapping[str, Sequence[str]]
) -> Finding | None:
    """The same phrase in the same context, of a topic below."""
    for other in inside:
        if (
            other.symbols == phrase.symbols
            and _is_below(other, phrase, above)
            and _allows(other.rule, phrase.rule)
            and _allows(phrase.rule, other.rule)
        ):
            weight, other_weight = phrase.rule.weight, other.rule.weight
            mend = "remove it here"
            if weight > other_weight:
                mend += f", or there if it should weigh {weight:g} and not {other_weight:g}"
            return _warning(
                phrase,
                f'"{phrase.text}" stands in line {other.line} for {other.topic.id}, too, and what '
                f"counts there counts here: {mend}",
            )
    return None


def _shadowed(
    phrase: Listed, inside: Sequence[Listed], above: Mapping[str, Sequence[str]]
) -> Finding | None:
    """Another phrase matches the same words wherever this one does, and weighs as much."""
    rivals = [
        other
        for other in inside
        if len(other.symbols) == len(phrase.symbols)
        and other.rule.weight >= phrase.rule.weight
        and (other.topic.id == phrase.topic.id or _is_below(other, phrase, above))
        and _allows(other.rule, phrase.rule)
    ]
    if not rivals:
        return None
    best = min(rivals, key=lambda other: (-other.rule.weight, other.number))
    if best.rule.weight == phrase.rule.weight and best.number > phrase.number:
        text = (
            f'"{phrase.text}" is covered by "{best.text}" {_place(phrase, best)}, of the same '
            "weight; it can go"
        )
        return Finding(phrase.line, "note", f"{phrase.topic.id}: {text}")
    return _warning(
        phrase,
        f'"{phrase.text}" (weight {phrase.rule.weight:g}) never counts: it is shadowed by '
        f'"{best.text}" {_place(phrase, best)} (weight {best.rule.weight:g}); remove it or give '
        "it a higher weight",
    )


def _lowers(phrase: Listed, inside: Sequence[Listed]) -> Finding | None:
    """A shorter phrase inside this one weighs more, and does not count where this one does."""
    stronger = [
        other
        for other in inside
        if len(other.symbols) < len(phrase.symbols)
        and other.rule.weight > phrase.rule.weight
        and not (other.rule.near or other.rule.not_near)
    ]
    if not stronger:
        return None
    best = min(stronger, key=lambda other: (-other.rule.weight, other.number))
    return _warning(
        phrase,
        f'"{phrase.text}" (weight {phrase.rule.weight:g}) lowers the score: it takes the place of '
        f'the stronger "{best.text}" {_place(phrase, best)} (weight {best.rule.weight:g}); remove '
        "it or give it at least that weight, unless it is meant as an exception",
    )


def _is_below(phrase: Listed, other: Listed, above: Mapping[str, Sequence[str]]) -> bool:
    return phrase.topic.id != other.topic.id and other.topic.id in above[phrase.topic.id]


def _place(phrase: Listed, other: Listed) -> str:
    of_topic = "" if other.topic.id == phrase.topic.id else f" for {other.topic.id}"
    return f"in line {other.line}{of_topic}"


def _warning(phrase: Listed, text: str) -> Finding:
    return Finding(phrase.line, "warning", f"{phrase.topic.id}: {text}")


def _allows(rule: Rule, other: Rule) -> bool:
    """Whether the context of a rule is fulfilled wherever that of the other is."""
    near, other_near = _context(rule.near), _context(other.near)
    barred, other_barred = _context(rule.not_near), _context(other.not_near)
    finds = not near or (
        bool(other_near)
        and rule.within >= other.within
        and all(any(covers(mine, theirs) for mine in near) for theirs in other_near)
    )
    return finds and (
        not barred
        or (
            rule.within <= other.within
            and all(any(covers(theirs, mine) for theirs in other_barred) for mine in barred)
        )
    )


def _context(words: Sequence[str]) -> list[str]:
    return [phrase_symbols(word, False)[0] for word in words]


def _contexts(topics: Iterable[Topic]) -> Iterator[Finding]:
    """Rules whose `near` asks for words that their `not_near` forbids."""
    for topic in topics:
        for rule in topic.rules:
            barred = _context(rule.not_near)
            useless = [
                word
                for word, symbol in zip(rule.near, _context(rule.near), strict=True)
                if any(covers(other, symbol) for other in barred)
            ]
            if not useless:
                continue
            line = min(rule.lines, default=topic.line)
            if len(useless) == len(rule.near):
                text = (
                    f"rule {rule.id} never counts: its not_near forbids every word that its near "
                    "asks for; remove one of the two"
                )
            else:
                text = (
                    f"rule {rule.id}: {names(useless)} in near can never help, as not_near "
                    "forbids it; remove it from one of the two"
                )
            yield Finding(line, "warning", f"{topic.id}: {text}")


def _patterns(listed: Sequence[Listed]) -> Iterator[Finding]:
    """Patterns that say what phrases of the same topic say already."""
    by_topic = defaultdict[str, list[Listed]](list)
    for phrase in listed:
        by_topic[phrase.topic.id].append(phrase)
    for of_topic in by_topic.values():
        for pattern in of_topic:
            if pattern.rule.pattern is None:
                continue
            flags = 0 if pattern.rule.case else re.IGNORECASE
            regex = re.compile(pattern.rule.pattern, flags)
            matched = [
                phrase.text
                for phrase in of_topic
                if phrase.symbols and "*" not in phrase.text and regex.fullmatch(phrase.text)
            ]
            if matched:
                text = f"the pattern of rule {pattern.rule.id} also matches {names(matched)}"
                yield Finding(pattern.line, "note", f"{pattern.topic.id}: {text}")


def _thresholds(taxonomy: Taxonomy, above: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    by_id = {topic.id: topic for topic in taxonomy.topics}
    weights = dict.fromkeys(by_id, 0.0)
    for topic in taxonomy.topics:
        own = sum(rule.weight * max(1, len(rule.phrases)) for rule in topic.rules)
        for wider in above[topic.id]:
            weights[wider] += own
    for topic in taxonomy.topics:
        fields = topic.fields or taxonomy.fields
        best, other = sorted((fields.title, fields.lede), reverse=True)
        evidence = weights[topic.id] * (best + other / 2)
        most = evidence / (evidence + needed_evidence(LEAST_WORDS))
        most = mean_score(topic, most, 1 - LEAST_CHANCE, LEAST_WORDS)
        if most < topic.threshold:
            yield Finding(
                topic.line,
                "warning",
                f"{topic.id}: can hardly be given: all its phrases in the title and in the lede "
                f"of a text of {LEAST_WORDS} words make {most:.2f}, and its threshold is "
                f"{topic.threshold:g}; add phrases or lower the threshold",
            )
        parent = by_id.get(topic.parent or "")
        if parent and _odds(parent.threshold) > FAR_BELOW * _odds(topic.threshold):
            times = _odds(parent.threshold) / _odds(topic.threshold)
            yield Finding(
                topic.line,
                "note",
                f"{topic.id}: its threshold {topic.threshold:g} is far below that of its parent "
                f"{parent.id}, {parent.threshold:g}, which needs {times:.1f} times the evidence "
                "and so decides",
            )


def _odds(chance: float) -> float:
    return chance / (1 - chance)


def _overlaps(listed: Sequence[Listed], above: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Pairs of topics of different families with more than `FEW_SHARED` phrases in common."""
    of_symbols = defaultdict[tuple[str, ...], dict[str, Listed]](dict)
    for phrase in listed:
        if phrase.symbols:
            of_symbols[phrase.symbols].setdefault(phrase.topic.id, phrase)
    shared = defaultdict[tuple[str, str], list[str]](list)
    lines = {phrase.topic.id: phrase.topic.line for phrase in listed}
    for phrases in of_symbols.values():
        for one, other in combinations(phrases, 2):
            if above[one][-1] != above[other][-1]:
                shared[one, other].append(phrases[one].text)
    for (one, other), texts in shared.items():
        if len(texts) > FEW_SHARED:
            yield Finding(
                lines[one],
                "note",
                f"{one}: shares {len(texts)} phrases with {other} (line {lines[other]}): "
                f"{names(texts)}",
            )
