"""Poll feeds in a streaming job: fetch and parse each whenever it is due, per host."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

import apache_beam as beam

from schemas.coders import register_row_coder
from transforms.core.elements import Entry, Feed, FeedDocument, FeedReport, Host, Run
from transforms.core.isolated_process import IsolatedWorkerHandle
from transforms.core.stage import CompositeTransform, SideOutput, StageOutput, apply_do_fn
from transforms.feed_health import feed_state
from transforms.feeds.schedule import IntervalLimits
from transforms.fetch_feeds import FeedFetching, feed_host, feed_request
from transforms.fetching.fetcher import FetchResult
from transforms.fetching.fetcher_handle import FetcherHandle
from transforms.fetching.http_messages import Request
from transforms.parse_entries import EntryParsing
from transforms.state.records import FeedState, StateChange
from transforms.state.store import StateHandle
from transforms.streaming.timed_requests import (
    HostQueueDoFn,
    HostQueueLogic,
    PendingResponsesHandle,
)


@register_row_coder
@dataclass(frozen=True, slots=True)
class FeedToPoll:
    """A feed to poll from now on. If ``is_due``, request it as soon as its host allows."""

    url: str
    position: int
    is_due: bool = False


@dataclass(frozen=True)
class QueuedFeed:
    """A feed in the queue of its host. ``due`` is None if the feed is retired."""

    url: str
    position: int
    due: dt.datetime | None
    state: FeedState | None
    is_due: bool = False

    @property
    def name(self) -> str:
        """The address as listed."""
        return self.url


@dataclass
class PollFeeds(CompositeTransform[beam.PCollection[FeedToPoll], StageOutput[Entry]]):
    """Fetches and parses feeds again and again, with the same stages as a batch run.

    Both are one step, since the content of a feed decides when it is due next.
    """

    run: Run
    fetcher: FetcherHandle
    documents: IsolatedWorkerHandle
    state: StateHandle
    max_bytes: int
    interval_limits: IntervalLimits

    def expand(self, feeds: beam.PCollection[FeedToPoll]) -> StageOutput[Entry]:
        keyed = beam.Map(lambda feed: (feed_host(feed.url), feed)).with_output_types(
            tuple[Host, FeedToPoll]
        )
        logic = FeedPolling(
            FeedFetching(self.run, self.state, self.max_bytes),
            EntryParsing(self.run, self.documents),
            self.interval_limits,
        )
        polling = HostQueueDoFn(logic, PendingResponsesHandle(self.fetcher))
        outputs: StageOutput[Entry] = apply_do_fn(feeds | "KeyByHost" >> keyed, polling, Entry)
        return outputs


class FeedPolling(HostQueueLogic[FeedToPoll, QueuedFeed, Entry]):
    """Fetches a feed when it is due, and parses it."""

    item_type = QueuedFeed

    def __init__(
        self, fetching: FeedFetching, parsing: EntryParsing, interval_limits: IntervalLimits
    ) -> None:
        self.fetching = fetching
        self.parsing = parsing
        self.interval_limits = interval_limits
        self.stages = (fetching, parsing)

    def make_item(self, element: FeedToPoll) -> QueuedFeed:
        return QueuedFeed(element.url, element.position, None, None, element.is_due)

    def add(
        self, items: dict[str, QueuedFeed], item: QueuedFeed, at: dt.datetime
    ) -> Iterator[Entry | SideOutput]:
        queued = items.get(item.name)
        state = queued.state if queued else self.fetching.state.value.feeds.get(item.url)
        if queued is None:
            queued = replace(item, due=_due_time(state, at), state=state, is_due=False)
        if item.is_due and queued.due is not None:
            closed_until = state.closed_until if state else None
            queued = replace(queued, due=max(at, closed_until or at))
        items[item.name] = queued
        yield from ()

    def request(self, item: QueuedFeed) -> Request | None:
        return feed_request(Feed(item.url, item.position), item.state)

    def on_result(
        self, items: dict[str, QueuedFeed], item: QueuedFeed, result: FetchResult | None
    ) -> Iterator[Entry | SideOutput]:
        for output in self._fetch_and_parse(item, result):
            if isinstance(output, FeedReport):
                state = feed_state(output, item.state, self.fetching.run, self.interval_limits)
                items[item.name] = replace(item, due=state.next_due, state=state)
                yield StateChange(feed=state)
            yield output

    def _fetch_and_parse(
        self, item: QueuedFeed, result: FetchResult | None
    ) -> Iterator[Entry | SideOutput]:
        for output in self.fetching.outputs(Feed(item.url, item.position), result):
            if isinstance(output, FeedDocument):
                yield from self.parsing.outputs(output)
            else:
                yield output


def _due_time(state: FeedState | None, at: dt.datetime) -> dt.datetime | None:
    """Return when a feed with this state is due; None if it is retired."""
    if state is None:
        return at
    return None if state.retired else state.next_due or at
