import codecs
import time

import pytest

from pipeline.commands.feed_checks import FeedCheck
from transforms.core.errors import ItemError
from transforms.core.urls import UrlError
from transforms.feeds.discovery import (
    MAX_CANDIDATES,
    FeedFacts,
    find_feed_links,
    list_usual_feed_urls,
    parse_site_url,
    read_feed_facts,
    read_site,
)
from transforms.feeds.feed_urls import is_feed_like_url

PAGE = "https://www.a.example/news/index.html"
RSS = (
    "<rss version='2.0'><channel><title>Häfen\n heute</title><ttl>90</ttl>"
    "<skipHours><hour>24</hour></skipHours><skipDays><day>Sunday</day></skipDays>"
    "<item><title>One</title><pubDate>Fri, 20 Nov 2026 08:00:00 GMT</pubDate></item>"
    "<item><title>Two</title><pubDate>Fri, 20 Nov 2026 09:30:00 GMT</pubDate></item>"
    "<item><title>Undated</title></item></channel></rss>"
)
JSON_FEED = '{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": []}'


def candidates(html: str, url: str = PAGE) -> list[str]:
    return find_feed_links(html.encode(), url=url)


def error_of(body: bytes) -> str:
    with pytest.raises(ItemError) as caught:
        read_site(body, url=PAGE)
    return caught.value.error_type


def test_the_facts_of_a_feed() -> None:
    facts = read_feed_facts(RSS.encode(), url=PAGE, max_age_sec=60)
    assert (facts.title, facts.entries) == ("Häfen heute", 3)
    assert [f"{time:%H:%M}" for time in facts.published] == ["09:30", "08:00"]
    assert facts.hints.min_interval_sec == 5400
    assert facts.hints.skip_hours == {0}
    assert facts.hints.skip_days == {6}
    assert read_feed_facts(RSS.encode(), url=PAGE, max_age_sec=1e6).hints.min_interval_sec == 1e6


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"%PDF-1.7", "a PDF document"), (b"<html></html>", "an HTML page"), (b"", "empty")],
)
def test_what_is_no_feed(body: bytes, message: str) -> None:
    with pytest.raises(ItemError, match=message):
        read_feed_facts(body, url=PAGE)


@pytest.mark.parametrize("body", [RSS, f"\ufeff \n{RSS}", JSON_FEED, "<rss version='2.0'/>"])
def test_a_site_that_is_a_feed(body: str) -> None:
    assert isinstance(read_site(body.encode(), url=PAGE), FeedFacts)


@pytest.mark.parametrize(
    "start",
    [
        "<!DOCTYPE html>",
        "\ufeff<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC 'x'>",
        "<!-- a comment --><HTML>",
        "<p>not even a root",
        "{}",
        "[1]",
        "plain text ",
    ],
)
def test_a_site_that_is_a_page(start: str) -> None:
    html = f'{start}<meta name="robots" content="noindex"><a href="/rss">RSS</a>'
    assert read_site(html.encode(), url=PAGE) == ["https://www.a.example/rss"]


def test_what_a_page_calls_its_feeds_comes_first_and_in_its_order() -> None:
    types = ("application/rss+xml", "Application/Atom+XML; charset=utf-8", "application/feed+json")
    links = "".join(
        f'<link rel="{rel}" type="{media_type}" href="/{n}">'
        for n, (rel, media_type) in enumerate(
            [
                *(("alternate", media_type) for media_type in types),
                ("home ALTERNATE", "application/json"),
                ("alternate", "application/json+oembed"),
                ("alternate stylesheet", "text/css"),
                ("alternate", ""),
                ("stylesheet", "application/rss+xml"),
            ]
        )
    )
    found = candidates(f'<a href="feed.xml">x</a>{links}<a href="/0#top">feed</a>')
    assert [url.removeprefix("https://www.a.example") for url in found] == [
        "/0",
        "/1",
        "/2",
        "/3",
        "/news/feed.xml",
    ]


def test_links_of_the_page_s_own_host_come_first() -> None:
    hosts = ("x.example", "feeds.a.example", "www.a.example", "a.example", "nota.example")
    links = "".join(f'<a href="//{host}/rss">x</a>' for host in hosts)
    assert [url.split("/")[2] for url in candidates(links)] == [
        "www.a.example",
        "a.example",
        "feeds.a.example",
        "x.example",
        "nota.example",
    ]


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("/blog/", "https://www.a.example/blog/feed"),
        ("https://b.example/x/", "https://b.example/x/feed"),
        ("javascript:alert(1)", "https://www.a.example/news/feed"),
        ("", "https://www.a.example/news/feed"),
    ],
)
def test_links_are_relative_to_the_base(base: str, address: str) -> None:
    html = f'<a href="feed">x</a><base target="_top"><base href="{base}"><base href="/no/">'
    assert candidates(html if base else html.replace('<base href="/no/">', "")) == [address]


