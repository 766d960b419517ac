"""Checks of a taxonomy that loads: rules and topics that do not work as an editor may expect.

The findings follow from how `TopicTagger` counts: evidence for a topic is evidence for those above
it, and of overlapping matches of one topic the longest counts, of equally long ones the one with
the higher weight. Imports neither Beam nor spaCy.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final, Literal, NamedTuple, TypeAlias

from transforms.language.topics.media_topics import load_media_topics, load_media_topics_release
from transforms.language.topics.model import MIN_PROBABILITY
from transforms.language.topics.phrase_index import PhraseEntry, PhraseIndex, list_phrases
from transforms.language.topics.scoring import (
    MIN_SCORED_WORDS,
    combine_scores,
    compute_needed_evidence,
    compute_odds,
)
from transforms.language.topics.symbols import covers, parse_context_words
from transforms.language.topics.taxonomy import Rule, Taxonomy, Topic

Level: TypeAlias = Literal["error", "warning", "note"]

MAX_SHARED_PHRASES: Final = 3
"""Two topics of different families that share more phrases than this get a note."""

MAX_NAMED_PHRASES: Final = 12
"""The maximum number of phrases that a message names."""

MAX_EVIDENCE_RATIO: Final = 2.0
"""A child gets a note if its parent needs more than this many times the child's evidence."""

_Lineages: TypeAlias = Mapping[str, Sequence[str]]
"""Ids of a topic and its ancestors, the widest last, by topic id."""


class Finding(NamedTuple):
    """A remark on one line of a taxonomy file."""

    line: int
    """0 if the finding concerns the whole file."""
    level: Level
    text: str


def check_taxonomy(taxonomy: Taxonomy, *, overlaps: bool = False) -> list[Finding]:
    """Return the findings in the order of the file.

    Args:
        taxonomy: The taxonomy.
        overlaps: Whether to look for phrases that topics of different families share.
    """
    phrases = list_phrases(taxonomy)
    lineages = {topic.id: [t.id for t in taxonomy.lineage(topic.id)] for topic in taxonomy.topics}
    findings = [
        *_check_codes(taxonomy),
        *_check_phrases(phrases, lineages),
        *_check_contexts(taxonomy.topics),
        *_check_patterns(phrases),
        *_check_thresholds(taxonomy, lineages),
    ]
    if overlaps:
        findings += _check_overlaps(phrases, lineages)
    return sorted(findings, key=lambda finding: finding.line)


def format_phrases(phrases: Iterable[str], max_shown: int | None = MAX_NAMED_PHRASES) -> str:
    """Return phrases in quotes, and how many there are beyond `max_shown` (None: show all).

    >>> format_phrases(["gun", "guns", "rifle*"], max_shown=2)
    '"gun", "guns" and 1 more'
    """
    quoted = [f'"{phrase}"' for phrase in phrases]
    shown = ", ".join(quoted[:max_shown])
    if max_shown is None or len(quoted) <= max_shown:
        return shown
    return f"{shown} and {len(quoted) - max_shown} more"


def _check_codes(taxonomy: Taxonomy) -> Iterator[Finding]:
    for topic in taxonomy.topics:
        lines = topic.iptc_lines or (topic.line,) * len(topic.iptc)
        for code, line in zip(topic.iptc, lines, strict=True):
            if code not in load_media_topics():
                yield Finding(
                    line,
                    "warning",
                    f"{topic.id}: {code} is no IPTC Media Topic that this version knows; "
                    "check the digits",
                )
    release = load_media_topics_release()
    if taxonomy.iptc_release != release:
        yield Finding(
            taxonomy.release_line,
            "note",
            f"iptc_release is {taxonomy.iptc_release}; codes are checked against that of {release}",
        )


def _check_phrases(phrases: Sequence[PhraseEntry], lineages: _Lineages) -> Iterator[Finding]:
    """Yield a finding per phrase that never counts, is repeated or lowers the score."""
    families = defaultdict[str, list[PhraseEntry]](list)
    for phrase in phrases:
        families[lineages[phrase.topic.id][-1]].append(phrase)
    for family in families.values():
        index = PhraseIndex(family)
        for phrase in family:
            if not phrase.symbols:
                continue
            inside = [
                other
                for other in index.find_inside(phrase.symbols)
                if other.number != phrase.number
                and (
                    phrase.topic.id in lineages[other.topic.id]
                    or other.topic.id in lineages[phrase.topic.id]
                )
            ]
            finding = (
                _check_repeated(phrase, inside, lineages)
                or _check_shadowed(phrase, inside, lineages)
                or _check_lowering(phrase, inside)
            )
            if finding:
                yield finding


