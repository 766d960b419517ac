"""A statistical model of topics: a softmax over what labelled articles were labelled with.

It knows words and pairs of words, each with a weight for every label, separately in the title,
the opening and the whole text. `benchmarks.train_topics` makes it from a folder of labelled
articles; `made_from` in the file says from which. Sums are taken over whole numbers, so that they
are the same on every machine. Imports neither Beam nor spaCy.
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

OPENING_WORDS: Final = 140
"""Words at the beginning of a text, among those that count, that are its opening as well."""

BLOCKS: Final = ("title", "opening", "text")

_MOST_OFTEN: Final = 1000
"""A feature that occurs more often counts as if it occurred so often."""

_UNIT: Final = 1 << 12
"""Values of features are whole multiples of one by this."""

LEAST_CHANCE: Final = 1e-6
"""What a chance is at least, and short of 1."""

_NO_KEY: Final = 2**62

_YEAR: Final = 4
"""Digits of a number that counts as a word."""


class Place(NamedTuple):
    """The first occurrence of a word or pair of words."""

    first: int
    """Number of its first word."""
    last: int
    """Number of its last word, which may be the same."""


def is_telling(word: str) -> bool:
    """Whether a word counts: single letters and numbers but for years are passed over."""
    return len(word) > 1 and (word[0] > "9" or (len(word) == _YEAR and word.isdigit()))


def grams(words: Iterable[str]) -> Iterator[str]:
    """Words and pairs of words, wherever they stand.

    >>> list(grams(["build", "a", "wall"]))
    ['build', 'wall', 'build wall']
    """
    before = ""
    for word in filter(is_telling, words):
        yield word
        if before:
            yield f"{before} {word}"
        before = word


def place_of(gram: str, words: Sequence[str]) -> Place:
    """Where a word or pair of words stands first.

    Raises ValueError if it is not one of the `grams` of the words.
    """
    word, _, following = gram.partition(" ")
    first = words.index(word)
    while following:
        last = first + 1
        while not is_telling(words[last]):
            last += 1
        if words[last] == following:
            return Place(first, last)
        first = words.index(word, first + 1)
    return Place(first, first)


class Described(NamedTuple):
    """The features of a block of an article: the words and pairs of words that the model knows."""

    rows: NDArray[np.int64]
    values: NDArray[np.int64]
    """In units of 1 by `_UNIT`."""

    @property
    def length(self) -> float:
        """The root of the square sum of the values, by which they are to be divided."""
        return math.sqrt(int(self.values @ self.values)) or 1.0


class Features:
    """The words and pairs of words that a model knows, and how an article is described by them.

    The value of one is 1 plus the logarithm of its count, times its rarity; the values of a block
    are brought to a square sum of 1 (TF-IDF: Salton and Buckley, 1988).
    """

    def __init__(self, names: Sequence[str], rarity: Sequence[float]) -> None:
        self.names = names
        """By row: the block, a colon and one or two words."""
        self.rarity = np.array(rarity, dtype=np.float64)
        """By row: 1 and the logarithm of how many articles there are to each that has it."""
        self._numbers: dict[str, int] = {}
        """Each word that occurs in a feature."""
        grams = [name.partition(":")[2].split(" ") for name in names]
        for gram in grams:
            for word in gram:
                self._numbers.setdefault(word, len(self._numbers))
        self._width = (len(self._numbers) + 1) ** 2
        """More than any key within a block."""
        keys = [
            self._key(gram) + BLOCKS.index(name.partition(":")[0]) * self._width
            for name, gram in zip(names, grams, strict=True)
        ]
        self._keys, self._rows = np.array(
            sorted([*zip(keys, range(len(keys)), strict=True), (_NO_KEY, -1)]), dtype=np.int64
        ).T.copy()
        """Keys of all blocks in ascending order, and the row of each; the last stands for none."""
        counts = range(1, _MOST_OFTEN + 1)
        self._often = np.array([0.0, *(1 + math.log(count) for count in counts)])

    def _key(self, gram: Sequence[str]) -> int:
        """A word by its number, a pair of words by both."""
        first, *others = (self._numbers[word] for word in gram)
        return sum(((number + 1) * len(self._numbers) for number in others), first)

    def numbers(self, words: Iterable[str]) -> NDArray[np.int64]:
        """The words that count by their numbers; -1 for one that the model does not know."""
        known = self._numbers.get
        return np.array(
            [
                -1 if number is None else number
                for word in words
                if (number := known(word)) is not None or is_telling(word)
            ],
            dtype=np.int64,
        )

    def describe(self, words: Sequence[str], title: Sequence[str]) -> dict[str, Described]:
        """An article with these words, in lower case, in text and title, by block."""
        text = self.numbers(words)
        wanted = []
        for block, numbers in enumerate((self.numbers(title), text[:OPENING_WORDS], text)):
            is_known = numbers >= 0
            pairs = numbers[:-1] + (numbers[1:] + 1) * len(self._numbers)
            wanted.append(numbers[is_known] + block * self._width)
            wanted.append(pairs[is_known[:-1] & is_known[1:]] + block * self._width)
        keys = np.concatenate(wanted)
        places = self._keys.searchsorted(keys)
        found, counts = np.unique(places[self._keys.take(places) == keys], return_counts=True)
        rows = self._rows[found]
        often = self._often[np.minimum(counts, _MOST_OFTEN)]
        values = np.rint(often * self.rarity[rows] * _UNIT).astype(np.int64)
        edges = self._keys[found].searchsorted(np.arange(len(BLOCKS) + 1) * self._width).tolist()
        return {
            block: Described(rows[start:end], values[start:end])
            for block, (start, end) in zip(BLOCKS, pairwise(edges), strict=True)
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """What the model makes of an article."""

    _model: "TopicModel"
    _words: Sequence[str]
    _title: Sequence[str]
    _described: dict[str, Described]
    _chances: NDArray[np.float64]

    def chance(self, label: str) -> float:
        """The probability of a label, never quite 0 or 1."""
        chance = float(self._chances[self._model.labels[label]])
        return min(max(chance, LEAST_CHANCE), 1 - LEAST_CHANCE)

    def strongest(self, label: str, most: int, *, title: bool) -> list[Place]:
        """What speaks most for a label in title or text, the strongest first.

        A word speaks for a label as far as it raises its log odds. Words that say nothing by
        themselves are left out.
        """
        model = self._model
        column = model.labels[label]
        others = self._chances.copy()
        others[column] = 0.0
        others /= max(others.sum(), LEAST_CHANCE)
        speaks: dict[str, float] = {}
        for block in ("title",) if title else ("opening", "text"):
            rows, values = self._described[block]
            weights = model.weights[rows] * model.scales
            raised = weights[:, column] - weights @ others
            shares = np.round(raised * values / self._described[block].length, 6)
            for number in np.argsort(-shares, kind="stable")[: 5 * most].tolist():
                gram = model.features.names[rows[number]].partition(":")[2]
                if not STOP_WORDS.issuperset(gram.split()):
                    speaks[gram] = speaks.get(gram, 0.0) + float(shares[number])
        best = sorted(speaks, key=lambda gram: (-speaks[gram], gram))[:most]
        words = self._title if title else self._words
        return [place_of(gram, words) for gram in best if speaks[gram] > 0]


class TopicModel:
    """The weights, and what they say of an article."""

    def __init__(
        self,
        *,
        labels: Sequence[str],
        features: Features,
        weights: NDArray[np.int8],
        scales: NDArray[np.float64],
        bias: NDArray[np.float64],
        made_from: str,
    ) -> None:
        self.labels = {label: number for number, label in enumerate(labels)}
        """Number of each label, which is its column."""
        self.features = features
        self.weights = weights
        self.scales = scales
        """What a weight of 1 is worth, by column."""
        self.bias = bias
        self.made_from = made_from

    def read(self, words: Sequence[str], title: Sequence[str]) -> Reading:
        """The chances of an article with these words, in lower case, in text and title."""
        described = self.features.describe(words, title)
        totals = self.bias.copy()
        for part in described.values():
            sums = part.values @ self.weights[part.rows].astype(np.int64)
            totals += sums / part.length * self.scales
        chances = np.exp(totals - totals.max())
        return Reading(self, words, title, described, chances / chances.sum())


def write_topic_model(path: Path, model: TopicModel) -> None:
    """Write a model to a file that `read_topic_model` reads."""
    np.savez_compressed(
        path,
        labels=np.array([*model.labels]),
        features=np.frombuffer("\n".join(model.features.names).encode(), dtype=np.uint8),
        rarity=model.features.rarity.astype(np.float32),
        weights=model.weights,
        scales=model.scales,
        bias=model.bias,
        made_from=np.array(model.made_from),
    )


def read_topic_model(path: Path) -> TopicModel:
    """The model of a file."""
    with np.load(path, allow_pickle=False) as file:
        names = file["features"].tobytes().decode().split("\n")
        return TopicModel(
            labels=file["labels"].tolist(),
            features=Features(names, file["rarity"].tolist()),
            weights=file["weights"],
            scales=file["scales"],
            bias=file["bias"],
            made_from=str(file["made_from"]),
        )


@cache
def load_topic_model() -> TopicModel:
    """The model that comes with the package."""
    with as_file(files(__package__).joinpath(MODEL_FILE)) as path:
        return read_topic_model(path)


@cache
def topic_model_labels() -> frozenset[str]:
    """The labels of the model that comes with the package, without loading the rest of it."""
    with (
        as_file(files(__package__).joinpath(MODEL_FILE)) as path,
        np.load(path, allow_pickle=False) as file,
    ):
        return frozenset(file["labels"].tolist())
