"""Findings, explanations and suggestions about a taxonomy, laid out for people."""

import textwrap
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import count
from typing import Final

import yaml

from transforms.extraction.cleaning import clean_line
from transforms.language.topics.explanation import Explanation, Match, TopicExplanation
from transforms.language.topics.tagger import LEAST_RULES, LEAST_WORDS, SATURATION, USUAL_WORDS
from transforms.language.topics.taxonomy import Taxonomy
from transforms.language.topics.taxonomy_check import Finding
from transforms.language.topics.taxonomy_suggest import Suggestion, Suggestions
from transforms.language.topics.taxonomy_usage import Usage

_SHOWN: Final = 25
"""Matches of a topic that are shown each by itself."""

_WIDTH: Final = 100
_WIDEST_PHRASE: Final = 28


def finding_line(name: str, finding: Finding) -> str:
    """A finding as other tools print theirs: file, line, level, text."""
    line = f":{finding.line}" if finding.line else ""
    return f"{clean_line(name)}{line}: {finding.level}: {clean_line(finding.text)}"


def summary_line(taxonomy: Taxonomy, findings: Iterable[Finding]) -> str:
    """How large a taxonomy is and how many findings there are."""
    rules = [rule for topic in taxonomy.topics for rule in topic.rules]
    levels = Counter(finding.level for finding in findings)
    return (
        f"topics: {len(taxonomy.topics)}, rules: {len(rules)}, "
        f"phrases: {sum(len(rule.phrases) for rule in rules)}, "
        f"patterns: {sum(rule.pattern is not None for rule in rules)}, "
        f"errors: {levels['error']}, warnings: {levels['warning']}, notes: {levels['note']}"
    )


def usage_table(taxonomy: Taxonomy, usage: Usage) -> str:
    """A row a topic: in how many texts it is given, in how many it matches, and how often."""
    width = max(len("topic"), *(len(topic.id) for topic in taxonomy.topics))
    rows = [f"{'topic':<{width}}  {'given':>7}  {'matched':>7}  {'matches':>8}"]
    rows += [
        f"{topic.id:<{width}}  {usage.tagged[topic.id]:>7}  {usage.matched[topic.id]:>7}  "
        f"{usage.matches[topic.id]:>8}"
        for topic in taxonomy.topics
    ]
    return "\n".join([*rows, "", f"texts: {usage.texts}"])


def explanation_text(found: Explanation) -> str:
    """Why an article has its topics: a head, and a part for each topic explained."""
    head = (
        f"title of {found.title_words} words, text of {found.words}, its lede {found.lede_words}; "
        f"taxonomy {clean_line(found.taxonomy_version)}"
    )
    names = _wrapped(f"topics: {', '.join(found.given) or 'none'}", "        ")
    parts = ["\n".join(_topic_lines(topic, found)) for topic in found.topics]
    return "\n\n".join([f"{_clipped(head, _WIDTH)}\n{names}", *parts]) + "\n"


def _topic_lines(topic: TopicExplanation, found: Explanation) -> Iterator[str]:
    verdict = "reaches" if topic.score >= topic.threshold else "is below"
    given = "given" if topic.given else "NOT given"
    title = f"{topic.topic} ({clean_line(topic.label)}): {given}"
    yield _clipped(title, _WIDTH)
    yield f"  score {topic.score:.4f} {verdict} the threshold {topic.threshold:g}"
    for above in topic.above:
        name = "is given" if above.given else "is NOT given, so this cannot be"
        score = f"{above.score:.4f}, threshold {above.threshold:g}"
        yield f"  below {above.topic}, which {name}: {score}"
    if topic.matches:
        yield "   worth = weight x field / rank"
        yield from _match_lines(topic.matches[:_SHOWN])
        rest = topic.matches[_SHOWN:]
        if rest:
            yield f"{sum(match.worth for match in rest):>8.3f} of {len(rest)} more matches"
        yield f"{topic.evidence:>8.3f} evidence"
    else:
        yield "  no match"
    words = max(found.words, LEAST_WORDS)
    least = f" (counted as {words})" if words > found.words else ""
    yield (
        f"{topic.needed:>8.3f} needed for 0.5: {SATURATION:g} x root of "
        f"{words} / {USUAL_WORDS} words{least}"
    )
    yield (
        f"{topic.rule_score:>8.4f} = {topic.evidence:.3f} / ({topic.evidence:.3f} + "
        f"{topic.needed:.3f}), score by rules"
    )
    if topic.model:
        yield (
            f"{topic.model.chance:>8.4f} chance by the topic model: makes "
            f"{topic.model.worth:.4f}, as {topic.model.even:g} makes {topic.threshold:g}"
        )
        if topic.model.words:
            said = ", ".join(map(clean_line, topic.model.words))
            yield _wrapped(f"         for it speak: {said}", " " * 23)
        share = topic.model.share
        least = f", rules counted as {LEAST_RULES:g}" if topic.rule_score < LEAST_RULES else ""
        sure = f", but no less than rules from {topic.model.sure:g} on"
        yield (
            f"{topic.score:>8.4f} = mean of these as log odds, rules {1 - share:.0%}, "
            f"model {share:.0%}{least}{sure if topic.rule_score >= topic.model.sure else ''}"
        )


