"""The topic tagger: tags of articles and quotes, with their evidence.

The taxonomy (`taxonomy.py`) defines the topics. Some of them also have a statistical model
(`model.py`). Imports neither Beam nor spaCy.
"""

import datetime as dt
import heapq
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Final

from schemas import Evidence, TopicTag
from schemas.ids import tag_id_of
from transforms.language.topics.matcher import Match, Matcher, TextMatches, compile_rule
from transforms.language.topics.model import ModelPrediction, load_topic_model
from transforms.language.topics.scoring import (
    combine_scores,
    compute_rule_score,
    find_lede_end,
    weigh_matches,
)
from transforms.language.topics.taxonomy import Taxonomy
from transforms.language.topics.taxonomy_file import load_taxonomy

MAX_EVIDENCE: Final = 20
"""The maximum number of matches in a tag's evidence, separately for text and title."""

MAX_MODEL_EVIDENCE: Final = 5
"""The maximum number of n-grams of the topic model among them."""

MODEL_RULE: Final = "model"
"""`Evidence.rule` of n-grams that the topic model counts for a topic."""

MIN_SPAN_SCORE: Final = 0.38
"""The minimum score of a span: one strong match (weight 2) in up to `MIN_SCORED_WORDS` words."""

MIN_SPAN_SCORE_IN_TOPIC: Final = 0.24
"""The same if the article has the topic: one supporting match (weight 1) reaches it."""


@dataclass(frozen=True, slots=True)
class TopicAnalysis:
    """The matches and scores of an article, from which it and its quotes are tagged."""

    text: str
    title: str
    text_matches: TextMatches
    title_matches: TextMatches
    scores: list[float]
    """Score of the article per topic, by number."""
    has_topic: list[bool]
    """True for each topic that the article has."""
    prediction: ModelPrediction | None
    """None if no topic asks for the topic model."""
    matches_by_start: list[tuple[int, int, Match]]
    """The start in the text, the topic and the match of all evidence, in order."""


