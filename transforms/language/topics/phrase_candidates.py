"""Candidates for the phrases of a topic: phrases that are typical of a label in a corpus.

The measure is the log-odds ratio with an informative Dirichlet prior, divided by its standard
deviation (Monroe, Colaresi and Quinn, "Fightin' Words", 2008). It counts articles and not tokens,
so that an article counts once however often it repeats itself. Imports neither Beam nor spaCy.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.language.topics.labelled_corpus import CorpusArrays
from transforms.language.topics.symbols import MAX_PHRASE_WORDS, parse_phrase

MAX_SUGGESTED_WORDS: Final = 5
"""The maximum number of words of a suggested phrase: longer ones are copied sentences."""

MAX_LOOSE_WORDS: Final = 3
"""The maximum number of words, unless a part of the phrase hardly occurs outside it."""

PRIOR_ARTICLES: Final = 20.0
"""The number of prior articles, added to those with and to those without the label."""

MIN_Z: Final = 3.0
"""The minimum z of a candidate, in standard deviations."""

MIN_Z_OTHER_OUTLETS: Final = 2.0
"""The minimum z without the outlet that uses the phrase most often."""

MIN_EXPLAINED_SHARE: Final = 0.75
"""A longer phrase replaces a part of it if it makes up this share of the part's articles."""

WEIGHTS: Final = ((0.8, 3.0), (0.6, 2.0), (0.45, 1.0), (0.33, 0.5))
"""Pairs of a minimum precision, prior included, and the weight of a phrase that reaches it."""


@dataclass(frozen=True, slots=True)
class PhraseCounts:
    """The articles with a phrase, and how typical it is of the label."""

    z: float
    """In standard deviations: above 0 if it is typical of the label, below if of other labels."""
    with_label: int
    """Articles with the phrase and the label."""
    without_label: int
    """Articles with the phrase and another label."""

    @property
    def precision(self) -> float:
        """The share of the phrase's articles that have the label."""
        return self.with_label / (self.with_label + self.without_label)


class PhraseCandidate(NamedTuple):
    """A phrase that is typical of the label."""

    words: tuple[str, ...]
    counts: PhraseCounts
    outlets: int
    """Outlets that have it in articles with the label."""
    weight: float
    """Weight that its precision suggests."""


