import datetime as dt
import html
import json

import pytest

from tests.support.example_records import TIME
from transforms.core.errors import ItemError
from transforms.feeds.parsed_feed import MAX_ENTRIES, RawEntry
from transforms.feeds.parsing import parse_feed

URL = "https://a.example/feed"


def rss(items: str, head: str = "", declaration: str = "") -> bytes:
    channel = f"<channel><title>T</title>{head}{items}</channel>"
    return f"{declaration}<rss version='2.0'>{channel}</rss>".encode()


ITEM = "<item><title>One</title><link>https://a.example/1</link></item>"


def test_schedule_hints_of_a_feed() -> None:
    head = (
        "<ttl>90</ttl><skipHours><hour>0</hour><hour> 7 </hour><hour>24</hour><hour>x</hour>"
        "</skipHours><skipDays><day>Sunday</day><day>Noday</day></skipDays>"
    )
    feed = parse_feed(rss(ITEM, head), url=URL)
    assert (feed.ttl_sec, feed.skip_hours, feed.skip_days) == (5400.0, [0, 7], [6])
    plain = parse_feed(rss(ITEM), url=URL)
    assert (plain.ttl_sec, plain.skip_hours, plain.skip_days) == (0.0, [], [])


@pytest.mark.parametrize("ttl", ["-5", "soon", "1e9", "٣", "9" * 400])
def test_a_ttl_that_is_none_or_very_long(ttl: str) -> None:
    assert 0 <= parse_feed(rss(ITEM, f"<ttl>{ttl}</ttl>"), url=URL).ttl_sec <= 60 * 999_999


def test_the_fingerprint_changes_with_the_item_and_not_with_the_feed() -> None:
    def fingerprint(item: str, head: str = "") -> str:
        return parse_feed(rss(item, head), url=URL).entries[0].fingerprint

    plain = fingerprint(ITEM)
    assert fingerprint(ITEM, "<ttl>5</ttl>") == plain
    assert fingerprint(ITEM.replace("One", "Two")) != plain
    assert fingerprint(ITEM.replace("</item>", "<description>d</description></item>")) != plain
    dated = f"<pubDate>{TIME:%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
    assert fingerprint(ITEM.replace("</item>", dated)) != plain


def test_dates_that_are_the_time_of_the_answer_are_no_change() -> None:
    def fingerprints(minute: int) -> list[str]:
        from transforms.core.clock import now

        date = now().strftime(f"%a, %d %b %Y %H:%M:{minute:02} GMT")
        items = "".join(
            f"<item><title>{n}</title><pubDate>{date}</pubDate></item>" for n in range(3)
        )
        return [entry.fingerprint for entry in parse_feed(rss(items), url=URL).entries]

    assert fingerprints(1) == fingerprints(2)


@pytest.mark.parametrize("encoding", ["punycode", "idna", "zlib", "rot13", "none-such", "utf-7"])
def test_an_unknown_encoding_does_not_fail_the_feed(encoding: str) -> None:
    declared = f"<?xml version='1.0' encoding='{encoding}'?>"
    feed = parse_feed(rss(ITEM, declaration=declared), url=URL)
    assert [entry.title for entry in feed.entries] == ["One"]


@pytest.mark.parametrize("reference", ["&#xD800;", "&#55357;", "&#x110000;", "&#999999999;"])
def test_invalid_character_references(reference: str) -> None:
    item = f"<item><title>a {reference} b</title><description>\ud800</description></item>"
    body = rss("").replace(b"</channel>", item.encode("utf-8", "surrogatepass") + b"</channel>")
    (entry,) = parse_feed(body, url=URL).entries
    assert entry.title.startswith("a ") and entry.title.endswith(" b")
    entry.title.encode()
    assert (entry.content or "").encode() is not None


def test_entries_beyond_the_limit_are_counted() -> None:
    feed = parse_feed(rss(ITEM * (MAX_ENTRIES + 5)), url=URL)
    assert (len(feed.entries), feed.entry_count) == (MAX_ENTRIES, MAX_ENTRIES + 5)


