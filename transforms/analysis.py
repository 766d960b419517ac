"""Entities, quotes and topics of articles: a thin layer over ``transforms.language``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam

from schemas import Article
from transforms.isolation import Isolated, IsolatedHandle
from transforms.language.findings import Findings
from transforms.language.installed import DEFAULT_MODEL
from transforms.options import flag
from transforms.stage import Composite, Outcome, Run, Stage, StageOutput, run_stage
from transforms.urls import canonical_url

BATCH_SIZE: Final = 16


@dataclass(frozen=True)
class AnalysisOptions:
    """How texts are analysed."""

    model: str = flag("spaCy model for English", default=DEFAULT_MODEL, metavar="NAME")


def analyse(
    isolated: Isolated[Sequence[Article], list[Findings]], articles: Sequence[Article]
) -> list[Findings | Exception]:
    """The findings of each article, in order, or why there are none.

    The articles are analysed together; if that fails or takes longer than one may take, each by
    itself, so that the one that did it costs no other its findings.
    """
    try:
        return [*isolated(articles)]
    except Exception as error:
        if len(articles) == 1:
            return [error]
        return [found for article in articles for found in analyse(isolated, [article])]


class AnalyseArticles(Composite):
    """Articles to articles with their entities, quotes and topics, in one stream of records."""

    def __init__(self, run: Run, analyser: IsolatedHandle) -> None:
        super().__init__()
        self.stage = _AnalyseArticles(run, analyser)

    def expand(self, articles: beam.PCollection) -> StageOutput:
        batches = articles | "Batch" >> beam.BatchElements(
            min_batch_size=BATCH_SIZE, max_batch_size=BATCH_SIZE
        )
        return run_stage(batches, self.stage, Any)


class _AnalyseArticles(Stage):
    name = "AnalyseArticles"

    def __init__(self, run: Run, analyser: IsolatedHandle) -> None:
        super().__init__(run)
        self._handle = analyser

    def setup(self) -> None:
        self.isolated = self._handle.get()

    def teardown(self) -> None:
        del self.isolated  # which ends with the last stage that has it

    def source(self, element: Article) -> str:
        return element.url

    def handle(self, element: list[Article]) -> Iterator[Any]:
        for article, found in zip(element, analyse(self.isolated, element), strict=True):
            yield article  # sound in itself, and kept whatever its analysis came to
            if isinstance(found, Exception):
                yield self.dead_letter(article, found)
            else:
                yield from found.entities
                yield from found.quotes
                yield from found.topics
            key = canonical_url(article.url)
            yield Outcome(article.feed_url, key, "article", article.article_id)
