"""The parser of feeds: RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed, sitemaps. Imports no Beam."""

import calendar
import datetime as dt
import json
import re
import sys
from collections.abc import Sequence
from time import struct_time
from typing import Any, Final

import feedparser
from w3lib.html import remove_tags, replace_entities

from schemas.ids import stable_id
from transforms.core.clock import now, parse_iso_time
from transforms.core.errors import ItemError
from transforms.extraction.cleaning import clean_html, clean_line
from transforms.extraction.content_sniffing import strip_start
from transforms.extraction.markup_limits import check_markup
from transforms.feeds.parsed_feed import MAX_ENTRIES, ParsedFeed, RawEntry
from transforms.feeds.schedule import DAYS
from transforms.feeds.sitemaps import is_sitemap, parse_sitemap

_MAX_AUTHORS: Final = 100
_MAX_LINE_LENGTH: Final = 2000
_MAX_CONTENT_LENGTH: Final = 2_000_000
_HEAD_BYTES: Final = 65_536
_SKIPPED: Final = re.compile(
    rb"<skip(Hours|Days)>(.{0,2000}?)</skip(?:Hours|Days)>", re.IGNORECASE | re.DOTALL
)
_HOUR: Final = re.compile(rb"<hour>\s*(\d{1,2})\s*<", re.IGNORECASE)
_DAY: Final = re.compile(rb"<day>\s*([a-z]{6,9})\s*<", re.IGNORECASE)
_REFERENCE: Final = re.compile(rb"&#(\d{1,9}|[xX][0-9a-fA-F]{1,9});?")
_JUST_NOW: Final = dt.timedelta(minutes=10)


def parse_feed(body: bytes, *, url: str, content_type: str = "") -> ParsedFeed:
    """Parse a feed.

    Args:
        body: the document.
        url: its address, for relative links.
        content_type: the Content-Type header, which may state the encoding.

    Raises:
        ItemError: if the document is not a feed, or has excessive markup.
    """
    if strip_start(body)[:1] == b"{":
        return _parse_json_feed(body)
    if not body.strip():
        raise ItemError("NotAFeed", "the document is empty")
    if is_sitemap(body):
        return parse_sitemap(body, url=url)
    check_markup(body)
    parsed = _parse_xml(_REFERENCE.sub(_repair_reference, body), url, content_type)
    if not parsed.get("version") and not parsed.entries:
        if b"<html" in body[:2000].lower():
            raise ItemError("NotAFeed", "not a feed but an HTML page")
        reason = parsed.get("bozo_exception")
        if reason is None or isinstance(reason, feedparser.NonXMLContentType):
            reason = "it has neither a known root nor entries"
        raise ItemError("NotAFeed", f"not a feed: {reason}")
    items = parsed.entries[:MAX_ENTRIES]
    entries = [_to_raw_entry(entry, is_dated=_are_dated(items)) for entry in items]
    hours, days = _parse_skipped(body[:_HEAD_BYTES])
    ttl = str(parsed.feed.get("ttl") or "")
    return ParsedFeed(
        title=_to_line(parsed.feed.get("title")) or None,
        language=_to_line(parsed.feed.get("language")) or None,
        entries=entries,
        entry_count=len(parsed.entries),
        ttl_sec=60.0 * int(ttl[:6]) if ttl.isascii() and ttl.isdigit() else 0.0,
        skip_hours=hours,
        skip_days=days,
    )


def _parse_xml(body: bytes, url: str, content_type: str) -> Any:
    headers = {"content-location": url}
    if content_type:
        headers["content-type"] = content_type
    try:
        return feedparser.parse(body, response_headers=headers)
    except (UnicodeError, LookupError):  # the feed names a Python codec that is no charset
        headers["content-type"] = "application/xml; charset=utf-8"
        return feedparser.parse(body, response_headers=headers)


