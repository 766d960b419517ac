from dataclasses import replace
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from schemas import Article, Entity, Quote, TopicTag
from tests.examples import article
from transforms.analysis import AnalyseArticles, Analyser, AnalysisOptions, Findings
from transforms.language.topics import load_taxonomy
from transforms.stage import Run

TEXT = (
    "“Voters will decide in the primary election,” Lena Maris said. "
    "The Border Patrol made fewer arrests along the Mexican border."
)
ENGLISH = article("https://a.example/1", TEXT)
SPANISH = replace(article("https://a.example/2", TEXT), language="es")
UNKNOWN = replace(article("https://a.example/3", TEXT), language=None)


def analyse(pipeline: beam.Pipeline, run: Run, *articles: Article) -> Any:
    created = pipeline | beam.Create(articles)
    return created | AnalyseArticles(run, AnalysisOptions(), load_taxonomy())


def test_articles_come_with_their_findings(pipeline: beam.Pipeline, run: Run) -> None:
    with pipeline:
        out = analyse(pipeline, run, ENGLISH, SPANISH, UNKNOWN)
        kinds = out.main | beam.Map(lambda r: (r.article_id, type(r).__name__)) | beam.Distinct()
        found = [(a.article_id, t.__name__) for a in (ENGLISH, UNKNOWN) for t in (Entity, Quote)]
        tags = [(a.article_id, TopicTag.__name__) for a in (ENGLISH, UNKNOWN)]
        every = [(a.article_id, Article.__name__) for a in (ENGLISH, SPANISH, UNKNOWN)]
        assert_that(kinds, equal_to([*found, *tags, *every]), "records")
        assert_that(out.dead_letters, equal_to([]), "dead")
        assert_that(
            out.outcomes | "kind" >> beam.Map(lambda o: o.kind), equal_to(["article"] * 3), "ends"
        )


def test_quotes_carry_the_topics_that_are_tagged_to_them(pipeline: beam.Pipeline, run: Run) -> None:
    with pipeline:
        out = analyse(pipeline, run, ENGLISH)
        quotes = out.main | beam.Filter(lambda r: isinstance(r, Quote))
        tags = out.main | "tags" >> beam.Filter(
            lambda r: isinstance(r, TopicTag) and r.quote_id is not None
        )
        assert_that(
            quotes | beam.Map(lambda q: (q.speaker_name, q.topics)),
            equal_to([("Lena Maris", ["elections"])]),
            "quotes",
        )
        assert_that(
            tags | "topic" >> beam.Map(lambda t: [e.text for e in t.evidence]),
            equal_to([["Voters", "primary election"]]),
            "tags",
        )


def test_an_article_whose_analysis_fails_is_kept(
    pipeline: beam.Pipeline, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = Analyser._findings

    def fail_on_one(self: Analyser, article: Article, doc: Any) -> Findings:
        if article.article_id == UNKNOWN.article_id:
            raise ValueError("odd text")
        return findings(self, article, doc)

    monkeypatch.setattr(Analyser, "_findings", fail_on_one)
    with pipeline:
        out = analyse(pipeline, run, ENGLISH, UNKNOWN)
        articles = out.main | beam.Filter(lambda r: isinstance(r, Article))
        assert_that(articles, equal_to([ENGLISH, UNKNOWN]), "articles")
        assert_that(
            out.dead_letters | beam.Map(lambda d: (d.stage, d.source, d.message)),
            equal_to([("AnalyseArticles", UNKNOWN.url, "odd text")]),
            "dead",
        )
        assert_that(
            out.outcomes | "kind" >> beam.Map(lambda o: o.kind), equal_to(["article"] * 2), "ends"
        )
