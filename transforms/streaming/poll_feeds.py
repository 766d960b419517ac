"""Feeds that are polled without end: each has its state and its time with its host."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam

from schemas.coders import register_row_coder
from transforms.core.elements import Entry, Feed, FeedDocument, FeedReport, Run
from transforms.core.errors import ItemError
from transforms.core.stage import CompositeTransform, Stage, StageOutput, run_stage
from transforms.feed_health import feed_state
from transforms.feeds.schedule import IntervalLimits
from transforms.fetch_feeds import feed_request, lane_of
from transforms.fetching.fetcher import FetcherHandle, FetchStage
from transforms.fetching.http_messages import Request, Response
from transforms.state.records import FeedState, change
from transforms.state.store import StateHandle
from transforms.streaming.host_queues import HostQueueStage, PendingResponsesHandle


@register_row_coder
@dataclass(frozen=True, slots=True)
class FeedToPoll:
    """A feed that is to be polled from now on, and at once if it ``is_due``."""

    url: str
    position: int
    is_due: bool = False


@dataclass(frozen=True)
class QueuedFeed:
    """A feed as its host's state has it. ``due`` is null of one that has retired."""

    url: str
    position: int
    due: dt.datetime | None
    state: FeedState | None
    is_due: bool = False

    @property
    def name(self) -> str:
        """Its address as listed, by which it is known."""
        return self.url


class PollFeeds(CompositeTransform):
    """Feeds to entries, again and again: fetched and parsed by the same stages as in a run.

    Both are one step here, since what a feed says decides when it is due.
    """

    def __init__(
        self,
        run: Run,
        stages: tuple[FetchStage, Stage],
        fetcher: FetcherHandle,
        state: StateHandle,
        pace: IntervalLimits,
    ) -> None:
        super().__init__()
        self.stage = _PollFeeds(run, stages, PendingResponsesHandle(fetcher), state, pace)

    def expand(self, feeds: beam.PCollection) -> StageOutput:
        keyed = tuple[str, FeedToPoll]
        lanes = feeds | "Key" >> beam.Map(lambda f: (lane_of(f.url), f)).with_output_types(keyed)
        return run_stage(lanes, self.stage, Entry)


class _PollFeeds(HostQueueStage):
    item_type = QueuedFeed

    def __init__(
        self,
        run: Run,
        stages: tuple[FetchStage, Stage],
        lanes: PendingResponsesHandle,
        state: StateHandle,
        pace: IntervalLimits,
    ) -> None:
        super().__init__(stages[0], lanes)
        self.parse = stages[1]
        self.run = run
        self.pace = pace
        self._state = state

    def setup(self) -> None:
        super().setup()
        self.parse.setup()
        self.before = self._state.get().feeds

    def teardown(self) -> None:
        super().teardown()
        self.parse.teardown()

    def inbox_item(self, element: FeedToPoll) -> QueuedFeed:
        return QueuedFeed(element.url, element.position, None, None, element.is_due)

    def arrived(
        self, items: dict[str, QueuedFeed], item: QueuedFeed, at: dt.datetime
    ) -> Iterator[Any]:
        there = items.get(item.name)
        state = there.state if there else self.before.get(item.url)
        if there is None:
            due = _due(state, at)
            there = replace(item, due=due, state=state, is_due=False)
        if item.is_due and there.due is not None:
            closed = state.closed_until if state else None
            there = replace(there, due=max(at, closed or at))
        items[item.name] = there
        yield from ()

    def request(self, item: QueuedFeed) -> Request | None:
        return feed_request(Feed(item.url, item.position), item.state)

    def answered(
        self, items: dict[str, QueuedFeed], item: QueuedFeed, answer: Response | ItemError | None
    ) -> Iterator[Any]:
        for output in self._read(item, answer):
            report = output.value if isinstance(output, beam.pvalue.TaggedOutput) else None
            if isinstance(report, FeedReport):
                state = feed_state(report, item.state, self.run, self.pace)
                items[item.name] = replace(item, due=state.next_due, state=state)
                yield self.fetch.tagged(change(state))
            yield output

    def _read(self, item: QueuedFeed, answer: Response | ItemError | None) -> Iterator[Any]:
        for output in self.fetch.outputs(Feed(item.url, item.position), answer):
            if isinstance(output, FeedDocument):
                yield from self.parse.process(output)
            else:
                yield self.fetch.tagged(output)


def _due(state: FeedState | None, at: dt.datetime) -> dt.datetime | None:
    """When a feed is due of which this is known."""
    if state is None:
        return at
    return None if state.retired else state.next_due or at
