"""The topic model: a softmax regression on the labels of labelled articles.

Its features are n-grams, single tokens and pairs, with a weight per label, separately in the title,
the opening and the whole text. `benchmarks.train_topics` trains it on a folder of labelled
articles; `made_from` in the file says on which. It adds whole numbers only, so that the sums are
the same on every machine. Imports neither Beam nor spaCy.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.language.topics.stop_words import STOP_WORDS

MODEL_FILE: Final = "topic_model.npz"

OPENING_TOKENS: Final = 140
"""The number of tokens in the opening of a text, of those that `is_model_token` accepts."""

BLOCKS: Final = ("title", "opening", "text")
"""Parts of an article that have features of their own. The opening is part of the text, too."""

MIN_PROBABILITY: Final = 1e-6
"""Probabilities are clipped to this and to 1 minus this."""

_MAX_COUNT: Final = 1000
"""Higher counts of a feature are treated as this one."""

_FIXED_POINT_SCALE: Final = 1 << 12
"""Values of features are whole multiples of 1 / this."""

_END_KEY: Final = 2**62
"""Key after all others."""

_YEAR_DIGITS: Final = 4


class NgramSpan(NamedTuple):
    """The tokens of an n-gram in a text, by position."""

    first: int
    last: int
    """Equal to `first` for a single token."""


def is_model_token(token: str) -> bool:
    """Return whether the model reads a token: no single characters, no numbers except years.

    >>> [token for token in ["a", "wall", "2024", "12"] if is_model_token(token)]
    ['wall', '2024']
    """
    return len(token) > 1 and (token[0] > "9" or (len(token) == _YEAR_DIGITS and token.isdigit()))


def generate_ngrams(tokens: Iterable[str]) -> Iterator[str]:
    """Yield the model's tokens and pairs of adjacent ones, at each occurrence.

    >>> list(generate_ngrams(["build", "a", "wall"]))
    ['build', 'wall', 'build wall']
    """
    previous = ""
    for token in filter(is_model_token, tokens):
        yield token
        if previous:
            yield f"{previous} {token}"
        previous = token


def locate_ngram(ngram: str, tokens: Sequence[str]) -> NgramSpan:
    """Return the first occurrence of an n-gram.

    >>> locate_ngram("build wall", ["to", "build", "a", "wall"])
    NgramSpan(first=1, last=3)

    Raises:
        ValueError: `generate_ngrams` does not yield the n-gram for these tokens.
    """
    token, _, second = ngram.partition(" ")
    first = tokens.index(token)
    while second:
        last = first + 1
        while not is_model_token(tokens[last]):
            last += 1
        if tokens[last] == second:
            return NgramSpan(first, last)
        first = tokens.index(token, first + 1)
    return NgramSpan(first, first)


class FeatureVector(NamedTuple):
    """The features of one block of an article, without those of value 0."""

    rows: NDArray[np.int64]
    """Row of each feature in the vocabulary."""
    values: NDArray[np.int64]
    """In units of 1 / `_FIXED_POINT_SCALE`; not normalised."""

    @property
    def norm(self) -> float:
        """The Euclidean norm of the values, by which to divide them; 1 if all are 0."""
        return math.sqrt(int(self.values @ self.values)) or 1.0


class FeatureVocabulary:
    """The features of a model, and the vectors of articles in them.

    A feature's value is (1 + ln(count)) * IDF; each block is normalised to length 1 (TF-IDF: Salton
    and Buckley, 1988). This is not scikit-learn's TfidfVectorizer because only the benchmarks
    depend on scikit-learn.
    """

    def __init__(self, names: Sequence[str], idf: Sequence[float]) -> None:
        """Index the features.

        Args:
            names: Per row the block, a colon, and one or two tokens with a space between.
            idf: Per row 1 + ln(articles / articles with the feature), smoothed.
        """
        self.names = names
        self.idf = np.array(idf, dtype=np.float64)
        blocks_and_ngrams = [name.partition(":")[::2] for name in names]
        tokens = " ".join(ngram for _, ngram in blocks_and_ngrams).split(" ")
        numbers = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
        self._token_numbers = numbers
        self._block_width = (len(numbers) + 1) ** 2
        """More than any key of an n-gram; the keys of each block begin at a multiple of it."""
        block_starts = {block: i * self._block_width for i, block in enumerate(BLOCKS)}
        keys = [_END_KEY]  # first, so that its row becomes -1
        for block, ngram in blocks_and_ngrams:
            first, _, second = ngram.partition(" ")
            pair = (numbers[second] + 1) * len(numbers) if second else 0
            keys.append(block_starts[block] + pair + numbers[first])
        self._rows = np.argsort(keys, kind="stable") - 1
        self._keys = np.array(keys, dtype=np.int64)[self._rows + 1]
        """Keys of all features in ascending order, then `_END_KEY`; and the row of each."""
        counts = range(1, _MAX_COUNT + 1)
        self._log_counts = np.array([0.0, *(1 + math.log(count) for count in counts)])

    def _number_tokens(self, tokens: Iterable[str]) -> NDArray[np.int64]:
        """Return the numbers of the model's tokens; -1 for one that no feature has."""
        number_of = self._token_numbers.get
        return np.array(
            [
                -1 if number is None else number
                for token in tokens
                if (number := number_of(token)) is not None or is_model_token(token)
            ],
            dtype=np.int64,
        )

    def vectorize(
        self, tokens: Sequence[str], title_tokens: Sequence[str]
    ) -> dict[str, FeatureVector]:
        """Return the vector of each block of an article with these tokens, in lower case."""
        text = self._number_tokens(tokens)
        block_keys = []
        for block, numbers in enumerate(
            (self._number_tokens(title_tokens), text[:OPENING_TOKENS], text)
        ):
            is_known = numbers >= 0
            pairs = numbers[:-1] + (numbers[1:] + 1) * len(self._token_numbers)
            block_keys.append(numbers[is_known] + block * self._block_width)
            block_keys.append(pairs[is_known[:-1] & is_known[1:]] + block * self._block_width)
        keys, counts = np.unique(np.concatenate(block_keys), return_counts=True)
        indices = self._keys.searchsorted(keys)
        is_feature = self._keys.take(indices) == keys
        features = indices[is_feature]
        rows = self._rows[features]
        log_counts = self._log_counts[np.minimum(counts[is_feature], _MAX_COUNT)]
        values = np.rint(log_counts * self.idf[rows] * _FIXED_POINT_SCALE).astype(np.int64)
        block_starts = np.arange(len(BLOCKS) + 1) * self._block_width
        bounds = self._keys[features].searchsorted(block_starts).tolist()
        return {
            block: FeatureVector(rows[start:end], values[start:end])
            for block, (start, end) in zip(BLOCKS, pairwise(bounds), strict=True)
        }


