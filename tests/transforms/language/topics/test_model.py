"""The topic model, with weights written for these tests; benchmarks/tests has its training."""

import math
from pathlib import Path

import numpy as np
import pytest

from transforms.language.topics.model import (
    Features,
    Place,
    TopicModel,
    read_topic_model,
    write_topic_model,
)
from transforms.language.topics.phrases import Matcher

WEIGHTS = {
    "title:food": (-20, 40, -10),
    "title:ferry": (40, -20, -10),
    "opening:ferry": (20, -10, -10),
    "text:ferry": (30, -20, -10),
    "text:harbour": (90, -20, -20),
    "text:rye bread": (-20, 60, -20),
    "text:no": (50, -20, -20),
}
"""The weights of each feature, for ferries, food and other."""


@pytest.fixture
def model() -> TopicModel:
    return TopicModel(
        labels=["ferries", "food", "other"],
        features=Features(list(WEIGHTS), [1.0] * len(WEIGHTS)),
        weights=np.array(list(WEIGHTS.values()), dtype=np.int8),
        scales=np.array([0.1, 0.1, 0.1]),
        bias=np.array([0.0, 0.0, 0.5]),
        made_from="these tests",
    )


def words(text: str) -> list[str]:
    return Matcher((), 0).find(text).words


def test_the_model_tells_labels_apart_and_says_why(model: TopicModel) -> None:
    text = words("A harbour without a ferry is no harbour.")
    reading = model.read(text, [])
    assert reading.chance("ferries") > 0.5 > max(map(reading.chance, ("food", "other")))
    strongest = reading.strongest("ferries", 9, title=False)
    assert [text[place.first] for place in strongest] == ["harbour", "ferry"], "no is a stop word"
    assert reading.strongest("food", 9, title=False) == []


def test_a_title_speaks_for_its_label(model: TopicModel) -> None:
    reading = model.read([], words("Food"))
    assert reading.chance("food") > 0.5
    assert reading.strongest("food", 9, title=True) == [Place(0, 0)]
    assert reading.strongest("ferries", 9, title=True) == []


def test_a_pair_of_words_is_found_where_it_stands(model: TopicModel) -> None:
    reading = model.read(words("Rye, and rye bread."), [])
    assert reading.strongest("food", 9, title=False) == [Place(2, 3)]


def test_unknown_words_speak_for_nothing(model: TopicModel) -> None:
    reading = model.read(words("Zinc"), words("Zinc"))
    assert sum(map(reading.chance, model.labels)) == pytest.approx(1)
    assert (
        reading.strongest("food", 5, title=False) == reading.strongest("food", 5, title=True) == []
    )


def test_a_file_gives_the_same_model(tmp_path: Path, model: TopicModel) -> None:
    write_topic_model(tmp_path / "model.npz", model)
    again = read_topic_model(tmp_path / "model.npz")
    assert (again.made_from, again.labels) == (model.made_from, model.labels)
    assert list(again.features.names) == list(WEIGHTS)
    text = words("The ferry sold rye bread.")
    chances = [each.read(text, []).chance("food") for each in (model, again)]
    assert chances[0] == chances[1]


def test_values_grow_with_count_and_rarity() -> None:
    features = Features(["text:to", "text:to us", "title:to", "text:us"], [1.0, 2.0, 5.0, 1.0])
    rows, values = found = features.describe(["to", "us", "to", "him"], [])["text"]
    by_name = dict(zip((features.names[row] for row in rows), values.tolist(), strict=True))
    one = by_name["text:us"]
    often = round(one * (1 + math.log(2)))
    assert by_name == {"text:to": often, "text:to us": 2 * one, "text:us": one}
    assert found.length == pytest.approx(math.sqrt(sum(v * v for v in values.tolist())))
    assert features.describe([], ["us"])["title"].rows.tolist() == []
    assert features.describe(["to"] * 10_000, [])["text"].values.max() < 9 * one, "bounded"
