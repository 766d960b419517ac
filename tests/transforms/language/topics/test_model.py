"""The topic model, with weights written for these tests; benchmarks/tests has its training."""

import math
from pathlib import Path

import numpy as np
import pytest

from transforms.language.topics.matcher import Matcher
from transforms.language.topics.model import (
    FeatureVocabulary,
    NgramSpan,
    TopicModel,
    read_topic_model,
    write_topic_model,
)

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
        vocabulary=FeatureVocabulary(list(WEIGHTS), [1.0] * len(WEIGHTS)),
        weights=np.array(list(WEIGHTS.values()), dtype=np.int8),
        scales=np.array([0.1, 0.1, 0.1]),
        bias=np.array([0.0, 0.0, 0.5]),
        trained_on="these tests",
    )


def tokenize(text: str) -> list[str]:
    return Matcher((), 0).find_matches(text).tokens


def test_prediction_and_its_ngrams(model: TopicModel) -> None:
    text = tokenize("A harbour without a ferry is no harbour.")
    prediction = model.predict(text, [])
    assert (
        prediction.probability("ferries")
        > 0.5
        > max(map(prediction.probability, ("food", "other")))
    )
    strongest = prediction.find_strongest("ferries", 9, title=False)
    assert [text[place.first] for place in strongest] == ["harbour", "ferry"], "no is a stop word"
    assert prediction.find_strongest("food", 9, title=False) == []


def test_a_title_predicts_its_label(model: TopicModel) -> None:
    prediction = model.predict([], tokenize("Food"))
    assert prediction.probability("food") > 0.5
    assert prediction.find_strongest("food", 9, title=True) == [NgramSpan(0, 0)]
    assert prediction.find_strongest("ferries", 9, title=True) == []


def test_a_pair_of_tokens_is_located(model: TopicModel) -> None:
    prediction = model.predict(tokenize("Rye, and rye bread."), [])
    assert prediction.find_strongest("food", 9, title=False) == [NgramSpan(2, 3)]


def test_unknown_tokens_predict_nothing(model: TopicModel) -> None:
    prediction = model.predict(tokenize("Zinc"), tokenize("Zinc"))
    assert sum(map(prediction.probability, model.labels)) == pytest.approx(1)
    assert (
        prediction.find_strongest("food", 5, title=False)
        == prediction.find_strongest("food", 5, title=True)
        == []
    )


def test_a_written_model_reads_back_the_same(tmp_path: Path, model: TopicModel) -> None:
    write_topic_model(tmp_path / "model.npz", model)
    read_back = read_topic_model(tmp_path / "model.npz")
    assert (read_back.trained_on, read_back.labels) == (model.trained_on, model.labels)
    assert list(read_back.vocabulary.names) == list(WEIGHTS)
    text = tokenize("The ferry sold rye bread.")
    chances = [each.predict(text, []).probability("food") for each in (model, read_back)]
    assert chances[0] == chances[1]


def test_values_grow_with_count_and_rarity() -> None:
    features = FeatureVocabulary(
        ["text:to", "text:to us", "title:to", "text:us"], [1.0, 2.0, 5.0, 1.0]
    )
    rows, values = found = features.vectorize(["to", "us", "to", "him"], [])["text"]
    by_name = dict(zip((features.names[row] for row in rows), values.tolist(), strict=True))
    one = by_name["text:us"]
    often = round(one * (1 + math.log(2)))
    assert by_name == {"text:to": often, "text:to us": 2 * one, "text:us": one}
    assert found.norm == pytest.approx(math.sqrt(sum(v * v for v in values.tolist())))
    assert features.vectorize([], ["us"])["title"].rows.tolist() == []
    assert features.vectorize(["to"] * 10_000, [])["text"].values.max() < 9 * one, "bounded"