def _check_repeated(
    phrase: PhraseEntry, inside: Sequence[PhraseEntry], lineages: _Lineages
) -> Finding | None:
    """Return a warning if a topic below has the same phrase in the same context."""
    for other in inside:
        if (
            other.symbols == phrase.symbols
            and _is_below(other, phrase, lineages)
            and _is_satisfied_with(other.rule, phrase.rule)
            and _is_satisfied_with(phrase.rule, other.rule)
        ):
            weight, other_weight = phrase.rule.weight, other.rule.weight
            remedy = "remove it here"
            if weight > other_weight:
                remedy += f", or there if it should weigh {weight:g} and not {other_weight:g}"
            return _warning(
                phrase,
                f'"{phrase.text}" stands in line {other.line} for {other.topic.id}, too, and what '
                f"counts there counts here: {remedy}",
            )
    return None


def _check_shadowed(
    phrase: PhraseEntry, inside: Sequence[PhraseEntry], lineages: _Lineages
) -> Finding | None:
    """Return a finding if another phrase always takes the place of this one.

    The other one matches the same tokens wherever this one does, with at least the same weight.
    """
    rivals = [
        other
        for other in inside
        if len(other.symbols) == len(phrase.symbols)
        and other.rule.weight >= phrase.rule.weight
        and (other.topic.id == phrase.topic.id or _is_below(other, phrase, lineages))
        and _is_satisfied_with(other.rule, phrase.rule)
    ]
    if not rivals:
        return None
    best = min(rivals, key=lambda other: (-other.rule.weight, other.number))
    if best.rule.weight == phrase.rule.weight and best.number > phrase.number:
        text = (
            f'"{phrase.text}" is covered by "{best.text}" {_describe_line(phrase, best)}, of '
            "the same weight; it can go"
        )
        return Finding(phrase.line, "note", f"{phrase.topic.id}: {text}")
    return _warning(
        phrase,
        f'"{phrase.text}" (weight {phrase.rule.weight:g}) never counts: it is shadowed by '
        f'"{best.text}" {_describe_line(phrase, best)} (weight {best.rule.weight:g}); '
        "remove it or give it a higher weight",
    )


def _check_lowering(phrase: PhraseEntry, inside: Sequence[PhraseEntry]) -> Finding | None:
    """Return a warning if a shorter phrase inside this one weighs more: the longer match counts."""
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
        f'the stronger "{best.text}" {_describe_line(phrase, best)} (weight {best.rule.weight:g}); '
        "remove it or give it at least that weight, unless it is meant as an exception",
    )


def _is_below(phrase: PhraseEntry, other: PhraseEntry, lineages: _Lineages) -> bool:
    return phrase.topic.id != other.topic.id and other.topic.id in lineages[phrase.topic.id]


def _describe_line(phrase: PhraseEntry, other: PhraseEntry) -> str:
    of_topic = "" if other.topic.id == phrase.topic.id else f" for {other.topic.id}"
    return f"in line {other.line}{of_topic}"


def _warning(phrase: PhraseEntry, text: str) -> Finding:
    return Finding(phrase.line, "warning", f"{phrase.topic.id}: {text}")


def _is_satisfied_with(rule: Rule, other: Rule) -> bool:
    """Return whether a rule's `near` and `not_near` hold wherever those of another rule hold."""
    near, other_near = parse_context_words(rule.near), parse_context_words(other.near)
    forbidden, other_forbidden = (
        parse_context_words(rule.not_near),
        parse_context_words(other.not_near),
    )
    near_holds = not near or (
        bool(other_near)
        and rule.within >= other.within
        and all(any(covers(symbol, narrower) for symbol in near) for narrower in other_near)
    )
    return near_holds and (
        not forbidden
        or (
            rule.within <= other.within
            and all(any(covers(wider, symbol) for wider in other_forbidden) for symbol in forbidden)
        )
    )