def _match_lines(matches: Sequence[Match]) -> Iterator[str]:
    """Worth, weight, field and rank of each match, its rule, its phrase, and what it stands in."""
    phrases = [_quoted(match.phrase) for match in matches]
    rule_width = max(len(match.rule) for match in matches)
    width = min(_WIDEST_PHRASE, max(map(len, phrases)))
    for match, phrase in zip(matches, phrases, strict=True):
        sum_of = (
            f"{match.worth:>8.3f} = {match.weight:<4g} x {match.field:<5} {match.field_weight:<3g} "
            f"/ {match.rank:<2}"
        )
        line = (
            f"{sum_of} {match.rule:<{rule_width}}  {_clipped(phrase, width):<{width}}  "
            f"{clean_line(match.text)}"
        )
        yield _clipped(line, _WIDTH).rstrip()


def _quoted(phrase: str) -> str:
    return f'"{clean_line(phrase)}"'


def suggestions_yaml(found: Suggestions, rule_ids: Collection[str]) -> str:
    """Rules to paste into a taxonomy, and what speaks against the topic's own as comments.

    `rule_ids` are those that are taken.
    """
    topic = found.topic.id
    about = (
        f"{len(found.phrases)} phrases for {topic}, from {found.articles} articles, of which "
        f"{found.labelled} are labelled {' or '.join(found.labels)} (by {found.outlets} outlets). "
        "With and without: articles with the phrase that have the label, or not; z: how typical it "
        "is of the label, in standard deviations (log-odds with a Dirichlet prior). Words that "
        f"{topic} matches already are left out. Names of people go stale: leave them out, too."
    )
    lines = [_comment(about)]
    for weight in sorted({phrase.weight for phrase in found.phrases}, reverse=True):
        some = [phrase for phrase in found.phrases if phrase.weight == weight]
        lines += _rule_lines(_free_id(topic, weight, rule_ids), weight, some)
    if found.doubtful:
        lines.append("")
        lines.append(
            _comment(
                f"Doubtful: phrases of {topic} that are less common with the label than without:"
            )
        )
    for doubt in found.doubtful:
        lines.append(
            f"#   z {doubt.counts.z:.1f}, {doubt.counts.inside} with, {doubt.counts.outside} "
            f"without: line {doubt.line}, {doubt.rule}: {clean_line(doubt.text)}"
        )
    return "\n".join(lines) + "\n"


def _rule_lines(rule_id: str, weight: float, phrases: Sequence[Suggestion]) -> Iterator[str]:
    yield f"      - id: {rule_id}"
    yield f"        weight: {weight:g}"
    yield "        phrases:"
    for phrase in phrases:
        counts = phrase.counts
        yield (
            f"          - {_scalar(phrase.phrase)}  # z {counts.z:.1f}, {counts.inside} with, "
            f"{counts.outside} without, precision {counts.precision:.2f}, {phrase.outlets} outlets"
        )
        yield f"          #   {_clipped(phrase.example, _WIDTH - 14)}"


def _free_id(topic: str, weight: float, taken: Collection[str]) -> str:
    name = f"{topic}-suggested-{weight:g}".replace(".", "-")
    return next(
        found
        for number in count(1)
        if (found := name if number == 1 else f"{name}-{number}") not in taken
    )


def _scalar(phrase: str) -> str:
    """A phrase as YAML reads it as a text: in quotes if it would be a number or yes."""
    return phrase if yaml.safe_load(phrase) == phrase else f'"{phrase}"'


def _comment(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
