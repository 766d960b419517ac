"""Training of the ranker's weights from a folder of PolNeAR (see `benchmarks.polnear`).

The models are conditional logits with an L2 penalty, fitted by L-BFGS from zero, so the same folder
and libraries give the same file. The previous speaker is a feature. The rules determine it in the
first round, and the model of the previous round in each later one.

usage: python -m benchmarks.train FOLDER
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from benchmarks.polnear import GoldDocument, GoldQuote, Span, read_documents
from benchmarks.quote_scoring import (
    MIN_OVERLAP,
    NO_SOURCE,
    RESOLVED,
    RIGHT,
    jaccard,
    judge_speaker,
    match_spans,
)
from benchmarks.quotes import ParsedDocument, parse_documents
from transforms.language.document import Document, read_document
from transforms.language.quotes import ranker
from transforms.language.quotes.attribution import LABEL
from transforms.language.quotes.attribution_rules import AttributionRules
from transforms.language.quotes.indirect_candidates import IndirectCandidateFinder
from transforms.language.quotes.indirect_speech import IndirectContentFinder
from transforms.language.quotes.quotation_marks import (
    QuotedSegment,
    has_single_marks,
    quoted_segments,
)
from transforms.language.quotes.ranker import (
    NOTHING_REPORTED,
    QUOTE_TABLE,
    REPORT_TABLE,
    SPEAKER_TABLE,
    Ranker,
    SegmentDecider,
    SegmentDecision,
    Weights,
    attribute_quotes,
    build_quote_features,
)
from transforms.language.quotes.sentences import QuotedText
from transforms.language.quotes.speaker_candidates import DescribedSegment, SpeakerCandidate
from transforms.language.quotes.speaker_mentions import SpeakerMentionFinder

OUTPUT: Final = Path(ranker.__file__).with_suffix(".tsv")
ROUNDS: Final = 2
MAX_ITERATIONS: Final = 300
MIN_WEIGHT: Final = 0.02
"""Weights closer to zero are left out."""
MAX_OVERLAP_GAP: Final = 0.15
"""A content counts as wrong if its overlap with gold is lower than the best one's by more."""


class Penalty(NamedTuple):
    """The regularisation of a model."""

    l2: float
    min_candidates: int
    """Features that occur in fewer candidates are left out."""


PENALTIES: Final = {
    SPEAKER_TABLE: Penalty(2, 10),
    QUOTE_TABLE: Penalty(8, 10),
    REPORT_TABLE: Penalty(2, 15),
}


class CandidateGroup(NamedTuple):
    """Alternatives of one decision, and which of them are right."""

    features: list[Sequence[str]]
    right: list[bool]


class JudgedSegment(NamedTuple):
    """A quoted segment with its gold."""

    described: DescribedSegment
    is_quote: bool
    verdicts: list[str | None]
    """One per candidate."""


class _RuleDecider:
    """A decider that decides as the rules do."""

    def decide_segment(self, described: DescribedSegment) -> SegmentDecision:
        by_rule = described.rule.attribution
        same = (c for c in described.candidates if by_rule.speaker == c.attribution.speaker)
        return SegmentDecision(
            float(by_rule != LABEL), next(same, None) if by_rule.speaker else None, 1.0
        )


class _Recorder:
    """A decider that records the segments on which it decides."""

    def __init__(self, decider: SegmentDecider) -> None:
        self._decider = decider
        self.segments: list[DescribedSegment] = []

    def decide_segment(self, described: DescribedSegment) -> SegmentDecision:
        self.segments.append(described)
        return self._decider.decide_segment(described)


class PreparedDocument(NamedTuple):
    """A document with the results of the steps that precede the ranker."""

    gold: GoldDocument
    document: Document
    segments: list[QuotedSegment]
    quoted_text: QuotedText
    mention_finder: SpeakerMentionFinder
    rules: AttributionRules


