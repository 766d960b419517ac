"""Keep one entry, and one article, of each canonical URL; drop what earlier runs wrote."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import apache_beam as beam

from schemas import Article, stable_id
from transforms.entries import Entry
from transforms.stage import Composite, Outcome, Run, Stage, StageOutput, run_stage
from transforms.urls import canonical_url

Keyed = tuple[str, Iterable[Any]]


class DropDuplicateEntries(Composite):
    """Entries to those worth fetching: the first of each canonical link, unless known."""

    def __init__(self, run: Run, known: dict[str, str]) -> None:
        super().__init__()
        self.run = run
        self.known = known

    def expand(self, entries: beam.PCollection) -> StageOutput:
        groups = (
            entries
            | "Key" >> beam.Map(lambda e: (e.key, e)).with_output_types(tuple[str, Entry])
            | "Group" >> beam.GroupByKey()
        )
        return run_stage(groups, _DropDuplicateEntries(self.run, self.known), Entry)


class _DropDuplicateEntries(Stage):
    name = "DropDuplicateEntries"

    def __init__(self, run: Run, known: dict[str, str]) -> None:
        super().__init__(run)
        self.known = known

    def source(self, element: Keyed) -> str:
        return element[0]

    def handle(self, element: Keyed) -> Iterator[Any]:
        key, entries = element
        first, *others = sorted(entries, key=lambda e: (e.feed_position, e.position))
        first = replace(
            first, content=next((e.content for e in (first, *others) if e.content), None)
        )
        for other in others:
            yield Outcome(other.feed_url, key, "duplicate", None)
        if key in self.known:
            yield Outcome(first.feed_url, key, "known", self.known[key])
        else:
            yield first


class DropDuplicateArticles(Composite):
    """Articles to one of each id: pages may call an address canonical that another entry had."""

    def __init__(self, run: Run, known: dict[str, str]) -> None:
        super().__init__()
        self.run = run
        self.known_ids = frozenset(known.values())

    def expand(self, articles: beam.PCollection) -> StageOutput:
        groups = (
            articles
            | "Key" >> beam.Map(lambda a: (a.article_id, a)).with_output_types(tuple[str, Article])
            | "Group" >> beam.GroupByKey()
        )
        return run_stage(groups, _DropDuplicateArticles(self.run, self.known_ids), Article)


class _DropDuplicateArticles(Stage):
    name = "DropDuplicateArticles"

    def __init__(self, run: Run, known_ids: frozenset[str]) -> None:
        super().__init__(run)
        self.known_ids = known_ids

    def source(self, element: Keyed) -> str:
        return element[0]

    def handle(self, element: Keyed) -> Iterator[Any]:
        article_id, articles = element
        first, *others = sorted(articles, key=lambda a: (a.html_hash is None, a.url))
        for other in others:
            yield Outcome(other.feed_url, entry_key(other), "duplicate", article_id)
        if article_id in self.known_ids:
            yield Outcome(first.feed_url, entry_key(first), "known", article_id)
        else:
            yield first


def entry_key(article: Article) -> str:
    """The key of the entry that an article came from."""
    return canonical_url(article.url)


def article_id_of(canonical: str) -> str:
    """The id of the article at a canonical URL."""
    return stable_id(canonical)