@dataclass(frozen=True, slots=True)
class ModelPrediction:
    """The probabilities of the labels for one article, and the n-grams behind them."""

    _model: "TopicModel"
    _tokens: Sequence[str]
    _title_tokens: Sequence[str]
    _vectors: dict[str, FeatureVector]
    _probabilities: NDArray[np.float64]

    def probability(self, label: str) -> float:
        """Return the probability of a label, from `MIN_PROBABILITY` to 1 minus that."""
        probability = float(self._probabilities[self._model.labels[label]])
        return min(max(probability, MIN_PROBABILITY), 1 - MIN_PROBABILITY)

    def find_strongest(self, label: str, max_ngrams: int, *, title: bool) -> list[NgramSpan]:
        """Return the n-grams in title or text with the most weight for a label, strongest first.

        Their weight is the increase of the label's log odds. N-grams that consist of stop words are
        left out.
        """
        model = self._model
        column = model.labels[label]
        others = self._probabilities.copy()
        others[column] = 0.0
        others /= max(others.sum(), MIN_PROBABILITY)
        contributions: dict[str, float] = {}
        for block in ("title",) if title else ("opening", "text"):
            vector = self._vectors[block]
            weights = model.weights[vector.rows] * model.scales
            log_odds = weights[:, column] - weights @ others
            shares = np.round(log_odds * vector.values / vector.norm, 6)
            for number in np.argsort(-shares, kind="stable")[: 5 * max_ngrams].tolist():
                ngram = model.vocabulary.names[vector.rows[number]].partition(":")[2]
                if not STOP_WORDS.issuperset(ngram.split()):
                    contributions[ngram] = contributions.get(ngram, 0.0) + float(shares[number])
        strongest = sorted(contributions, key=lambda ngram: (-contributions[ngram], ngram))
        tokens = self._title_tokens if title else self._tokens
        return [
            locate_ngram(ngram, tokens)
            for ngram in strongest[:max_ngrams]
            if contributions[ngram] > 0
        ]


