"""Feed discovery: whether a document is a feed, and the feeds that a page links to.

``noindex`` in a page is ignored, as it is about the page and not its feeds. robots.txt is obeyed
where the feeds are fetched. Imports no Beam.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import urldefrag, urljoin, urlsplit

import lxml.html
from lxml import etree
from lxml.html import HtmlElement

from transforms.core.errors import ItemError
from transforms.core.urls import UrlError, web_url
from transforms.extraction.charset import decode_page
from transforms.extraction.cleaning import clean_html
from transforms.extraction.content_sniffing import detect_binary_kind
from transforms.extraction.markup_limits import check_markup
from transforms.feeds.feed_urls import is_feed_like_url, remove_feed_scheme
from transforms.feeds.parsing import parse_feed
from transforms.feeds.schedule import ScheduleHints, select_latest

MAX_CANDIDATES: Final = 20
"""The maximum number of possible feeds per page."""

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
_MAX_URL_LENGTH: Final = 2000
_HEAD_BYTES: Final = 4096
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
_MAYBE_FEED: Final = re.compile(r"feed|rss|atom|rdf|index\.xml", re.IGNORECASE)


@dataclass(frozen=True)
class FeedFacts:
    """A summary of a feed.

    Attributes:
        title: its title.
        entries: the number of its entries.
        published: the times of its latest entries, UTC, newest first.
        hints: its schedule hints.
        is_truncated: whether the document ends early.
    """

    title: str | None
    entries: int
    published: list[dt.datetime]
    hints: ScheduleHints
    is_truncated: bool = False


def read_feed_facts(
    body: bytes, *, url: str, content_type: str = "", max_age_sec: float = 0.0
) -> FeedFacts:
    """Parse a feed and return its summary.

    Args:
        body: the document.
        url: its address, for relative links.
        content_type: the Content-Type header.
        max_age_sec: the seconds for which the response may be cached.

    Raises:
        ItemError: if the document is not a feed, or has excessive markup.
    """
    kind = detect_binary_kind(body)
    if kind:
        raise ItemError("NotAFeed", f"not a feed but {kind}")
    feed = parse_feed(body, url=url, content_type=content_type)
    return FeedFacts(
        title=feed.title,
        entries=feed.entry_count,
        published=select_latest([e.published_at for e in feed.entries if e.published_at]),
        hints=ScheduleHints(
            max(max_age_sec, feed.ttl_sec), frozenset(feed.skip_hours), frozenset(feed.skip_days)
        ),
        is_truncated=feed.is_truncated,
    )


def read_site(body: bytes, *, url: str, content_type: str = "") -> FeedFacts | list[str]:
    """Return the summary of a feed or, for a page, the URLs of its possible feeds.

    Raises:
        ItemError: if the document is neither, or has excessive markup.
    """
    kind = detect_binary_kind(body)
    if kind:
        raise ItemError("NotAPage", f"neither a page nor a feed but {kind}")
    if not _HTML.match(body[:_HEAD_BYTES]):
        try:
            return read_feed_facts(body, url=url, content_type=content_type)
        except ItemError as error:
            if error.error_type != "NotAFeed":
                raise
    return find_feed_links(body, url=url, content_type=content_type)


def find_feed_links(body: bytes, *, url: str, content_type: str = "") -> list[str]:
    """Return the URLs of a page's possible feeds, at most :data:`MAX_CANDIDATES`.

    The declared ones (``<link rel="alternate">``) come first, then links that look like feeds.
    Among the latter, links within the page's own host come first.

    Raises:
        ItemError: if the page has excessive markup.

    >>> find_feed_links(b'<a href="https://b.example/rss"></a><a href="feed">', url="https://a.example/")
    ['https://a.example/feed', 'https://b.example/rss']
    """
    check_markup(body)
    html = clean_html(decode_page(body, content_type)).encode()
    try:
        root = lxml.html.document_fromstring(html, parser=lxml.html.HTMLParser(encoding="utf-8"))
    except etree.ParserError:  # the page has no element
        return []
    base = _find_base(root, url)
    declared = _resolve_links((link for link in root.iter("link") if _is_alternate(link)), base)
    links = (link for link in root.iter("a", "area") if _MAYBE_FEED.search(_href(link)))
    linked = filter(is_feed_like_url, _resolve_links(links, base))
    urls = dict.fromkeys([*declared, *sorted(linked, key=lambda link: _host_distance(link, url))])
    urls.pop(urldefrag(url).url, None)
    return list(urls)[:MAX_CANDIDATES]


def list_usual_feed_urls(url: str) -> list[str]:
    """Return the URLs at which the site of a page may have feeds, likely ones first."""
    return [urljoin(url, path) for path in USUAL_PATHS]


def parse_site_url(site: str) -> str:
    """Return the URL of a site, which may be given as a host alone.

    Raises:
        UrlError: if it is not a web address.

    >>> parse_site_url("a.example/news"), parse_site_url("http://a.example")
    ('https://a.example/news', 'http://a.example')
    """
    return web_url(site if "://" in site else f"https://{site.strip()}")


def _find_base(root: HtmlElement, url: str) -> str:
    """Return the base URL of a page's links."""
    for element in root.iter("base"):
        if element.get("href"):
            try:
                return web_url(element.get("href"), url)
            except UrlError:
                return url  # browsers ignore an invalid base, too
    return url


def _is_alternate(link: HtmlElement) -> bool:
    media_type = str(link.get("type") or "").partition(";")[0].strip().lower()
    return media_type in _FEED_TYPES and "alternate" in str(link.get("rel") or "").lower().split()


def _href(link: HtmlElement) -> str:
    return str(link.get("href") or "")


def _resolve_links(links: Iterable[HtmlElement], base: str) -> Iterator[str]:
    """Yield the URLs of links, without fragments; skip links to anything but web addresses."""
    for link in islice(links, _MAX_LINKS):
        target = remove_feed_scheme(_href(link).strip())
        if target and len(target) <= _MAX_URL_LENGTH:
            try:
                yield urldefrag(web_url(target, base)).url
            except UrlError:
                continue


def _host_distance(link: str, page: str) -> int:
    """Return 0 for a link within the host of a page, 1 to its sub- or superdomain, else 2."""
    link_host, page_host = (
        (urlsplit(url).hostname or "").removeprefix("www.") for url in (link, page)
    )
    if link_host == page_host:
        return 0
    is_related = link_host.endswith(f".{page_host}") or page_host.endswith(f".{link_host}")
    return 1 if is_related else 2