def prepare_document(parsed: ParsedDocument) -> PreparedDocument:
    """Return the input of the ranker for a document."""
    gold, doc, entities = parsed
    document = read_document(doc, gold.text)
    segments = [s for s in quoted_segments(gold.text) if s.outer_end <= document.analysed_end]
    quoted_text = QuotedText(document, segments)
    mention_finder = SpeakerMentionFinder(quoted_text, entities)
    return PreparedDocument(
        gold,
        document,
        segments,
        quoted_text,
        mention_finder,
        AttributionRules(quoted_text, mention_finder),
    )


def judge_segments(prepared: PreparedDocument, decider: SegmentDecider) -> Iterator[JudgedSegment]:
    """Yield the segments of a document with their gold, while ``decider`` decides.

    Segments between single marks are left out, as the corpus has no gold for them.
    """
    document = prepared.gold
    recorder = _Recorder(decider)
    attribute_quotes(prepared.quoted_text, prepared.mention_finder, prepared.rules, recorder)
    segments = [described.segment for described in recorder.segments]
    pairs = match_spans([g.spans for g in document.quotes], [(s.start, s.end) for s in segments])
    for number, described in enumerate(recorder.segments):
        if has_single_marks(document.text, described.segment):
            continue
        gold = document.quotes[pairs[number]] if number in pairs else None
        verdicts = [
            _judge_candidate(gold, candidate, document.text) for candidate in described.candidates
        ]
        yield JudgedSegment(described, gold is not None, verdicts)


def _judge_candidate(gold: GoldQuote | None, candidate: SpeakerCandidate, text: str) -> str | None:
    speaker = candidate.attribution.speaker
    if gold is None or speaker is None:
        return None
    return judge_speaker(gold.source, text[speaker.start : speaker.end], text)


def group_speakers(segments: Sequence[JudgedSegment]) -> Iterator[CandidateGroup]:
    """Yield the candidates of each quote that has a right one, without those not judged."""
    for described, _, verdicts in segments:
        judged = [
            (candidate.features, verdict == RIGHT)
            for candidate, verdict in zip(described.candidates, verdicts, strict=True)
            if verdict != RESOLVED
        ]
        right = [is_right for _, is_right in judged]
        if any(right) and len(right) > 1:
            yield CandidateGroup([features for features, _ in judged], right)


def group_quotes(segments: Sequence[JudgedSegment], model: Ranker) -> Iterator[CandidateGroup]:
    """Yield a group per segment: a quote by the speaker that is chosen for it, or nothing."""
    for described, is_quote, _ in segments:
        decision = model.decide_segment(described)
        features = build_quote_features(
            described, decision.candidate, decision.candidate_probability
        )
        yield CandidateGroup([features, ()], [is_quote, not is_quote])


def group_reports(prepared: PreparedDocument) -> Iterator[CandidateGroup]:
    """Yield a group per cue: each content that it may report, or nothing."""
    document = prepared.gold
    content_finder = IndirectContentFinder(
        prepared.document, [(s.outer_start, s.outer_end) for s in prepared.segments]
    )
    finder = IndirectCandidateFinder(
        prepared.document, content_finder, prepared.rules.cues_by_token
    )
    for index, cue in sorted(prepared.rules.cues_by_token.items()):
        speaker = document.text[cue.speaker.start : cue.speaker.end]
        candidates = finder.find_candidates(index)
        shares = [_match_attribution(document, (c.start, c.end), speaker) for c in candidates]
        min_share = max(MIN_OVERLAP, max(shares, default=0.0) - MAX_OVERLAP_GAP)
        right = [share >= min_share for share in shares]
        yield CandidateGroup(
            [*(c.features for c in candidates), NOTHING_REPORTED], [*right, not any(right)]
        )


def _match_attribution(document: GoldDocument, span: Span, speaker: str) -> float:
    """Return the largest overlap of a span with an attribution by this speaker."""
    shared, gold = max(
        ((jaccard(gold.spans, span), gold) for gold in document.indirect),
        key=lambda pair: pair[0],
        default=(0.0, None),
    )
    if gold is None or shared < MIN_OVERLAP:
        return 0.0
    verdict = judge_speaker(gold.source, speaker, document.text)
    return shared if verdict in (RIGHT, RESOLVED, NO_SOURCE) else 0.0


