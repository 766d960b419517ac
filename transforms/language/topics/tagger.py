"""Topic tags with their evidence: the tagger that is made from a taxonomy.

The taxonomy (`taxonomy.py`) defines the topics. Some topics also have a statistical model
(`model.py`). Imports neither Beam nor spaCy.
"""

import datetime as dt
import heapq
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from schemas import Evidence, TopicTag
from schemas.ids import tag_id_of
from transforms.language.topics.model import Reading, load_topic_model
from transforms.language.topics.phrases import Found, Hit, Matcher, Search, phrase_symbols
from transforms.language.topics.taxonomy import FieldWeights, Rule, Taxonomy, Topic, load_taxonomy

MAX_EVIDENCE: Final = 20
"""Matches that a tag quotes at most, for the text and for the title each."""

MODEL_EVIDENCE: Final = 5
"""Words of the topic model among them at most."""

MODEL_RULE: Final = "model"
"""`Evidence.rule` of words that speak for a topic by the topic model."""

LEDE_WORDS: Final = 60
"""The lede is the first paragraphs until they have this many words, and never more than twice
as many."""

SATURATION: Final = 10.0
"""Evidence with which a text of `USUAL_WORDS` words scores 0.5."""

USUAL_WORDS: Final = 600

LEAST_WORDS: Final = 60
"""Shorter texts and spans are scored as if they had this many words."""

SPAN_SCORE: Final = 0.38
"""Least score of a span on its own: one strong match (weight 2) in up to `LEAST_WORDS` words."""

SPAN_SCORE_IN_TOPIC: Final = 0.24
"""Least score of a span whose article has the topic: one supporting match (weight 1) does."""

LEAST_RULES: Final = 0.02
"""What no match at all counts as where the topic model has a say."""

