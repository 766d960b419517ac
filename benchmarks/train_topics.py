"""Training of the topic model from a folder of labelled articles.

FOLDER has files `*.jsonl` or `*.jsonl.gz` with one article per line: `topic` (one label), `title`,
`text` (or `content_original`) and `source` (the outlet). The model learns to tell articles with the
given LABELs from each other and from all others. A feature must occur in several outlets, since
the habits of one outlet say nothing about another. The model is fitted by L-BFGS from zero, so the
same folder and libraries give the same file.

usage: python -m benchmarks.train_topics FOLDER LABEL...
"""

import math
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_selection import chi2
from sklearn.linear_model import LogisticRegression

from transforms.language.topics import model
from transforms.language.topics.article_files import read_labelled_articles
from transforms.language.topics.matcher import Matcher
from transforms.language.topics.model import (
    BLOCKS,
    MODEL_FILE,
    OPENING_TOKENS,
    FeatureVocabulary,
    TopicModel,
    generate_ngrams,
    is_model_token,
    write_topic_model,
)

OUTPUT: Final = Path(model.__file__).with_name(MODEL_FILE)
OTHER: Final = "other"


class FeatureLimits(NamedTuple):
    """The selection of the features of a block, and the factor of their values."""

    min_articles: int
    """A feature must occur in at least this many articles."""
    min_outlets: int
    """A feature must occur in at least this many outlets."""
    max_features: int
    strength: float
    """Factor of the values of the features; a lower one means more regularisation."""


LIMITS: Final = {
    "title": FeatureLimits(min_articles=2, min_outlets=2, max_features=20_000, strength=1.0),
    "opening": FeatureLimits(min_articles=8, min_outlets=8, max_features=50_000, strength=0.6),
    "text": FeatureLimits(min_articles=8, min_outlets=8, max_features=50_000, strength=1.0),
}
PENALTY: Final = 1 / 8
MAX_ITERATIONS: Final = 200


class TrainingArticle(NamedTuple):
    """A labelled article."""

    label: str
    source: str
    title: list[str]
    text: list[str]

    def words(self, block: str) -> list[str]:
        """Return the tokens of one of the `BLOCKS` that the model reads, in lower case."""
        words = list(filter(is_model_token, self.title if block == "title" else self.text))
        return words[:OPENING_TOKENS] if block == "opening" else words


def read_training_articles(folder: Path) -> Iterator[TrainingArticle]:
    """Yield the articles of a folder; raise the exceptions of `read_labelled_articles`."""
    matcher = Matcher((), 0)
    for label, source, title, text in read_labelled_articles(folder):
        yield TrainingArticle(
            label, source, matcher.find_matches(title).tokens, matcher.find_matches(text).tokens
        )


def train_model(
    articles: Sequence[TrainingArticle],
    topic_labels: Collection[str],
    limits: Mapping[str, FeatureLimits] = MappingProxyType(LIMITS),
) -> TopicModel:
    """Return a model that tells the ``topic_labels`` from each other and from all others."""
    labels = np.array([a.label if a.label in topic_labels else OTHER for a in articles])
    names: list[str] = []
    idf: list[float] = []
    strength: list[float] = []
    for block in BLOCKS:
        selected = select_features(articles, block, labels, limits[block])
        names += [f"{block}:{ngram}" for ngram in selected]
        idf += selected.values()
        strength += [limits[block].strength] * len(selected)
    features = FeatureVocabulary(names, idf)
    rows, columns, values = [], [], []
    for number, article in enumerate(articles):
        for vector in features.vectorize(article.text, article.title).values():
            rows.append(np.full(len(vector.rows), number))
            columns.append(vector.rows)
            values.append(vector.values / vector.norm)
    matrix = csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(len(articles), len(names)),
    ).multiply(np.array(strength))
    fitted = LogisticRegression(C=1 / PENALTY, max_iter=MAX_ITERATIONS, tol=1e-3)
    fitted.fit(matrix.tocsr(), labels)
    weights = (fitted.coef_ * np.array(strength)).T
    scales = np.abs(weights).max(axis=0) / np.iinfo(np.int8).max
    return TopicModel(
        labels=[str(label) for label in fitted.classes_],
        vocabulary=features,
        weights=np.rint(weights / scales).astype(np.int8),
        scales=scales,
        bias=np.round(fitted.intercept_, 6),
        trained_on=f"{len(articles)} articles of {len({a.source for a in articles})} outlets",
    )


def select_features(
    articles: Sequence[TrainingArticle], block: str, labels: NDArray[np.str_], limits: FeatureLimits
) -> dict[str, float]:
    """Return the words and pairs of a block that tell labels apart best, with their IDF."""
    parts = [set(generate_ngrams(article.words(block))) for article in articles]
    counts = Counter(ngram for part in parts for ngram in part)
    outlets: dict[str, set[str]] = defaultdict(set)
    for article, part in zip(articles, parts, strict=True):
        for ngram in part:
            if counts[ngram] >= limits.min_articles:
                outlets[ngram].add(article.source)
    known = sorted(
        ngram for ngram, sources in outlets.items() if len(sources) >= limits.min_outlets
    )
    numbers = {ngram: number for number, ngram in enumerate(known)}
    columns = [sorted(numbers[ngram] for ngram in part if ngram in numbers) for part in parts]
    present = csr_matrix(
        (
            np.ones(sum(map(len, columns))),
            np.array([column for row in columns for column in row], dtype=np.int64),
            np.cumsum([0, *map(len, columns)]),
        ),
        shape=(len(parts), len(known)),
    )
    chi2_values, _ = chi2(present, labels)
    best = sorted(np.argsort(-chi2_values, kind="stable")[: limits.max_features])
    return {
        known[number]: math.log((1 + len(parts)) / (1 + counts[known[number]])) + 1
        for number in best
    }


def main(folder: Path, topic_labels: Collection[str]) -> None:
    """Train on a folder and write the model to where the package reads it."""
    articles = list(read_training_articles(folder))
    counts = Counter(article.label for article in articles)
    if missing := [label for label in topic_labels if not counts[label]]:
        sys.exit(f"no article is labelled {', '.join(missing)}")
    model = train_model(articles, topic_labels)
    write_topic_model(OUTPUT, model)
    print(f"{OUTPUT.name}: {len(model.vocabulary.names)} features, from {model.trained_on}")
    print("\n".join(f"{label}: {counts[label]} articles" for label in topic_labels))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
