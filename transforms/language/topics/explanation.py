"""Why an article gets its topics, or not: every number that its scores are made of.

Imports neither Beam nor spaCy.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from transforms.language.topics.phrase_index import Listed, list_phrases
from transforms.language.topics.tagger import (
    MODEL_EVIDENCE,
    Analysis,
    TopicTagger,
    lede_end,
    model_score,
    model_share,
    needed_evidence,
    rule_score,
    worths,
)
from transforms.language.topics.taxonomy import Topic

NEAREST: Final = 3
"""Topics that are explained although the article does not get them."""


@dataclass(frozen=True, slots=True)
class Match:
    """A match that is evidence for a topic; it is worth `weight * field_weight / rank`."""

    start: int
    """Offset into the title or the text, as `field` says."""
    end: int
    text: str
    field: str
    """`title`, `lede` or `body`."""
    topic: str
    """Id of the topic that the rule belongs to: the one explained or one below it."""
    rule: str
    phrase: str
    """As written in the taxonomy, or the pattern."""
    weight: float
    field_weight: float
    rank: int
    """Its place among the matches of the same phrase, the best first, from 1."""
    worth: float


@dataclass(frozen=True, slots=True)
class ModelSays:
    """What the topic model has to say."""

    share: float
    """In the score of a text of this length."""
    chance: float
    even: float
    """The chance that is worth the threshold."""
    worth: float
    """The chance as a score."""
    sure: float
    """The score by rules from which it counts whatever the model says."""
    words: list[str]
    """What speaks most for the topic: in the title, then in the text, the strongest first."""


@dataclass(frozen=True, slots=True)
class Above:
    """A wider topic, which has to be given, too."""

    topic: str
    score: float
    threshold: float
    given: bool


@dataclass(frozen=True, slots=True)
class TopicExplanation:
    """How the score of a topic comes about.

    `evidence` is the sum of the worth of the matches, `rule_score` is
    `evidence / (evidence + needed)`, and `score` is that or, with a model, the mean of its log odds
    and those of what the model's chance is worth, but no less than sure rules; it is rounded to
    four places.
    """

    topic: str
    label: str
    given: bool
    score: float
    threshold: float
    above: list[Above]
    """The widest last."""
    evidence: float
    needed: float
    """Evidence with which a text of this length scores 0.5."""
    rule_score: float
    matches: list[Match]
    """The most worth first."""
    model: ModelSays | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """An article's topics, and those that it nearly has."""

    taxonomy_version: str
    title_words: int
    words: int
    """Words of the text, without the title."""
    lede_words: int
    given: list[str]
    """Ids of its topics, in the order of their tags."""
    topics: list[TopicExplanation]


def explain(
    tagger: TopicTagger, text: str, title: str = "", *, topic_id: str | None = None
) -> Explanation:
    """Explain the topics of an article and the `NEAREST` misses, or only the topic named.

    Raises KeyError if the taxonomy has no such topic.
    """
    topics = tagger.taxonomy.topics
    analysis = tagger.analyse(text, title)
    numbers = {topic.id: number for number, topic in enumerate(topics)}
    by_score = sorted(numbers, key=lambda topic: (-analysis.scores[numbers[topic]], topic))
    given = [topic for topic in by_score if analysis.given[numbers[topic]]]
    if topic_id is not None:
        wanted = [numbers[topic_id]]
    else:
        missed = [
            number
            for number, score in enumerate(analysis.scores)
            if score and not analysis.given[number]
        ]
        missed.sort(key=lambda number: -analysis.scores[number] / topics[number].threshold)
        wanted = [*(numbers[topic] for topic in given), *missed[:NEAREST]]
    starts = analysis.found.starts
    lede = lede_end(text, starts)
    listed = list_phrases(tagger.taxonomy)
    return Explanation(
        taxonomy_version=tagger.taxonomy.version,
        title_words=len(analysis.found_in_title.words),
        words=len(starts),
        lede_words=bisect_left(starts, lede),
        given=given,
        topics=[_explain_topic(tagger, analysis, number, lede, listed) for number in wanted],
    )


def _explain_topic(
    tagger: TopicTagger, analysis: Analysis, number: int, lede: int, listed: Sequence[Listed]
) -> TopicExplanation:
    taxonomy = tagger.taxonomy
    topic = taxonomy.topics[number]
    numbers = {each.id: place for place, each in enumerate(taxonomy.topics)}
    fields = topic.fields or taxonomy.fields
    in_title, in_text = analysis.found_in_title.hits[number], analysis.found.hits[number]
    worth = list(worths(in_text, in_title, fields, lede))
    hits = [*in_title, *in_text]
    matches = []
    ranks = Counter[int]()
    for place in sorted(range(len(hits)), key=lambda place: -worth[place][1]):
        hit = hits[place]
        ranks[hit.phrase] += 1
        is_title = place < len(in_title)
        where = "title" if is_title else "lede" if hit.start < lede else "body"
        source = listed[hit.phrase]
        matches.append(
            Match(
                start=hit.start,
                end=hit.end,
                text=(analysis.title if is_title else analysis.text)[hit.start : hit.end],
                field=where,
                topic=source.topic.id,
                rule=source.rule.id,
                phrase=source.text,
                weight=hit.search.weight,
                field_weight=getattr(fields, where),
                rank=ranks[hit.phrase],
                worth=worth[place][1] / ranks[hit.phrase],
            )
        )
    wider = [each for each in taxonomy.lineage(topic.id) if each.id != topic.id]
    return TopicExplanation(
        topic=topic.id,
        label=topic.label,
        given=analysis.given[number],
        score=analysis.scores[number],
        threshold=topic.threshold,
        above=[
            Above(
                each.id,
                analysis.scores[numbers[each.id]],
                each.threshold,
                analysis.given[numbers[each.id]],
            )
            for each in wider
        ],
        evidence=sum(match.worth for match in matches),
        needed=needed_evidence(len(analysis.found.words)),
        rule_score=rule_score(worth, len(analysis.found.words)),
        matches=sorted(matches, key=lambda match: -match.worth),
        model=_model_says(analysis, topic),
    )


def _model_says(analysis: Analysis, topic: Topic) -> ModelSays | None:
    reading = analysis.reading
    if reading is None or topic.model is None:
        return None

    def words(*, title: bool) -> list[str]:
        found = analysis.found_in_title if title else analysis.found
        text = analysis.title if title else analysis.text
        places = reading.strongest(topic.id, MODEL_EVIDENCE, title=title)
        return [text[found.starts[place.first] : found.ends[place.last]] for place in places]

    chance = reading.chance(topic.id)
    return ModelSays(
        share=model_share(topic, len(analysis.found.words)),
        chance=chance,
        even=topic.model.chance,
        worth=model_score(topic, chance),
        sure=topic.model.sure,
        words=[*words(title=True), *words(title=False)],
    )
