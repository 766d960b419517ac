"""Find the entities, quotes and topics of articles: a thin layer over ``transforms.language``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import apache_beam as beam

from schemas import Article, Entity, Quote, TopicTag
from transforms.core.elements import AcceptedArticle, Outcome, OutcomeKind, Run
from transforms.core.isolated_process import IsolatedWorker, IsolatedWorkerHandle
from transforms.core.options import flag
from transforms.core.stage import CompositeTransform, SideOutput, Stage, StageOutput, apply_stage
from transforms.core.urls import canonical_url
from transforms.language.findings import Findings
from transforms.language.model_check import DEFAULT_MODEL
from transforms.storage.text_store import TextStore

BATCH_SIZE: Final = 16
"""The number of articles that the language model analyses together."""

AnalysedRecord: TypeAlias = Article | Entity | Quote | TopicTag


@dataclass(frozen=True)
class AnalysisOptions:
    """The language model and the gazetteer."""

    model: str = flag("spaCy model for English", default=DEFAULT_MODEL, metavar="NAME")
    gazetteer: str | None = flag(
        "file of names that are known beforehand (default: the shipped one; `none` for none)",
        default=None,
        metavar="FILE",
    )


def analyse(
    analyser: IsolatedWorker[Sequence[Article], list[Findings]], articles: Sequence[Article]
) -> list[Findings | Exception]:
    """Return the findings of each article, in order, or the error in their place.

    The articles are analysed together, within the time limit of one item. If that fails, each is
    analysed by itself, so that one bad article does not fail the others.
    """
    try:
        return [*analyser(articles)]
    except Exception as error:
        if len(articles) == 1:
            return [error]
        return [result for article in articles for result in analyse(analyser, [article])]


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
