import pytest

from tests.support.example_records import TIME
from transforms.core.errors import ItemError
from transforms.feeds.parsed_feed import MAX_ENTRIES
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
