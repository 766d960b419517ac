"""Find the feeds of a site: what a document is, and where a page's feeds may be. Imports no Beam.

Whether a page wants to be indexed (``noindex``) says nothing of its feeds, which are there to be
read by machines; robots.txt is seen to where they are fetched.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from urllib.parse import urldefrag, urljoin, urlsplit

import lxml.html
from lxml import etree

from transforms.core.errors import ItemError
from transforms.core.urls import UrlError, web_url
from transforms.extraction.article import decode_page
from transforms.extraction.cleaning import clean_html
from transforms.extraction.content_sniffing import detect_binary_kind
from transforms.extraction.markup_limits import check_markup
from transforms.feeds.parsing import parse_feed
from transforms.feeds.schedule import ScheduleHints, select_latest

MAX_CANDIDATES: Final = 20
"""So many addresses of a page are looked at."""

USUAL_PATHS: Final = (
    "/feed",
    "/rss",
    "/rss.xml",
    "/atom.xml",
    "/feed.xml",
    "/index.xml",
    "/feed.json",
)
_MAX_LINKS: Final = 2000
_MAX_LINK: Final = 2000
_HEAD: Final = 4096
_FEED_TYPES: Final = frozenset(
    {
        "application/rss+xml",
        "application/atom+xml",
        "application/rdf+xml",
        "application/feed+json",
        "application/json",
        "application/xml",
        "text/xml",
    }
)
_HTML: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,1000}?-->\s*)?(?:<!doctype\s+html|<html)\b",
    re.IGNORECASE | re.DOTALL,
)
_MAYBE: Final = re.compile(r"feed|rss|atom|rdf|index\.xml", re.IGNORECASE)
_FEED_HOST: Final = re.compile(r"(?:feeds?|rss)\d?\.")
_FEED_PATH: Final = re.compile(
    r"/(?:feeds?|rss\w{0,20}|atom)(?:[/.]|$)|\.(?:rss|atom|rdf)(?:/|$)"
    r"|(?:feed|rss|atom)\d?\.(?:xml|json|php|aspx?)$|/index\.xml$",
    re.IGNORECASE,
)
_FEED_QUERY: Final = re.compile(
    r"(?:^|&)(?:feed|format|type|output|alt)=(?:feed|rss2?|atom|rdf)(?:&|$)", re.IGNORECASE
)
_FEED_SCHEME: Final = re.compile(r"feed:(?:(?://)?(?=https?:)|(?=//))", re.IGNORECASE)


@dataclass(frozen=True)
class FeedFacts:
    """What a feed says, without its texts: ``published`` has the times of its latest entries."""

    title: str | None
    entries: int
    published: list[dt.datetime]
    hints: ScheduleHints


def read_feed_facts(
    body: bytes, *, url: str, content_type: str = "", max_age_sec: float = 0.0
) -> FeedFacts:
    """The facts of a feed, whose answer may be held for ``max_age_sec`` seconds.

    Raises:
        ItemError: the document is no feed, or is made to be hard to read.
    """
    kind = detect_binary_kind(body)
    if kind:
        raise ItemError("NotAFeed", f"not a feed but {kind}")
    feed = parse_feed(body, url=url, content_type=content_type)
    return FeedFacts(
        title=feed.title,
        entries=feed.items,
        published=select_latest([e.published_at for e in feed.entries if e.published_at]),
        hints=ScheduleHints(
            max(max_age_sec, feed.ttl_sec), frozenset(feed.skip_hours), frozenset(feed.skip_days)
        ),
    )


def read_site(body: bytes, *, url: str, content_type: str = "") -> FeedFacts | list[str]:
    """The facts of a feed or, of a page, the addresses where its feeds may be.

    Raises:
        ItemError: the document is neither, or is made to be hard to read.
    """
    kind = detect_binary_kind(body)
    if kind:
        raise ItemError("NotAPage", f"neither a page nor a feed but {kind}")
    if not _HTML.match(body[:_HEAD]):
        try:
            return read_feed_facts(body, url=url, content_type=content_type)
        except ItemError as lost:
            if lost.error_type != "NotAFeed":
                raise
    return find_feed_links(body, url=url, content_type=content_type)


def find_feed_links(body: bytes, *, url: str, content_type: str = "") -> list[str]:
    """Where a page's feeds may be, each address once, at most :data:`MAX_CANDIDATES`.

    First what the page itself calls its feeds (``<link rel="alternate">``), then links that look
    like feeds, those of the page's own host before others.

    Raises:
        ItemError: the page is made to be hard to read.

    >>> find_feed_links(b'<a href="https://b.example/rss"></a><a href="feed">', url="https://a.example/")
    ['https://a.example/feed', 'https://b.example/rss']
    """
    check_markup(body)
    html = clean_html(decode_page(body, content_type)).encode()
    try:
        root = lxml.html.document_fromstring(html, parser=lxml.html.HTMLParser(encoding="utf-8"))
    except etree.ParserError:  # there is no element in it
        return []
    base = _base(root, url)
    named = _addresses((link for link in root.iter("link") if _is_alternate(link)), base)
    links = (link for link in root.iter("a", "area") if _MAYBE.search(_href(link)))
    linked = filter(is_feed_like_url, _addresses(links, base))
    found = dict.fromkeys([*named, *sorted(linked, key=lambda link: _distance(link, url))])
    found.pop(urldefrag(url).url, None)
    return list(found)[:MAX_CANDIDATES]


def is_feed_like_url(url: str) -> bool:
    """Whether an address is like those that feeds usually have.

    >>> [is_feed_like_url(f"https://a.example{end}") for end in ("/news.rss", "/?feed=rss2")]
    [True, True]
    >>> is_feed_like_url("https://a.example/feedback")
    False
    """
    parts = urlsplit(url)
    return bool(
        _FEED_PATH.search(parts.path)
        or _FEED_QUERY.search(parts.query)
        or _FEED_HOST.match(parts.hostname or "")
    )


def list_usual_feed_urls(url: str) -> list[str]:
    """Where the feeds of the site of a page usually are, likely ones first."""
    return [urljoin(url, path) for path in USUAL_PATHS]


def parse_site_url(site: str) -> str:
    """The web address of a site, which may be named by its host alone.

    Raises:
        UrlError: it has none.

    >>> parse_site_url("a.example/news"), parse_site_url("http://a.example")
    ('https://a.example/news', 'http://a.example')
    """
    return web_url(site if "://" in site else f"https://{site.strip()}")


def _base(root: Any, url: str) -> str:
    """The address that a page's links are relative to."""
    for element in root.iter("base"):
        if element.get("href"):
            try:
                return web_url(element.get("href"), url)
            except UrlError:
                return url  # as browsers do
    return url


def _is_alternate(link: Any) -> bool:
    media_type = str(link.get("type") or "").partition(";")[0].strip().lower()
    return media_type in _FEED_TYPES and "alternate" in str(link.get("rel") or "").lower().split()


def _href(link: Any) -> str:
    return str(link.get("href") or "")


def _addresses(links: Iterable[Any], base: str) -> Iterator[str]:
    """Where links lead, without fragments. Those that lead to no web address are left out."""
    for link in islice(links, _MAX_LINKS):
        target = _FEED_SCHEME.sub("", _href(link).strip(), count=1)
        if target and len(target) <= _MAX_LINK:
            try:
                yield urldefrag(web_url(target, base)).url
            except UrlError:
                continue


def _distance(link: str, page: str) -> int:
    """0 for links within the host of a page, 1 for those to hosts above or below it, else 2."""
    one, other = ((urlsplit(url).hostname or "").removeprefix("www.") for url in (link, page))
    if one == other:
        return 0
    return 1 if one.endswith(f".{other}") or other.endswith(f".{one}") else 2
