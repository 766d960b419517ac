"""The log-linear model that decides on quotes, speakers and indirect speech.

Input: candidates with their features (see `speaker_candidates`, `indirect_candidates`). Output: the
chosen candidates with their probabilities. A candidate's score is the sum of the weights of its
features, and the softmax over the candidates gives the probabilities (a conditional logit). There
are three tables of weights: "speaker" ranks the candidate speakers of a quoted segment, "quote"
tells quotes from labels, titles and scare quotes, and "report" ranks what a cue may report without
quotation marks.

`benchmarks.train` fits the weights, with an L2 penalty, to the training articles of PolNeAR and
writes `ranker.tsv`, whose first lines name the source. The confidence of a record is the
probability of the model, without further correction. `benchmarks.quotes` prints it beside the share
that is right, which shows how well it is calibrated.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple, Protocol

from schemas import QuoteKind
from transforms.language.document import Document
from transforms.language.quotes.attribution import NAMED_LABEL, UNKNOWN, Attribution, QuoteReading
from transforms.language.quotes.attribution_rules import AttributionRules
from transforms.language.quotes.indirect_candidates import (
    IndirectCandidate,
    IndirectCandidateFinder,
)
from transforms.language.quotes.indirect_speech import IndirectContentFinder
from transforms.language.quotes.quotation_marks import QuotedSegment
from transforms.language.quotes.sentences import QuotedText
from transforms.language.quotes.speaker_candidates import (
    DescribedSegment,
    NearbyAttributions,
    SpeakerCandidate,
    SpeakerCandidateFinder,
)
from transforms.language.quotes.speaker_mentions import SpeakerMentionFinder

SPEAKER_TABLE: Final = "speaker"
QUOTE_TABLE: Final = "quote"
REPORT_TABLE: Final = "report"
MIN_QUOTE_PROBABILITY: Final = 0.57
"""A segment that is less likely to be a quote is none."""
MIN_REPORT_PROBABILITY: Final = 0.55
"""A cue that is less likely to report something reports nothing."""
MIN_RULE_CLAUSE_PROBABILITY: Final = 0.4
"""The same for a cue whose best candidate is a clause that the rules find, too."""
NOTHING_REPORTED: Final = ("nothing",)
"""The features of the alternative that a cue reports nothing."""
_MIN_OVERLAP: Final = 0.5
"""Candidates whose Jaccard overlap is at least this count as one content."""

Weights = Mapping[str, Mapping[str, float]]
"""Weights by table and feature."""


class SegmentDecision(NamedTuple):
    """The decision on a quoted segment: whether it is a quote, and by which speaker."""

    quote_probability: float
    """The probability that the segment is a quote."""
    candidate: SpeakerCandidate | None
    """The best candidate; None if there are none."""
    candidate_probability: float
    """The probability of the best candidate among all of the segment."""


class SegmentDecider(Protocol):
    """A model that decides on quoted segments: the ranker, or a substitute in training."""

    def decide_segment(self, described: DescribedSegment) -> SegmentDecision:
        """Return the decision on a segment."""


class Ranker:
    """The log-linear model with its weights."""

    def __init__(self, weights: Weights) -> None:
        self._speaker_weights = weights[SPEAKER_TABLE]
        self._quote_weights = weights[QUOTE_TABLE]
        self._report_weights = weights[REPORT_TABLE]

    def decide_segment(self, described: DescribedSegment) -> SegmentDecision:
        """Return the best candidate of a segment, and the probability that it is a quote."""
        candidates = described.candidates
        scores = [sum_weights(self._speaker_weights, c.features) for c in candidates]
        probabilities = softmax(scores)
        best = max(range(len(probabilities)), key=probabilities.__getitem__, default=None)
        candidate = None if best is None else candidates[best]
        probability = 0.0 if best is None else probabilities[best]
        features = build_quote_features(described, candidate, probability)
        log_odds = sum_weights(self._quote_weights, features)
        return SegmentDecision(1 / (1 + math.exp(-log_odds)), candidate, probability)

    def choose_content(
        self, candidates: Sequence[IndirectCandidate]
    ) -> tuple[IndirectCandidate, float] | None:
        """Return the content of a cue and its probability; None if the cue reports nothing.

        The probability is the sum over the candidates with nearly the same span.
        """
        alternatives = (*(candidate.features for candidate in candidates), NOTHING_REPORTED)
        *probabilities, nothing = softmax(
            [sum_weights(self._report_weights, features) for features in alternatives]
        )
        if not probabilities:
            return None
        best = candidates[max(range(len(probabilities)), key=probabilities.__getitem__)]
        minimum = MIN_RULE_CLAUSE_PROBABILITY if best.is_rule_clause else MIN_REPORT_PROBABILITY
        if 1 - nothing < minimum:
            return None
        return best, sum(
            probability
            for probability, candidate in zip(probabilities, candidates, strict=True)
            if _overlap(best, candidate) >= _MIN_OVERLAP
        )


def _overlap(one: IndirectCandidate, other: IndirectCandidate) -> float:
    """Return the Jaccard overlap of two spans, if they overlap; else a number below 0."""
    common = min(one.end, other.end) - max(one.start, other.start)
    return common / (max(one.end, other.end) - min(one.start, other.start))


def build_quote_features(
    described: DescribedSegment, candidate: SpeakerCandidate | None, probability: float
) -> list[str]:
    """Return the features that tell a quote from a label: the segment's and its best candidate's.

    Args:
        described: The segment.
        candidate: Its best candidate.
        probability: The probability of that candidate.
    """
    candidate_features = candidate.features if candidate else ["none"]
    return [
        *described.features,
        *(f"c:{f}" for f in candidate_features),
        f"c:chance={int(probability * 5)}",
        "bias",
    ]


def sum_weights(weights: Mapping[str, float], features: Iterable[str]) -> float:
    """Return the sum of the weights of distinct features; their order makes no difference."""
    return math.fsum(map(weights.__getitem__, weights.keys() & features))


def softmax(scores: Sequence[float]) -> list[float]:
    """Return probabilities that add up to 1."""
    highest = max(scores, default=0.0)
    powers = [math.exp(score - highest) for score in scores]
    return [power / sum(powers) for power in powers]


@cache
def load_ranker() -> Ranker:
    """Return the ranker with the weights of the package."""
    return Ranker(parse_weights(files(__package__).joinpath("ranker.tsv").read_text("utf-8")))


def parse_weights(text: str) -> Weights:
    """Return the weights of lines of table, feature and weight, separated by tabs.

    A line that begins with "#" is a comment.
    """
    weights: dict[str, dict[str, float]] = {SPEAKER_TABLE: {}, QUOTE_TABLE: {}, REPORT_TABLE: {}}
    for line in text.splitlines():
        if not line.startswith("#"):
            table, feature, weight = line.split("\t")
            weights[table][feature] = float(weight)
    return weights


def attribute_quotes(
    quoted_text: QuotedText,
    mention_finder: SpeakerMentionFinder,
    rules: AttributionRules,
    decider: SegmentDecider,
) -> dict[QuotedSegment, QuoteReading]:
    """Return the quotes of a text with their attributions, in order.

    Args:
        quoted_text: The text in sentences.
        mention_finder: The finder of the mentions of speakers.
        rules: The rules, whose attributions are candidates and features.
        decider: The model that decides on each segment.
    """
    by_rule = rules.attribute_segments()
    finder = SpeakerCandidateFinder(quoted_text, mention_finder)
    readings: dict[QuotedSegment, QuoteReading] = {}
    same_paragraph = sentence_before = paragraph_before = UNKNOWN
    paragraph = -1
    for number, (sentence, sentence_cues) in enumerate(
        zip(quoted_text.sentences, rules.sentence_cues, strict=True)
    ):
        if sentence.paragraph != paragraph:
            paragraph = sentence.paragraph
            paragraph_before, same_paragraph = same_paragraph, UNKNOWN
        is_last = number + 1 == len(quoted_text.sentences)
        sentence_after = UNKNOWN if is_last else rules.sentence_cues[number + 1].first_attribution()
        positions = [n for n, item in enumerate(sentence.items) if isinstance(item, QuotedSegment)]
        cue_positions = finder.find_cue_positions(sentence) if positions else []
        for position in positions:
            segment = sentence.items[position]
            assert isinstance(segment, QuotedSegment)
            rule = by_rule[segment]
            if rule.attribution == NAMED_LABEL:
                continue
            nearby = NearbyAttributions(
                same_paragraph, sentence_before, paragraph_before, sentence_after
            )
            described = finder.describe_segment(
                sentence, position, cue_positions, sentence_cues, rule, nearby
            )
            decision = decider.decide_segment(described)
            # A whole sentence that the rules give a speaker is a quote, however rare its features.
            certain = (
                rule.kind == QuoteKind.DIRECT
                and rule.attribution.speaker
                and quoted_text.is_clause(segment)
            )
            if decision.quote_probability < MIN_QUOTE_PROBABILITY and not certain:
                continue
            attribution = decision.candidate.attribution if decision.candidate else UNKNOWN
            confidence = decision.quote_probability
            if attribution.speaker:
                confidence *= decision.candidate_probability
                same_paragraph = attribution
            readings[segment] = QuoteReading(
                sentence_cues.add_relay(attribution), rule.kind, round(confidence, 2)
            )
        sentence_before = UNKNOWN if positions else sentence_cues.last_attribution()
    return readings


def attribute_indirect_speech(
    document: Document,
    content_finder: IndirectContentFinder,
    rules: AttributionRules,
    ranker: Ranker,
) -> dict[tuple[int, int], QuoteReading]:
    """Return the indirect speech of a text with its attributions, by start and end.

    Args:
        document: The parsed text.
        content_finder: The rules that find contents.
        rules: The rules that found the cues.
        ranker: The model that decides on each cue.
    """
    candidates = IndirectCandidateFinder(document, content_finder, rules.cues_by_token)
    readings: dict[tuple[int, int], QuoteReading] = {}
    for index, cue in sorted(rules.cues_by_token.items()):
        chosen = ranker.choose_content(candidates.find_candidates(index))
        if chosen:
            content, confidence = chosen
            attribution = Attribution(content.method, cue.start, cue.end, cue.speaker)
            reading = QuoteReading(attribution, QuoteKind.INDIRECT, round(confidence, 2))
            readings.setdefault((content.start, content.end), reading)
    return readings
