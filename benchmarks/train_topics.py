"""Makes the topic model from a folder of labelled articles.

FOLDER has files `*.jsonl` or `*.jsonl.gz` with an article a line: `topic` (one label), `title`,
`text` (or `content_original`) and `source` (the outlet). Labels of fewer than 40 articles are
taken together. A feature has to occur in several outlets: what is typical of one says nothing about
another. The model is fitted by L-BFGS from zero: the same folder and libraries give the same file.

usage: python -m benchmarks.train_topics FOLDER
"""

import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_selection import chi2
from sklearn.linear_model import LogisticRegression

from transforms.language import topic_model
from transforms.language.phrases import Matcher
from transforms.language.topic_model import (
    BLOCKS,
    MODEL_FILE,
    OPENING_WORDS,
    Place,
    TopicModel,
    gram_values,
    write_topic_model,
)

OUTPUT: Final = Path(topic_model.__file__).with_name(MODEL_FILE)
LEAST_ARTICLES: Final = 40
OTHER: Final = "other"


class Limits(NamedTuple):
    """Which features of a block are kept, and how much its weights may say."""

    articles: int
    outlets: int
    features: int
    strength: float
    """Higher values are penalised less."""


LIMITS: Final = {
    "title": Limits(2, 2, 10_000, 1.0),
    "opening": Limits(5, 5, 15_000, 0.6),
    "text": Limits(8, 8, 25_000, 1.0),
}
PENALTY: Final = 1 / 8
MAX_ITERATIONS: Final = 150


class Article(NamedTuple):
    """A labelled article."""

    label: str
    source: str
    title: list[str]
    words: list[str]


def read_articles(folder: Path) -> Iterator[Article]:
    """The articles of a folder.

    Raises FileNotFoundError if there are no files, and ValueError for a line that is no article.
    """
    words = Matcher((), 0)
    paths = sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")])
    if not paths:
        raise FileNotFoundError(f"{folder} has no *.jsonl or *.jsonl.gz")
    for path in paths:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                row = json.loads(line)
                try:
                    yield Article(
                        row["topic"],
                        row.get("source") or "",
                        words.find(row.get("title") or "").words,
                        words.find(row["text"] if "text" in row else row["content_original"]).words,
                    )
                except KeyError as error:
                    raise ValueError(f"{path}:{number}: lacks {error}") from error


def train(articles: Sequence[Article], limits: Mapping[str, Limits], made_from: str) -> TopicModel:
    """The model of some articles."""
    counts = Counter(article.label for article in articles)
    labels = np.array([a.label if counts[a.label] >= LEAST_ARTICLES else OTHER for a in articles])
    names: list[str] = []
    scales: list[float] = []
    columns: list[list[int]] = [[] for _ in articles]
    values: list[list[float]] = [[] for _ in articles]
    for block in BLOCKS:
        parts = [_part(article, block) for article in articles]
        kept = _features(articles, parts, labels, limits[block])
        numbers = {gram: len(names) + number for number, gram in enumerate(kept)}
        names += [f"{block}:{gram}" for gram in kept]
        scales += [limits[block].strength * rarity for rarity in kept.values()]
        for row, part in enumerate(parts):
            for gram, (value, _) in part.items():
                if gram in numbers:
                    columns[row].append(numbers[gram])
                    values[row].append(value)
    matrix = csr_matrix(
        (
            np.concatenate([np.array(row) for row in values]),
            np.concatenate([np.array(row, dtype=np.int64) for row in columns]),
            np.cumsum([0, *map(len, columns)]),
        ),
        shape=(len(articles), len(names)),
    )
    by_rarity = np.array(scales)
    fitted = LogisticRegression(C=1 / PENALTY, max_iter=MAX_ITERATIONS, tol=1e-3)
    fitted.fit(matrix.multiply(by_rarity).tocsr(), labels)
    weights = (fitted.coef_ * by_rarity).T
    worth = np.abs(weights).max(axis=0) / np.iinfo(np.int16).max
    return TopicModel(
        labels=[str(label) for label in fitted.classes_],
        rows={name: row for row, name in enumerate(names)},
        weights=np.rint(weights / worth).astype(np.int16),
        scales=worth,
        bias=np.round(fitted.intercept_, 6),
        made_from=made_from,
    )


def _part(article: Article, block: str) -> dict[str, tuple[float, Place]]:
    if block == "title":
        return gram_values(article.title)
    return gram_values(article.words[:OPENING_WORDS] if block == "opening" else article.words)


def _features(
    articles: Sequence[Article],
    parts: Sequence[dict[str, tuple[float, Place]]],
    labels: np.ndarray,
    limits: Limits,
) -> dict[str, float]:
    """The features of a block that tell labels apart best, with how rare each is."""
    counts = Counter(gram for part in parts for gram in part)
    common = [gram for gram, count in counts.items() if count >= limits.articles]
    outlets: dict[str, set[str]] = defaultdict(set)
    for article, part in zip(articles, parts, strict=True):
        for gram in part:
            if counts[gram] >= limits.articles:
                outlets[gram].add(article.source)
    known = sorted(gram for gram in common if len(outlets[gram]) >= limits.outlets)
    numbers = {gram: number for number, gram in enumerate(known)}
    columns = [[numbers[gram] for gram in part if gram in numbers] for part in parts]
    present = csr_matrix(
        (
            np.ones(sum(map(len, columns))),
            np.concatenate([np.array(row, dtype=np.int64) for row in columns]),
            np.cumsum([0, *map(len, columns)]),
        ),
        shape=(len(parts), len(known)),
    )
    telling, _ = chi2(present, labels)
    best = sorted(np.argsort(-telling, kind="stable")[: limits.features])
    rarity = {gram: np.log((1 + len(parts)) / (1 + counts[gram])) + 1 for gram in known}
    return {known[number]: float(rarity[known[number]]) for number in best}


def main(folder: Path) -> None:
    """Train on a folder and put the model where the package reads it."""
    articles = list(read_articles(folder))
    labels = Counter(article.label for article in articles)
    made_from = f"{len(articles)} articles with {len(labels)} labels"
    model = train(articles, LIMITS, made_from)
    write_topic_model(OUTPUT, model)
    print(f"{OUTPUT.name}: {len(model.rows)} features, {len(model.labels)} labels, {made_from}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
