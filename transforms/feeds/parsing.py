"""The parser of feeds: RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed, sitemaps. Imports no Beam."""

import calendar
import datetime as dt
import re
from collections.abc import Collection, Iterator
from time import struct_time
from typing import Any, Final
from xml.sax import SAXException

import feedparser
from w3lib.html import remove_tags, replace_entities

from transforms.core.errors import ItemError
from transforms.core.urls import is_web_url
from transforms.extraction.bylines import clean_names
from transforms.extraction.charset import repair_utf8
from transforms.extraction.content_sniffing import strip_start
from transforms.extraction.markup_limits import check_markup
from transforms.feeds.dates import are_times_of_request, parse_date
from transforms.feeds.entry_texts import (
    MAX_LINE_LENGTH,
    choose_full_text,
    choose_image,
    clean_tags,
    is_image,
    shorten_summary,
    to_html,
    to_line,
)
from transforms.feeds.feedparser_corrections import parse_xml
from transforms.feeds.json_feed import parse_json_feed
from transforms.feeds.parsed_feed import MAX_ENTRIES, ParsedFeed, RawEntry, make_fingerprint
from transforms.feeds.schedule import DAYS
from transforms.feeds.sitemaps import is_sitemap, parse_sitemap

_MAX_AUTHORS: Final = 100
_HEAD_BYTES: Final = 65_536
_SKIPPED: Final = re.compile(
    rb"<skip(Hours|Days)>(.{0,2000}?)</skip(?:Hours|Days)>", re.IGNORECASE | re.DOTALL
)
_HOUR: Final = re.compile(rb"<hour>\s*(\d{1,2})\s*<", re.IGNORECASE)
_DAY: Final = re.compile(rb"<day>\s*([a-z]{6,9})\s*<", re.IGNORECASE)
_START_TAG: Final = re.compile(rb"<([a-zA-Z][\w:.-]*)")
_COMMENT: Final = re.compile(rb"<!--.{0,2000}?-->", re.DOTALL)
_SCRIPTS: Final = ("javascript:", "data:", "about:")


def parse_feed(body: bytes, *, url: str, content_type: str = "") -> ParsedFeed:
    """Parse a feed.

    Args:
        body: the document.
        url: its address, for relative links.
        content_type: the Content-Type header, which may state the encoding.

    Raises:
        ItemError: if the document is not a feed, or has excessive markup.
    """
    body = repair_utf8(body)
    if strip_start(body)[:1] == b"{":
        return parse_json_feed(body, url=url)
    if not body.strip():
        raise ItemError("NotAFeed", "the document is empty")
    if is_sitemap(body):
        return parse_sitemap(body, url=url)
    check_markup(body)
    parsed = parse_xml(body, url, content_type)
    if not parsed.get("version") and not parsed.entries:
        if b"<html" in body[:2000].lower():
            raise ItemError("NotAFeed", "not a feed but an HTML page")
        reason = parsed.get("bozo_exception")
        if reason is None or isinstance(reason, feedparser.NonXMLContentType):
            reason = "it has neither a known root nor entries"
        raise ItemError("NotAFeed", f"not a feed: {reason}")
    items = parsed.entries
    is_malformed = isinstance(parsed.get("bozo_exception"), SAXException)
    is_truncated = is_malformed and _is_truncated(body)
    own_urls = {url, str(parsed.feed.get("link") or url)}
    if is_truncated and items and not _find_link(items[-1], own_urls):
        items = items[:-1]  # it was cut before its link
    if is_truncated and not items:
        raise ItemError("TruncatedFeed", "the feed ends early, before the link of its first entry")
    times = [_read_time(i, "updated_parsed", "published_parsed") for i in items[:MAX_ENTRIES]]
    is_dated = not are_times_of_request(times)
    entries = [
        _to_raw_entry(item, url, own_urls, is_dated=is_dated) for item in items[:MAX_ENTRIES]
    ]
    hours, days = _parse_skipped(body[:_HEAD_BYTES])
    ttl = str(parsed.feed.get("ttl") or "")
    return ParsedFeed(
        title=to_line(parsed.feed.get("title") or "") or None,
        language=to_line(parsed.feed.get("language") or "") or None,
        entries=entries,
        entry_count=len(items),
        ttl_sec=60.0 * int(ttl[:6]) if ttl.isascii() and ttl.isdigit() else 0.0,
        skip_hours=hours,
        skip_days=days,
        is_truncated=is_truncated,
    )


def _is_truncated(body: bytes) -> bool:
    """Return whether the end tag of the root is missing. UTF-16 and UTF-32 are not examined."""
    root = _START_TAG.search(_COMMENT.sub(b"", body[:_HEAD_BYTES]))
    return root is not None and b"</" + root[1].lower() not in body.lower()


