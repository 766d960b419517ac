"""Parse feeds into entries, in an isolated worker process."""

import datetime as dt
import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote, urldefrag, urlsplit

import apache_beam as beam

from schemas.ids import alias_key, stable_id
from transforms.core.elements import (
    Entry,
    FeedDocument,
    FeedReport,
    FeedStatus,
    Outcome,
    OutcomeKind,
    Run,
)
from transforms.core.errors import ItemError
from transforms.core.isolated_process import IsolatedWorkerHandle
from transforms.core.stage import CompositeTransform, SideOutput, Stage, StageOutput, apply_stage
from transforms.core.urls import UrlError, canonical_url, web_url
from transforms.feeds.parsed_feed import MAX_ENTRIES, ParsedFeed, RawEntry
from transforms.feeds.parsing import parse_feed
from transforms.feeds.schedule import select_latest

_MIN_SUMMARY_WORDS: Final = 20
"""The minimum length of a summary that is the text of an entry which shares its link."""
_TOKEN_IN_QUERY: Final = re.compile(r"[?&;][\w.-]*=(?=[^&;]*[A-Za-z])(?=[^&;]*\d)")
"""A parameter of letters and digits: a session, a version, or a time."""


@dataclass
class ParseEntries(CompositeTransform[beam.PCollection[FeedDocument], StageOutput[Entry]]):
    """Parses feed documents into entries."""

    run: Run
    documents: IsolatedWorkerHandle

    def expand(self, documents: beam.PCollection[FeedDocument]) -> StageOutput[Entry]:
        return apply_stage(documents, EntryParsing(self.run, self.documents), Entry)


@dataclass
class EntryParsing(Stage[FeedDocument, Entry]):
    """The stage that parses feeds. It yields one report per feed."""

    name = "ParseEntries"

    run: Run
    documents: IsolatedWorkerHandle

    def source(self, element: FeedDocument) -> str:
        return element.feed_url

    def fail(self, element: FeedDocument, error: Exception) -> Iterator[SideOutput]:
        yield from super().fail(element, error)
        error_type = ItemError.from_exception(error).error_type
        yield _report(element, FeedStatus.FAILED, error_type=error_type)

    def process(self, element: FeedDocument) -> Iterator[Entry | SideOutput]:
        feed: ParsedFeed = self.documents.value(
            functools.partial(
                parse_feed, element.body, url=element.url, content_type=element.content_type
            )
        )
        if feed.is_truncated:
            # Without these, the next request gets the whole feed, even if it is unchanged.
            element = replace(element, etag=None, last_modified=None)
        yield _report(
            element,
            FeedStatus.OK if feed.entry_count else FeedStatus.EMPTY,
            entries=feed.entry_count,
            error_type="TruncatedFeed" if feed.is_truncated else None,
            min_interval_sec=max(element.max_age_sec, feed.ttl_sec),
            skip_hours=feed.skip_hours,
            skip_days=feed.skip_days,
            published=select_latest([e.published_at for e in feed.entries if e.published_at]),
        )
        entries, ids = [], []
        for position, raw in enumerate(feed.entries):
            try:
                entries.append(_make_entry(element, feed, position, raw))
                ids.append(raw.entry_id)
            except (ItemError, UrlError) as error:
                yield self.dead_letter(self.source(element), error)
                key = stable_id(element.feed_url, raw.entry_id, raw.link, raw.title)
                yield Outcome(element.feed_url, key, OutcomeKind.DEAD_LETTER, None)
        yield from separate_shared_links(add_aliases(entries, ids), ids)
        if feed.is_truncated:
            message = f"the feed ends early; {feed.entry_count} of its entries were read"
            yield self.dead_letter(self.source(element), ItemError("TruncatedFeed", message))
        unread = feed.entry_count - len(feed.entries)
        if unread:
            message = f"{feed.entry_count} entries; the first {MAX_ENTRIES} were read"
            yield self.dead_letter(self.source(element), ItemError("TooManyEntries", message))
            for number in range(unread):
                key = stable_id(element.feed_url, "beyond", number)
                yield Outcome(element.feed_url, key, OutcomeKind.DEAD_LETTER, None)


