import datetime as dt
from dataclasses import replace

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to

from tests.examples import article, entry
from transforms.deduplication import DropDuplicateArticles, DropDuplicateEntries
from transforms.stage import Run

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.timezone.utc)


def test_the_first_entry_of_a_link_goes_on(pipeline: beam.Pipeline, run: Run) -> None:
    first = entry("https://a.example/1", feed_position=0, position=4)
    copies = [
        entry("https://a.example/1?utm_source=x", feed_position=1, content="<p>Full.</p>"),
        replace(first, position=5),
    ]
    known = entry("https://a.example/2")
    with pipeline:
        entries = pipeline | beam.Create([*copies, first, known])
        out = entries | DropDuplicateEntries(run, {known.key: "id-2"})
        assert_that(out.main, equal_to([replace(first, content="<p>Full.</p>")]), "main")
        assert_that(
            out.outcomes | beam.Map(lambda o: (o.kind, o.entry_key, o.article_id)),
            equal_to(
                [
                    ("duplicate", first.key, None),
                    ("duplicate", first.key, None),
                    ("known", known.key, "id-2"),
                ]
            ),
            "outcomes",
        )
        assert_that(out.dead_letters, equal_to([]), "dead")


def test_one_article_a_canonical_address(pipeline: beam.Pipeline, run: Run) -> None:
    page = article("https://a.example/1", url="https://a.example/m/1")
    from_feed = replace(page, url="https://a.example/amp/1", html_hash=None)
    known = article("https://a.example/2", url="https://a.example/m/2")
    with pipeline:
        articles = pipeline | beam.Create([from_feed, page, known])
        out = articles | DropDuplicateArticles(run, {"https://a.example/2": known.article_id})
        assert_that(out.main, equal_to([page]), "main")
        assert_that(
            out.outcomes | beam.Map(lambda o: (o.kind, o.entry_key, o.article_id)),
            equal_to(
                [
                    ("duplicate", "https://a.example/amp/1", page.article_id),
                    ("known", "https://a.example/m/2", known.article_id),
                ]
            ),
            "outcomes",
        )