def test_external_entities_are_not_read() -> None:
    declared = "<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    item = "<item><title>&x;</title><description>&x;</description></item>"
    (entry,) = parse_feed(rss(item, declaration=declared), url=URL).entries
    assert "root" not in f"{entry.title}{entry.content}"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the document is empty"),
        (b" \n", "the document is empty"),
        (b"<html><p>Hello", "not a feed but an HTML page"),
        (b"{", "not a JSON Feed"),
        (b'{"version":' + b"[" * 100_000, "not a JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1.1"}', "items is no list"),
        (b"just text", "not a feed"),
        (b"\0" * 100, "not a feed"),
    ],
)
def test_documents_that_are_no_feed(body: bytes, message: str) -> None:
    with pytest.raises(ItemError, match=message):
        parse_feed(body, url=URL)


def test_a_json_feed_of_strange_types() -> None:
    body = (
        b'{"version":"https://jsonfeed.org/version/1.1","title":[],"items":[1,null,{"id":{},'
        b'"url":[],"authors":{"a":1},"date_published":1e999,"content_html":"\\ud800",'
        b'"title":"\\ud800"}]}'
    )
    (entry,) = parse_feed(body, url=URL).entries
    assert (entry.link, entry.title, entry.content) == ("", "\ufffd", "\ufffd")


NAMESPACES = (
    "xmlns:content='http://purl.org/rss/1.0/modules/content/' "
    "xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:media='http://search.yahoo.com/mrss/'"
)
ADDRESS = "https://a.example/1"


def parse_item(item: str, head: str = "") -> RawEntry:
    channel = f"<channel>{head}<item>{item}</item></channel>"
    return parse_feed(f"<rss version='2.0' {NAMESPACES}>{channel}</rss>".encode(), url=URL).entries[
        0
    ]


def parse_atom_entry(entry: str, attributes: str = "") -> RawEntry:
    body = f"<feed xmlns='http://www.w3.org/2005/Atom' {attributes}><entry>{entry}</entry></feed>"
    return parse_feed(body.encode(), url=URL).entries[0]


LONG = " ".join(f"word{n}" for n in range(100))


@pytest.mark.parametrize(
    ("text", "is_full"),
    [
        (LONG, True),
        (LONG.rpartition(" ")[0], False),
        (f"{LONG} …", False),
        (f"{LONG} [...]", False),
        (f"{LONG} <a href='x'>Read more »</a>", False),
        ("汉" * 200, True),
        ("汉" * 190, False),
    ],
)
def test_a_long_description_is_the_full_text(text: str, is_full: bool) -> None:
    escaped = html.escape(f"<p>{text}</p>")
    for entry in (
        parse_item(f"<description>{escaped}</description>"),
        parse_atom_entry(f"<summary type='html'>{escaped}</summary>"),
        parse_atom_entry(f"<summary>{html.escape(text)}</summary>"),
    ):
        assert bool(entry.content) == is_full
        assert entry.summary.startswith(text[:50]) and len(entry.summary) <= 1001


def test_lines_of_a_plain_description_are_paragraphs() -> None:
    entry = parse_item(f"<description>{LONG}\n\nThe end.</description>")
    assert entry.content == f"<p>{LONG}</p>\n<p>The end.</p>\n"


def test_the_longer_text_is_the_full_text() -> None:
    description = f"<description>{LONG}</description>"
    teaser = parse_item(f"{description}<content:encoded>Short.</content:encoded>")
    assert teaser.content and LONG in teaser.content
    full = parse_item(f"{description}<content:encoded>{LONG} and more</content:encoded>")
    assert full.content == f"{LONG} and more"
    only = parse_item("<content:encoded>Short.</content:encoded>")
    assert (only.content, only.summary) == ("Short.", "")


def test_the_caption_of_a_picture_is_no_text_of_the_entry() -> None:
    media = "<media:content url='/c.jpg'><media:description>A harbour</media:description>"
    entry = parse_item(f"<description>Ships.</description>{media}</media:content>")
    assert (entry.content, entry.summary) == (None, "Ships.")
    assert parse_item(f"{media}</media:content>").summary == ""
    entry = parse_item(f"{media}</media:content><description>Ships.</description>")
    assert (entry.content, entry.summary) == (None, "Ships.")


