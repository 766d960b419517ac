import datetime as dt
import json

import pytest

from transforms.core.errors import ItemError
from transforms.feeds.json_feed import parse_json_feed
from transforms.feeds.parsed_feed import ParsedFeed, RawEntry

VERSION = "https://jsonfeed.org/version/1.1"
NOON = dt.datetime(2026, 3, 13, 12, tzinfo=dt.timezone.utc)


def parse(*items: object, version: object = VERSION, **head: object) -> ParsedFeed:
    data = {"version": version, "items": items, **head}
    return parse_json_feed(json.dumps(data).encode(), url="https://bay.example/feed.json")


def parse_item(**fields: object) -> RawEntry:
    return parse(fields).entries[0]


@pytest.mark.parametrize(
    "version",
    [
        VERSION,
        "http://jsonfeed.org/version/1",
        "https://www.jsonfeed.org/version/1.1/",
        "1.1",
        " 1 ",
        1.1,
        1,
    ],
)
def test_versions(version: object) -> None:
    assert parse({"url": "https://bay.example/a"}, version=version).entry_count == 1


@pytest.mark.parametrize("version", ["", None, "latest", "https://other.example/version/1", True])
def test_other_versions_are_no_json_feed(version: object) -> None:
    with pytest.raises(ItemError, match="no JSON Feed: its version is"):
        parse(version=version)


def test_all_fields_of_an_item() -> None:
    entry = parse_item(
        id=7.0,
        url="https://bay.example/a",
        title="Tide\ntables",
        content_html="<p>All of it.</p>",
        summary="The <b>tides</b>\nof spring.",
        image="/tide.jpg",
        banner_image="/banner.jpg",
        date_published="2026-03-13T12:00:00Z",
        date_modified="2026-03-13T13:00:00+01:00",
        authors=[{"name": "By Ines Falk"}, {"url": "https://x.example"}, "Tomas Rey"],
        tags=["Sea", "sea", 3, None],
        language="en",
    )
    assert (entry.entry_id, entry.link, entry.title) == (
        "7.0",
        "https://bay.example/a",
        "Tide tables",
    )
    assert (entry.content, entry.summary) == ("<p>All of it.</p>", "The tides of spring.")
    assert (entry.published_at, entry.modified_at) == (NOON, NOON)
    assert entry.authors == ["Ines Falk", "Tomas Rey"]
    assert (entry.tags, entry.language) == (["Sea", "3"], "en")
    assert entry.image_url == "https://bay.example/tide.jpg"


def test_text_in_place_of_html() -> None:
    entry = parse_item(content_text="Sea < land & sky.\n\nThe end.")
    assert entry.content == "<p>Sea &lt; land &amp; sky.</p>\n<p>The end.</p>\n"
    assert parse_item(content_text="<p>HTML after all</p>").content == "<p>HTML after all</p>"


def test_a_summary_that_is_the_full_text() -> None:
    assert parse_item(summary="tide " * 99).content is None
    entry = parse_item(summary="tide " * 100)
    assert entry.content and entry.content.count("tide") == 100


@pytest.mark.parametrize(
    ("fields", "link"),
    [
        ({"id": "https://bay.example/a"}, "https://bay.example/a"),
        ({"id": "https://bay.example/a", "url": "/b"}, "/b"),
        ({"id": "a", "external_url": "https://c.example/"}, "https://c.example/"),
        ({"id": "a"}, ""),
    ],
)
def test_links(fields: dict[str, object], link: str) -> None:
    assert parse_item(**fields).link == link


@pytest.mark.parametrize(
    "fields",
    [
        {"date_modified": "2026-03-13T12:00:00Z"},
        {"date_published": "Fri, 13 Mar 2026 12:00:00 GMT"},
        {"date_published": NOON.timestamp()},
        {"date_published": int(NOON.timestamp() * 1000)},
    ],
)
def test_dates(fields: dict[str, object]) -> None:
    assert parse_item(**fields).published_at == NOON


@pytest.mark.parametrize(
    ("fields", "authors"),
    [
        ({"author": {"name": "Ines Falk"}}, ["Ines Falk"]),
        ({"author": "Ines Falk and Tomas Rey"}, ["Ines Falk", "Tomas Rey"]),
        ({"authors": {"name": "Ines Falk"}}, ["Ines Falk"]),
        ({"authors": []}, ["Bo Lund"]),
        ({}, ["Bo Lund"]),
    ],
)
def test_authors_of_the_item_else_of_the_feed(
    fields: dict[str, object], authors: list[str]
) -> None:
    assert parse(fields, authors=[{"name": "Bo Lund"}]).entries[0].authors == authors


def test_a_picture_among_the_attachments_or_in_the_text() -> None:
    attachments = [{"url": "/a.mp3", "mime_type": "audio/mpeg"}, {"url": "/b.png"}, 1]
    assert parse_item(attachments=attachments).image_url == "https://bay.example/b.png"
    entry = parse_item(content_html="<p><img width=1 src='/p.gif'><img src='/c.jpg'></p>")
    assert entry.image_url == "https://bay.example/c.jpg"


@pytest.mark.parametrize(
    "end", ["", ", ", ', {"id": "2", "title": "Cut', ', {"id": "2", "tags": [']
)
def test_a_truncated_feed_is_read_as_far_as_it_goes(end: str) -> None:
    text = f'{{"version": "{VERSION}", "title": "Bay", "items": [{{"id": "1"}}, {{"id": "1b"}}{end}'
    feed = parse_json_feed(text.encode(), url="https://bay.example/feed.json")
    assert ([entry.entry_id for entry in feed.entries], feed.title) == (["1", "1b"], "Bay")
    assert feed.is_truncated
    assert not parse().is_truncated


def test_a_feed_that_is_cut_off_in_its_first_item_is_not_empty() -> None:
    text = f'{{"version": "{VERSION}", "items": [{{"id": "1'
    with pytest.raises(ItemError, match="ends early") as caught:
        parse_json_feed(text.encode(), url="https://bay.example/feed.json")
    assert caught.value.error_type == "TruncatedFeed"


@pytest.mark.parametrize(
    "text", ['{"items": [', '{"items": [}', '{"version": "1", "items": [1 2]}']
)
def test_json_that_is_malformed_is_no_feed(text: str) -> None:
    with pytest.raises(ItemError) as caught:
        parse_json_feed(text.encode(), url="https://bay.example/feed.json")
    assert caught.value.error_type == "NotAFeed"
