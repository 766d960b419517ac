import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from schemas import Article, Entity, Quote, TopicTag
from tests.support.example_records import article
from transforms.analyse_articles import AnalyseArticles
from transforms.core.elements import AcceptedArticle, Run
from transforms.core.isolated_process import IsolatedWorkerHandle, LimitOptions
from transforms.language.findings import Findings
from transforms.language.model_check import DEFAULT_MODEL
from transforms.language.worker import load_analyser
from transforms.storage.text_store import TextStore

TEXT = (
    "“Voters will decide in the primary election,” Lena Maris said. "
    "The Border Patrol made fewer arrests along the Mexican border."
)
ENGLISH = article("https://a.example/1", TEXT)
SPANISH = replace(article("https://a.example/2", TEXT), language="es")
WORDS = ("odd", "slow")
UNKNOWN = replace(article("https://a.example/3", TEXT), language=None)


def load() -> Callable[[Sequence[Article]], list[Findings]]:
    """The real analysis, but for texts that make it fail."""
    work = load_analyser(DEFAULT_MODEL, None, None)

    def analyse(articles: Sequence[Article]) -> list[Findings]:
        if any("odd" in a.text for a in articles):
            raise ValueError("odd text")
        if any("slow" in a.text for a in articles):
            time.sleep(60)
        return work(articles)

    return analyse


@pytest.fixture(scope="module")
def analyser() -> Iterator[IsolatedWorkerHandle]:
    handle = IsolatedWorkerHandle(load, LimitOptions(item_time_limit_sec=3), name="analysis")
    with handle.get():
        yield handle


@pytest.fixture
def shelf(tmp_path: Path) -> TextStore:
    return TextStore(str(tmp_path / "texts"))


def analyse(
    pipeline: beam.Pipeline,
    run: Run,
    analyser: IsolatedWorkerHandle,
    shelf: TextStore,
    *articles: Article,
) -> Any:
    writer = shelf.writer()
    placed = [AcceptedArticle(replace(a, text=""), writer.write(a.text)) for a in articles]
    writer.close()
    return pipeline | beam.Create(placed) | AnalyseArticles(run, analyser, shelf)


def test_articles_come_with_their_findings(
    pipeline: beam.Pipeline, run: Run, analyser: IsolatedWorkerHandle, shelf: TextStore
) -> None:
    with pipeline:
        out = analyse(pipeline, run, analyser, shelf, ENGLISH, SPANISH, UNKNOWN)
        kinds = out.main | beam.Map(lambda r: (r.article_id, type(r).__name__)) | beam.Distinct()
        found = [(a.article_id, t.__name__) for a in (ENGLISH, UNKNOWN) for t in (Entity, Quote)]
        tags = [(a.article_id, TopicTag.__name__) for a in (ENGLISH, UNKNOWN)]
        every = [(a.article_id, Article.__name__) for a in (ENGLISH, SPANISH, UNKNOWN)]
        assert_that(kinds, equal_to([*found, *tags, *every]), "records")
        assert_that(out.dead_letters, equal_to([]), "dead")
        assert_that(
            out.outcomes | "kind" >> beam.Map(lambda o: o.kind), equal_to(["article"] * 3), "ends"
        )


def test_quotes_carry_the_topics_that_are_tagged_to_them(
    pipeline: beam.Pipeline, run: Run, analyser: IsolatedWorkerHandle, shelf: TextStore
) -> None:
    with pipeline:
        out = analyse(pipeline, run, analyser, shelf, ENGLISH)
        quotes = out.main | beam.Filter(lambda r: isinstance(r, Quote))
        tags = out.main | "tags" >> beam.Filter(
            lambda r: isinstance(r, TopicTag) and r.quote_id is not None
        )
        assert_that(
            quotes | beam.Map(lambda q: (q.speaker_name, q.topics)),
            equal_to([("Lena Maris", ["elections", "primaries"])]),
            "quotes",
        )
        assert_that(
            tags | "topic" >> beam.Map(lambda t: [e.text for e in t.evidence]),
            equal_to([["Voters", "primary election"], ["primary election"]]),
            "tags",
        )


def test_an_article_whose_analysis_fails_is_kept_and_the_others_go_on(
    pipeline: beam.Pipeline, run: Run, analyser: IsolatedWorkerHandle, shelf: TextStore
) -> None:
    odd, slow = (replace(UNKNOWN, text=word, url=f"https://a.example/{word}") for word in WORDS)
    with pipeline:
        out = analyse(pipeline, run, analyser, shelf, ENGLISH, odd, slow)
        articles = out.main | beam.Filter(lambda r: isinstance(r, Article))
        assert_that(articles, equal_to([ENGLISH, odd, slow]), "articles")
        quotes = out.main | "quotes" >> beam.Filter(lambda r: isinstance(r, Quote))
        assert_that(
            quotes | "of" >> beam.Map(lambda q: q.article_id), equal_to([ENGLISH.article_id])
        )
        assert_that(
            out.dead_letters | beam.Map(lambda d: (d.stage, d.source, d.error_type)),
            equal_to(
                [
                    ("AnalyseArticles", odd.url, "ValueError"),
                    ("AnalyseArticles", slow.url, "TimeLimit"),
                ]
            ),
            "dead",
        )
        assert_that(
            out.outcomes | "kind" >> beam.Map(lambda o: o.kind), equal_to(["article"] * 3), "ends"
        )
