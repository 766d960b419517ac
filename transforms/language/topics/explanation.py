"""Explanations of topics: every number that goes into the scores of an article.

The fields are the keys of `taxonomy explain --json`. Imports neither Beam nor spaCy.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from transforms.language.topics.phrase_index import PhraseEntry, list_phrases
from transforms.language.topics.scoring import (
    compute_model_score,
    compute_model_share,
    compute_needed_evidence,
    compute_rule_score,
    find_lede_end,
    weigh_matches,
)
from transforms.language.topics.tagger import MAX_MODEL_EVIDENCE, TopicAnalysis, TopicTagger
from transforms.language.topics.taxonomy import Topic

MAX_NEAR_MISSES: Final = 3
"""The maximum number of explained topics that the article does not have."""


@dataclass(frozen=True, slots=True)
class MatchExplanation:
    """A match that is evidence for a topic; it is worth `weight * field_weight / rank`."""

    start: int
    """Offset into the title or the text, as `field` says, in code points."""
    end: int
    text: str
    field: str
    """`title`, `lede` or `body`."""
    topic: str
    """Id of the topic of the rule: the explained one or one below it."""
    rule: str
    phrase: str
    """The phrase as the taxonomy has it, or the pattern."""
    weight: float
    field_weight: float
    rank: int
    """Rank among the matches of the same phrase, from 1; the highest weights come first."""
    worth: float


@dataclass(frozen=True, slots=True)
class ModelExplanation:
    """The contribution of the topic model to a score."""

    share: float
    """Share in the score of a text of this length, from 0 to 1."""
    chance: float
    """Probability of the topic by the model."""
    even: float
    """Probability that counts as a score equal to the threshold."""
    worth: float
    """The probability as a score."""
    sure: float
    """Score by rules from which the model cannot lower it."""
    words: list[str]
    """N-grams that are the strongest evidence: of the title, then of the text, strongest first."""


@dataclass(frozen=True, slots=True)
class AncestorExplanation:
    """A wider topic, which the article must have before it can have the explained one."""

    topic: str
    score: float
    threshold: float
    given: bool
    """True if the article has the topic."""


@dataclass(frozen=True, slots=True)
class TopicExplanation:
    """The numbers that go into the score of one topic.

    `evidence` is the sum of the worth of the matches and `rule_score` is
    `evidence / (evidence + needed)`. `score` is `rule_score` or, with a model, the result of
    `combine_scores`, rounded to four places.
    """

    topic: str
    label: str
    given: bool
    """True if the article has the topic."""
    score: float
    threshold: float
    above: list[AncestorExplanation]
    """The widest last."""
    evidence: float
    needed: float
    """Evidence with which a text of this length scores 0.5."""
    rule_score: float
    matches: list[MatchExplanation]
    """The highest worth first."""
    model: ModelExplanation | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The topics of an article and the near misses."""

    taxonomy_version: str
    title_words: int
    words: int
    """Words of the text, without the title."""
    lede_words: int
    given: list[str]
    """Ids of the article's topics, in the order of their tags."""
    topics: list[TopicExplanation]


def explain_topics(
    tagger: TopicTagger, text: str, title: str = "", *, topic_id: str | None = None
) -> Explanation:
    """Explain the topics of an article and up to `MAX_NEAR_MISSES` others, or only one topic.

    Args:
        tagger: The tagger.
        text: The text of the article.
        title: Its title.
        topic_id: The only topic to explain, whether or not the article has it.

    Raises:
        KeyError: the taxonomy has no such topic.
    """
    topics = tagger.taxonomy.topics
    analysis = tagger.analyse(text, title)
    scores, has_topic = analysis.scores, analysis.has_topic
    numbers = {topic.id: number for number, topic in enumerate(topics)}
    by_score = sorted(numbers, key=lambda topic: (-scores[numbers[topic]], topic))
    topics_of_article = [topic for topic in by_score if has_topic[numbers[topic]]]
    if topic_id is not None:
        explained = [numbers[topic_id]]
    else:
        near_misses = [
            number for number, score in enumerate(scores) if score and not has_topic[number]
        ]
        near_misses.sort(key=lambda number: -scores[number] / topics[number].threshold)
        explained = [
            *(numbers[topic] for topic in topics_of_article),
            *near_misses[:MAX_NEAR_MISSES],
        ]
    starts = analysis.text_matches.starts
    lede_end = find_lede_end(text, starts)
    phrases = list_phrases(tagger.taxonomy)
    return Explanation(
        taxonomy_version=tagger.taxonomy.version,
        title_words=len(analysis.title_matches.tokens),
        words=len(starts),
        lede_words=bisect_left(starts, lede_end),
        given=topics_of_article,
        topics=[
            _explain_topic(tagger, analysis, number, lede_end, phrases) for number in explained
        ],
    )