def _make_entry(document: FeedDocument, feed: ParsedFeed, position: int, raw: RawEntry) -> Entry:
    """Return an entry as the graph has it.

    Raises:
        ItemError, UrlError: the entry has no link, or none that is a web address.
    """
    if not raw.link:
        raise ItemError("NoLink", f"entry {position + 1} ({raw.title[:80]!r}) has no link")
    link = web_url(raw.link, document.url)
    return Entry(
        feed_url=document.feed_url,
        feed_title=feed.title,
        feed_position=document.position,
        position=position,
        entry_id=raw.entry_id or link,
        link=link,
        key=canonical_url(link),
        title=raw.title,
        authors=raw.authors,
        published_at=raw.published_at,
        content=raw.content,
        language=raw.language or feed.language,
        fingerprint=raw.fingerprint,
        summary=raw.summary,
        image_url=raw.image_url,
        tags=raw.tags,
        modified_at=raw.modified_at,
    )


def add_aliases(entries: Sequence[Entry], ids: Sequence[str]) -> list[Entry]:
    """Return the entries of a feed with aliases: keys that stay the same if a link changes.

    The alias is made from the entry's own id. If there is none, or if the id is an address that may
    change with each request, it is made from all that the feed says about the entry and its time.
    An entry with a text but no time has the path of its link instead of the time. Aliases that
    several entries share are left out.

    Args:
        entries: the entries.
        ids: the id of each entry; empty where it has none.
    """
    keys = [_choose_alias_source(entry, own_id) for entry, own_id in zip(entries, ids, strict=True)]
    counts = Counter(keys)
    return [
        replace(entry, alias=alias_key(entry.feed_url, key)) if key and counts[key] == 1 else entry
        for entry, key in zip(entries, keys, strict=True)
    ]


def _choose_alias_source(entry: Entry, own_id: str) -> str:
    """Return the text from which an alias is made (see :func:`add_aliases`); may be empty."""
    is_volatile = _TOKEN_IN_QUERY.search(own_id) or (own_id == entry.link and "?" in own_id)
    if own_id and not is_volatile:
        return own_id
    if entry.title and entry.published_at and entry.published_at.time() != dt.time():
        return stable_id(entry.fingerprint, str(entry.published_at))
    if entry.content or entry.summary:  # without a time, another day may have the same words
        path = urlsplit(entry.link)._replace(query="", fragment="").geturl()
        return stable_id(entry.fingerprint, path.partition(";")[0])
    return own_id


def separate_shared_links(entries: Sequence[Entry], ids: Sequence[str]) -> Iterator[Entry]:
    """Yield the entries of a feed, with separate keys for articles that share a link.

    Entries share a link if they are parts of one page, or if their link is the front page or a
    route of an app. Those with a text of their own are articles; others are copies of one entry.

    Args:
        entries: the entries.
        ids: the id of each entry; empty where it has none.
    """
    suffixes = [_choose_suffix(entry, own_id) for entry, own_id in zip(entries, ids, strict=True)]
    texts = defaultdict[str, dict[str, str]](dict)
    for entry, suffix in zip(entries, suffixes, strict=True):
        if text := _choose_text(entry):
            texts[entry.key][suffix] = text
    for entry, own_id, suffix in zip(entries, ids, suffixes, strict=True):
        parts, text = urlsplit(entry.key), _choose_text(entry)
        is_front = parts.path == "/" and not parts.query and bool(own_id) and own_id != entry.link
        is_shared = len({*texts[entry.key].values()}) > 1 or is_front
        if text and (is_shared or parts.fragment):
            key = entry.key if parts.fragment else f"{entry.key}#{quote(suffix, safe='')}"
            entry = replace(entry, key=key, content=text, shares_link=True)
        yield entry


def _choose_text(entry: Entry) -> str:
    """Return the text that the feed has for an entry; a summary must be of some length."""
    is_text = len(entry.summary.split()) >= _MIN_SUMMARY_WORDS
    return entry.content or (entry.summary if is_text else "")


def _choose_suffix(entry: Entry, own_id: str) -> str:
    """Return what distinguishes an entry from others with its link: id, fragment or title."""
    fragment = urlsplit(entry.link).fragment
    if own_id and urldefrag(own_id).url != urldefrag(entry.link).url:
        return own_id
    return fragment or stable_id(entry.title, str(entry.published_at))


def _report(document: FeedDocument, status: FeedStatus, **fields: Any) -> FeedReport:
    return FeedReport(
        feed_url=document.feed_url,
        status=status,
        http_status=document.status,
        bytes=len(document.body),
        seconds=document.seconds,
        url=document.url,
        moved_to=document.moved_to,
        etag=document.etag,
        last_modified=document.last_modified,
        **fields,
    )
