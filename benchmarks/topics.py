"""Precision, recall and cost of topics.

FOLDER has `dev.jsonl.gz` and `train.jsonl.gz` with one article per line: `ID`, `title`,
`content_original`, and `topic`, the only label that the publisher of the collection gave it. It is
not shipped. Two things are measured:

- immigration and elections against these single labels, where a second topic of an article counts
  as an error, so that precision is a floor;
- all top-level topics against `topic_labels.tsv`. A reader of the title and beginning of each
  article gave it one or more topics. The first column is the purpose of a label: `dev` to measure,
  `train` to set thresholds, `again` for second, independent labels of some of `dev`.

usage: python -m benchmarks.topics FOLDER
"""

import csv
import gzip
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.quote_scoring import PrecisionRecall
from transforms.language.model import analyse_texts, load_model
from transforms.language.topics.tagger import TopicTagger

LABELS: Final = Path(__file__).with_name("topic_labels.tsv")
SINGLE: Final = ("immigration", "elections")
TIMED: Final = 200
"""Number of articles on which the cost is measured."""

Topics = Mapping[str, Collection[str]]
"""Topics by article."""


class EvaluationArticle(NamedTuple):
    """An article of the collection."""

    topic: str
    title: str
    text: str


def format_row(name: str, ratio: PrecisionRecall) -> str:
    """Return a line of a table."""
    figures = f"{ratio.precision:10.3f}{ratio.recall:8.3f}{ratio.f1:7.3f}"
    return f"{name:14}{figures}{ratio.right:8}{ratio.found:8}{ratio.gold:8}"


def read_articles(path: Path) -> dict[str, EvaluationArticle]:
    """Return the articles of a file by id."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = map(json.loads, lines)
        return {
            row["ID"]: EvaluationArticle(row["topic"], row["title"], row["content_original"])
            for row in rows
        }


def read_labels(path: Path = LABELS) -> dict[str, dict[str, list[str]]]:
    """Return the topics of labelled articles, by purpose and by article."""
    labels: dict[str, dict[str, list[str]]] = defaultdict(dict)
    with path.open(encoding="utf-8", newline="") as file:
        for purpose, article, topics in csv.reader(file, delimiter="\t"):
            labels[purpose][article] = [topic for topic in topics.split(",") if topic != "-"]
    return dict(labels)


def tag_articles(
    tagger: TopicTagger, articles: Mapping[str, EvaluationArticle]
) -> dict[str, set[str]]:
    """Return the topics of each article."""
    topics = tagger.taxonomy.topics
    topics_by_article = {}
    for article_id, article in articles.items():
        flags = tagger.analyse(article.text, article.title).has_topic
        topics_by_article[article_id] = {
            topic.id for topic, has_topic in zip(topics, flags, strict=True) if has_topic
        }
    return topics_by_article


def count_matches(
    found: Topics, gold: Topics, topics: Collection[str]
) -> dict[str, PrecisionRecall]:
    """Count matches per topic and for "all" together, over the articles in ``gold``."""
    right, in_found, in_gold = Counter[str](), Counter[str](), Counter[str]()
    for article, labels in gold.items():
        for topic in topics:
            right[topic] += topic in labels and topic in found[article]
            in_found[topic] += topic in found[article]
            in_gold[topic] += topic in labels
    counts = {t: PrecisionRecall(right[t], in_found[t], in_gold[t]) for t in topics}
    return counts | {"all": PrecisionRecall(right.total(), in_found.total(), in_gold.total())}


def measure_cost(tagger: TopicTagger, articles: Collection[EvaluationArticle]) -> str:
    """Return a line of text with the CPU time of tagging, relative to that of spaCy."""
    nlp = load_model()
    texts = [article.text for article in articles]
    for article in articles:
        tagger.analyse(article.text, article.title)  # fills the tagger's caches
    start = time.process_time()
    words = sum(len(tagger.analyse(a.text, a.title).text_matches.tokens) for a in articles)
    tagging_sec = time.process_time() - start
    start = time.process_time()
    for _ in analyse_texts(nlp, texts):
        pass
    spacy_sec = time.process_time() - start
    return (
        f"topics cost {tagging_sec / spacy_sec:.3f} of spaCy's CPU time "
        f"({1e6 * tagging_sec / words:.2f} ms per thousand words)"
    )


def format_report(
    tagger: TopicTagger, folder: Path, labels: Mapping[str, Mapping[str, list[str]]]
) -> Iterator[str]:
    """Yield the tables."""
    tops = [topic.id for topic in tagger.taxonomy.topics if topic.parent is None]
    articles = read_articles(folder / "dev.jsonl.gz")
    found = tag_articles(tagger, articles)
    header = f"{'':14}{'precision':>10}{'recall':>8}{'F1':>7}{'right':>8}{'found':>8}{'gold':>8}"
    yield f"{len(articles)} articles with one label\n{header}"
    single = {article_id: {article.topic} for article_id, article in articles.items()}
    for topic in SINGLE:
        yield format_row(topic, count_matches(found, single, [topic])[topic])
    yield f"\n{len(labels['dev'])} articles labelled with all top-level topics\n{header}"
    for name, counts in count_matches(found, labels["dev"], tops).items():
        yield format_row(name, counts)
    again = count_matches(labels["again"], {i: labels["dev"][i] for i in labels["again"]}, tops)[
        "all"
    ]
    yield f"labels made a second time for {len(labels['again'])} of them: F1 {again.f1:.3f}"
    for_thresholds = read_articles(folder / "train.jsonl.gz")
    chosen = {article: for_thresholds[article] for article in labels["train"]}
    counts = count_matches(tag_articles(tagger, chosen), labels["train"], tops)["all"]
    yield f"F1 on the {len(chosen)} articles by which thresholds were set: {counts.f1:.3f}"
    yield "\n" + measure_cost(tagger, [*articles.values()][:TIMED])


def main(folder: Path) -> None:
    """Print the tables."""
    print("\n".join(format_report(TopicTagger(), folder, read_labels())))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
