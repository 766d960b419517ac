"""Suggested phrases for a topic, from invented articles."""

import gzip
import json
import math
import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from tests.support.taxonomies import format_topic, write_taxonomy
from transforms.language.topics.article_files import (
    ArticleFileError,
    LabelledArticle,
    read_labelled_articles,
    read_titles_and_texts,
)
from transforms.language.topics.labelled_corpus import MIN_OUTLETS
from transforms.language.topics.phrase_candidates import PRIOR_ARTICLES, compute_log_odds_z
from transforms.language.topics.taxonomy_file import load_taxonomy
from transforms.language.topics.taxonomy_suggest import Suggestions, suggest_phrases

OUTLETS = ["North", "South", "East", "West"]
FILLER = "The town met on Monday, and the mayor spoke of the budget. "


def make_corpus(
    *inside: str, outside: Iterable[str] = (), outlet: str = ""
) -> list[LabelledArticle]:
    """Return 40 articles of four outlets about the sea, with these sentences, and 160 others."""
    chance = random.Random(1)
    others = [
        LabelledArticle("land", OUTLETS[n % 4], "", FILLER + chance.choice(["", "Rain fell. "]))
        for n in range(160)
    ]
    others[:40] = [a._replace(text=a.text + " ".join(outside)) for a in others[:40]]
    ours = [
        LabelledArticle("sea", outlet or OUTLETS[n % 4], "", FILLER + " ".join(inside))
        for n in range(40)
    ]
    return ours + others


def suggest_in(
    folder: Path,
    articles: list[LabelledArticle],
    *topics: str,
    max_phrases: int = 40,
    topic_id: str = "sea",
) -> Suggestions:
    taxonomy = load_taxonomy(
        write_taxonomy(folder, *(topics or (format_topic("sea", "s-1 2: ship*"),)))
    )
    return suggest_phrases(
        taxonomy, topic_id, lambda: iter(articles), labels=["sea"], max_phrases=max_phrases
    )


def phrases(folder: Path, articles: list[LabelledArticle], *topics: str) -> list[str]:
    return [phrase.phrase for phrase in suggest_in(folder, articles, *topics).phrases]


def test_a_typical_phrase_with_its_numbers(tmp_path: Path) -> None:
    articles = make_corpus("\x1b A\tGale warning\nwas out.", outside=["The gale blew."])
    articles[40:48] = [a._replace(text="A gale-warning: none.") for a in articles[40:48]]
    (only,) = suggest_in(tmp_path, articles).phrases
    assert only.phrase == "gale warning"
    assert (only.counts.with_label, only.counts.without_label, only.outlets) == (40, 8, 4)
    assert only.counts.precision == 40 / 48 and only.weight == 3
    assert only.example.endswith("of the budget. A Gale warning was out.")


def test_log_odds_z() -> None:
    """Compare with the formula for a phrase of 3 of 10 articles and of 2 of 90."""
    share = 6 / 102
    a, b = 3 + PRIOR_ARTICLES * share, 2 + PRIOR_ARTICLES * share
    not_a, not_b = 7 + PRIOR_ARTICLES * (1 - share), 88 + PRIOR_ARTICLES * (1 - share)
    expected = (math.log(a / not_a) - math.log(b / not_b)) / math.sqrt(
        1 / a + 1 / not_a + 1 / b + 1 / not_b
    )
    values = [np.array([v]) for v in (3, 2, 10, 90)]
    assert compute_log_odds_z(*values)[0] == pytest.approx(expected)
    assert compute_log_odds_z(values[1], values[0], values[3], values[2])[0] == pytest.approx(
        -expected
    )
    same = [np.array([v]) for v in (1, 10, 10, 100)]
    assert abs(compute_log_odds_z(*same)[0]) < 0.1


def test_phrases_end_where_sentences_do(tmp_path: Path) -> None:
    assert phrases(tmp_path, make_corpus("High tide. Coast guard, lifeboat")) == [
        "coast guard",
        "high tide",
        "lifeboat",
    ]


def test_longer_phrases_replace_their_parts(tmp_path: Path) -> None:
    assert phrases(tmp_path, make_corpus("the harbour master spoke")) == ["harbour master spoke"]
    articles = make_corpus("a harbour", outside=["a harbour master of the port"])
    articles[:20] = [a._replace(text="the harbour master of the port") for a in articles[:20]]
    assert phrases(tmp_path, articles) == ["harbour"], "the longer one says no more"


