"""Suggestions for the phrases of a topic, from labelled articles.

They name phrases that the topic could have, and phrases of the topic that are typical of others.
Imports neither Beam nor spaCy.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from transforms.extraction.cleaning import clean_line
from transforms.language.topics.article_files import LabelledArticle
from transforms.language.topics.labelled_corpus import MIN_ARTICLES, CorpusArrays, LabelledCorpus
from transforms.language.topics.matcher import Matcher, compile_rule
from transforms.language.topics.phrase_candidates import (
    PhraseCounts,
    compute_log_odds_z,
    find_candidates,
    select_candidates,
)
from transforms.language.topics.phrase_index import list_phrases
from transforms.language.topics.taxonomy import Rule, Taxonomy, Topic

_CONTEXT_CHARACTERS: Final = 40
"""Characters of an example on each side of its phrase."""


@dataclass(frozen=True, slots=True)
class SuggestedPhrase:
    """A phrase that the topic could have."""

    phrase: str
    counts: PhraseCounts
    outlets: int
    """Outlets that have it in articles with the label."""
    weight: float
    """Weight that its precision suggests."""
    example: str
    """The phrase with its context in a title or text with the label, as one line."""


@dataclass(frozen=True, slots=True)
class DoubtfulPhrase:
    """A phrase or pattern of the topic that is less common with the label than without it."""

    text: str
    """The phrase as the taxonomy has it."""
    rule: str
    """Id of its rule."""
    line: int
    """Line of the taxonomy file."""
    counts: PhraseCounts


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The suggestions for a topic, and the articles that they come from."""

    topic: Topic
    labels: tuple[str, ...]
    """Labels that stand for the topic."""
    articles: int
    labelled: int
    """Articles with one of the labels."""
    outlets: int
    """Outlets of the articles with one of the labels."""
    phrases: list[SuggestedPhrase]
    """The most typical first."""
    doubtful: list[DoubtfulPhrase]
    """The least typical first."""


def suggest_phrases(
    taxonomy: Taxonomy,
    topic_id: str,
    read_articles: Callable[[], Iterable[LabelledArticle]],
    *,
    labels: Sequence[str] = (),
    max_phrases: int,
) -> Suggestions:
    """Suggest phrases for a topic.

    Takes 4 bytes of memory per word of the articles, and about 80 bytes more per word while it
    counts phrases.

    Args:
        taxonomy: The taxonomy that has the topic.
        topic_id: Id of the topic.
        read_articles: Returns the articles; called twice, the second time to find examples.
        labels: Labels that stand for the topic; its id if there are none.
        max_phrases: The maximum number of phrases to suggest.

    Raises:
        KeyError: the taxonomy has no such topic.
        ValueError: no article has one of the labels, or all have.
    """
    topic = {topic.id: topic for topic in taxonomy.topics}[topic_id]
    topic_labels = tuple(labels) or (topic_id,)
    descendants = [
        other
        for other in taxonomy.topics
        if other is not topic and topic in taxonomy.lineage(other.id)
    ]
    corpus = LabelledCorpus(topic, descendants)
    for article in read_articles():
        corpus.add(article, is_labelled=article.label in topic_labels)
    labelled = sum(corpus.is_labelled)
    if not 0 < labelled < len(corpus.is_labelled):
        known = ", ".join(sorted(corpus.labels)) or "none at all"
        names = " or ".join(topic_labels)
        raise ValueError(
            f"{'every' if labelled else 'no'} article is labelled {names}; labels are {known}"
        )
    selected = select_candidates(
        find_candidates(CorpusArrays(corpus)),
        _KnownPhrases(taxonomy, topic, descendants).match,
        max_phrases,
    )
    examples = _find_examples(
        [candidate.words for candidate in selected], read_articles(), topic_labels
    )
    return Suggestions(
        topic=topic,
        labels=topic_labels,
        articles=len(corpus.is_labelled),
        labelled=labelled,
        outlets=corpus.count_labelled_outlets(),
        phrases=[
            SuggestedPhrase(
                " ".join(candidate.words),
                candidate.counts,
                candidate.outlets,
                candidate.weight,
                examples.get(candidate.words, ""),
            )
            for candidate in selected
        ],
        doubtful=_find_doubtful(taxonomy, topic, corpus),
    )


