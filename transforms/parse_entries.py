"""Parse feeds into entries, where parsing can be killed."""

import functools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import apache_beam as beam

from schemas.ids import alias_key, link_key, stable_id
from schemas.jsonable import from_json, to_line
from transforms.core.clock import now
from transforms.core.elements import Entry, FeedDocument, FeedReport, Outcome, Run
from transforms.core.errors import ItemError
from transforms.core.isolation import IsolatedWorkerHandle
from transforms.core.stage import CompositeTransform, Ending, Stage, StageOutput, run_stage
from transforms.core.urls import UrlError, canonical_url, web_url
from transforms.feeds.parsing import MAX_ENTRIES, ParsedFeed, RawEntry, parse_feed
from transforms.feeds.schedule import select_latest
from transforms.state.records import FailedEntry, StateChange, change, retry_time


def entry_failed(entry: Entry, error: Exception) -> Iterator[Outcome | StateChange]:
    """What ends with an entry that became a dead letter, and when it is tried again."""
    yield Outcome(entry.feed_url, entry.key, "dead_letter", None)
    lost = error if isinstance(error, ItemError) else None
    tried = lost is None or lost.attempts > 0
    attempts, at = entry.attempts + tried, now()
    yield change(
        FailedEntry(
            key=link_key(entry.key),
            at=at,
            feed_url=entry.feed_url,
            fingerprint=entry.fingerprint,
            attempts=attempts,
            error_type=lost.error_type if lost else type(error).__name__,
            not_before=retry_time(
                attempts,
                temporary=bool(lost and lost.temporary),
                not_before=lost.not_before if lost else None,
                at=at,
            ),
            entry=to_line(entry),
        )
    )


def failed_entry(failed: FailedEntry) -> Entry:
    """The entry that failed, to be tried again."""
    data = json.loads(failed.entry)
    data.setdefault("edited", data["lineage"] is not None)  # states of before have no such field
    entry = from_json(Entry, data)
    return replace(entry, attempts=failed.attempts, position=MAX_ENTRIES)


class ParseEntries(CompositeTransform):
    """Feed documents to entries."""

    def __init__(self, run: Run, documents: IsolatedWorkerHandle) -> None:
        super().__init__()
        self.stage = _ParseEntries(run, documents)

    def expand(self, documents: beam.PCollection) -> StageOutput:
        return run_stage(documents, self.stage, Entry)


class _ParseEntries(Stage):
    name = "ParseEntries"

    def __init__(self, run: Run, documents: IsolatedWorkerHandle) -> None:
        super().__init__(run)
        self._handle = documents

    def setup(self) -> None:
        self.isolated = self._handle.get()

    def teardown(self) -> None:
        del self.isolated  # which ends with the last stage that has it

    def source(self, element: FeedDocument) -> str:
        return element.feed_url

    def ending(self, element: FeedDocument, error: Exception) -> Iterator[Ending]:
        kind = error.error_type if isinstance(error, ItemError) else type(error).__name__
        yield _report(element, "failed", error_type=kind)

    def handle(self, element: FeedDocument) -> Iterator[Any]:
        feed: ParsedFeed = self.isolated(
            functools.partial(
                parse_feed, element.body, url=element.url, content_type=element.content_type
            )
        )
        yield _report(
            element,
            "ok" if feed.items else "empty",
            entries=feed.items,
            hold_sec=max(element.max_age_sec, feed.ttl_sec),
            skip_hours=feed.skip_hours,
            skip_days=feed.skip_days,
            published=select_latest([e.published_at for e in feed.entries if e.published_at]),
        )
        ids = Counter(raw.entry_id for raw in feed.entries)
        for position, raw in enumerate(feed.entries):
            own_id = raw.entry_id if ids[raw.entry_id] == 1 else ""
            yield from self._entry(element, feed, position, raw, own_id)
        beyond = feed.items - len(feed.entries)
        if beyond:
            message = f"{feed.items} entries; the first {MAX_ENTRIES} were read"
            yield self.dead_letter(element, ItemError("TooManyEntries", message))
            for number in range(beyond):
                key = stable_id(element.feed_url, "beyond", number)
                yield Outcome(element.feed_url, key, "dead_letter", None)

    def _entry(
        self, document: FeedDocument, feed: ParsedFeed, position: int, raw: RawEntry, own_id: str
    ) -> Iterator[Any]:
        try:
            if not raw.link:
                raise ItemError("NoLink", f"entry {position + 1} ({raw.title[:80]!r}) has no link")
            link = web_url(raw.link, document.url)
            key = canonical_url(link)
        except (ItemError, UrlError) as error:
            yield self.dead_letter(document, error)
            key = stable_id(document.feed_url, raw.entry_id, raw.link, raw.title)
            yield Outcome(document.feed_url, key, "dead_letter", None)
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
            fingerprint=raw.fingerprint,
            alias=alias_key(document.feed_url, own_id) if own_id else None,
        )


def _report(document: FeedDocument, status: str, **more: Any) -> FeedReport:
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
        **more,
    )