def test_a_second_summary_is_no_full_text() -> None:
    entry = parse_item("<description>Ships.</description><dc:description>More.</dc:description>")
    assert (entry.content, entry.summary) == (None, "Ships.")
    entry = parse_item(f"<description>Ships.</description><dc:description>{LONG}</dc:description>")
    assert entry.content and LONG in entry.content


@pytest.mark.parametrize(
    "item",
    [
        f"<link>{ADDRESS}</link><guid isPermaLink='false'>https://a.example/2</guid>",
        f"<guid isPermaLink='false'>{ADDRESS}</guid>",
        f"<guid>{ADDRESS}</guid><link></link>",
        f"<link/><guid isPermaLink='true'>{ADDRESS}</guid>",
        f"<link>{ADDRESS}</link><more><link url='https://a.example/2'>x</link></more>",
        f"<more><link>https://a.example/2</link></more><link>{ADDRESS}</link>",
        f"<link>{ADDRESS}</link><more><item2><link href='https://a.example/2'/></item2></more>",
        f"<guid>{ADDRESS}</guid><more><link>https://a.example/2</link></more>",
        "<link>/1</link>",
    ],
)
def test_the_link_of_an_item(item: str) -> None:
    assert parse_item(item).link == ADDRESS


@pytest.mark.parametrize(
    "entry",
    [
        f"<id>{ADDRESS}</id><link rel='related' href='https://a.example/2'/>",
        f"<link href='{ADDRESS}'/><link rel='enclosure'>https://a.example/2.jpg</link>",
        f"<link rel='self' href='https://a.example/2'/><link href='{ADDRESS}'/>",
    ],
)
def test_the_link_of_an_atom_entry(entry: str) -> None:
    assert parse_atom_entry(entry).link == ADDRESS


@pytest.mark.parametrize(
    ("head", "link", "expected"),
    [
        ("<link>https://site.example/</link>", "/n/1", "https://site.example/n/1"),
        ("<link>https://site.example/n/</link>", "1", "https://site.example/n/1"),
        ("<link>https://site.example/</link>", "//b.example/1", "https://b.example/1"),
        ("<link>https://a.example/news/</link>", "1", "https://a.example/news/1"),
        ("<link>/news/</link>", "1", "https://a.example/news/1"),
        ("", "a.example/1", "https://a.example/1"),
        ("", '"https://a.example/1"', "https://a.example/1"),
        ("<link>https://[/</link>", "1", "https://a.example/1"),
        ("", "1", "https://a.example/1"),
    ],
)
def test_relative_links_by_the_link_of_the_channel(head: str, link: str, expected: str) -> None:
    entry = parse_item(f"<link>{link}</link><guid>7</guid>", head)
    assert (entry.link, entry.entry_id) == (expected, "https://a.example/7")


@pytest.mark.parametrize("link", ["javascript:void(0)", "#", "https://a.example/news/", ""])
def test_an_id_that_is_an_address_counts_before_a_link_to_nowhere(link: str) -> None:
    head = "<link>https://a.example/news/</link>"
    assert parse_item(f"<link>{link}</link><guid>{ADDRESS}</guid>", head).link == ADDRESS


def test_xml_base_counts_before_the_link_of_the_feed() -> None:
    based = parse_atom_entry("<link href='1'/>", "xml:base='https://base.example/x/'")
    assert based.link == "https://base.example/x/1"
    head = "<link>https://site.example/</link>"
    body = rss(ITEM.replace(ADDRESS, "1"), head).replace(
        b"<rss", b"<rss xml:base='https://c.example'"
    )
    assert parse_feed(body, url=URL).entries[0].link == "https://c.example/1"


@pytest.mark.parametrize(
    "author",
    [
        "<author>desk@post.photography (Ines Falk)</author><dc:creator>Tomas Rey</dc:creator>",
        "<dc:creator>By Ines Falk and Tomas Rey</dc:creator>",
        "<dc:creator>Ines Falk</dc:creator><dc:creator>Tomas Rey</dc:creator>",
        "<dc:creator><![CDATA[<a href='/x'>Ines Falk</a>, Tomas Rey]]></dc:creator>",
    ],
)
def test_authors(author: str) -> None:
    assert parse_item(author).authors == ["Ines Falk", "Tomas Rey"]


