"""How often the topics and phrases of a taxonomy occur in texts. Imports neither Beam nor spaCy."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from transforms.language.topics.phrase_index import list_phrases
from transforms.language.topics.tagger import TopicTagger
from transforms.language.topics.taxonomy import Taxonomy
from transforms.language.topics.taxonomy_check import Finding, format_phrases


@dataclass
class TaxonomyUsage:
    """Counts of the topics and phrases of a taxonomy in texts.

    Only matches that are evidence count: of overlapping ones only one. Matches of a topic count for
    the topics above it, too.
    """

    texts: int = 0
    texts_tagged: Counter[str] = field(default_factory=Counter)
    """Texts that have the topic, by topic id."""
    texts_matched: Counter[str] = field(default_factory=Counter)
    """Texts with a match of the topic, by topic id."""
    matches: Counter[str] = field(default_factory=Counter)
    """Matches of the topic, by topic id."""
    phrase_numbers: set[int] = field(default_factory=set)
    """Numbers of the phrases and patterns that matched; see `list_phrases`."""


def measure_usage(taxonomy: Taxonomy, titles_and_texts: Iterable[tuple[str, str]]) -> TaxonomyUsage:
    """Return the usage of a taxonomy in texts. A title may be empty."""
    tagger = TopicTagger(taxonomy)
    usage = TaxonomyUsage()
    for title, text in titles_and_texts:
        usage.texts += 1
        analysis = tagger.analyse(text, title)
        for topic, has_topic, in_text, in_title in zip(
            taxonomy.topics,
            analysis.has_topic,
            analysis.text_matches.by_topic,
            analysis.title_matches.by_topic,
            strict=True,
        ):
            usage.texts_tagged[topic.id] += has_topic
            usage.texts_matched[topic.id] += bool(in_text or in_title)
            usage.matches[topic.id] += len(in_text) + len(in_title)
            usage.phrase_numbers.update(match.phrase_number for match in in_text)
            usage.phrase_numbers.update(match.phrase_number for match in in_title)
    return usage


def find_unused(taxonomy: Taxonomy, usage: TaxonomyUsage) -> list[Finding]:
    """Return a note per rule with phrases that were never evidence, in the order of the file."""
    findings = []
    by_rule = groupby(list_phrases(taxonomy), key=lambda phrase: (phrase.topic.id, phrase.rule.id))
    for (topic, rule), group in by_rule:
        phrases = list(group)
        unused = [phrase for phrase in phrases if phrase.number not in usage.phrase_numbers]
        if unused:
            text = (
                f"{topic}: rule {rule}: {len(unused)} of {len(phrases)} never counted in these "
                f"texts: {format_phrases((phrase.text for phrase in unused), max_shown=None)}"
            )
            findings.append(Finding(unused[0].line, "note", text))
    return findings
