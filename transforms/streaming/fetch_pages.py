"""Fetch and extract pages in a streaming job, and retry failed ones from their host's queue."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import apache_beam as beam

from transforms.core.clock import now
from transforms.core.elements import (
    Entry,
    ExtractedArticle,
    FetchedPage,
    Host,
    Outcome,
    OutcomeKind,
    Run,
)
from transforms.core.isolated_process import IsolatedWorkerHandle
from transforms.core.stage import CompositeTransform, SideOutput, StageOutput, apply_do_fn
from transforms.core.urls import host_of
from transforms.extract_articles import ArticleExtraction
from transforms.fetch_pages import PageFetching
from transforms.fetching.fetcher import FetchResult
from transforms.fetching.fetcher_handle import FetcherHandle
from transforms.fetching.http_messages import Request
from transforms.state.records import StateChange
from transforms.state.retries import entry_to_retry
from transforms.storage.text_store import TextStore
from transforms.streaming.timed_requests import (
    HostQueueDoFn,
    HostQueueLogic,
    PendingResponsesHandle,
)

_MIN_RETRY_DELAY: Final = dt.timedelta(minutes=1)
"""The minimum delay of a retry, also for an entry that was postponed without a request."""


@dataclass(frozen=True)
class QueuedPage:
    """An entry whose page is in the queue of its host. ``due``: the time of its request, UTC."""

    entry: Entry
    due: dt.datetime | None

    @property
    def name(self) -> str:
        """The canonical link of the entry."""
        return self.entry.key


@dataclass
class FetchAndExtractPages(
    CompositeTransform[beam.PCollection[Entry], StageOutput[ExtractedArticle]]
):
    """Fetches and extracts the pages of entries, with the same stages as a batch run.

    Both are one step, since a failure of either puts the entry back into its queue.
    """

    run: Run
    fetcher: FetcherHandle
    documents: IsolatedWorkerHandle
    texts: TextStore

    def expand(self, entries: beam.PCollection[Entry]) -> StageOutput[ExtractedArticle]:
        keyed = beam.Map(lambda entry: (host_of(entry.link), entry)).with_output_types(
            tuple[Host, Entry]
        )
        logic = PageReading(
            PageFetching(self.run), ArticleExtraction(self.run, self.documents, self.texts)
        )
        outputs: StageOutput[ExtractedArticle] = apply_do_fn(
            entries | "KeyByHost" >> keyed,
            HostQueueDoFn(logic, PendingResponsesHandle(self.fetcher)),
            ExtractedArticle,
        )
        return outputs


class PageReading(HostQueueLogic[Entry, QueuedPage, ExtractedArticle]):
    """Fetches the page of an entry and extracts the article. Failed entries are queued again."""

    item_type = QueuedPage

    def __init__(self, fetching: PageFetching, extraction: ArticleExtraction) -> None:
        self.fetching = fetching
        self.extraction = extraction
        self.stages = (fetching, extraction)

    def make_item(self, element: Entry) -> QueuedPage:
        return QueuedPage(element, None)

    def add(
        self, items: dict[str, QueuedPage], item: QueuedPage, at: dt.datetime
    ) -> Iterator[ExtractedArticle | SideOutput]:
        queued = items.get(item.name)
        if queued is not None:  # its feed changed the entry while it was queued
            yield Outcome(queued.entry.feed_url, item.name, OutcomeKind.DUPLICATE, None)
        items[item.name] = QueuedPage(item.entry, at)

    def request(self, item: QueuedPage) -> Request | None:
        return self.fetching.request(item.entry)

    def on_result(
        self, items: dict[str, QueuedPage], item: QueuedPage, result: FetchResult | None
    ) -> Iterator[ExtractedArticle | SideOutput]:
        for output in self._fetch_and_extract(item.entry, result):
            failed = output.failed if isinstance(output, StateChange) else None
            if failed is not None and failed.not_before is not None:
                due = max(failed.not_before, now() + _MIN_RETRY_DELAY)
                items[item.name] = QueuedPage(entry_to_retry(failed), due)
            yield output

    def _fetch_and_extract(
        self, entry: Entry, result: FetchResult | None
    ) -> Iterator[ExtractedArticle | SideOutput]:
        for output in self.fetching.outputs(entry, result):
            if isinstance(output, FetchedPage):
                yield from self.extraction.outputs(output)
            else:
                yield output