def _repair_reference(reference: re.Match[bytes]) -> bytes:
    """Return a valid character reference, since feedparser fails on an invalid one."""
    digits = reference[1]
    code = int(digits[1:], 16) if digits[:1] in b"xX" else int(digits)
    return b"&#xFFFD;" if 0xD800 <= code <= 0xDFFF or code > sys.maxunicode else reference[0]


def _to_line(text: Any) -> str:
    return clean_line(str(text or "")[: 4 * _MAX_LINE_LENGTH])[:_MAX_LINE_LENGTH]


def _read_time(entry: Any, *keys: str) -> dt.datetime | None:
    times = (entry[key] for key in keys if key in entry)
    time = next(filter(None, times), None)
    return _to_utc(time) if time else None


def _are_dated(entries: Sequence[Any]) -> bool:
    """Return whether entries have real times, and not all the time of the request."""
    times = {_read_time(entry, "updated_parsed", "published_parsed") for entry in entries}
    (time,) = times if len(times) == 1 else (None,)
    return len(entries) < 3 or time is None or now() - time > _JUST_NOW


def _to_raw_entry(entry: Any, *, is_dated: bool) -> RawEntry:
    authors = [_to_line(a.get("name")) for a in entry.get("authors", [])[:_MAX_AUTHORS]]
    content = max((c.get("value") or "" for c in entry.get("content", [])), key=len, default="")
    published = _read_time(entry, "published_parsed", "updated_parsed")
    updated = _read_time(entry, "updated_parsed", "published_parsed")
    return RawEntry(
        entry_id=_to_line(entry.get("id")),
        link=entry.get("link") or "",
        title=_read_title(entry),
        authors=[name for name in authors if name],
        published_at=published,
        content=clean_html(content[:_MAX_CONTENT_LENGTH]) or None,
        fingerprint=_make_fingerprint(
            entry.get("title"),
            entry.get("summary"),
            content,
            *(map(str, (published, updated)) if is_dated else ()),
        ),
    )


def _make_fingerprint(*parts: str | None) -> str:
    return stable_id(*parts)[:16]


def _read_title(entry: Any) -> str:
    title = (entry.get("title") or "")[: 4 * _MAX_LINE_LENGTH]
    if "html" in entry.get("title_detail", {}).get("type", ""):
        title = replace_entities(remove_tags(title))
    return _to_line(title)


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


def _parse_json_feed(body: bytes) -> ParsedFeed:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ItemError("NotAFeed", f"not a JSON Feed: {error}") from error
    if not str(data.get("version", "")).startswith("https://jsonfeed.org/version/"):
        raise ItemError("NotAFeed", "JSON, but no JSON Feed: its version is missing")
    items = data.get("items")
    if not isinstance(items, list):
        raise ItemError("NotAFeed", "not a JSON Feed: items is no list")
    return ParsedFeed(
        title=_to_line(_to_string(data.get("title"))) or None,
        language=_to_line(_to_string(data.get("language"))) or None,
        entries=[_parse_json_item(item) for item in items[:MAX_ENTRIES] if isinstance(item, dict)],
        entry_count=sum(isinstance(item, dict) for item in items),
    )


def _parse_json_item(item: dict[str, Any]) -> RawEntry:
    authors = item.get("authors") or [item.get("author")]
    authors = authors[:_MAX_AUTHORS] if isinstance(authors, list) else []
    names = [a.get("name") for a in authors if isinstance(a, dict)]
    dates = [_to_string(item.get(name)) for name in ("date_published", "date_modified")]
    content = _to_string(item.get("content_html"))[:_MAX_CONTENT_LENGTH]
    return RawEntry(
        entry_id=_to_line(_to_string(item.get("id"))),
        link=_to_string(item.get("url") or item.get("external_url")),
        title=_to_line(_to_string(item.get("title"))),
        authors=[_to_line(name) for name in names if isinstance(name, str)],
        published_at=parse_iso_time(dates[0]),
        content=clean_html(content) or None,
        fingerprint=_make_fingerprint(
            _to_string(item.get("title")),
            _to_string(item.get("summary")),
            content or _to_string(item.get("content_text")),
            *dates,
        ),
    )


def _to_string(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
