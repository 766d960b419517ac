"""Findings, explanations and suggestions about a taxonomy, formatted for the terminal."""

import textwrap
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import count
from typing import Final

import yaml

from transforms.extraction.cleaning import clean_line
from transforms.language.topics.explanation import (
    Explanation,
    MatchExplanation,
    TopicExplanation,
)
from transforms.language.topics.scoring import (
    HALF_SCORE_EVIDENCE,
    MIN_RULE_SCORE,
    MIN_SCORED_WORDS,
    REFERENCE_WORDS,
)
from transforms.language.topics.taxonomy import Taxonomy
from transforms.language.topics.taxonomy_check import Finding
from transforms.language.topics.taxonomy_suggest import SuggestedPhrase, Suggestions
from transforms.language.topics.taxonomy_usage import TaxonomyUsage

_MAX_SHOWN_MATCHES: Final = 25
"""The maximum number of matches per topic that get a line each; the rest share one line."""

_WIDTH: Final = 100
"""The maximum number of characters of a line."""

_MAX_PHRASE_WIDTH: Final = 28
"""The maximum number of characters of a phrase in the line of a match."""


def format_finding(name: str, finding: Finding) -> str:
    """Return a finding as compilers print theirs: file, line, level, text."""
    line = f":{finding.line}" if finding.line else ""
    return f"{clean_line(name)}{line}: {finding.level}: {clean_line(finding.text)}"


def format_summary(taxonomy: Taxonomy, findings: Iterable[Finding]) -> str:
    """Return the counts of topics, rules, phrases, patterns and findings."""
    rules = [rule for topic in taxonomy.topics for rule in topic.rules]
    levels = Counter(finding.level for finding in findings)
    return (
        f"topics: {len(taxonomy.topics)}, rules: {len(rules)}, "
        f"phrases: {sum(len(rule.phrases) for rule in rules)}, "
        f"patterns: {sum(rule.pattern is not None for rule in rules)}, "
        f"errors: {levels['error']}, warnings: {levels['warning']}, notes: {levels['note']}"
    )


def format_usage(taxonomy: Taxonomy, usage: TaxonomyUsage) -> str:
    """Return a table of the texts that have each topic, the texts that it matches, and matches."""
    width = max(len("topic"), *(len(topic.id) for topic in taxonomy.topics))
    rows = [f"{'topic':<{width}}  {'given':>7}  {'matched':>7}  {'matches':>8}"]
    rows += [
        f"{topic.id:<{width}}  {usage.texts_tagged[topic.id]:>7}  "
        f"{usage.texts_matched[topic.id]:>7}  {usage.matches[topic.id]:>8}"
        for topic in taxonomy.topics
    ]
    return "\n".join([*rows, "", f"texts: {usage.texts}"])


def format_explanation(explanation: Explanation) -> str:
    """Return the explanation of an article: a head, and a part per topic."""
    head = (
        f"title of {explanation.title_words} words, text of {explanation.words}, "
        f"its lede {explanation.lede_words}; taxonomy {clean_line(explanation.taxonomy_version)}"
    )
    names = _wrap(f"topics: {', '.join(explanation.given) or 'none'}", "        ")
    parts = ["\n".join(_format_topic(topic, explanation)) for topic in explanation.topics]
    return "\n\n".join([f"{_clip(head, _WIDTH)}\n{names}", *parts]) + "\n"


