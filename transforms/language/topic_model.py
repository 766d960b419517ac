"""A statistical model of topics: a softmax over what labelled articles were labelled with.

It knows words and pairs of words, each with a weight for every label, separately for the title,
the opening and the whole text. `benchmarks.train_topics` makes it from a folder of labelled
articles; `made_from` in the file says from which. Sums are taken over whole numbers, so that they
are the same on every machine. Imports neither Beam nor spaCy.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MODEL_FILE: Final = "topic_model.npz"

OPENING_WORDS: Final = 140
"""Words at the beginning of a text that count as its opening, too."""

BLOCKS: Final = ("title", "opening", "text")

_UNIT: Final = 1 << 12
"""Values of features are whole multiples of one by this."""

_LEAST_CHANCE: Final = 1e-6


class Place(NamedTuple):
    """The first occurrence of a word or pair of words."""

    first: int
    """Number of its first word."""
    last: int
    """Number of its last word, which may be the same."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the model makes of an article."""

    _model: "TopicModel"
    _rows: NDArray[np.int64]
    """The features of the article that the model knows: those of the title come first."""
    _values: NDArray[np.int64]
    _places: list[Place]
    _of_title: int
    """How many features the title has."""
    _chances: NDArray[np.float64]

    def chance(self, label: str) -> float:
        """The probability of a label, never quite 0 or 1."""
        chance = float(self._chances[self._model.labels[label]])
        return min(max(chance, _LEAST_CHANCE), 1 - _LEAST_CHANCE)

    def grams(self, label: str, most: int, *, title: bool) -> list[Place]:
        """What speaks most for a label in title or text, the strongest first.

        A word speaks for a label as far as it raises the logarithm of its chance.
        """
        part = slice(self._of_title) if title else slice(self._of_title, None)
        weights = self._model.weights[self._rows[part]] * self._model.scales
        raised = weights[:, self._model.labels[label]] - weights @ self._chances
        speaks: dict[Place, float] = {}
        for place, value in zip(self._places[part], raised * self._values[part], strict=True):
            speaks[place] = speaks.get(place, 0.0) + round(float(value), 6)
        best = sorted(speaks, key=lambda place: (-speaks[place], place))[:most]
        return [place for place in best if speaks[place] > 0]


class TopicModel:
    """The weights, and what they say of an article."""

    def __init__(
        self,
        labels: Sequence[str],
        rows: Mapping[str, int],
        weights: NDArray[np.int16],
        scales: NDArray[np.float64],
        bias: NDArray[np.float64],
        made_from: str,
    ) -> None:
        self.labels = {label: number for number, label in enumerate(labels)}
        """Number of each label, which is its column."""
        self.rows = rows
        """Row of each feature, which is the block, a colon and one or two words."""
        self.weights = weights
        self.scales = scales
        """What a weight of 1 is worth, by column."""
        self.bias = bias
        self.made_from = made_from

    def read(self, words: Sequence[str], title: Sequence[str]) -> Reading:
        """The chances of an article with these words, in lower case, in text and title."""
        rows: list[int] = []
        values: list[int] = []
        places: list[Place] = []
        of_title = 0
        for block, part in zip(BLOCKS, (title, words[:OPENING_WORDS], words), strict=True):
            for gram, (value, place) in gram_values(part).items():
                row = self.rows.get(f"{block}:{gram}")
                if row is not None:
                    rows.append(row)
                    values.append(round(value * _UNIT))
                    places.append(place)
            of_title = len(rows) if block == "title" else of_title
        chosen = np.array(rows, dtype=np.int64)
        numbers = np.array(values, dtype=np.int64)
        sums = numbers @ self.weights[chosen].astype(np.int64)
        totals = sums * (self.scales / _UNIT) + self.bias
        chances = np.exp(totals - totals.max())
        return Reading(self, chosen, numbers, places, of_title, chances / chances.sum())


def gram_values(words: Sequence[str]) -> dict[str, tuple[float, Place]]:
    """Words and pairs of words, each with its value and its first place.

    A value is 1 plus the logarithm of the count, over the root of the number of different words.

    >>> {gram: round(value, 2) for gram, (value, _) in gram_values(["ha", "ha"]).items()}
    {'ha': 1.69, 'ha ha': 1.0}
    """
    counts: dict[str, int] = {}
    places: dict[str, Place] = {}
    previous = ""
    for number, word in enumerate(words):
        grams = (word, f"{previous} {word}") if previous else (word,)
        for length, gram in enumerate(grams):
            if gram in counts:
                counts[gram] += 1
            else:
                counts[gram] = 1
                places[gram] = Place(number - length, number)
        previous = word
    root = math.sqrt(max(1, sum(first == last for first, last in places.values())))
    return {gram: ((1 + math.log(n)) / root, places[gram]) for gram, n in counts.items()}


def write_topic_model(path: Path, model: TopicModel) -> None:
    """Write a model to a file that `read_topic_model` reads."""
    text = "\n".join(model.rows)
    np.savez_compressed(
        path,
        labels=np.array([*model.labels]),
        rows=np.frombuffer(text.encode(), dtype=np.uint8),
        weights=model.weights,
        scales=model.scales,
        bias=model.bias,
        made_from=np.array(model.made_from),
    )


def read_topic_model(path: Path) -> TopicModel:
    """The model of a file."""
    with np.load(path, allow_pickle=False) as file:
        names = file["rows"].tobytes().decode().split("\n")
        return TopicModel(
            labels=file["labels"].tolist(),
            rows={name: row for row, name in enumerate(names)},
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
