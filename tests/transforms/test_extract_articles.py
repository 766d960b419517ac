import datetime as dt
import gzip
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from schemas import content_hash
from tests.support.example_records import TIME, entry
from transforms.core.elements import FetchedPage, Run
from transforms.core.isolated_process import IsolatedWorkerHandle
from transforms.extract_articles import ExtractArticles
from transforms.extraction.article import (
    extract_article,
    extract_fragment,
)
from transforms.extraction.charset import decode_page
from transforms.extraction.text_language import detect_language
from transforms.storage.text_store import TextStore

PARAGRAPHS = [
    "The harbour authority said on Friday that the northern pier would stay closed until spring.",
    "“We cannot send people onto a structure that moves,” said its director, Lena Maris, at a "
    "meeting with fishermen and the owners of the two ferry lines that use the pier.",
    "Repairs are expected to cost four million, most of which the region will have to borrow.",
]
BODY = "".join(f"<p>{p}</p>" for p in PARAGRAPHS)
URL = "https://a.example/2026/11/pier?utm_source=rss"


def page(body: str = BODY, head: str = "", lang: str = "en") -> str:
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8">'
        f"<title>Pier stays closed - The A</title>{head}</head><body>"
        '<nav><a href="/">Home</a><a href="/sport">Sport</a></nav>'
        f"<article><h1>Pier stays closed</h1>{body}</article>"
        "<footer>All rights reserved</footer></body></html>"
    )


HEAD = """
<link rel="canonical" href="/2026/11/pier"><meta name="author" content="Ann Lee">
<meta property="og:site_name" content="The A">
<script type="application/ld+json">{"@type": "NewsArticle", "isAccessibleForFree": "False",
"datePublished": "2026-11-20T04:30:00-05:00"}</script>"""


def test_a_page_says_what_it_is() -> None:
    found = extract_article(page(head=HEAD), url=URL)
    assert found is not None
    assert found.text.split("\n")[-3:] == PARAGRAPHS
    assert "Sport" not in found.text and "rights" not in found.text
    assert found.title == "Pier stays closed"
    assert found.authors == ["Ann Lee"]
    assert found.published_at == TIME
    assert found.canonical_url == "https://a.example/2026/11/pier"
    assert (found.language, found.site_name) == ("en", "The A")
    assert found.truncated_or_paywalled


@pytest.mark.parametrize(
    ("title", "cleaned"),
    [
        ("Pier stays closed | The A", "Pier stays closed"),
        ("Pier stays closed – a", "Pier stays closed"),
        ("Budget 3.0 | Pier stays closed · The A", "Budget 3.0 | Pier stays closed"),
        ("Pier stays closed | The Other", "Pier stays closed | The Other"),
        ("Pier - closed - ?!", "Pier - closed - ?!"),
        ("The A", "Pier stays closed"),
    ],
)
def test_titles_lose_the_outlets_name(title: str, cleaned: str) -> None:
    head = f'{HEAD}<meta property="og:title" content="{title}">'
    found = extract_article(page(head=head), url=URL)
    assert found is not None and found.title == cleaned


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("2026-11-20T04:30:00-05:00", TIME),
        ("2026-11-20T09:30Z", TIME),
        ("2026-11-20 soon, perhaps", dt.datetime(2026, 11, 20, tzinfo=dt.timezone.utc)),
        ("2026-11-21T09:30:00Z", dt.datetime(2026, 11, 20, tzinfo=dt.timezone.utc)),
    ],
)
def test_a_day_is_refined_by_the_time_element_within_it(written: str, time: dt.datetime) -> None:
    head = '<meta name="date" content="2026-11-20">'
    body = f'<p>By Ann Lee <time class="x" datetime="{written}">today</time></p>{BODY}'
    found = extract_article(page(body, head), url=URL)
    assert found is not None and found.published_at == time


def test_the_headline_is_no_part_of_the_body() -> None:
    found = extract_article(page(head=HEAD), url=URL)
    assert found is not None and found.text == "\n".join(PARAGRAPHS)


@pytest.mark.parametrize("html", ["", " ", "<html></html>", "plain", "<!--", "\x00" * 50])
def test_nothing_to_extract(html: str) -> None:
    assert extract_article(html, url=URL) is None


