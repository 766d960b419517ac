"""Find the entities, quotes and topics of articles: a thin layer over ``transforms.language``."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import apache_beam as beam

from schemas import Article, Entity, Quote, TopicTag
from transforms.core.elements import AcceptedArticle, Outcome, OutcomeKind, Run
from transforms.core.isolated_process import IsolatedWorkerHandle
from transforms.core.isolated_stage import IsolatedStage, apply_isolated_stage
from transforms.core.stage import CompositeTransform, SideOutput, StageOutput
from transforms.core.urls import canonical_url
from transforms.language.findings import Findings
from transforms.language.worker import BATCH_SIZE, analyse
from transforms.storage.text_store import TextStore

AnalysedRecord: TypeAlias = Article | Entity | Quote | TopicTag


@dataclass
class AnalyseArticles(
    CompositeTransform[beam.PCollection[AcceptedArticle], StageOutput[AnalysedRecord]]
):
    """Analyses articles in batches. Articles, entities, quotes and topic tags come out together."""

    run: Run
    analyser: IsolatedWorkerHandle
    texts: TextStore

    def expand(self, articles: beam.PCollection[AcceptedArticle]) -> StageOutput[AnalysedRecord]:
        batches = articles | "Batch" >> beam.BatchElements(
            min_batch_size=BATCH_SIZE, max_batch_size=BATCH_SIZE
        )
        stage = ArticleAnalysis(self.run, self.analyser, self.texts)
        return apply_isolated_stage(batches, stage, AnalysedRecord)


@dataclass
class ArticleAnalysis(
    IsolatedStage[list[AcceptedArticle], AnalysedRecord, list[Findings | Exception]]
):
    """The stage that analyses batches of articles."""

    name = "AnalyseArticles"

    run: Run
    analyser: IsolatedWorkerHandle
    texts: TextStore

    def size(self, element: list[AcceptedArticle]) -> int:
        return len(element)

    def source(self, element: list[AcceptedArticle]) -> str:
        return ", ".join(accepted.article.url for accepted in element)

    def fail(self, element: list[AcceptedArticle], error: Exception) -> Iterator[SideOutput]:
        for accepted in element:
            yield self.dead_letter(accepted.article.url, error)

    @property
    def processes(self) -> int:
        return self.analyser.processes

    def prepare(self, element: list[AcceptedArticle]) -> list[AcceptedArticle]:
        # A text that cannot be read fails the bundle: state already knows the article as written,
        # so a dead letter would lose it.
        return [self._with_text(accepted) for accepted in element]

    def _with_text(self, accepted: AcceptedArticle) -> AcceptedArticle:
        text = self.texts.read(accepted.text_reference)
        return replace(accepted, article=replace(accepted.article, text=text))

    def compute(self, element: list[AcceptedArticle]) -> list[Findings | Exception]:
        return analyse(self.analyser.value, [accepted.article for accepted in element])

    def finish(
        self, element: list[AcceptedArticle], result: list[Findings | Exception]
    ) -> Iterator[AnalysedRecord | SideOutput]:
        for accepted, findings in zip(element, result, strict=True):
            article = accepted.article
            yield article  # written even if its analysis failed
            if isinstance(findings, Exception):
                yield self.dead_letter(article.url, findings)
            else:
                yield from findings.entities
                yield from findings.quotes
                yield from findings.topics
            key = canonical_url(article.url)
            yield Outcome(article.feed_url, key, OutcomeKind.ARTICLE, article.article_id)