def _read_time(entry: Any, *keys: str) -> dt.datetime | None:
    times = (entry[key] for key in keys if key in entry)
    time = next(filter(None, times), None)
    return _to_utc(time) if time else None


def _to_raw_entry(entry: Any, url: str, own_urls: Collection[str], *, is_dated: bool) -> RawEntry:
    contents = [(bool(c.get("is_summary")), c.get("value") or "") for c in entry.get("content", [])]
    hashed_content = max((text for _, text in contents), key=len, default="")
    published = _read_time(entry, "published_parsed", "updated_parsed")
    updated = _read_time(entry, "updated_parsed", "published_parsed")
    captions = frozenset(entry.get("captions", []))
    contents.append((True, entry.get("summary") or ""))
    content, summary = (
        max(
            (text for kind, text in contents if kind == wanted and text not in captions),
            key=len,
            default="",
        )
        for wanted in (False, True)
    )
    is_plain = entry.get("summary_detail", {}).get("type") == "text/plain"
    summary = "" if summary == content else to_html(summary, is_plain=is_plain)
    published_at, created_at, modified_at = (
        parse_date(entry[key]) if key in entry else None
        for key in ("published", "created", "updated")
    )
    return RawEntry(
        entry_id=to_line(entry.get("id") or ""),
        link=_find_link(entry, own_urls),
        title=_read_title(entry),
        authors=clean_names(
            author.get("as_written") or author.get("name") or ""
            for author in entry.get("authors", [])[:_MAX_AUTHORS]
        ),
        published_at=published_at or created_at or modified_at,
        content=choose_full_text(content, summary),
        fingerprint=make_fingerprint(
            entry.get("title"),
            entry.get("summary"),
            hashed_content,
            *(map(str, (published, updated)) if is_dated else ()),
        ),
        summary=shorten_summary(summary),
        image_url=choose_image(_find_images(entry), content, summary, base=url),
        tags=clean_tags(_name_tag(tag) for tag in entry.get("tags", [])),
        modified_at=modified_at,
        language=to_line(entry.get("language") or "") or None,
    )


def _find_link(entry: Any, own_urls: Collection[str]) -> str:
    """Return the last alternate link of the entry itself, else an id that is an address.

    Args:
        entry: the entry.
        own_urls: the addresses of the feed and its site. If the entry links to these, such as by
            ``#``, and its id is an address, the id is returned.
    """
    links = [
        link["href"]
        for link in entry.get("links", [])
        if link.get("rel") == "alternate" and "html" in link.get("type", "") and link.get("href")
        if not link.get("nested")
    ]
    entry_id, link = entry.get("id") or "", entry.get("link") or ""
    link = links[-1] if links else link
    leads_nowhere = not links or link.startswith(_SCRIPTS) or link.partition("#")[0] in own_urls
    return entry_id if leads_nowhere and is_web_url(entry_id) else link


def _find_images(entry: Any) -> Iterator[str]:
    for link in entry.get("links", []):
        href = link.get("href") or ""
        if link.get("rel") == "enclosure" and is_image(link.get("type") or "", href):
            yield href
    for media in entry.get("media_content", []):
        address, medium = media.get("url") or "", media.get("medium") or ""
        if medium == "image" or (not medium and is_image(media.get("type") or "", address)):
            yield address
    yield from (thumbnail.get("url") or "" for thumbnail in entry.get("media_thumbnail", []))
    image = entry.get("image")  # of a podcast
    if isinstance(image, dict):
        yield image.get("href") or ""


def _name_tag(tag: Any) -> str:
    term, label = tag.get("term") or "", tag.get("label") or ""
    return label if is_web_url(term) else term or label


def _read_title(entry: Any) -> str:
    title = (entry.get("title") or "")[: 4 * MAX_LINE_LENGTH]
    if "html" in entry.get("title_detail", {}).get("type", ""):
        title = replace_entities(remove_tags(title))
    return to_line(title)


def _parse_skipped(head: bytes) -> tuple[list[int], list[int]]:
    """Return the hours of ``<skipHours>`` and the days of ``<skipDays>``; 24 is midnight."""
    hours, days = set[int](), set[int]()
    for match in _SKIPPED.finditer(head):
        hours.update(int(hour) % 24 for hour in _HOUR.findall(match[2]))
        names = {name.decode("ascii").lower() for name in _DAY.findall(match[2])}
        days.update(DAYS.index(name) for name in names if name in DAYS)
    return sorted(hours), sorted(days)


def _to_utc(time: struct_time) -> dt.datetime | None:
    try:
        return dt.datetime.fromtimestamp(calendar.timegm(time), dt.timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None  # the year is out of range; the page's own date is used instead
