import datetime as dt
from dataclasses import replace

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to

from schemas import Article
from schemas.ids import alias_key, link_key, story_id_of, version_id
from tests.support.example_records import article, entry, extracted
from transforms.core.elements import Run
from transforms.drop_duplicates import DropDuplicateArticles, DropDuplicateEntries
from transforms.state.loaded_state import State, format_line
from transforms.state.records import FailedEntry, KnownArticle, KnownEntry
from transforms.state.store import StateHandle

AT = dt.datetime(2026, 11, 19, tzinfo=dt.timezone.utc)
OLD, NEW = "aa" * 8, "bb" * 8


def remember(state: State, key: str, written: Article, fingerprint: str = OLD) -> None:
    """That the article is in the output, and which entry led to it."""
    state.apply(format_line(KnownEntry(key, AT, fingerprint, written.lineage_id)))
    known = KnownArticle(written.lineage_id, AT, written.version, written.text_hash, True)
    state.apply(format_line(known))


def test_the_first_entry_of_a_link_goes_on(
    pipeline: beam.Pipeline, run: Run, state: StateHandle, known: State
) -> None:
    first = entry("https://a.example/1", feed_position=0, position=4)
    copies = [
        entry("https://a.example/1?utm_source=x", feed_position=1, content="<p>Full.</p>"),
        replace(first, position=5),
    ]
    copies[0] = replace(copies[0], position=4)
    written = article("https://a.example/2")
    old = entry("https://a.example/2", fingerprint=OLD)
    remember(known, link_key(old.key), written)
    with pipeline:
        entries = pipeline | beam.Create([*copies, first, old])
        out = entries | DropDuplicateEntries(run, state)
        assert_that(out.main, equal_to([replace(first, content="<p>Full.</p>")]), "main")
        assert_that(
            out.outcomes | beam.Map(lambda o: (o.kind, o.entry_key, o.article_id)),
            equal_to(
                [
                    ("duplicate", first.key, None),
                    ("duplicate", first.key, None),
                    ("known", old.key, written.article_id),
                ]
            ),
            "outcomes",
        )
        assert_that(out.dead_letters, equal_to([]), "dead")


def test_an_entry_that_its_feed_changed_goes_on_as_the_same_article(
    pipeline: beam.Pipeline, run: Run, state: StateHandle, known: State
) -> None:
    written = article("https://a.example/1")
    alias = alias_key("https://a.example/feed", "g1")
    for key in (link_key("https://a.example/1"), alias):
        remember(known, key, written)
    edited = entry("https://a.example/1", fingerprint=NEW)
    moved = entry("https://a.example/new-slug", fingerprint=NEW, alias=alias)
    same = entry("https://a.example/other-slug", fingerprint=OLD, alias=alias)
    with pipeline:
        out = pipeline | beam.Create([edited, moved, same]) | DropDuplicateEntries(run, state)
        lineage = written.lineage_id
        expected = [replace(e, lineage=lineage, edited=True) for e in (edited, moved)]
        assert_that(out.main, equal_to(expected), "main")
        assert_that(
            out.outcomes | beam.Map(lambda o: (o.kind, o.entry_key)),
            equal_to([("known", same.key)]),
            "known",
        )


def test_an_entry_known_from_its_article_alone_is_known(
    pipeline: beam.Pipeline, run: Run, state: StateHandle, known: State
) -> None:
    written = article("https://a.example/1")
    remember(known, link_key("https://a.example/1"), written, fingerprint="")
    seen = entry("https://a.example/1", fingerprint=NEW)
    with pipeline:
        out = pipeline | beam.Create([seen]) | DropDuplicateEntries(run, state)
        assert_that(out.main, equal_to([]), "main")
        assert_that(out.outcomes | beam.Map(lambda o: o.kind), equal_to(["known"]), "known")
        learnt = KnownEntry(link_key(seen.key), run.started_at, NEW, written.lineage_id)
        assert_that(
            out.state_changes | "line" >> beam.Map(lambda c: format_line(c.record)),
            equal_to([format_line(learnt)]),
            "from now on its feed may change it",
        )