@pytest.mark.parametrize(
    "end",
    [
        "/feed",
        "/blog/feed/",
        "/feeds/all",
        "/rss",
        "/rss2",
        "/rss.php",
        "/atom",
        "/news.rss",
        "/r/news/.rss",
        "/a.ATOM",
        "/portada.rdf",
        "/newsfeed.xml",
        "/feed.json",
        "/index.xml",
        "/?feed=rss2",
        "/?x=1&format=feed",
    ],
)
def test_addresses_like_those_of_feeds(end: str) -> None:
    assert is_feed_like_url(f"https://a.example{end}")


@pytest.mark.parametrize(
    "end", ["/", "/feedback", "/feeding-the-poor", "/atomic", "/sitemap.xml", "/x?q=rss+feed"]
)
def test_other_addresses(end: str) -> None:
    assert not is_feed_like_url(f"https://a.example{end}")


def test_a_host_may_say_that_it_has_feeds() -> None:
    assert is_feed_like_url("https://feeds.a.example/news")
    assert not is_feed_like_url("https://feedsomebody.example/news")


def test_schemes_of_links() -> None:
    links = ("feed:https://b.example/1.rss", "feed://b.example/2.rss", "FEED:http://b.example/rss")
    html = "".join(f'<a href=" {link} ">x</a>' for link in links)
    other = ("mailto:feed@a.example", "javascript:rss()", "feed:", "https://[::1/rss", "")
    html += "".join(f'<a href="{link}">x</a>' for link in other)
    assert candidates(html) == [
        "https://b.example/1.rss",
        "https://b.example/2.rss",
        "http://b.example/rss",
    ]


def test_a_page_is_no_candidate_of_itself() -> None:
    url = "https://a.example/rss"
    assert candidates('<a href="rss">x</a><a href="#rss">x</a><a href="/feed">x</a>', url) == [
        "https://a.example/feed"
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_pages_in_other_encodings(encoding: str) -> None:
    html = '<html><title>Zürich</title><a href="/ä/feed">x</a></html>'
    body = html.encode(encoding)
    assert encoding != "utf-16" or body.startswith(codecs.BOM_UTF16)
    found = find_feed_links(body, url=PAGE, content_type=f"text/html; charset={encoding}")
    assert found == ["https://www.a.example/%C3%A4/feed"]


@pytest.mark.parametrize("html", ["", " \n", "\0", "<!-- -->", "<p>nothing</p>"])
def test_pages_without_feeds(html: str) -> None:
    assert candidates(html) == []


def test_hostile_pages() -> None:
    started = time.monotonic()
    assert error_of(b"<html>" + b"<br>" * 300_000) == "TooManyTags"
    assert error_of(b"<html><a " + b"b=c " * 20_000 + b">") == "TooManyAttributes"
    assert error_of(b"\x1f\x8b" + bytes(100)) == "NotAPage"
    links = "".join(f'<a href="/feed/{n}">x</a>' for n in range(20_000))
    assert len(candidates(f"<html>{links}")) == MAX_CANDIDATES
    assert candidates(f'<html><a href="/rss/{"x" * 3000}">x</a>') == []
    assert len(candidates("<div>" * 50_000 + '<a href="/rss">')) <= 1
    assert candidates(f'<a href="/{"rss" * 600}x">') == []
    assert time.monotonic() - started < 20


def test_usual_addresses_are_those_of_the_host() -> None:
    assert list_usual_feed_urls(PAGE)[:2] == [
        "https://www.a.example/feed",
        "https://www.a.example/rss",
    ]


@pytest.mark.parametrize("site", ["ftp://a.example/", "", "https://", "http://[::1"])
def test_sites_without_a_web_address(site: str) -> None:
    with pytest.raises(UrlError):
        parse_site_url(site)


def test_a_truncated_feed_is_said_to_be_truncated() -> None:
    whole = (
        b"<rss version='2.0'><channel><item><link>https://a.example/1</link></item></channel></rss>"
    )
    for body, is_truncated in ((whole, False), (whole.removesuffix(b"</channel></rss>"), True)):
        facts = read_feed_facts(body, url="https://a.example/feed")
        assert (facts.entries, facts.is_truncated) == (1, is_truncated)
    check = FeedCheck("https://a.example/feed", "ok", entries=1, is_truncated=True)
    assert check.format_notes() == "the feed ends early, after 1 entries"