def _check_contexts(topics: Iterable[Topic]) -> Iterator[Finding]:
    """Yield a finding per rule whose `near` has words that its `not_near` forbids."""
    for topic in topics:
        for rule in topic.rules:
            forbidden = parse_context_words(rule.not_near)
            useless = [
                word
                for word, symbol in zip(rule.near, parse_context_words(rule.near), strict=True)
                if any(covers(other, symbol) for other in forbidden)
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
                    f"rule {rule.id}: {format_phrases(useless)} in near can never help, as "
                    "not_near forbids it; remove it from one of the two"
                )
            yield Finding(line, "warning", f"{topic.id}: {text}")


def _check_patterns(phrases: Sequence[PhraseEntry]) -> Iterator[Finding]:
    """Yield a finding per pattern that matches phrases of the same topic."""
    by_topic = defaultdict[str, list[PhraseEntry]](list)
    for phrase in phrases:
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
                text = (
                    f"the pattern of rule {pattern.rule.id} also matches {format_phrases(matched)}"
                )
                yield Finding(pattern.line, "note", f"{pattern.topic.id}: {text}")


def _check_thresholds(taxonomy: Taxonomy, lineages: _Lineages) -> Iterator[Finding]:
    """Yield a finding per topic that is hardly reachable, or whose parent's threshold decides."""
    by_id = {topic.id: topic for topic in taxonomy.topics}
    weights = dict.fromkeys(by_id, 0.0)
    for topic in taxonomy.topics:
        own = sum(rule.weight * max(1, len(rule.phrases)) for rule in topic.rules)
        for wider in lineages[topic.id]:
            weights[wider] += own
    for topic in taxonomy.topics:
        fields = topic.fields or taxonomy.fields
        higher, lower = sorted((fields.title, fields.lede), reverse=True)
        evidence = weights[topic.id] * (higher + lower / 2)
        max_score = evidence / (evidence + compute_needed_evidence(MIN_SCORED_WORDS))
        max_score = combine_scores(topic, max_score, 1 - MIN_PROBABILITY, MIN_SCORED_WORDS)
        if max_score < topic.threshold:
            yield Finding(
                topic.line,
                "warning",
                f"{topic.id}: can hardly be given: all its phrases in the title and in the lede "
                f"of a text of {MIN_SCORED_WORDS} words make {max_score:.2f}, and its threshold is "
                f"{topic.threshold:g}; add phrases or lower the threshold",
            )
        parent = by_id.get(topic.parent or "")
        if not parent:
            continue
        parent_odds, topic_odds = compute_odds(parent.threshold), compute_odds(topic.threshold)
        if parent_odds > MAX_EVIDENCE_RATIO * topic_odds:
            yield Finding(
                topic.line,
                "note",
                f"{topic.id}: its threshold {topic.threshold:g} is far below that of its parent "
                f"{parent.id}, {parent.threshold:g}, which needs {parent_odds / topic_odds:.1f} "
                "times the evidence and so decides",
            )


def _check_overlaps(phrases: Sequence[PhraseEntry], lineages: _Lineages) -> Iterator[Finding]:
    """Yield a finding per pair of topics of different families that share too many phrases."""
    by_symbols = defaultdict[tuple[str, ...], dict[str, PhraseEntry]](dict)
    for phrase in phrases:
        if phrase.symbols:
            by_symbols[phrase.symbols].setdefault(phrase.topic.id, phrase)
    shared = defaultdict[tuple[str, str], list[str]](list)
    topic_lines = {phrase.topic.id: phrase.topic.line for phrase in phrases}
    for by_topic in by_symbols.values():
        for topic_id, other_id in combinations(by_topic, 2):
            if lineages[topic_id][-1] != lineages[other_id][-1]:
                shared[topic_id, other_id].append(by_topic[topic_id].text)
    for (topic_id, other_id), texts in shared.items():
        if len(texts) > MAX_SHARED_PHRASES:
            yield Finding(
                topic_lines[topic_id],
                "note",
                f"{topic_id}: shares {len(texts)} phrases with {other_id} "
                f"(line {topic_lines[other_id]}): {format_phrases(texts)}",
            )
