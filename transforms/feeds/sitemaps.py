"""The parser of news sitemaps and plain sitemaps, which are read as feeds. Imports no Beam."""

import datetime as dt
import html
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Final, TypeAlias

from lxml import etree

from schemas.ids import stable_id
from transforms.core.clock import parse_iso_time
from transforms.core.errors import ItemError
from transforms.core.urls import UrlError, web_url
from transforms.extraction.charset import decode_page
from transforms.extraction.cleaning import clean_html, clean_line
from transforms.feeds.dates import are_times_of_request
from transforms.feeds.parsed_feed import MAX_ENTRIES, ParsedFeed, RawEntry

_MAX_URLS: Final = 50_000  # the limit of the sitemap protocol
_MAX_NAMED: Final = 5
_MAX_LINE_LENGTH: Final = 2000
_MAX_TAGS: Final = 100
_HEAD_BYTES: Final = 4096
_CHUNK_LENGTH: Final = 65_536
_COMMENT: Final = re.compile(rb"<!--.*?-->", re.DOTALL)
_FIRST_TAG: Final = re.compile(rb"<(?:[a-z][\w.-]{0,30}:)?([a-z]\w{0,30})", re.IGNORECASE)
_ROOTS: Final = ("urlset", "sitemapindex")
_OTHER_AMPERSAND: Final = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});)"
)
_FRONT_PAGE: Final = re.compile(r"https?://[^/?#]*/?", re.IGNORECASE)
_EARLIEST: Final = dt.datetime.min.replace(tzinfo=dt.timezone.utc)

_Texts: TypeAlias = dict[str, str]


def is_sitemap(body: bytes) -> bool:
    """Return whether a document is a sitemap or a sitemap index, by its first tag.

    >>> is_sitemap(b"<?xml version='1.0'?><!-- <rss> --><urlset>"), is_sitemap(b"<rss/>")
    (True, False)
    """
    head = body[:_HEAD_BYTES].replace(b"\0", b"")  # UTF-16 without its zeros is readable enough
    tag = _FIRST_TAG.search(_COMMENT.sub(b"", head))
    return tag is not None and tag[1].decode().lower() in _ROOTS


def parse_sitemap(body: bytes, *, url: str) -> ParsedFeed:
    """Return the pages of a sitemap as a feed, latest first.

    A sitemap may list all pages of a site, so only its latest :data:`MAX_ENTRIES` count. The
    front page is no entry. Mistakes in the markup are passed over.

    Args:
        body: the document.
        url: its address, for relative links.

    Raises:
        ItemError: if the document is a sitemap index, or is cut off before its first page ends.
    """
    pages, sitemaps = list[_Texts](), list[str]()
    for texts in _read_items(body):
        if "sitemap/loc" in texts:
            sitemaps.append(texts["sitemap/loc"])
        elif "url/loc" in texts and not _FRONT_PAGE.fullmatch(texts["url/loc"]):
            pages.append(texts)
    if sitemaps:
        raise ItemError("NotAFeed", _explain_index(sitemaps))
    entries = _drop_time_of_request([_to_raw_entry(page, url) for page in pages])
    entries.sort(key=lambda entry: entry.published_at or _EARLIEST, reverse=True)
    titles, languages = (
        {clean_line(page.get(f"publication/{key}")) for page in pages} - {""}
        for key in ("name", "language")
    )
    return ParsedFeed(
        title=titles.pop() if len(titles) == 1 else None,
        language=languages.pop() if len(languages) == 1 else None,
        entries=entries[:MAX_ENTRIES],
        entry_count=len(entries[:MAX_ENTRIES]),
    )


def _read_items(body: bytes) -> Iterator[_Texts]:
    """Yield the texts of each item, by the names of the parent and the element: ``news/title``.

    Raises:
        ItemError: if the document is cut off before the end of its first item.
    """
    parser = etree.XMLPullParser(
        events=("end",),
        tag=[f"{{*}}{name}" for name in ("url", "sitemap", *_ROOTS)],
        recover=True,
        resolve_entities=False,
        no_network=True,
        encoding="utf-8",
    )
    text = _repair(clean_html(decode_page(body)).lstrip("\ufeff \t\r\n"))
    elements = 0
    for start in range(0, len(text), _CHUNK_LENGTH):
        parser.feed(text[start : start + _CHUNK_LENGTH].encode())
        for _, element in islice(parser.read_events(), _MAX_URLS - elements):
            elements += 1
            assert isinstance(element, etree._Element)  # as of any "end" event
            yield _read_texts(element)
            element.clear()  # else the tree of a large sitemap would take much memory
    # The parser is not closed, as it would end elements that are cut off.
    if not elements:
        raise ItemError("NotAFeed", "a sitemap that is cut off before the end of its first item")


def _read_texts(item: etree._Element) -> _Texts:
    texts = _Texts()
    for parent in item.iter("*"):
        for element in parent.iterchildren("*"):
            key = f"{_local_name(parent)}/{_local_name(element)}"
            texts.setdefault(key, (element.text or "").strip())
    return texts


def _repair(text: str) -> str:
    """Return XML with its CDATA sections and stray ampersands as escaped text."""
    first, *rest = text.split("<![CDATA[")
    parts = [_OTHER_AMPERSAND.sub("&amp;", first)]
    for section in rest:
        data, _, markup = section.partition("]]>")
        parts += (html.escape(data), _OTHER_AMPERSAND.sub("&amp;", markup))
    return "".join(parts)


def _local_name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()


def _to_raw_entry(page: _Texts, base: str) -> RawEntry:
    link = page.get("url/loc", "")
    title = clean_line(html.unescape(page.get("news/title", "")[:_MAX_LINE_LENGTH]))
    published, modified = (
        parse_iso_time(page.get(key, "")) for key in ("news/publication_date", "url/lastmod")
    )
    tags = map(clean_line, html.unescape(page.get("news/keywords", "")).split(","))
    return RawEntry(
        entry_id=clean_line(link)[:_MAX_LINE_LENGTH],
        link=link,
        title=title,
        authors=[],
        published_at=published or modified,
        content=None,
        fingerprint=stable_id(title, str(published), str(modified))[:16],
        image_url=_resolve(page.get("image/loc") or page.get("video/thumbnail_loc"), base),
        tags=list(dict.fromkeys(filter(None, tags)))[:_MAX_TAGS],
        modified_at=modified,
    )


def _resolve(link: str | None, base: str) -> str | None:
    try:
        return web_url(link, base) if link else None
    except UrlError:
        return None


def _drop_time_of_request(entries: list[RawEntry]) -> list[RawEntry]:
    """Return entries without times if all have that of the request, which is no date of a page."""
    if not are_times_of_request([entry.published_at for entry in entries]):
        return entries
    return [
        replace(entry, published_at=None, modified_at=None, fingerprint=stable_id(entry.title)[:16])
        for entry in entries
    ]


def _explain_index(sitemaps: list[str]) -> str:
    """Return the message about a sitemap index; it names sitemaps of news first."""
    named = sorted(map(clean_line, sitemaps), key=lambda url: "news" not in url.lower())
    more = f" and {len(named) - _MAX_NAMED} more" if len(named) > _MAX_NAMED else ""
    return (
        "a sitemap index and no feed; use its sitemaps instead: "
        f"{', '.join(named[:_MAX_NAMED])}{more}"
    )
