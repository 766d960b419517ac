import datetime as dt
import json
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from tests.support.example_records import entry
from transforms.core.elements import Entry, FeedDocument, Run
from transforms.core.errors import ItemError
from transforms.core.isolated_process import IsolatedWorkerHandle
from transforms.feeds.parsed_feed import MAX_ENTRIES
from transforms.feeds.parsing import parse_feed
from transforms.parse_entries import ParseEntries, add_aliases, separate_shared_links

BASE = "https://news.example/feed"
TIME = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.timezone.utc)
ITEM = """<title>Senate\n votes &amp; waits</title><link>https://news.example/a</link>"""

FEEDS = {
    "rss 2.0": f"""<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
        xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>The News</title>
        <item>{ITEM}<guid>tag:news.example,2026:g1</guid><dc:creator>Ann Lee</dc:creator>
        <pubDate>Fri, 20 Nov 2026 04:30:00 -0500</pubDate>
        <content:encoded><![CDATA[<p>Full text.</p>]]></content:encoded></item></channel></rss>""",
    "rss 0.91": f"""<rss version="0.91"><channel><title>The News</title>
        <item>{ITEM}</item></channel></rss>""",
    "rss 1.0": f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
        <channel rdf:about="x"><title>The News</title></channel>
        <item rdf:about="tag:news.example,2026:g1">{ITEM}
        <dc:creator>Ann Lee</dc:creator><dc:date>2026-11-20T09:30:00Z</dc:date></item></rdf:RDF>""",
    "atom": """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://news.example/x/">
        <title>The News</title><entry><id>tag:news.example,2026:g1</id>
        <title>Senate votes &amp; waits</title>
        <link rel="alternate" href="../a"/><author><name>Ann Lee</name></author>
        <published>2026-11-20T09:30:00Z</published>
        <content type="html">&lt;p>Full text.&lt;/p></content></entry></feed>""",
    "json": json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "The News",
            "items": [
                {
                    "id": "tag:news.example,2026:g1",
                    "url": "https://news.example/a",
                    "title": "Senate votes & waits",
                    "authors": [{"name": "Ann Lee"}, "junk"],
                    "date_published": "2026-11-20T04:30:00-05:00",
                    "content_html": "<p>Full text.</p>",
                },
                "junk",
            ],
        }
    ),
}


@pytest.mark.parametrize("name", FEEDS)
def test_every_format_says_the_same(name: str) -> None:
    feed = parse_feed(FEEDS[name].encode(), url=BASE)
    (entry,) = feed.entries
    assert feed.title == "The News"
    assert (entry.title, entry.link) == ("Senate votes & waits", "https://news.example/a")
    if name != "rss 0.91":
        assert entry.entry_id == "tag:news.example,2026:g1"
        assert (entry.authors, entry.published_at) == (["Ann Lee"], TIME)
    if name in ("rss 2.0", "atom", "json"):
        assert entry.content == "<p>Full text.</p>"


def test_the_declared_encoding_counts_and_the_header_before_it() -> None:
    latin = f'<?xml version="1.0" encoding="iso-8859-1"?>{FEEDS["rss 0.91"]}'
    body = latin.replace("The News", "El Periódico").encode("latin-1")
    assert parse_feed(body, url=BASE).title == "El Periódico"
    body = latin.replace("The News", "El Periódico").encode("utf-8")
    header = "application/xml; charset=utf-8"
    assert parse_feed(body, url=BASE, content_type=header).title == "El Periódico"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"<html><body>no feed</body></html>",
        b"plain words",
        b"{",
        b'{"items": []}',
        b'{"version": "https://jsonfeed.org/version/1", "items": 3}',
        b"{" * 100_000,
        b"\x00\xff\xfe\x89PNG",
        b"/etc/hostname",
    ],
)
def test_what_is_no_feed_is_lost_with_a_reason(body: bytes) -> None:
    with pytest.raises(ItemError) as lost:
        parse_feed(body, url=BASE)
    assert lost.value.error_type == "NotAFeed" and lost.value.message


def test_markup_in_titles_is_dropped() -> None:
    feed = FEEDS["atom"].replace(
        "<title>Senate votes", '<title type="html">&lt;em>A&lt;/em> &amp;lt;'
    )
    (entry,) = parse_feed(feed.encode(), url=BASE).entries
    assert entry.title == "A < & waits"


def test_dates_out_of_range_are_none() -> None:
    feed = FEEDS["rss 2.0"].replace("20 Nov 2026", "20 Nov 99999")
    (entry,) = parse_feed(feed.encode(), url=BASE).entries
    assert entry.published_at is None


def document(body: str) -> FeedDocument:
    return FeedDocument(
        BASE, 0, BASE, 200, "", body.encode(), 0.1, '"tag"', None, None, max_age_sec=60.0
    )


def test_bad_entries_are_dead_letters_and_the_others_go_on(
    pipeline: beam.Pipeline, run: Run, documents: IsolatedWorkerHandle
) -> None:
    items = f"""<item>{ITEM}</item><item><title>No link</title></item>
        <item><title>Mail</title><link>mailto:desk@news.example</link></item>"""
    body = f"<rss version='2.0'><channel>{items}</channel></rss>"
    with pipeline:
        created = pipeline | beam.Create([document(body), document("nothing")])
        parsed = created | ParseEntries(run, documents)
        assert_that(
            parsed.main | beam.Map(lambda e: (e.link, e.key, e.entry_id, e.position)),
            equal_to([("https://news.example/a",) * 3 + (0,)]),
            "entries",
        )
        assert_that(
            parsed.dead_letters | "error" >> beam.Map(lambda d: (d.error_type, d.source)),
            equal_to([("NoLink", BASE), ("UrlError", BASE), ("NotAFeed", BASE)]),
            "dead",
        )
        assert_that(
            parsed.outcomes | "kind" >> beam.Map(lambda o: o.kind),
            equal_to(["dead_letter", "dead_letter"]),
            "outcomes",
        )
        assert_that(
            parsed.feed_reports | "report" >> beam.Map(lambda r: (r.status, r.entries)),
            equal_to([("ok", 3), ("failed", 0)]),
            "reports",
        )


def test_a_truncated_feed_is_read_as_far_as_it_goes_and_fetched_in_full_next_time(
    pipeline: beam.Pipeline, run: Run, documents: IsolatedWorkerHandle
) -> None:
    body = f"<rss version='2.0'><channel><item>{ITEM}</item><item><title>Cut</title><link>http"
    with pipeline:
        created = pipeline | beam.Create([document(body), document("<rss><channel><item><title>")])
        parsed = created | ParseEntries(run, documents)
        assert_that(parsed.main | beam.Map(lambda e: e.link), equal_to(["https://news.example/a"]))
        assert_that(
            parsed.dead_letters | "error" >> beam.Map(lambda d: (d.error_type, d.message)),
            equal_to(
                [
                    ("TruncatedFeed", "the feed ends early; 1 of its entries were read"),
                    ("TruncatedFeed", "the feed ends early, before the link of its first entry"),
                ]
            ),
            "dead",
        )
        assert_that(
            parsed.feed_reports
            | "report" >> beam.Map(lambda r: (r.status, r.entries, r.error_type, r.etag)),
            equal_to([("ok", 1, "TruncatedFeed", None), ("failed", 0, "TruncatedFeed", '"tag"')]),
            "reports",
        )


def test_entries_beyond_the_limit_are_accounted_for(
    pipeline: beam.Pipeline, run: Run, documents: IsolatedWorkerHandle
) -> None:
    links = (f"https://a.example/{i}" for i in range(MAX_ENTRIES + 3))
    items = "".join(f"<item><link>{link}</link></item>" for link in links)
    body = f"<rss version='2.0'><channel>{items}</channel></rss>"
    with pipeline:
        parsed = pipeline | beam.Create([document(body)]) | ParseEntries(run, documents)
        for name, expected in (("main", MAX_ENTRIES), ("dead_letters", 1), ("outcomes", 3)):
            counted = getattr(parsed, name) | f"{name}Count" >> beam.combiners.Count.Globally()
            assert_that(counted, equal_to([expected]), name)


TEXT = "<p>The council met on Friday and put the vote off until the spring.</p>"
OTHER = "<p>The ferry to Skarholm will not run on Sunday, since its crew is ill.</p>"


def keyed(*items: tuple[str, dict[str, Any]]) -> list[Entry]:
    """Return entries as a feed has them: the id of each, and its fields."""
    ids = [own_id for own_id, _ in items]
    entries = [
        entry(fields.pop("link", "https://a.example/status"), entry_id=own_id, **fields)
        for own_id, fields in items
    ]
    return list(separate_shared_links(add_aliases(entries, ids), ids))


def test_entries_with_one_link_and_texts_of_their_own_have_keys_of_their_own() -> None:
    first, second = keyed(("n 1", {"content": TEXT}), ("n2", {"content": OTHER}))
    assert first.key == "https://a.example/status#n%201"
    assert second.key == "https://a.example/status#n2"
    assert first.shares_link and second.shares_link
    assert first.alias and second.alias and first.alias != second.alias


def test_a_long_summary_is_a_text_of_its_own() -> None:
    first, second = keyed(("n1", {"summary": "One word. " * 20}), ("n2", {"summary": "Two. " * 20}))
    assert first.key != second.key and first.content == "One word. " * 20
    first, second = keyed(("n1", {"summary": "One."}), ("n2", {"summary": "Two."}))
    assert first.key == second.key and not first.shares_link


@pytest.mark.parametrize(
    ("fields", "others"),
    [
        ({"link": "https://a.example/notes#n1"}, {"link": "https://a.example/notes#n2"}),
        ({"title": "Vote put off"}, {"title": "No ferry on Sunday"}),
    ],
)
def test_without_ids_entries_differ_by_fragment_or_title(
    fields: dict[str, Any], others: dict[str, Any]
) -> None:
    first, second = keyed(("", {**fields, "content": TEXT}), ("", {**others, "content": OTHER}))
    assert first.key != second.key and first.shares_link and second.shares_link


def test_one_entry_that_is_listed_twice_has_one_key() -> None:
    for first, second in (
        keyed(("g", {"content": TEXT}), ("g", {"content": TEXT})),
        keyed(("g", {"content": TEXT}), ("h", {"content": TEXT})),
        keyed(("g", {"content": TEXT}), ("", {})),
    ):
        assert first.key == second.key == "https://a.example/status"
        assert not first.shares_link


def test_an_entry_that_links_to_the_front_page_has_a_key_of_its_own() -> None:
    (alone,) = keyed(("n1", {"content": TEXT, "link": "https://a.example/"}))
    assert alone.key == "https://a.example/#n1" and alone.shares_link
    (page,) = keyed(("https://a.example/", {"content": TEXT, "link": "https://a.example/"}))
    assert page.key == "https://a.example/" and not page.shares_link


def test_a_route_of_an_app_is_an_address_whose_text_the_feed_has() -> None:
    (story,) = keyed(("n1", {"content": TEXT, "link": "https://a.example/app#!/story/1"}))
    assert story.key == "https://a.example/app#!/story/1" and story.shares_link


@pytest.mark.parametrize(
    ("own_id", "link"),
    [
        ("", "https://a.example/1?v={}"),
        ("", "https://a.example/{}/1"),
        ("https://a.example/1?v={}", "https://a.example/1?v={}"),
        ("https://a.example/x?session={}", "https://a.example/1"),
    ],
)
def test_tokens_do_not_change_the_alias(own_id: str, link: str) -> None:
    fields = {"content": TEXT, "fingerprint": "aa" * 8}
    (first,) = keyed((own_id.format("x1"), {**fields, "link": link.format("x1")}))
    (second,) = keyed((own_id.format("x2"), {**fields, "link": link.format("x2")}))
    assert first.alias == second.alias is not None


def test_without_a_time_the_path_counts() -> None:
    fields = {"content": TEXT, "fingerprint": "aa" * 8, "published_at": None}
    links = ("https://a.example/1?v=a1", "https://a.example/1;s=2?v=b1", "https://a.example/2")
    first, second, third = (keyed(("", {**fields, "link": link}))[0].alias for link in links)
    assert first == second != third


def test_a_title_and_a_day_are_no_alias() -> None:
    midnight = TIME.replace(hour=0, minute=0)
    (found,) = keyed(("", {"title": "Weather", "published_at": midnight}))
    assert found.alias is None
    (found,) = keyed(("", {"title": "Weather", "published_at": TIME}))
    assert found.alias is not None