def _explain_topic(
    tagger: TopicTagger,
    analysis: TopicAnalysis,
    number: int,
    lede_end: int,
    phrases: Sequence[PhraseEntry],
) -> TopicExplanation:
    taxonomy = tagger.taxonomy
    topic = taxonomy.topics[number]
    numbers = {topic.id: number for number, topic in enumerate(taxonomy.topics)}
    field_weights = topic.fields or taxonomy.fields
    in_title = analysis.title_matches.by_topic[number]
    in_text = analysis.text_matches.by_topic[number]
    weighted_matches = list(weigh_matches(in_text, in_title, field_weights, lede_end))
    matches = [*in_title, *in_text]
    explanations = []
    ranks = Counter[int]()
    for index in sorted(range(len(matches)), key=lambda index: -weighted_matches[index][1]):
        match = matches[index]
        ranks[match.phrase_number] += 1
        is_title = index < len(in_title)
        field = "title" if is_title else "lede" if match.start < lede_end else "body"
        phrase = phrases[match.phrase_number]
        explanations.append(
            MatchExplanation(
                start=match.start,
                end=match.end,
                text=(analysis.title if is_title else analysis.text)[match.start : match.end],
                field=field,
                topic=phrase.topic.id,
                rule=phrase.rule.id,
                phrase=phrase.text,
                weight=match.rule.weight,
                field_weight=getattr(field_weights, field),
                rank=ranks[match.phrase_number],
                worth=weighted_matches[index][1] / ranks[match.phrase_number],
            )
        )
    ancestors = [wider for wider in taxonomy.lineage(topic.id) if wider.id != topic.id]
    words = len(analysis.text_matches.tokens)
    return TopicExplanation(
        topic=topic.id,
        label=topic.label,
        given=analysis.has_topic[number],
        score=analysis.scores[number],
        threshold=topic.threshold,
        above=[
            AncestorExplanation(
                ancestor.id,
                analysis.scores[numbers[ancestor.id]],
                ancestor.threshold,
                analysis.has_topic[numbers[ancestor.id]],
            )
            for ancestor in ancestors
        ],
        evidence=sum(explanation.worth for explanation in explanations),
        needed=compute_needed_evidence(words),
        rule_score=compute_rule_score(weighted_matches, words),
        matches=sorted(explanations, key=lambda explanation: -explanation.worth),
        model=_explain_model(analysis, topic),
    )


def _explain_model(analysis: TopicAnalysis, topic: Topic) -> ModelExplanation | None:
    prediction = analysis.prediction
    if prediction is None or topic.model is None:
        return None

    def list_ngrams(*, title: bool) -> list[str]:
        matches = analysis.title_matches if title else analysis.text_matches
        text = analysis.title if title else analysis.text
        spans = prediction.find_strongest(topic.id, MAX_MODEL_EVIDENCE, title=title)
        return [text[matches.starts[span.first] : matches.ends[span.last]] for span in spans]

    probability = prediction.probability(topic.id)
    return ModelExplanation(
        share=compute_model_share(topic, len(analysis.text_matches.tokens)),
        chance=probability,
        even=topic.model.chance,
        worth=compute_model_score(topic, probability),
        sure=topic.model.sure,
        words=[*list_ngrams(title=True), *list_ngrams(title=False)],
    )