def test_long_names_replace_their_parts(tmp_path: Path) -> None:
    name = "royal institution of lifeboat crews"
    assert phrases(tmp_path, make_corpus(f"the {name}.")) == [name]
    some = make_corpus("lifeboat crews")
    some[:24] = [a._replace(text=f"the {name}.") for a in some[:24]]
    assert phrases(tmp_path, some) == ["lifeboat crews", "royal institution"]


def test_sentences_that_were_copied_are_left_out(tmp_path: Path) -> None:
    sentence = "the old pilot boat was towed home"
    assert phrases(tmp_path, make_corpus(f"Then {sentence}.")) == []
    some = make_corpus("a pilot boat")
    some[:24] = [a._replace(text=f"Then {sentence}.") for a in some[:24]]
    assert phrases(tmp_path, some) == ["pilot boat"]


def test_long_phrases_do_not_replace_loose_parts(tmp_path: Path) -> None:
    articles = make_corpus("A tide, a rose.", outside=["A tide, a rose."])
    articles[:20] = [a._replace(text="tide of the rose") for a in articles[:20]]
    assert phrases(tmp_path, articles) == ["rose", "tide"]


def test_neither_stop_words_nor_numbers_alone(tmp_path: Path) -> None:
    assert phrases(tmp_path, make_corpus("and where they would, 77, 2020; of the x")) == []
    assert phrases(tmp_path, make_corpus("force 9 of the")) == ["force 9"]


def test_phrases_of_one_outlet_are_left_out(tmp_path: Path) -> None:
    articles = make_corpus("the tide")
    articles[::4] = [
        a._replace(text=a.text + " Subscribe to our newsletter.") for a in articles[::4]
    ]
    articles[1:3] = [a._replace(text=a.text + " Follow our coverage.") for a in articles[1:3]]
    assert articles[0].source == articles[4].source
    assert phrases(tmp_path, articles) == ["tide"]
    assert len({a.source for a in articles}) > MIN_OUTLETS


def test_two_outlets_are_too_few_where_there_are_more(tmp_path: Path) -> None:
    articles = make_corpus("the tide")
    for first in (0, 1):
        articles[first:40:4] = [
            a._replace(text=a.text + " A fog bell.") for a in articles[first:40:4]
        ]
    assert phrases(tmp_path, articles) == ["tide"]
    articles[2] = articles[2]._replace(text=articles[2].text + " A fog bell.")
    assert phrases(tmp_path, articles) == ["tide", "fog bell"], "in three"


def test_phrases_of_mostly_one_outlet_are_left_out(tmp_path: Path) -> None:
    ours = [LabelledArticle("sea", "North", "", FILLER + "Read the shipping column.")] * 30
    ours += [LabelledArticle("sea", outlet, "", FILLER) for outlet in OUTLETS] * 20
    ours += [LabelledArticle("sea", o, "", "Our column.") for o in OUTLETS[1:]]
    others = [a for a in make_corpus() if a.label == "land"]
    others += [LabelledArticle("land", o, "", "Our column.") for o in OUTLETS[1:]] * 2
    assert "column" not in phrases(tmp_path, ours + others)
    spread = [a._replace(source=OUTLETS[n % 4]) for n, a in enumerate(ours)]
    assert "column" in phrases(tmp_path, spread + others)


def test_few_outlets_are_enough_if_there_are_no_more(tmp_path: Path) -> None:
    assert phrases(tmp_path, make_corpus("high tide", outlet="North")) == ["high tide"]


def test_phrases_that_the_family_matches_are_left_out(tmp_path: Path) -> None:
    articles = make_corpus("high tide, lifeboat crew, storm surge")
    sea = format_topic("sea", "s-1 2: high tide", "s-2 1: Surge; near: [flood], case: true")
    below = format_topic("rescue", "r-1 2: lifeboat*", more="parent: sea")
    above = format_topic("world", "w-1 1: storm surge")
    family = [above, sea.replace("# nothing more", "parent: world"), below]
    assert phrases(tmp_path, articles, sea) == ["lifeboat crew", "storm surge"]
    assert phrases(tmp_path, articles, *family) == ["crew"]
    light = format_topic("sea", "s-1 0.5: high tide")
    assert phrases(tmp_path, make_corpus("a high tide"), light) == []
    assert phrases(tmp_path, make_corpus("a high tide table"), light) == ["high tide table"]


def test_phrases_that_speak_against_the_topic(tmp_path: Path) -> None:
    articles = make_corpus("A ship sank.", outside=["A wave of strikes.", "The port wine."])
    found = suggest_in(
        tmp_path, articles, format_topic("sea", "s-1 2: ship*, wave", "s-2 1: port, reef")
    )
    assert [(d.text, d.rule, d.line) for d in found.doubtful] == [
        ("wave", "s-1", 12),
        ("port", "s-2", 13),
    ]
    for doubtful in found.doubtful:
        assert doubtful.counts.z < 0
        assert (doubtful.counts.with_label, doubtful.counts.without_label) == (0, 40)