def test_an_entry_that_failed_waits_for_its_time(
    pipeline: beam.Pipeline, run: Run, state: StateHandle, known: State
) -> None:
    hour = dt.timedelta(hours=1)
    times = {"later": run.started_at + hour, "now": run.started_at - hour, "never": None}
    for name, not_before in times.items():
        link = f"https://a.example/{name}"
        failed = FailedEntry(
            link_key(link), AT, "f", OLD, 2, "Http404", not_before=not_before, entry="{}"
        )
        known.apply(format_line(failed))
    entries = [entry(f"https://a.example/{name}", fingerprint=OLD) for name in times]
    changed = entry("https://a.example/never", fingerprint=NEW, position=-1)
    retried = entry("https://a.example/later", fingerprint=OLD, attempts=2, position=1000)
    with pipeline:
        out = pipeline | beam.Create(entries) | DropDuplicateEntries(run, state)
        assert_that(out.main, equal_to([replace(entries[1], attempts=2)]), "main")
        again = pipeline | "b" >> beam.Create([changed, retried])
        out = again | "again" >> DropDuplicateEntries(run, state)
        assert_that(out.main, equal_to([changed, retried]), "again main")


def test_one_article_a_canonical_address(
    pipeline: beam.Pipeline, run: Run, state: StateHandle, known: State
) -> None:
    page = article("https://a.example/1", url="https://a.example/m/1")
    from_feed = replace(page, url="https://a.example/amp/1", html_hash=None)
    old = article("https://a.example/2", "Another text.", url="https://a.example/m/2")
    remember(known, link_key("https://a.example/2"), article("https://a.example/2"))
    with pipeline:
        created = pipeline | beam.Create([extracted(a) for a in (from_feed, page, old)])
        out = created | DropDuplicateArticles(run, state)
        assert_that(out.main, equal_to([extracted(page)]), "main")
        assert_that(
            out.outcomes | beam.Map(lambda o: (o.kind, o.entry_key, o.article_id)),
            equal_to(
                [
                    ("duplicate", "https://a.example/amp/1", page.article_id),
                    ("known", "https://a.example/m/2", old.article_id),
                ]
            ),
            "outcomes",
        )


def test_changed_text_is_a_new_version(
    pipeline: beam.Pipeline, run: Run, state: StateHandle, known: State
) -> None:
    first = article("https://a.example/1", "Ten were hurt.")
    remember(known, link_key("https://a.example/1"), first)
    lineage = first.lineage_id
    edited = replace(article("https://a.example/1", "Eleven were hurt."))
    second = version_id(lineage, 2)
    with pipeline:
        created = pipeline | beam.Create([extracted(edited, lineage=lineage, edited=True)])
        out = created | DropDuplicateArticles(run, state)
        rows = out.main | beam.Map(
            lambda e: (e.article.article_id, e.article.lineage_id, e.article.version, e.hashes)
        )
        hashes = extracted(edited).hashes
        assert_that(rows, equal_to([(second, lineage, 2, hashes)]), "version")
        stories = out.main | "story" >> beam.Map(lambda e: e.article.story_id)
        assert_that(stories, equal_to([story_id_of(second)]), "its own story")

        same = pipeline | "s" >> beam.Create([extracted(first, lineage=lineage, edited=True)])
        out = same | "same" >> DropDuplicateArticles(run, state)
        assert_that(out.main, equal_to([]), "same text")
        poor = replace(edited, html_hash=None, extraction_method="feed_content")
        fallback = pipeline | "f" >> beam.Create([extracted(poor, lineage=lineage, edited=True)])
        out = fallback | "fallback" >> DropDuplicateArticles(run, state)
        assert_that(out.main, equal_to([]), "the feed's own text in place of a page")
