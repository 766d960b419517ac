"""Parse feeds into entries: RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed."""

import calendar
import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam
import feedparser
from w3lib.html import remove_tags, replace_entities

from schemas import stable_id
from schemas.rows import row
from transforms.cleaning import clean_line
from transforms.feeds import FeedDocument
from transforms.stage import (
    Composite,
    FeedReport,
    Lost,
    Outcome,
    Run,
    Stage,
    StageOutput,
    run_stage,
)
from transforms.times import iso_time
from transforms.urls import UrlError, canonical_url, web_url

MAX_ENTRIES: Final = 1000


@row
@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a feed. ``key`` is its canonical link, by which copies are recognised."""

    feed_url: str
    feed_title: str | None
    feed_position: int
    position: int
    entry_id: str
    link: str
    key: str
    title: str
    authors: list[str]
    published_at: dt.datetime | None
    content: str | None
    language: str | None


@dataclass(frozen=True)
class RawEntry:
    """An item as the feed has it, before its link is checked."""

    entry_id: str
    link: str
    title: str
    authors: list[str]
    published_at: dt.datetime | None
    content: str | None


@dataclass(frozen=True)
class ParsedFeed:
    """A feed's title, language and items."""

    title: str | None
    language: str | None
    entries: list[RawEntry]


class ParseEntries(Composite):
    """Feed documents to entries."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    def expand(self, documents: beam.PCollection) -> StageOutput:
        return run_stage(documents, _ParseEntries(self.run), Entry)


class _ParseEntries(Stage):
    name = "ParseEntries"

    def source(self, element: FeedDocument) -> str:
        return element.feed_url

    def ending(self, element: FeedDocument, error: Exception) -> Iterator[FeedReport]:  # noqa: ARG002
        yield _report(element, "failed", 0)

    def handle(self, element: FeedDocument) -> Iterator[Any]:
        feed = parse_feed(element.body, url=element.url, content_type=element.content_type)
        yield _report(element, "ok" if feed.entries else "empty", len(feed.entries))
        for position, raw in enumerate(feed.entries[:MAX_ENTRIES]):
            yield from self._entry(element, feed, position, raw)
        beyond = feed.entries[MAX_ENTRIES:]
        if beyond:
            message = f"{len(feed.entries)} entries; the first {MAX_ENTRIES} were read"
            yield self.dead_letter(element, Lost("TooManyEntries", message))
            yield from (_end(element, raw) for raw in beyond)

    def _entry(
        self, document: FeedDocument, feed: ParsedFeed, position: int, raw: RawEntry
    ) -> Iterator[Any]:
        try:
            if not raw.link:
                raise Lost("NoLink", f"entry {position + 1} ({raw.title[:80]!r}) has no link")
            link = web_url(raw.link, document.url)
            key = canonical_url(link)
        except (Lost, UrlError) as error:
            yield self.dead_letter(document, error)
            yield _end(document, raw)
            return
        yield Entry(
            feed_url=document.feed_url,
            feed_title=feed.title,
            feed_position=document.position,
            position=position,
            entry_id=raw.entry_id or link,
            link=link,
            key=key,
            title=raw.title,
            authors=raw.authors,
            published_at=raw.published_at,
            content=raw.content,
            language=feed.language,
        )


def _report(document: FeedDocument, status: str, entries: int) -> FeedReport:
    return FeedReport(
        feed_url=document.feed_url,
        status=status,
        http_status=document.status,
        entries=entries,
        bytes=len(document.body),
        seconds=document.seconds,
    )


def _end(document: FeedDocument, raw: RawEntry) -> Outcome:
    key = stable_id(document.feed_url, raw.entry_id, raw.link, raw.title)
    return Outcome(document.feed_url, key, "dead_letter", None)


def parse_feed(body: bytes, *, url: str, content_type: str = "") -> ParsedFeed:
    """The entries of a feed, in its order.

    Raises:
        Lost: the document is no feed.
    """
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return _parse_json_feed(body)
    if not body.strip():
        raise Lost("NotAFeed", "the document is empty")
    headers = {"content-location": url}
    if content_type:
        headers["content-type"] = content_type
    parsed = feedparser.parse(body, response_headers=headers)
    if not parsed.get("version") and not parsed.entries:
        if b"<html" in body[:2000].lower():
            raise Lost("NotAFeed", "not a feed but an HTML page")
        reason = parsed.get("bozo_exception", "it has neither a known root nor entries")
        raise Lost("NotAFeed", f"not a feed: {reason}")
    return ParsedFeed(
        title=clean_line(parsed.feed.get("title")) or None,
        language=parsed.feed.get("language") or None,
        entries=[_raw_entry(entry) for entry in parsed.entries],
    )


def _raw_entry(entry: Any) -> RawEntry:
    times = (entry[key] for key in ("published_parsed", "updated_parsed") if key in entry)
    time = next(filter(None, times), None)
    authors = [clean_line(a.get("name")) for a in entry.get("authors", [])]
    content = max((c.get("value") or "" for c in entry.get("content", [])), key=len, default="")
    return RawEntry(
        entry_id=clean_line(entry.get("id")),
        link=entry.get("link") or "",
        title=_title(entry),
        authors=[name for name in authors if name],
        published_at=_utc(time) if time else None,
        content=content or None,
    )


def _title(entry: Any) -> str:
    title = entry.get("title") or ""
    if "html" in entry.get("title_detail", {}).get("type", ""):
        title = replace_entities(remove_tags(title))
    return clean_line(title)


def _utc(time: Any) -> dt.datetime | None:
    try:
        return dt.datetime.fromtimestamp(calendar.timegm(time), dt.timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None  # a year beyond what a time can hold: the page's own date is used


def _parse_json_feed(body: bytes) -> ParsedFeed:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Lost("NotAFeed", f"not a JSON Feed: {error}") from error
    if not str(data.get("version", "")).startswith("https://jsonfeed.org/version/"):
        raise Lost("NotAFeed", "JSON, but no JSON Feed: its version is missing")
    items = data.get("items")
    if not isinstance(items, list):
        raise Lost("NotAFeed", "not a JSON Feed: items is no list")
    return ParsedFeed(
        title=clean_line(_string(data.get("title"))) or None,
        language=_string(data.get("language")) or None,
        entries=[_json_item(item) for item in items if isinstance(item, dict)],
    )


def _json_item(item: dict[str, Any]) -> RawEntry:
    authors = item.get("authors") or [item.get("author")]
    names = [a.get("name") for a in authors if isinstance(a, dict)]
    return RawEntry(
        entry_id=clean_line(_string(item.get("id"))),
        link=_string(item.get("url") or item.get("external_url")),
        title=clean_line(_string(item.get("title"))),
        authors=[clean_line(name) for name in names if isinstance(name, str)],
        published_at=iso_time(_string(item.get("date_published"))),
        content=_string(item.get("content_html")) or None,
    )


def _string(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
