"""Find the entities, quotes and topics of articles: a thin layer over ``transforms.language``."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import apache_beam as beam

from schemas import Article, Entity, Quote, TopicTag
from transforms.core.elements import AcceptedArticle, Outcome, OutcomeKind, Run
from transforms.core.isolated_process import IsolatedWorkerHandle
from transforms.core.stage import CompositeTransform, SideOutput, Stage, StageOutput, apply_stage
from transforms.core.urls import canonical_url
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
        return apply_stage(batches, stage, AnalysedRecord)


@dataclass
class ArticleAnalysis(Stage[list[AcceptedArticle], AnalysedRecord]):
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

    def outputs(self, element: list[AcceptedArticle]) -> list[AnalysedRecord | SideOutput]:
        # A text that cannot be read fails the bundle: state already knows the article as written,
        # so a dead letter would lose it.
        return super().outputs([self._with_text(accepted) for accepted in element])

    def _with_text(self, accepted: AcceptedArticle) -> AcceptedArticle:
        text = self.texts.read(accepted.text_reference)
        return replace(accepted, article=replace(accepted.article, text=text))

    def process(self, element: list[AcceptedArticle]) -> Iterator[AnalysedRecord | SideOutput]:
        articles = [accepted.article for accepted in element]
        results = analyse(self.analyser.value, articles)
        for article, findings in zip(articles, results, strict=True):
            yield article  # written even if its analysis failed
            if isinstance(findings, Exception):
                yield self.dead_letter(article.url, findings)
            else:
                yield from findings.entities
                yield from findings.quotes
                yield from findings.topics
            key = canonical_url(article.url)
            yield Outcome(article.feed_url, key, OutcomeKind.ARTICLE, article.article_id)
