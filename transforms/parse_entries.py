"""Parse feeds into entries, in an isolated worker process."""

import functools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

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
            # With these, the server would say that nothing has changed since.
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
        ids = Counter(raw.entry_id for raw in feed.entries)
        for position, raw in enumerate(feed.entries):
            unique_id = raw.entry_id if ids[raw.entry_id] == 1 else ""
            yield from self._entry(element, feed, position, raw, unique_id)
        if feed.is_truncated:
            message = f"the feed ends early, after {feed.entry_count} entries"
            yield self.dead_letter(self.source(element), ItemError("TruncatedFeed", message))
        unread = feed.entry_count - len(feed.entries)
        if unread:
            message = f"{feed.entry_count} entries; the first {MAX_ENTRIES} were read"
            yield self.dead_letter(self.source(element), ItemError("TooManyEntries", message))
            for number in range(unread):
                key = stable_id(element.feed_url, "beyond", number)
                yield Outcome(element.feed_url, key, OutcomeKind.DEAD_LETTER, None)

    def _entry(
        self, document: FeedDocument, feed: ParsedFeed, position: int, raw: RawEntry, unique_id: str
    ) -> Iterator[Entry | SideOutput]:
        try:
            if not raw.link:
                message = f"entry {position + 1} ({raw.title[:80]!r}) has no link"
                raise ItemError("NoLink", message)
            link = web_url(raw.link, document.url)
            key = canonical_url(link)
        except (ItemError, UrlError) as error:
            yield self.dead_letter(self.source(document), error)
            key = stable_id(document.feed_url, raw.entry_id, raw.link, raw.title)
            yield Outcome(document.feed_url, key, OutcomeKind.DEAD_LETTER, None)
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
            language=raw.language or feed.language,
            fingerprint=raw.fingerprint,
            alias=alias_key(document.feed_url, unique_id) if unique_id else None,
            summary=raw.summary,
            image_url=raw.image_url,
            tags=raw.tags,
            modified_at=raw.modified_at,
        )


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
