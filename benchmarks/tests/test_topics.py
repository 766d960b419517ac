"""The benchmark of topics, on labels and articles written for these tests."""

from benchmarks.quote_scoring import PrecisionRecall
from benchmarks.topics import (
    EvaluationArticle,
    count_matches,
    format_row,
    read_labels,
    tag_articles,
)
from transforms.language.topics.tagger import TopicTagger
from transforms.language.topics.taxonomy_file import load_taxonomy


def test_counts_are_over_the_articles_with_labels() -> None:
    found = {"a": {"law", "sport"}, "b": {"law"}, "unlabelled": {"law"}}
    counts = count_matches(found, {"a": ["law"], "b": ["sport"]}, ["law", "sport"])
    assert counts == {
        "law": PrecisionRecall(1, 2, 1),
        "sport": PrecisionRecall(0, 1, 1),
        "all": PrecisionRecall(1, 3, 2),
    }
    assert format_row("all", counts["all"]).split() == [
        "all",
        "0.333",
        "0.500",
        "0.400",
        "1",
        "3",
        "2",
    ]


def test_labels_are_of_top_level_topics_and_those_made_again_of_the_same_articles() -> None:
    labels = read_labels()
    assert {purpose: len(some) for purpose, some in labels.items()} == {
        "dev": 200, "train": 500, "again": 60,
    }  # fmt: skip
    tops = {topic.id for topic in load_taxonomy().topics if topic.parent is None}
    assert all(tops.issuperset(topics) for some in labels.values() for topics in some.values())
    assert labels["again"].keys() <= labels["dev"].keys()


def test_articles_are_tagged_by_title_and_text() -> None:
    articles = {
        "a": EvaluationArticle("", "Border wall halted", "It rained."),
        "b": EvaluationArticle(
            "", "It rained", "The Supreme Court heard the appeal of the plaintiffs."
        ),
    }
    found = tag_articles(TopicTagger(), articles)
    assert {"immigration", "border-wall"} <= found["a"]
    assert {"law", "courts"} <= found["b"] and "immigration" not in found["b"]