class TopicTagger:
    """Tags articles and quotes with the topics of a taxonomy. Pickles as its taxonomy.

    A match is evidence for the topic of its rule and for the topics above it. Matches of one topic
    that overlap count once: the longest, or of equally long ones the one with the higher weight.
    `scoring.py` describes the scores. An article gets a topic if its score, rounded to four places,
    reaches the topic's threshold, and if the article gets the topic's parent.
    """

    def __init__(self, taxonomy: Taxonomy | None = None) -> None:
        self.taxonomy = load_taxonomy() if taxonomy is None else taxonomy
        topics = self.taxonomy.topics
        numbers = {topic.id: number for number, topic in enumerate(topics)}
        lineages = [
            tuple(numbers[ancestor.id] for ancestor in self.taxonomy.lineage(topic.id))
            for topic in topics
        ]
        self._parents = [numbers.get(topic.parent or "") for topic in topics]
        self._depths = [*map(len, lineages)]
        self._parents_first = sorted(range(len(topics)), key=self._depths.__getitem__)
        self._matcher = Matcher(
            (
                compile_rule(rule, lineages[number])
                for number, topic in enumerate(topics)
                for rule in topic.rules
            ),
            len(topics),
        )
        self._model = load_topic_model() if any(topic.model for topic in topics) else None

    def __reduce__(self) -> tuple[type["TopicTagger"], tuple[Taxonomy]]:
        return type(self), (self.taxonomy,)

    def analyse(self, text: str, title: str = "") -> TopicAnalysis:
        """Return the matches and scores of an article, in time linear in its length."""
        text_matches = self._matcher.find_matches(text)
        title_matches = self._matcher.find_matches(title)
        prediction = (
            self._model.predict(text_matches.tokens, title_matches.tokens) if self._model else None
        )
        lede_end = find_lede_end(text, text_matches.starts)
        words = len(text_matches.tokens)
        scores = []
        for topic, in_text, in_title in zip(
            self.taxonomy.topics, text_matches.by_topic, title_matches.by_topic, strict=True
        ):
            weights = topic.fields or self.taxonomy.fields
            score = 0.0
            if in_text or in_title:
                weighted_matches = weigh_matches(in_text, in_title, weights, lede_end)
                score = compute_rule_score(weighted_matches, words)
            if prediction and topic.model:
                score = combine_scores(topic, score, prediction.probability(topic.id), words)
            scores.append(round(score, 4))
        has_topic = [False] * len(scores)
        for number in self._parents_first:
            parent = self._parents[number]
            reached = scores[number] >= self.taxonomy.topics[number].threshold
            has_topic[number] = reached and (parent is None or has_topic[parent])
        matches_by_start = [
            (match.start, number, match)
            for number, matches in enumerate(text_matches.by_topic)
            for match in matches
        ]
        matches_by_start.sort(key=itemgetter(0))
        return TopicAnalysis(
            text, title, text_matches, title_matches, scores, has_topic, prediction,
            matches_by_start,
        )  # fmt: skip

    def tag(
        self, text: str, *, title: str = "", article_id: str, run_id: str, day: dt.date
    ) -> list[TopicTag]:
        """Return the tags of an article whose quotes are not tagged; see `tag_article`."""
        return self.tag_article(
            self.analyse(text, title), article_id=article_id, run_id=run_id, day=day
        )

    def tag_article(
        self, analysis: TopicAnalysis, *, article_id: str, run_id: str, day: dt.date
    ) -> list[TopicTag]:
        """Return the tags of the article, the highest score first; equal scores by topic id."""
        return _sort_tags(
            self._make_tag(
                number,
                score,
                self._collect_evidence(analysis, number, title=False),
                self._collect_evidence(analysis, number, title=True),
                article_id=article_id,
                quote_id=None,
                run_id=run_id,
                day=day,
            )
            for number, (score, has_topic) in enumerate(
                zip(analysis.scores, analysis.has_topic, strict=True)
            )
            if has_topic
        )

    def tag_span(
        self,
        analysis: TopicAnalysis,
        start: int,
        end: int,
        *,
        quote_id: str,
        article_id: str,
        run_id: str,
        day: dt.date,
    ) -> list[TopicTag]:
        """Return the tags of a quote, in the order of `tag_article`.

        Only matches that lie wholly inside the span are evidence, at the weight of the body and
        with the words of the span as length; the topic model does not contribute. The span has a
        topic if it has the topic's parent and its score reaches `MIN_SPAN_SCORE`. Where the article
        has the topic, which settles what the speaker talks about, `MIN_SPAN_SCORE_IN_TOPIC` does.

        Args:
            analysis: The analysis of the quote's article.
            start: Offset of the quote in the article's text, in code points.
            end: Offset at which it ends.
            quote_id: Id of the quote.
            article_id: Id of the article.
            run_id: Id of the run.
            day: Day of the article.

        Raises:
            ValueError: the span does not lie in the text.
        """
        if not 0 <= start <= end <= len(analysis.text):
            raise ValueError(
                f"span {start}:{end} is not in the text of {len(analysis.text)} code points; "
                "give offsets into the text that was analysed"
            )
        starts = analysis.text_matches.starts
        words = bisect_left(starts, end) - bisect_left(starts, start)
        first = bisect_left(analysis.matches_by_start, start, key=itemgetter(0))
        last = bisect_left(analysis.matches_by_start, end, lo=first, key=itemgetter(0))
        inside_by_topic: dict[int, list[Match]] = {}
        for _, number, match in analysis.matches_by_start[first:last]:
            if match.end <= end:
                inside_by_topic.setdefault(number, []).append(match)
        tags: dict[int | None, TopicTag] = {}
        for number in sorted(inside_by_topic, key=self._depths.__getitem__):
            parent = self._parents[number]
            if not (parent is None or parent in tags):
                continue
            inside = inside_by_topic[number]
            weights = self.taxonomy.topics[number].fields or self.taxonomy.fields
            score = compute_rule_score(weigh_matches(inside, (), weights, lede_end=start), words)
            score = round(score, 4)
            min_score = MIN_SPAN_SCORE_IN_TOPIC if analysis.has_topic[number] else MIN_SPAN_SCORE
            if score >= min_score:
                tags[number] = self._make_tag(
                    number,
                    score,
                    _quote_matches(inside, analysis.text),
                    [],
                    article_id=article_id,
                    quote_id=quote_id,
                    run_id=run_id,
                    day=day,
                )
        return _sort_tags(tags.values())

    def _make_tag(
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

    def _collect_evidence(
        self, analysis: TopicAnalysis, number: int, *, title: bool
    ) -> list[Evidence]:
        """Return the matches in text or title, and n-grams of the topic model beside them."""
        matches = analysis.title_matches if title else analysis.text_matches
        text = analysis.title if title else analysis.text
        evidence = _quote_matches(matches.by_topic[number], text)
        topic = self.taxonomy.topics[number]
        if not (analysis.prediction and topic.model):
            return evidence
        taken = [(match.start, match.end) for match in matches.by_topic[number]]
        for ngram in analysis.prediction.find_strongest(topic.id, MAX_MODEL_EVIDENCE, title=title):
            start, end = matches.starts[ngram.first], matches.ends[ngram.last]
            if len(evidence) < MAX_EVIDENCE and all(end <= a or b <= start for a, b in taken):
                taken.append((start, end))
                evidence.append(Evidence(start, end, text[start:end], MODEL_RULE))
        return sorted(evidence, key=attrgetter("start"))


def _quote_matches(matches: Sequence[Match], text: str) -> list[Evidence]:
    """Return the strongest matches, of equal ones the first, in the order of the text."""
    if len(matches) > MAX_EVIDENCE:
        strongest = heapq.nsmallest(
            MAX_EVIDENCE, matches, key=lambda match: (-match.rule.weight, match.start)
        )
        matches = sorted(strongest, key=attrgetter("start"))
    return [
        Evidence(
            start=match.start,
            end=match.end,
            text=text[match.start : match.end],
            rule=match.rule.rule_id,
        )
        for match in matches
    ]


def _sort_tags(tags: Iterable[TopicTag]) -> list[TopicTag]:
    return sorted(tags, key=lambda tag: (-tag.score, tag.topic_id))