class _KnownPhrases:
    """The phrases and patterns of a topic's family, whatever their context and case."""

    def __init__(self, taxonomy: Taxonomy, topic: Topic, descendants: Sequence[Topic]) -> None:
        rules = [
            replace(rule, case=False, near=(), not_near=())
            for member in (*taxonomy.lineage(topic.id), *descendants)
            for rule in member.rules
        ]
        self._matcher = Matcher((compile_rule(rule, (0,)) for rule in rules), 1)

    def match(self, words: tuple[str, ...]) -> bool:
        """Return whether one of them matches all of these words."""
        text = " ".join(words)
        (matches,) = self._matcher.find_matches(text).by_topic
        return any((match.start, match.end) == (0, len(text)) for match in matches)


def _find_examples(
    phrases: Sequence[tuple[str, ...]],
    articles: Iterable[LabelledArticle],
    labels: Sequence[str],
) -> dict[tuple[str, ...], str]:
    """Return, for each phrase, its first occurrence in an article with one of the labels."""
    examples: dict[tuple[str, ...], str] = {}
    for article in articles:
        if len(examples) == len(phrases):
            break
        if article.label not in labels:
            continue
        for text in (article.title, article.text):
            missing = [phrase for phrase in phrases if phrase not in examples]
            if missing:
                examples |= _find_snippets(missing, text)
    return examples


def _find_snippets(phrases: Sequence[tuple[str, ...]], text: str) -> dict[tuple[str, ...], str]:
    """Return the first occurrence in a text of each phrase that it has."""
    rules = [
        Rule(id=str(number), weight=1, phrases=(" ".join(phrase),))
        for number, phrase in enumerate(phrases)
    ]
    matcher = Matcher(
        (compile_rule(rule, (number,)) for number, rule in enumerate(rules)), len(rules)
    )
    return {
        phrase: _cut_snippet(text, matches[0].start, matches[0].end)
        for phrase, matches in zip(phrases, matcher.find_matches(text).by_topic, strict=True)
        if matches
    }


def _cut_snippet(text: str, start: int, end: int) -> str:
    """Return a span of a text with its context, cut at spaces, as one line."""
    before = text[max(0, start - _CONTEXT_CHARACTERS) : start]
    after = text[end : end + _CONTEXT_CHARACTERS]
    if start > _CONTEXT_CHARACTERS:
        before = before.partition(" ")[2]
    if end + _CONTEXT_CHARACTERS < len(text):
        after = after.rpartition(" ")[0]
    return clean_line(before + text[start:end] + after)


def _find_doubtful(
    taxonomy: Taxonomy, topic: Topic, corpus: LabelledCorpus
) -> list[DoubtfulPhrase]:
    """Return the topic's own phrases that are less common with the label than without it."""
    phrases = [phrase for phrase in list_phrases(taxonomy) if phrase.topic is topic]
    numbers = range(len(phrases))  # the corpus numbers the topic's own phrases first
    with_label = np.array([corpus.matches_with_label[n] for n in numbers], dtype=np.int64)
    without_label = np.array([corpus.matches_without_label[n] for n in numbers], dtype=np.int64)
    labelled = sum(corpus.is_labelled)
    z = compute_log_odds_z(
        with_label,
        without_label,
        np.full(len(phrases), labelled),
        np.full(len(phrases), len(corpus.is_labelled) - labelled),
    )
    doubtful = [
        DoubtfulPhrase(
            phrase.text,
            phrase.rule.id,
            phrase.line,
            PhraseCounts(float(z[n]), int(with_label[n]), int(without_label[n])),
        )
        for n, phrase in enumerate(phrases)
        if with_label[n] + without_label[n] >= MIN_ARTICLES and z[n] < 0
    ]
    return sorted(doubtful, key=lambda phrase: phrase.counts.z)