class TopicModel:
    """A linear model of topic labels, with weights of 8 bits."""

    def __init__(
        self,
        *,
        labels: Sequence[str],
        vocabulary: FeatureVocabulary,
        weights: NDArray[np.int8],
        scales: NDArray[np.float64],
        bias: NDArray[np.float64],
        trained_on: str,
    ) -> None:
        """Make a model.

        Args:
            labels: One per column.
            vocabulary: The features, one per row.
            weights: Shape (features, labels), in units of the column's scale.
            scales: Value of a weight of 1, per column.
            bias: Logit of an article without features, per column.
            trained_on: Description of the training articles.
        """
        self.labels = {label: number for number, label in enumerate(labels)}
        """Column of each label."""
        self.vocabulary = vocabulary
        self.weights = weights
        self.scales = scales
        self.bias = bias
        self.trained_on = trained_on

    def predict(self, tokens: Sequence[str], title_tokens: Sequence[str]) -> ModelPrediction:
        """Return the prediction for an article with these tokens, in lower case."""
        vectors = self.vocabulary.vectorize(tokens, title_tokens)
        logits = self.bias.copy()
        for vector in vectors.values():
            sums = vector.values @ self.weights[vector.rows].astype(np.int64)
            logits += sums / vector.norm * self.scales
        exponentials = np.exp(logits - logits.max())
        return ModelPrediction(
            self, tokens, title_tokens, vectors, exponentials / exponentials.sum()
        )


def write_topic_model(path: Path, model: TopicModel) -> None:
    """Write a model to a file for `read_topic_model`."""
    np.savez_compressed(
        path,
        labels=np.array([*model.labels]),
        features=np.frombuffer("\n".join(model.vocabulary.names).encode(), dtype=np.uint8),
        rarity=model.vocabulary.idf.astype(np.float32),
        weights=model.weights,
        scales=model.scales,
        bias=model.bias,
        made_from=np.array(model.trained_on),
    )


def read_topic_model(path: Path) -> TopicModel:
    """Return the model of a file."""
    with np.load(path, allow_pickle=False) as file:
        names = file["features"].tobytes().decode().split("\n")
        return TopicModel(
            labels=file["labels"].tolist(),
            vocabulary=FeatureVocabulary(names, file["rarity"].tolist()),
            weights=file["weights"],
            scales=file["scales"],
            bias=file["bias"],
            trained_on=str(file["made_from"]),
        )


@cache
def load_topic_model() -> TopicModel:
    """Return the shipped model."""
    with as_file(files(__package__).joinpath(MODEL_FILE)) as path:
        return read_topic_model(path)


@cache
def load_topic_model_labels() -> frozenset[str]:
    """Return the labels of the shipped model, without loading the rest of it."""
    with (
        as_file(files(__package__).joinpath(MODEL_FILE)) as path,
        np.load(path, allow_pickle=False) as file,
    ):
        return frozenset(file["labels"].tolist())
