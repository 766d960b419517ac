"""Scores of topics: from matches, from the topic model, and both combined.

The score by rules is `e / (e + HALF_SCORE_EVIDENCE * sqrt(words / REFERENCE_WORDS))`, where `words`
counts the words of the text (at least `MIN_SCORED_WORDS`) and `e` is the evidence. Each match adds
the weight of its rule times the weight of its field; the matches of one phrase, sorted by that,
add 1, 1/2, 1/3 ... of it. So a match never lowers the score of a text of the same length, repeating
a phrase helps ever less, and a longer text needs more evidence.

Where the topic has a `model`, the score is the weighted mean of the log odds of this score and of
the model's. The model has seen news of one country only. So it cannot lower a score by rules
of `model.sure` or more. Imports neither Beam nor spaCy.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from transforms.language.topics.matcher import Match
from transforms.language.topics.taxonomy import FieldWeights, Topic

MIN_LEDE_WORDS: Final = 60
"""The lede is the first paragraphs until they have this many words, and at most twice as many."""

HALF_SCORE_EVIDENCE: Final = 10.0
"""Evidence with which a text of `REFERENCE_WORDS` words scores 0.5."""

REFERENCE_WORDS: Final = 600

MIN_SCORED_WORDS: Final = 60
"""Shorter texts and spans are scored as if they had this many words."""

MIN_RULE_SCORE: Final = 0.02
"""Lower scores by rules, such as 0 without a match, are raised to this one before the mean."""

FULL_MODEL_WORDS: Final = 200
"""In texts with fewer words, the share of the topic model is proportionally lower."""


def find_lede_end(text: str, starts: Sequence[int]) -> int:
    """Return the offset at which the lede ends, in code points.

    Args:
        text: The text.
        starts: Offset of each of its words.
    """
    if len(starts) <= MIN_LEDE_WORDS:
        return len(text)
    paragraph_end = text.find("\n", starts[MIN_LEDE_WORDS])
    max_end = starts[2 * MIN_LEDE_WORDS] if len(starts) > 2 * MIN_LEDE_WORDS else len(text)
    return max_end if paragraph_end < 0 else min(paragraph_end, max_end)


def weigh_matches(
    matches: Iterable[Match], title_matches: Iterable[Match], weights: FieldWeights, lede_end: int
) -> Iterator[tuple[int, float]]:
    """Yield phrase number and weight of each match, those of the title first.

    The weight is that of the rule times that of the field; repetition is not yet considered.
    """
    for match in title_matches:
        yield match.phrase_number, match.rule.weight * weights.title
    for match in matches:
        weight = weights.lede if match.start < lede_end else weights.body
        yield match.phrase_number, match.rule.weight * weight


def compute_rule_score(weighted_matches: Iterable[tuple[int, float]], words: int) -> float:
    """Return the score by rules of a text.

    Args:
        weighted_matches: What `weigh_matches` yields.
        words: Words of the text.
    """
    by_phrase: dict[int, list[float]] = {}
    for phrase_number, weight in weighted_matches:
        by_phrase.setdefault(phrase_number, []).append(weight)
    evidence = sum(
        weight / rank
        for weights in by_phrase.values()
        for rank, weight in enumerate(sorted(weights, reverse=True), start=1)
    )
    return evidence / (evidence + compute_needed_evidence(words))


def compute_needed_evidence(words: int) -> float:
    """Return the evidence with which a text of this many words scores 0.5."""
    return HALF_SCORE_EVIDENCE * math.sqrt(max(words, MIN_SCORED_WORDS) / REFERENCE_WORDS)


def compute_model_share(topic: Topic, words: int) -> float:
    """Return the share of the topic model in the score of a text, from 0 to 1."""
    return topic.model.share * min(1.0, words / FULL_MODEL_WORDS) if topic.model else 0.0


def compute_model_score(topic: Topic, probability: float) -> float:
    """Return a probability by the model as a score.

    The probability that the topic's settings name (`chance`) becomes the topic's threshold. The
    others are shifted by the same log odds.
    """
    if not topic.model:
        return 0.0
    return _sigmoid(
        _log_odds(probability) - _log_odds(topic.model.chance) + _log_odds(topic.threshold)
    )


def combine_scores(topic: Topic, rule_score: float, probability: float, words: int) -> float:
    """Return the score of a text by its score by rules and its probability by the model.

    It is at least the score by rules if that reaches `topic.model.sure`.
    """
    if not topic.model:
        return rule_score
    share = compute_model_share(topic, words)
    by_rules = _log_odds(max(rule_score, MIN_RULE_SCORE))
    by_model = _log_odds(compute_model_score(topic, probability))
    mean = _sigmoid((1 - share) * by_rules + share * by_model)
    return max(mean, rule_score) if rule_score >= topic.model.sure else mean


def compute_odds(probability: float) -> float:
    """Return the odds of a probability below 1.

    >>> compute_odds(0.75)
    3.0
    """
    return probability / (1 - probability)


def _log_odds(probability: float) -> float:
    return math.log(compute_odds(probability))


def _sigmoid(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
