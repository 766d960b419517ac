"""Training of the topic model, on articles written for these tests."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.train_topics import LIMITS, OTHER, read_training_articles, train_model
from transforms.language.topics.article_files import ArticleFileError
from transforms.language.topics.matcher import Matcher
from transforms.language.topics.model import (
    NgramSpan,
    TopicModel,
    read_topic_model,
    write_topic_model,
)

FERRY = "The ferry left the harbour late. Ferry passengers waited at the harbour."
BREAD = "The bakery sold rye bread. Rye bread from the bakery was cheap."
WANTED = ("ferries", "food")
LAXER = {
    block: limits._replace(min_articles=1, min_outlets=2, max_features=100)
    for block, limits in LIMITS.items()
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows: list[dict[str, str | None]] = [
        {
            "topic": topic,
            "title": f"{topic} {number}",
            "text": text,
            "source": f"Outlet {number % 3}",
        }
        for number in range(40)
        for topic, text in (("ferries", FERRY), ("food", BREAD))
    ]
    rows.append({"topic": "rare", "title": None, "content_original": "Snow.", "source": None})
    half = len(rows) // 2
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows[:half])) + "\n")
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as file:
        file.write("\n".join(map(json.dumps, rows[half:])) + "\n")
    return tmp_path


@pytest.fixture
def model(folder: Path) -> TopicModel:
    return train_model(list(read_training_articles(folder)), WANTED, LAXER)


def words(text: str) -> list[str]:
    return Matcher((), 0).find_matches(text).tokens


def test_model_tells_labels_apart_and_says_why(model: TopicModel) -> None:
    assert list(model.labels) == ["ferries", "food", OTHER]
    text = words("A harbour without a ferry is no harbour.")
    assert model.predict(text, words("Food")).probability("food") > 0.5, "the title says so"
    reading = model.predict(text, [])
    assert reading.probability("ferries") > 0.5 > max(map(reading.probability, ("food", OTHER)))
    first = reading.find_strongest("ferries", 2, title=False)[0]
    assert text[first.first : first.last + 1] == ["harbour"]
    titled = model.predict(text, words("Food"))
    assert titled.find_strongest("food", 9, title=True) == [NgramSpan(0, 0)]
    assert titled.find_strongest("ferries", 9, title=True) == []


def test_nothing_known_speaks_for_nothing(model: TopicModel) -> None:
    reading = model.predict(words("Zinc"), words("Zinc"))
    assert sum(map(reading.probability, model.labels)) == pytest.approx(1)
    assert reading.find_strongest("food", 5, title=False) == []
    assert reading.find_strongest("food", 5, title=True) == []


def test_training_again_gives_the_same_file(folder: Path, model: TopicModel) -> None:
    write_topic_model(folder / "one.npz", model)
    write_topic_model(
        folder / "two.npz", train_model(list(read_training_articles(folder)), WANTED, LAXER)
    )
    one, two = read_topic_model(folder / "one.npz"), read_topic_model(folder / "two.npz")
    assert one.trained_on == "81 articles of 4 outlets"
    assert one.vocabulary.names == two.vocabulary.names
    assert np.array_equal(one.weights, two.weights)
    text = words(BREAD)
    assert one.predict(text, []).probability("food") == two.predict(text, []).probability("food")
    assert one.predict(text, []).probability("food") == pytest.approx(
        model.predict(text, []).probability("food"), abs=1e-5
    )


def test_features_must_occur_in_several_outlets(folder: Path) -> None:
    rows = [
        {
            "topic": "food",
            "title": "",
            "text": f"{BREAD} Brought to you by Crumb.",
            "source": "Crumb",
        }
        for _ in range(40)
    ]
    (folder / "c.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    known = train_model(list(read_training_articles(folder)), WANTED, LAXER).vocabulary.names
    assert "text:rye bread" in known
    assert "text:crumb" not in known
    assert "text:brought" not in known


def test_folders_that_are_no_articles(tmp_path: Path) -> None:
    with pytest.raises(ArticleFileError, match=r"has no \*\.jsonl"):
        list(read_training_articles(tmp_path))
    (tmp_path / "a.jsonl").write_text('{"topic": "x", "title": ""}\n')
    with pytest.raises(ArticleFileError, match=r"a\.jsonl:1: content_original is missing"):
        list(read_training_articles(tmp_path))