def test_the_most_typical_come_first(tmp_path: Path) -> None:
    articles = make_corpus("tide, lagoon", outside=["lagoon"])
    found = suggest_in(tmp_path, articles)
    assert [p.phrase for p in found.phrases] == ["tide", "lagoon"]
    assert found.phrases[0].counts.z > found.phrases[1].counts.z > 0
    assert [p.weight for p in found.phrases] == [3, 1]
    assert len(suggest_in(tmp_path, articles, max_phrases=1).phrases) == 1
    assert (found.articles, found.labelled, found.outlets) == (200, 40, 4)


def test_letters_that_no_phrase_can_have(tmp_path: Path) -> None:
    assert phrases(tmp_path, make_corpus("İstanbul; tide")) == ["tide"]


def test_labels(tmp_path: Path) -> None:
    taxonomy = load_taxonomy(write_taxonomy(tmp_path, format_topic("sea", "s-1 2: ship*")))
    articles = make_corpus("tide")
    assert suggest_phrases(taxonomy, "sea", lambda: articles, max_phrases=5).labels == ("sea",)
    both = suggest_phrases(
        taxonomy, "sea", lambda: articles[:160], labels=["sea", "none"], max_phrases=5
    )
    assert both.labelled == 40
    with pytest.raises(ValueError, match="no article is labelled fog; labels are land, sea"):
        suggest_phrases(taxonomy, "sea", lambda: articles, labels=["fog"], max_phrases=5)
    with pytest.raises(ValueError, match="every article is labelled sea or land"):
        suggest_phrases(taxonomy, "sea", lambda: articles, labels=["sea", "land"], max_phrases=5)
    with pytest.raises(ValueError, match="no article is labelled sea; labels are none at all"):
        suggest_phrases(taxonomy, "sea", lambda: [], max_phrases=5)
    with pytest.raises(KeyError):
        suggest_phrases(taxonomy, "nothing", lambda: articles, max_phrases=5)


def test_folders_of_articles(tmp_path: Path) -> None:
    rows = [
        {"topic": "sea", "text": "A tide.", "title": "T", "source": "North"},
        {"topic": "land", "content_original": "A hill.", "source": None, "more": [1]},
    ]
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as file:
        file.write(json.dumps(rows[1]) + "\n\n")
    (tmp_path / "a.jsonl").write_text(json.dumps(rows[0]))
    (tmp_path / "c.json").write_text("no")
    assert list(read_labelled_articles(tmp_path)) == [
        ("sea", "North", "T", "A tide."),
        ("land", "", "", "A hill."),
    ]
    assert list(read_titles_and_texts(tmp_path / "a.jsonl")) == [("T", "A tide.")]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"text": "x"}', ":2: topic is missing or no string"),
        (b'{"topic": "a"}', ":2: content_original is missing or no string"),
        (b'{"topic": "a", "text": 1}', ":2: text is missing or no string"),
        (b'{"topic": "a", "text": "x", "title": []}', ":2: title is missing or no string"),
        (b"[1]", ":2: is no JSON object"),
        (b"{}", ":2: content_original is missing"),
        (b"{'a'}", ":2: is no JSON (Expecting property"),
        (b'{"text": "\xff"}', ":2: is not UTF-8"),
        (b"[" * 100_000, ":2: is nested too deeply"),
    ],
)
def test_lines_that_are_no_articles(tmp_path: Path, line: bytes, problem: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"topic": "a", "text": "x"}\n' + line)
    with pytest.raises(ArticleFileError) as error:
        list(read_labelled_articles(tmp_path))
    assert str(error.value).startswith(f"{path}{problem}")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ArticleFileError, match=r"has no \*\.jsonl"):
        list(read_labelled_articles(tmp_path))
    with pytest.raises(ArticleFileError, match=r"missing\.jsonl: cannot be read"):
        list(read_titles_and_texts(tmp_path / "missing.jsonl"))
    whole = gzip.compress(b'{"text": "x"}\n' * 999)
    for name, data in (("cut", whole[:-20]), ("bad", b"\x1f\x8b no"), ("plain", b"{}")):
        path = tmp_path / f"{name}.jsonl.gz"
        path.write_bytes(data)
        with pytest.raises(ArticleFileError, match=rf"{name}\.jsonl\.gz: cannot be read"):
            list(read_titles_and_texts(path))