MODEL_WORDS: Final = 200
"""Words of a text from which the topic model has its full share; in shorter ones it has less."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """All matches of an article, from which its tags and those of its quotes are made."""

    text: str
    title: str
    found: Found
    found_in_title: Found
    scores: list[float]
    """Score of the article, one a topic."""
    given: list[bool]
    """Whether the article has the topic, one a topic."""
    reading: Reading | None
    """What the topic model makes of it, if a topic asks for that."""


class TopicTagger:
    """Tags articles and quotes with the topics of a taxonomy. Pickles as its taxonomy.

    The score by rules is `e / (e + SATURATION * sqrt(words / USUAL_WORDS))`, where `words` counts
    the words of the text (`LEAST_WORDS` at least) and `e` is the evidence: that for the topic and
    that for all topics below it. Each match is worth the weight of its rule times that of the field
    it stands in; the matches of one phrase are added up as 1, 1/2, 1/3 ... of their worth, the best
    first. Matches of one topic that overlap count once: the longest, or of equals the one with the
    higher weight. So a match at a free place never lowers the score of a text of the same length,
    repeating a phrase helps ever less, and a longer text needs more evidence.

    Where the topic has a `model`, the score is the weighted mean of this and of what the topic
    model says, taken as log odds; the chance that is worth the threshold counts as that. The model
    has seen news of one country, so where the rules are sure it cannot lower their score. An
    article gets every topic whose score, rounded to four places, reaches the topic's threshold, and
    whose parent it gets.
    """

    def __init__(self, taxonomy: Taxonomy | None = None) -> None:
        self.taxonomy = load_taxonomy() if taxonomy is None else taxonomy
        topics = self.taxonomy.topics
        numbers = {topic.id: number for number, topic in enumerate(topics)}
        above = [
            tuple(numbers[wider.id] for wider in self.taxonomy.lineage(topic.id))
            for topic in topics
        ]
        self._parents = [numbers.get(topic.parent or "") for topic in topics]
        self._downwards = sorted(range(len(topics)), key=lambda number: len(above[number]))
        self._matcher = Matcher(
            (
                search_of(rule, above[number])
                for number, topic in enumerate(topics)
                for rule in topic.rules
            ),
            len(topics),
        )
        self._model = load_topic_model() if any(topic.model for topic in topics) else None

    def __reduce__(self) -> tuple[type["TopicTagger"], tuple[Taxonomy]]:
        return type(self), (self.taxonomy,)

    def analyse(self, text: str, title: str = "") -> Analysis:
        """Match an article once, in time linear in its length."""
        found = self._matcher.find(text)
        in_title = self._matcher.find(title)
        reading = self._model.read(found.words, in_title.words) if self._model else None
        lede = lede_end(text, found.starts)
        scores = []
        for topic, hits, title_hits in zip(
            self.taxonomy.topics, found.hits, in_title.hits, strict=True
        ):
            weights = topic.fields or self.taxonomy.fields
            score = 0.0
            if hits or title_hits:
                score = rule_score(worths(hits, title_hits, weights, lede), len(found.words))
            if reading and topic.model:
                score = mean_score(topic, score, reading.chance(topic.id), len(found.words))
            scores.append(round(score, 4))
        given = [False] * len(scores)
        for number in self._downwards:
            parent = self._parents[number]
            reached = scores[number] >= self.taxonomy.topics[number].threshold
            given[number] = reached and (parent is None or given[parent])
        return Analysis(text, title, found, in_title, scores, given, reading)

    def tag(
        self, text: str, *, title: str = "", article_id: str, run_id: str, day: dt.date
    ) -> list[TopicTag]:
        """Tags of an article that is needed only once; see `tag_article`."""
        return self.tag_article(
            self.analyse(text, title), article_id=article_id, run_id=run_id, day=day
        )

    def tag_article(
        self, analysis: Analysis, *, article_id: str, run_id: str, day: dt.date
    ) -> list[TopicTag]:
        """Tags of the article, the highest score first, of equals in the order of topic ids."""
        return _ordered(
            self._tag(
                number,
                score,
                self._shown(analysis, number, title=False),
                self._shown(analysis, number, title=True),
                article_id=article_id,
                quote_id=None,
                run_id=run_id,
                day=day,
            )
            for number, (score, given) in enumerate(
                zip(analysis.scores, analysis.given, strict=True)
            )
            if given
        )

    def tag_span(
        self,
        analysis: Analysis,
        start: int,
        end: int,
        *,
        quote_id: str,
        article_id: str,
        run_id: str,
        day: dt.date,
    ) -> list[TopicTag]:
        """Tags of the quote at code points `start` to `end` of the text, in the order of tags.

        Only matches that lie wholly inside the span are evidence, at the weight of the body and
        with the words of the span as length; the topic model has no say. The span has a topic if
        its score reaches `SPAN_SCORE`, or `SPAN_SCORE_IN_TOPIC` where the article has the topic and
        so settles what the speaker talks about, and if it has the topic's parent. Raises ValueError
        if the span does not lie in the text.
        """
        if not 0 <= start <= end <= len(analysis.text):
            raise ValueError(
                f"span {start}:{end} is not in the text of {len(analysis.text)} code points; "
                "give offsets into the text that was analysed"
            )
        starts = analysis.found.starts
        words = bisect_left(starts, end) - bisect_left(starts, start)
        tags: dict[int | None, TopicTag] = {}
        for number in self._downwards:
            hits = analysis.found.hits[number]
            first = bisect_left(hits, start, key=attrgetter("start"))
            inside = hits[first : bisect_right(hits, end, lo=first, key=attrgetter("end"))]
            parent = self._parents[number]
            if not inside or not (parent is None or parent in tags):
                continue
            weights = self.taxonomy.topics[number].fields or self.taxonomy.fields
            score = round(rule_score(worths(inside, (), weights, start), words), 4)
            if score >= (SPAN_SCORE_IN_TOPIC if analysis.given[number] else SPAN_SCORE):
                tags[number] = self._tag(
                    number,
                    score,
                    _evidence(inside, analysis.text),
                    [],
                    article_id=article_id,
                    quote_id=quote_id,
                    run_id=run_id,
                    day=day,
                )
        return _ordered(tags.values())

    def _tag(
        self,
        number: int,
        score: float,
        evidence: list[Evidence],
        title_evidence: list[Evidence],
        *,
        article_id: str,
        quote_id: str | None,
        run_id: str,
        day: dt.date,
    ) -> TopicTag:
        topic = self.taxonomy.topics[number]
        return TopicTag(
            tag_id=tag_id_of(article_id, quote_id, topic.id),
            article_id=article_id,
            quote_id=quote_id,
            run_id=run_id,
            day=day,
            topic_id=topic.id,
            label=topic.label,
            iptc_codes=list(topic.iptc),
            score=score,
            evidence=evidence,
            title_evidence=title_evidence,
            taxonomy_version=self.taxonomy.version,
        )

    def _shown(self, analysis: Analysis, number: int, *, title: bool) -> list[Evidence]:
        """The matches in text or title and, where the topic model has a say, words beside them."""
        found = analysis.found_in_title if title else analysis.found
        text = analysis.title if title else analysis.text
        evidence = _evidence(found.hits[number], text)
        topic = self.taxonomy.topics[number]
        if not (analysis.reading and topic.model):
            return evidence
        taken = [(hit.start, hit.end) for hit in found.hits[number]]
        for gram in analysis.reading.strongest(topic.id, MODEL_EVIDENCE, title=title):
            start, end = found.starts[gram.first], found.ends[gram.last]
            if len(evidence) < MAX_EVIDENCE and all(end <= a or b <= start for a, b in taken):
                taken.append((start, end))
                evidence.append(Evidence(start, end, text[start:end], MODEL_RULE))
        return sorted(evidence, key=attrgetter("start"))


def search_of(rule: Rule, topics: tuple[int, ...]) -> Search:
    """A rule as `Matcher` takes it, as evidence for topics with these numbers."""
    return Search(
        rule=rule.id,
        weight=rule.weight,
        topics=topics,
        phrases=tuple(phrase_symbols(phrase, rule.case) for phrase in rule.phrases),
        pattern=rule.pattern,
        case=rule.case,
        near=frozenset(phrase_symbols(word, False)[0] for word in rule.near),
        not_near=frozenset(phrase_symbols(word, False)[0] for word in rule.not_near),
        within=rule.within,
    )


def worths(
    hits: Sequence[Hit], title_hits: Sequence[Hit], weights: FieldWeights, lede: int
) -> Iterable[tuple[int, float]]:
    """What each match is worth, with the number of its phrase: those of the title come first.

    `lede` is where the lede ends.
    """
    for hit in title_hits:
        yield hit.phrase, hit.search.weight * weights.title
    for hit in hits:
        weight = weights.lede if hit.start < lede else weights.body
        yield hit.phrase, hit.search.weight * weight


def rule_score(matches: Iterable[tuple[int, float]], words: int) -> float:
    """The score by rules of `TopicTagger`."""
    of_phrase: dict[int, list[float]] = {}
    for phrase, worth in matches:
        of_phrase.setdefault(phrase, []).append(worth)
    total = sum(
        value / rank
        for values in of_phrase.values()
        for rank, value in enumerate(sorted(values, reverse=True), start=1)
    )
    return total / (total + needed_evidence(words))


def needed_evidence(words: int) -> float:
    """Evidence with which a text of so many words scores 0.5."""
    return SATURATION * math.sqrt(max(words, LEAST_WORDS) / USUAL_WORDS)


def model_share(topic: Topic, words: int) -> float:
    """The share of the topic model in the score of a text of so many words."""
    return topic.model.share * min(1.0, words / MODEL_WORDS) if topic.model else 0.0


def model_score(topic: Topic, chance: float) -> float:
    """A chance by the model as a score: the chance that is worth the threshold makes that."""
    if not topic.model:
        return 0.0
    return _chance(_log_odds(chance) - _log_odds(topic.model.chance) + _log_odds(topic.threshold))


def mean_score(topic: Topic, score: float, chance: float, words: int) -> float:
    """The mean of a score by rules and a chance by the model, in a text of so many words.

    Where the rules are sure, the score is no lower than theirs.
    """
    if not topic.model:
        return score
    share = model_share(topic, words)
    by_rules, by_model = max(score, LEAST_RULES), model_score(topic, chance)
    mean = _chance((1 - share) * _log_odds(by_rules) + share * _log_odds(by_model))
    return max(mean, score) if score >= topic.model.sure else mean


def _chance(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _log_odds(chance: float) -> float:
    return math.log(chance / (1 - chance))


def lede_end(text: str, words: list[int]) -> int:
    """Where the lede of a text ends whose words start at `words`."""
    if len(words) <= LEDE_WORDS:
        return len(text)
    paragraph_end = text.find("\n", words[LEDE_WORDS])
    longest = words[2 * LEDE_WORDS] if len(words) > 2 * LEDE_WORDS else len(text)
    return longest if paragraph_end < 0 else min(paragraph_end, longest)


def _evidence(hits: Sequence[Hit], text: str) -> list[Evidence]:
    """The matches to quote in a tag: the strongest, of equals the first; in the text's order."""
    best = heapq.nsmallest(MAX_EVIDENCE, hits, key=lambda hit: (-hit.search.weight, hit.start))
    return [
        Evidence(start=hit.start, end=hit.end, text=text[hit.start : hit.end], rule=hit.search.rule)
        for hit in sorted(best, key=attrgetter("start"))
    ]


def _ordered(tags: Iterable[TopicTag]) -> list[TopicTag]:
    return sorted(tags, key=lambda tag: (-tag.score, tag.topic_id))