@pytest.mark.parametrize(
    "item",
    [
        "<enclosure url='/p.jpg' type='image/jpeg'/><media:thumbnail url='/q.jpg'/>",
        "<enclosure url='/v.mp4' type='video/mp4'/><media:thumbnail url='/p.jpg'/>",
        "<media:content url='/v.mp4' type='video/mp4'/><media:content url='/p.jpg'/>",
        "<media:group><media:content medium='image' url='/p.jpg'/></media:group>",
        "<description>&lt;img src='data:x'>&lt;img src='/p.jpg'></description>",
    ],
)
def test_the_picture_of_an_item(item: str) -> None:
    assert parse_item(item).image_url == "https://a.example/p.jpg"


def test_tags_dates_and_language_of_an_entry() -> None:
    entry = parse_atom_entry(
        "<category term='Ports'/><category term='ports'/><category term='http://x.example/k#post'/>"
        "<category term='http://x.example/sea' label='Sea &amp;amp; coast'/>"
        "<published>2026-03-13T12:00:00Z</published><updated>2026-03-14T12:00:00Z</updated>"
    )
    assert entry.tags == ["Ports", "Sea & coast"]
    assert (entry.published_at, entry.modified_at) == (day(13), day(14))
    entry = parse_item("<dc:language>fr</dc:language><pubDate>13.3.2026 12:00</pubDate>")
    assert (entry.language, entry.published_at, entry.modified_at) == ("fr", day(13), None)


def test_a_date_that_is_not_understood_is_none() -> None:
    assert parse_item("<pubDate>13 Mar 2026 12:00 IST</pubDate>").published_at is None
    nested = "<pubDate>13 Mar 2026 12:00</pubDate><more><pubDate>1 Mar 2026</pubDate></more>"
    assert parse_item(nested).published_at == day(13)


def day(number: int) -> dt.datetime:
    return dt.datetime(2026, 3, number, 12, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("end", "titles"),
    [
        ("", ["One"]),
        ("<item><title>Two</title><link>https://a.exa", ["One"]),
        ("<item><title>Two</title><link>https://a.example/2</link><description>Lo", ["One", "Two"]),
        ("<item><guid>https://a.example/2</guid><title><![CDATA[Tw", ["One", ""]),
    ],
)
def test_a_truncated_feed_is_read_as_far_as_it_goes(end: str, titles: list[str]) -> None:
    feed = parse_feed(f"<!-- <b> --><rss version='2.0'><channel>{ITEM}{end}".encode(), url=URL)
    assert [entry.title for entry in feed.entries] == titles
    assert (feed.is_truncated, feed.entry_count) == (True, len(titles))


@pytest.mark.parametrize(
    "body",
    [rss(ITEM), rss(ITEM.replace("One", "A & B")), rss(ITEM) + b"<", b"<rss version='2.0'/>"],
)
def test_a_feed_with_its_end_tag_is_not_truncated(body: bytes) -> None:
    assert not parse_feed(body, url=URL).is_truncated


@pytest.mark.parametrize(
    "body",
    [
        b"<rss version='2.0'><channel><title>T",
        b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>",
    ],
)
def test_a_feed_that_is_cut_off_before_its_first_link_is_not_empty(body: bytes) -> None:
    with pytest.raises(ItemError, match="ends early") as caught:
        parse_feed(body, url=URL)
    assert caught.value.error_type == "TruncatedFeed"


def test_fingerprints_of_version_0_1_0() -> None:
    """State folders hold them: if they change, all entries of all feeds are fetched again."""
    item = (
        "<title>A &amp; B</title><link>https://a.example/1</link><description>Short.</description>"
        "<content:encoded>Full.</content:encoded><pubDate>13 Mar 2026 12:00 IST</pubDate>"
        "<media:description>Caption</media:description>"
    )
    entries = [parse_item(item), parse_atom_entry("<title>A</title><updated>2026-03-13</updated>")]
    body = {"id": 5, "title": "A", "content_text": "x", "date_published": 1.5, "date_modified": 7}
    data = json.dumps({"version": "https://jsonfeed.org/version/1", "items": [body]})
    entries += parse_feed(data.encode(), url=URL).entries
    assert [entry.fingerprint for entry in entries] == [
        "eca2676f7ce39174",
        "b5723ee8a95055c6",
        "e0ec76566b058c67",
    ]