@pytest.mark.parametrize(
    "canonical", ["/", "https://a.example", "mailto:x@y.example", "http://[::1"]
)
def test_a_canonical_link_that_cannot_be_meant_is_ignored(canonical: str) -> None:
    found = extract_article(page(head=f'<link rel="canonical" href="{canonical}">'), url=URL)
    assert found is not None and found.canonical_url == "https://a.example/2026/11/pier"


@pytest.mark.parametrize("mark", ["\x00", "\x01", "\ud800", "\x0c"])
def test_no_character_ends_or_breaks_a_page(mark: str) -> None:
    body = f"{BODY}<p>The mayor{mark} spoke of a hard winter for the crews of both lines.</p>"
    found = extract_article(page(body) + mark, url=URL)
    assert found is not None and found.text.endswith("for the crews of both lines.")
    found.text.encode("utf-8")


def test_an_xml_declaration_does_no_harm() -> None:
    html = '<?xml version="1.0" encoding="iso-8859-1"?>\n' + page(BODY.replace("four", "quatré"))
    found = extract_article(html, url=URL)
    assert found is not None and "quatré million" in found.text


def test_the_feeds_own_text_as_html_or_plain() -> None:
    found = extract_fragment(BODY, url=URL)
    assert found is not None and found.text == "\n".join(PARAGRAPHS)
    short = extract_fragment("Two words &amp; more", url=URL)
    assert short is not None and short.text == "Two words & more"
    assert extract_fragment("<img src=x>", url=URL) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (" ".join(PARAGRAPHS), "en"),
        (
            "El ministro dijo que las obras del puerto no empezarán hasta la primavera que viene.",
            "es",
        ),
        ("Die Hafenbehörde teilte mit, dass die Brücke bis zum Frühjahr gesperrt bleibt.", "de"),
        ("Too short to tell.", None),
        ("12345 " * 100, None),
    ],
)
def test_languages(text: str, language: str | None) -> None:
    assert detect_language(text) == language


def test_pages_become_articles_or_dead_letters(
    pipeline: beam.Pipeline, run: Run, documents: IsolatedWorkerHandle, tmp_path: Path
) -> None:
    shelf = TextStore(str(tmp_path / "texts"))
    whole = FetchedPage(entry(URL), URL, page(head=HEAD).encode(), "text/html", TIME, [])
    undated = replace(whole, entry=entry(URL, published_at=None), html=page().encode())
    from_feed = FetchedPage(entry(URL, content=BODY), URL, None, "", TIME, [])
    empty = FetchedPage(entry("https://a.example/empty"), URL, b"<html></html>", "", TIME, [])
    with pipeline:
        pages = pipeline | beam.Create([whole, undated, from_feed, empty])
        out = pages | ExtractArticles(run, documents, shelf)
        rows = (
            out.main
            | "article" >> beam.Map(lambda e: e.article)
            | beam.Map(
                lambda a: (a.canonical_url, a.extraction_method, a.date_source, a.html_hash, a.day)
            )
        )
        # A shuffle lies between, as in the graph, so that the texts are on the disk.
        placed = out.main | beam.Reshuffle()
        texts = placed | "read" >> beam.Map(
            lambda e: (e.article.text, shelf.read(e.text_reference))
        )
        assert_that(texts, equal_to([("", "\n".join(PARAGRAPHS))] * 3), "texts")
        canonical, day = "https://a.example/2026/11/pier", dt.date(2026, 11, 20)
        assert_that(
            rows,
            equal_to(
                [
                    (canonical, "trafilatura", "feed", content_hash(whole.html or b""), day),
                    (canonical, "trafilatura", "none", content_hash(undated.html or b""), day),
                    (canonical, "feed_content", "feed", None, day),
                ]
            ),
            "articles",
        )
        assert_that(
            out.dead_letters | "error" >> beam.Map(lambda d: (d.stage, d.error_type, d.source)),
            equal_to([("ExtractArticles", "NoText", "https://a.example/empty")]),
            "dead",
        )
        assert_that(out.outcomes | "kind" >> beam.Map(lambda o: o.kind), equal_to(["dead_letter"]))


def test_compressed_bytes_are_no_page() -> None:
    assert extract_article(decode_page(gzip.compress(page().encode())), url=URL) is None
