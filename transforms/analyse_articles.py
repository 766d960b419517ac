"""Entities, quotes and topics of articles: a thin layer over ``transforms.language``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import apache_beam as beam

from schemas import Article
from transforms.core.elements import AcceptedArticle, Outcome, Run
from transforms.core.isolation import IsolatedWorker, IsolatedWorkerHandle
from transforms.core.options import flag
from transforms.core.stage import CompositeTransform, Stage, StageOutput, run_stage
from transforms.core.urls import canonical_url
from transforms.language.model_check import DEFAULT_MODEL
from transforms.language.worker import Findings
from transforms.storage.text_store import TextStore

BATCH_SIZE: Final = 16


@dataclass(frozen=True)
class AnalysisOptions:
    """How texts are analysed."""

    model: str = flag("spaCy model for English", default=DEFAULT_MODEL, metavar="NAME")
    gazetteer: str | None = flag(
        "file of names that are known beforehand (default: the shipped one; `none` for none)",
        default=None,
        metavar="FILE",
    )


def analyse(
    isolated: IsolatedWorker[Sequence[Article], list[Findings]], articles: Sequence[Article]
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


class AnalyseArticles(CompositeTransform):
    """Articles to articles, entities, quotes and topics, in one stream of records."""

    def __init__(self, run: Run, analyser: IsolatedWorkerHandle, shelf: TextStore) -> None:
        super().__init__()
        self.stage = _AnalyseArticles(run, analyser, shelf)

    def expand(self, articles: beam.PCollection) -> StageOutput:
        batches = articles | "Batch" >> beam.BatchElements(
            min_batch_size=BATCH_SIZE, max_batch_size=BATCH_SIZE
        )
        return run_stage(batches, self.stage, Any)


class _AnalyseArticles(Stage):
    name = "AnalyseArticles"

    def __init__(self, run: Run, analyser: IsolatedWorkerHandle, shelf: TextStore) -> None:
        super().__init__(run)
        self._handle = analyser
        self._shelf = shelf

    def setup(self) -> None:
        self.isolated = self._handle.get()

    def teardown(self) -> None:
        del self.isolated  # which ends with the last stage that has it

    def source(self, element: AcceptedArticle) -> str:
        return element.article.url

    def process(self, element: list[AcceptedArticle]) -> Iterator[Any]:
        # A text that cannot be read fails the run: what is written as known must not get lost.
        yield from super().process([self._with_text(kept) for kept in element])

    def _with_text(self, kept: AcceptedArticle) -> AcceptedArticle:
        text = self._shelf.read(kept.text_reference)
        return replace(kept, article=replace(kept.article, text=text))

    def handle(self, element: list[AcceptedArticle]) -> Iterator[Any]:
        found = analyse(self.isolated, [kept.article for kept in element])
        for kept, findings in zip(element, found, strict=True):
            article = kept.article
            yield article  # sound in itself, and kept whatever its analysis came to
            if isinstance(findings, Exception):
                yield self.dead_letter(kept, findings)
            else:
                yield from findings.entities
                yield from findings.quotes
                yield from findings.topics
            key = canonical_url(article.url)
            yield Outcome(article.feed_url, key, "article", article.article_id)