def _format_topic(topic: TopicExplanation, explanation: Explanation) -> Iterator[str]:
    verdict = "reaches" if topic.score >= topic.threshold else "is below"
    given = "given" if topic.given else "NOT given"
    title = f"{topic.topic} ({clean_line(topic.label)}): {given}"
    yield _clip(title, _WIDTH)
    yield f"  score {topic.score:.4f} {verdict} the threshold {topic.threshold:g}"
    for above in topic.above:
        name = "is given" if above.given else "is NOT given, so this cannot be"
        score = f"{above.score:.4f}, threshold {above.threshold:g}"
        yield f"  below {above.topic}, which {name}: {score}"
    if topic.matches:
        yield "   worth = weight x field / rank"
        yield from _format_matches(topic.matches[:_MAX_SHOWN_MATCHES])
        rest = topic.matches[_MAX_SHOWN_MATCHES:]
        if rest:
            yield f"{sum(match.worth for match in rest):>8.3f} of {len(rest)} more matches"
        yield f"{topic.evidence:>8.3f} evidence"
    else:
        yield "  no match"
    words = max(explanation.words, MIN_SCORED_WORDS)
    counted_as = f" (counted as {words})" if words > explanation.words else ""
    yield (
        f"{topic.needed:>8.3f} needed for 0.5: {HALF_SCORE_EVIDENCE:g} x root of "
        f"{words} / {REFERENCE_WORDS} words{counted_as}"
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
            ngrams = ", ".join(map(clean_line, topic.model.words))
            yield _wrap(f"         strongest n-grams: {ngrams}", " " * 28)
        share = topic.model.share
        minimum = (
            f", rules counted as {MIN_RULE_SCORE:g}" if topic.rule_score < MIN_RULE_SCORE else ""
        )
        sure = f", but no less than rules from {topic.model.sure:g} on"
        yield (
            f"{topic.score:>8.4f} = mean of these as log odds, rules {1 - share:.0%}, "
            f"model {share:.0%}{minimum}{sure if topic.rule_score >= topic.model.sure else ''}"
        )


def _format_matches(matches: Sequence[MatchExplanation]) -> Iterator[str]:
    """Yield, per match, a line with the numbers of its worth, its rule, its phrase and its text."""
    phrases = [_quote_phrase(match.phrase) for match in matches]
    rule_width = max(len(match.rule) for match in matches)
    width = min(_MAX_PHRASE_WIDTH, max(map(len, phrases)))
    for match, phrase in zip(matches, phrases, strict=True):
        numbers = (
            f"{match.worth:>8.3f} = {match.weight:<4g} x {match.field:<5} {match.field_weight:<3g} "
            f"/ {match.rank:<2}"
        )
        line = (
            f"{numbers} {match.rule:<{rule_width}}  {_clip(phrase, width):<{width}}  "
            f"{clean_line(match.text)}"
        )
        yield _clip(line, _WIDTH).rstrip()


def _quote_phrase(phrase: str) -> str:
    return f'"{clean_line(phrase)}"'


def format_suggestions(suggestions: Suggestions, rule_ids: Collection[str]) -> str:
    """Return rules to paste into a taxonomy, with the doubtful phrases of the topic as comments.

    Args:
        suggestions: The suggestions.
        rule_ids: Ids of the rules of the taxonomy, which the new rules cannot have.
    """
    topic = suggestions.topic.id
    about = (
        f"{len(suggestions.phrases)} phrases for {topic}, from {suggestions.articles} articles, "
        f"of which {suggestions.labelled} are labelled {' or '.join(suggestions.labels)} "
        f"(by {suggestions.outlets} outlets). "
        "With and without: articles with the phrase that have the label, or not; z: how typical it "
        "is of the label, in standard deviations (log-odds with a Dirichlet prior). Words that "
        f"{topic} matches already are left out. Names of people go stale: leave them out, too."
    )
    lines = [_format_comment(about)]
    for weight in sorted({phrase.weight for phrase in suggestions.phrases}, reverse=True):
        phrases = [phrase for phrase in suggestions.phrases if phrase.weight == weight]
        lines += _format_rule(_choose_rule_id(topic, weight, rule_ids), weight, phrases)
    if suggestions.doubtful:
        lines.append("")
        lines.append(
            _format_comment(
                f"Doubtful: phrases of {topic} that are less common with the label than without:"
            )
        )
    for doubt in suggestions.doubtful:
        lines.append(
            f"#   z {doubt.counts.z:.1f}, {doubt.counts.with_label} with, "
            f"{doubt.counts.without_label} without: line {doubt.line}, {doubt.rule}: "
            f"{clean_line(doubt.text)}"
        )
    return "\n".join(lines) + "\n"


def _format_rule(rule_id: str, weight: float, phrases: Sequence[SuggestedPhrase]) -> Iterator[str]:
    yield f"      - id: {rule_id}"
    yield f"        weight: {weight:g}"
    yield "        phrases:"
    for phrase in phrases:
        counts = phrase.counts
        yield (
            f"          - {_quote_scalar(phrase.phrase)}  # z {counts.z:.1f}, "
            f"{counts.with_label} with, {counts.without_label} without, "
            f"precision {counts.precision:.2f}, {phrase.outlets} outlets"
        )
        yield f"          #   {_clip(phrase.example, _WIDTH - 14)}"


def _choose_rule_id(topic: str, weight: float, taken: Collection[str]) -> str:
    name = f"{topic}-suggested-{weight:g}".replace(".", "-")
    return next(
        rule_id
        for number in count(1)
        if (rule_id := name if number == 1 else f"{name}-{number}") not in taken
    )


def _quote_scalar(phrase: str) -> str:
    """Return a phrase as YAML text: in quotes if YAML would read a number or a boolean."""
    return phrase if yaml.safe_load(phrase) == phrase else f'"{phrase}"'


def _format_comment(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _wrap(text: str, indent: str) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def _clip(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
