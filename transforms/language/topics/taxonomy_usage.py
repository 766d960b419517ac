"""What of a taxonomy occurs in some texts. Imports neither Beam nor spaCy."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from transforms.language.topics.phrase_index import list_phrases
from transforms.language.topics.tagger import TopicTagger
from transforms.language.topics.taxonomy import Taxonomy
from transforms.language.topics.taxonomy_check import Finding, names


@dataclass
class Usage:
    """How often the topics and phrases of a taxonomy occur in some texts.

    Matches are those that count as evidence: overlaps are settled, and a topic has those of the
    topics below it, too.
    """

    texts: int = 0
    tagged: Counter[str] = field(default_factory=Counter)
    """Texts with the topic, by its id."""
    matched: Counter[str] = field(default_factory=Counter)
    """Texts with a match of the topic."""
    matches: Counter[str] = field(default_factory=Counter)
    phrases: set[int] = field(default_factory=set)
    """Numbers of the phrases and patterns that matched, as `list_phrases` gives them."""


def measure_usage(taxonomy: Taxonomy, texts: Iterable[tuple[str, str]]) -> Usage:
    """The use of a taxonomy in texts, each a title, which may be empty, and a text."""
    tagger = TopicTagger(taxonomy)
    usage = Usage()
    for title, text in texts:
        usage.texts += 1
        analysis = tagger.analyse(text, title)
        for topic, given, hits, title_hits in zip(
            taxonomy.topics,
            analysis.given,
            analysis.found.hits,
            analysis.found_in_title.hits,
            strict=True,
        ):
            usage.tagged[topic.id] += given
            usage.matched[topic.id] += bool(hits or title_hits)
            usage.matches[topic.id] += len(hits) + len(title_hits)
            usage.phrases.update(hit.phrase for hit in hits)
            usage.phrases.update(hit.phrase for hit in title_hits)
    return usage


def find_unused(taxonomy: Taxonomy, usage: Usage) -> list[Finding]:
    """A note for each rule with phrases that never were evidence, in the order of the file."""
    found = []
    by_rule = groupby(list_phrases(taxonomy), key=lambda phrase: (phrase.topic.id, phrase.rule.id))
    for (topic, rule), group in by_rule:
        phrases = list(group)
        unused = [phrase for phrase in phrases if phrase.number not in usage.phrases]
        if unused:
            text = (
                f"{topic}: rule {rule}: {len(unused)} of {len(phrases)} never counted in these "
                f"texts: {names((phrase.text for phrase in unused), most=None)}"
            )
            found.append(Finding(unused[0].line, "note", text))
    return found