def compute_log_odds_z(
    with_label: NDArray[np.int64],
    without_label: NDArray[np.int64],
    all_with_label: NDArray[np.int64],
    all_without_label: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return how typical phrases are of the label, in standard deviations, per phrase.

    The prior adds `PRIOR_ARTICLES` articles to each side. The share of them with the phrase is that
    of all articles.

    Args:
        with_label: Articles with the phrase and the label, per phrase.
        without_label: Articles with the phrase and another label, per phrase.
        all_with_label: All articles with the label, per phrase.
        all_without_label: All articles with another label, per phrase.
    """
    share = (with_label + without_label + 1) / (all_with_label + all_without_label + 2)
    log_odds = []
    variance = np.zeros_like(share)
    for count, articles in ((with_label, all_with_label), (without_label, all_without_label)):
        present = count + PRIOR_ARTICLES * share
        absent = articles - count + PRIOR_ARTICLES * (1 - share)
        log_odds.append(np.log(present / absent))
        variance += 1 / present + 1 / absent
    z: NDArray[np.float64] = (log_odds[0] - log_odds[1]) / np.sqrt(variance)
    return z


def find_candidates(arrays: CorpusArrays) -> list[PhraseCandidate]:
    """Return the phrases of each length that are typical of the label."""
    candidates: list[PhraseCandidate] = []
    phrases = arrays.drop_rare(arrays.tokens)
    for length in range(1, MAX_PHRASE_WORDS + 1):
        if length > 1:
            phrases = arrays.drop_rare(arrays.extend_phrases(phrases, length))
        if (phrases >= 0).any():
            candidates += _find_typical(arrays, phrases, length)
    return candidates


def _find_typical(
    arrays: CorpusArrays, phrases: NDArray[np.int64], length: int
) -> Iterator[PhraseCandidate]:
    """Yield the candidates of one length; for `phrases` see `CorpusArrays`."""
    size = int(phrases.max()) + 1
    phrase, article = arrays.pair_with_articles(phrases)
    labelled = arrays.is_labelled[article]
    with_label = np.bincount(phrase[labelled], minlength=size)
    without_label = np.bincount(phrase[~labelled], minlength=size)
    outlets = arrays.count_outlets(phrase[labelled], article[labelled], size)
    all_with, all_without = int(arrays.is_labelled.sum()), int((~arrays.is_labelled).sum())
    z = compute_log_odds_z(
        with_label, without_label, np.full(size, all_with), np.full(size, all_without)
    )
    is_typical = z >= MIN_Z
    if not arrays.has_one_labelled_outlet:
        # Compute z again without the main outlet of each phrase: its house style must not count.
        outlet, outlet_count = arrays.outlets[article], arrays.outlet_count
        keys, counts = np.unique(
            phrase[labelled] * outlet_count + outlet[labelled], return_counts=True
        )
        order = np.argsort(counts, kind="stable")
        main_outlets = np.zeros(size, dtype=np.int64)
        main_outlets[keys[order] // outlet_count] = keys[order] % outlet_count
        is_main = outlet == main_outlets[phrase]
        articles_with = np.bincount(arrays.outlets[arrays.is_labelled], minlength=outlet_count)
        articles_without = np.bincount(arrays.outlets[~arrays.is_labelled], minlength=outlet_count)
        z_other_outlets = compute_log_odds_z(
            with_label - np.bincount(phrase[labelled & is_main], minlength=size),
            without_label - np.bincount(phrase[~labelled & is_main], minlength=size),
            all_with - articles_with[main_outlets],
            all_without - articles_without[main_outlets],
        )
        is_typical &= z_other_outlets >= MIN_Z_OTHER_OUTLETS

    numbers, positions = np.unique(phrases, return_index=True)
    for number, position in zip(numbers.tolist(), positions.tolist(), strict=True):
        tokens = arrays.tokens[position : position + length]
        if (
            number < 0
            or not is_typical[number]
            or arrays.is_stop_word[tokens[[0, -1]]].any()
            or not arrays.is_content_word[tokens].any()
        ):
            continue
        phrase_counts = PhraseCounts(
            float(z[number]), int(with_label[number]), int(without_label[number])
        )
        weight = _choose_weight(phrase_counts, all_with, all_without)
        words = tuple(arrays.vocabulary[token] for token in tokens)
        if weight and _is_phrase(words):
            yield PhraseCandidate(words, phrase_counts, int(outlets[number]), weight)


def _choose_weight(counts: PhraseCounts, all_with_label: int, all_without_label: int) -> float:
    """Return the weight that the phrase's precision suggests, 0 if none."""
    prior = all_with_label / (all_with_label + all_without_label)
    precision = (counts.with_label + prior) / (counts.with_label + counts.without_label + 1)
    return next((weight for minimum, weight in WEIGHTS if precision >= minimum), 0.0)


def _is_phrase(words: tuple[str, ...]) -> bool:
    """Return whether a taxonomy can have the phrase: in lower case, a letter may become several."""
    try:
        return parse_phrase(" ".join(words), case=False) == words
    except ValueError:
        return False


def select_candidates(
    candidates: Sequence[PhraseCandidate],
    is_known: Callable[[tuple[str, ...]], bool],
    max_candidates: int,
) -> list[PhraseCandidate]:
    """Return the most typical candidates that add something to each other and to the taxonomy.

    Parts of a copied sentence are dropped, unless they occur without it, too.

    Args:
        candidates: All candidates.
        is_known: Tells whether the taxonomy has a phrase already.
        max_candidates: The maximum number to return.
    """
    by_words = {candidate.words: candidate for candidate in candidates}
    dropped = set[tuple[str, ...]]()
    for candidate in candidates:
        parts = [by_words[part] for part in _list_parts(candidate.words) if part in by_words]
        max_explained = candidate.counts.with_label / MIN_EXPLAINED_SHARE
        explained = [part.words for part in parts if part.counts.with_label <= max_explained]
        adds_nothing = any(
            part.words not in explained and part.counts.precision >= candidate.counts.precision
            for part in parts
        )
        is_copied = len(candidate.words) > MAX_SUGGESTED_WORDS
        is_needless = adds_nothing or (not explained and len(candidate.words) > MAX_LOOSE_WORDS)
        if is_copied or is_needless:
            dropped.add(candidate.words)
        if is_copied or not is_needless:
            dropped.update(explained)
    selected: list[PhraseCandidate] = []
    for candidate in sorted(candidates, key=lambda c: (-c.counts.z, c.words)):
        if len(selected) == max_candidates:
            break
        if candidate.words not in dropped and not is_known(candidate.words):
            selected.append(candidate)
    return selected


def _list_parts(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the shorter phrases inside a phrase."""
    for length in range(1, len(words)):
        for first in range(len(words) - length + 1):
            yield words[first : first + length]
