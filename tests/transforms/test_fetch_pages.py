from dataclasses import replace

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to

from tests.support.example_records import entry
from tests.support.web_server import WebReply, WebServer
from transforms.core.elements import Feed, Run
from transforms.fetch_feeds import FetchFeeds
from transforms.fetch_pages import FetchPages
from transforms.fetching.fetcher_handle import FetcherHandle
from transforms.state.store import StateHandle


def test_pages_are_fetched_and_what_is_no_page_is_a_dead_letter(
    pipeline: beam.Pipeline, run: Run, web: WebServer, fetcher: FetcherHandle
) -> None:
    good = entry(web.html("/good", "<p>Hello</p>"))
    web.replies["/moved"] = WebReply(status=301, headers={"Location": "/good"})
    web.replies["/pdf"] = WebReply(b"%PDF-1.4", headers={"Content-Type": "text/html"})
    web.replies["/image"] = WebReply(b"x", headers={"Content-Type": "image/png"})
    web.html("/empty", "  ")
    paths = ("moved", "pdf", "image", "empty", "gone")
    moved, *bad = (entry(f"{web.base}/{path}") for path in paths)
    kept = replace(bad[-1], content="<p>In the feed.</p>")
    with pipeline:
        out = pipeline | beam.Create([good, moved, *bad, kept]) | FetchPages(run, fetcher)
        assert_that(
            out.main | beam.Map(lambda p: (p.entry.link, p.url, p.html, p.content_type)),
            equal_to(
                [
                    (good.link, good.link, b"<p>Hello</p>", "text/html; charset=utf-8"),
                    (moved.link, good.link, b"<p>Hello</p>", "text/html; charset=utf-8"),
                    (kept.link, kept.link, None, ""),
                ]
            ),
            "pages",
        )
        assert_that(
            out.dead_letters | "error" >> beam.Map(lambda d: (d.source, d.error_type)),
            equal_to(
                [
                    (f"{web.base}/pdf", "NotHtml"),
                    (f"{web.base}/image", "NotHtml"),
                    (f"{web.base}/empty", "EmptyPage"),
                    (f"{web.base}/gone", "Http404"),
                ]
            ),
            "dead",
        )
        assert_that(
            out.outcomes | "key" >> beam.Map(lambda o: (o.entry_key, o.kind)),
            equal_to([(e.key, "dead_letter") for e in bad]),
            "outcomes",
        )


def test_feeds_come_from_the_web_and_from_files(
    pipeline: beam.Pipeline,
    run: Run,
    web: WebServer,
    fetcher: FetcherHandle,
    state: StateHandle,
    tmp_path: object,
) -> None:
    file = f"{tmp_path}/feed.xml"
    with open(file, "w", encoding="utf-8") as out:  # noqa: PTH123
        out.write("<rss/>")
    web.replies["/old"] = WebReply(status=301, headers={"Location": "/new"})
    web.replies["/new"] = WebReply(b"<feed/>", headers={"Content-Type": "application/atom+xml"})
    names = [file, f"{web.base}/old", f"{web.base}/gone", f"{file}.none"]
    feeds = [Feed(url=name, position=i) for i, name in enumerate(names)]
    with pipeline:
        documents = pipeline | beam.Create(feeds) | FetchFeeds(run, fetcher, state, 1_000_000)
        assert_that(
            documents.main | beam.Map(lambda d: (d.feed_url, d.url, d.status, d.body, d.position)),
            equal_to(
                [
                    (names[0], file, None, b"<rss/>", 0),
                    (names[1], f"{web.base}/new", 200, b"<feed/>", 1),
                ]
            ),
            "documents",
        )
        assert_that(
            documents.dead_letters | "error" >> beam.Map(lambda d: (d.source, d.error_type)),
            equal_to([(names[2], "Http404"), (names[3], "FileNotFoundError")]),
            "dead",
        )
        assert_that(
            documents.feed_reports
            | "report" >> beam.Map(lambda r: (r.feed_url, r.status, r.http_status)),
            equal_to([(names[2], "failed", 404), (names[3], "failed", None)]),
            "reports",
        )