def fit_weights(groups: Sequence[CandidateGroup], penalty: Penalty) -> dict[str, float]:
    """Return the weights that maximise the likelihood of the right alternatives."""
    rows = [frozenset(features) for group in groups for features in group.features]
    counts = Counter(feature for row in rows for feature in row)
    known = sorted(feature for feature, count in counts.items() if count >= penalty.min_candidates)
    numbers = {feature: number for number, feature in enumerate(known)}
    columns = [sorted(numbers[feature] for feature in row if feature in numbers) for row in rows]
    matrix = csr_matrix(
        (
            np.ones(sum(map(len, columns))),
            np.concatenate([np.array(column, dtype=np.int64) for column in columns]),
            np.cumsum([0, *map(len, columns)]),
        ),
        shape=(len(rows), len(known)),
    )
    sizes = [len(group.right) for group in groups]
    starts = np.cumsum([0, *sizes[:-1]])
    group_of = np.repeat(np.arange(len(groups)), sizes)
    right = np.array([flag for group in groups for flag in group.right], dtype=float)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        totals = matrix @ weights
        probabilities = np.exp(totals - np.maximum.reduceat(totals, starts)[group_of])
        probabilities /= np.add.reduceat(probabilities, starts)[group_of]
        of_right = right * probabilities
        likelihoods = np.add.reduceat(of_right, starts)
        gradient = matrix.T @ (probabilities - of_right / likelihoods[group_of])
        gradient += penalty.l2 * weights
        return float(penalty.l2 / 2 * weights @ weights - np.log(likelihoods).sum()), gradient

    fitted = minimize(
        loss,
        np.zeros(len(known)),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MAX_ITERATIONS},
    )
    return {
        feature: round(float(weight), 3)
        for feature, weight in zip(known, fitted.x, strict=True)
        if abs(weight) >= MIN_WEIGHT
    }


def train_models(
    parsed: Sequence[ParsedDocument], penalties: Mapping[str, Penalty] = MappingProxyType(PENALTIES)
) -> Weights:
    """Return the weights of the three models."""
    prepared = [prepare_document(document) for document in parsed]
    reports = [group for document in prepared for group in group_reports(document)]
    weights = {REPORT_TABLE: fit_weights(reports, penalties[REPORT_TABLE])}
    decider: SegmentDecider = _RuleDecider()
    for _ in range(ROUNDS):
        judged = [segment for document in prepared for segment in judge_segments(document, decider)]
        speaker_weights = fit_weights(list(group_speakers(judged)), penalties[SPEAKER_TABLE])
        model = Ranker({**weights, SPEAKER_TABLE: speaker_weights, QUOTE_TABLE: {}})
        quote_weights = fit_weights(list(group_quotes(judged, model)), penalties[QUOTE_TABLE])
        weights |= {SPEAKER_TABLE: speaker_weights, QUOTE_TABLE: quote_weights}
        decider = Ranker(weights)
    return weights


def write_weights(weights: Weights, path: Path, documents: int) -> None:
    """Write weights as lines of table, feature and weight, separated by tabs."""
    lines = [
        "# Weights of transforms/language/quotes/ranker.py, made by benchmarks/train.py from the",
        f"# {documents} training articles of PolNeAR (Newell, Margolin and Ruths, LREC 2018).",
        *(
            f"{table}\t{feature}\t{weight}"
            for table in (SPEAKER_TABLE, QUOTE_TABLE, REPORT_TABLE)
            for feature, weight in sorted(weights[table].items())
        ),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(folder: Path) -> None:
    """Train on a folder and write the weights to where the package reads them."""
    parsed = list(parse_documents(list(read_documents(folder))))
    weights = train_models(parsed)
    write_weights(weights, OUTPUT, len(parsed))
    sizes = ", ".join(f"{table} {len(weights[table])}" for table in weights)
    print(f"{OUTPUT.name}: {sizes} weights from {len(parsed)} documents")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
