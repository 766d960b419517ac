"""The health of feeds: one record per feed and run, and the state that says when it is due."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import apache_beam as beam

from schemas import FeedHealth
from schemas.ids import feed_health_id_of, stable_id
from transforms.core.elements import FeedReport, FeedStatus, Outcome, OutcomeKind, Run
from transforms.core.stage import CompositeTransform
from transforms.feeds.schedule import (
    DEFAULT_LIMITS,
    IntervalLimits,
    ScheduleHints,
    schedule_next_fetch,
    schedule_retry,
    select_latest,
)
from transforms.state.records import FeedState, StateChange
from transforms.state.store import StateHandle


class FeedSummaries(NamedTuple):
    """The health of the feeds of a run, and the changes of their states."""

    health: beam.PCollection[FeedHealth]
    state_changes: beam.PCollection[StateChange]


@dataclass
class SummariseFeeds(
    CompositeTransform[
        tuple[beam.PCollection[FeedReport], beam.PCollection[Outcome]], FeedSummaries
    ]
):
    """Joins the report of each feed with the outcomes of its entries."""

    run: Run
    state: StateHandle

    def expand(
        self, inputs: tuple[beam.PCollection[FeedReport], beam.PCollection[Outcome]]
    ) -> FeedSummaries:
        reports, outcomes = inputs
        keyed = reports | "KeyReports" >> beam.Map(lambda r: (r.feed_url, r))
        counts = (
            outcomes
            | "Kinds" >> beam.Map(lambda o: (o.feed_url, o.kind)).with_output_types(tuple[str, str])
            | "Count" >> beam.combiners.Count.PerElement()
            | "KeyCounts" >> beam.MapTuple(lambda of, count: (of[0], (of[1], count)))
        )
        joined = {"reports": keyed, "counts": counts} | "Join" >> beam.CoGroupByKey()
        summaries = joined | "SumUp" >> beam.ParDo(
            _SummariseFeed(self.run, self.state)
        ).with_output_types(FeedHealth, state_changes=StateChange).with_outputs(
            "state_changes", main="health"
        )
        return FeedSummaries(summaries.health, summaries.state_changes)


class _SummariseFeed(beam.DoFn):
    """Makes the health and the state of one feed from its report and its counts of outcomes."""

    def __init__(self, run: Run, state: StateHandle) -> None:
        self.run = run
        self.state = state

    def setup(self) -> None:
        self.state.open()

    def teardown(self) -> None:
        self.state.close()

    def process(self, element: tuple[str, Mapping[str, Iterable[Any]]]) -> Iterator[Any]:
        url, groups = element
        for report in groups["reports"]:
            after = feed_state(report, self.state.value.feeds.get(url), self.run)
            yield feed_health(report, dict(groups["counts"]), after, self.run)
            yield beam.pvalue.TaggedOutput("state_changes", StateChange(feed=after))


def feed_state(
    report: FeedReport, before: FeedState | None, run: Run, limits: IntervalLimits = DEFAULT_LIMITS
) -> FeedState:
    """Return the state of a feed after a run.

    Args:
        report: the report of reading the feed.
        before: its state before the run, if there is one.
        run: the run.
        limits: the shortest and longest time between two requests.

    >>> import datetime as dt
    >>> run = Run("r", dt.datetime(2026, 11, 20, tzinfo=dt.timezone.utc))
    >>> failed = FeedReport("https://example.org/feed", "failed", 500, error_type="Http500")
    >>> once = feed_state(failed, None, run)
    >>> twice = feed_state(failed, once, run)
    >>> twice.failures, twice.failure_class, twice.next_due > once.next_due
    (2, 'Http500', True)
    """
    at, url = run.time(), report.feed_url
    chance = random.Random(stable_id(url, run.run_id))
    before = before or FeedState(url, at, url)
    if report.status in (FeedStatus.FAILED, FeedStatus.RETIRED):
        failures = before.failures + 1
        due = schedule_retry(failures, at, chance, limits)
        closed = report.closed_until
        retired = report.status == FeedStatus.RETIRED
        return FeedState(
            feed_url=url,
            at=at,
            url=before.url,
            etag=before.etag,
            last_modified=before.last_modified,
            validated_url=before.validated_url,
            failures=failures,
            failure_class=report.error_type,
            retired=retired,
            closed_until=closed,
            next_due=None if retired else max(due, closed or due),
            published=before.published,
        )
    unchanged = report.status == FeedStatus.UNCHANGED
    published = select_latest(report.published, before.published)
    hints = ScheduleHints(
        report.min_interval_sec, frozenset(report.skip_hours), frozenset(report.skip_days)
    )
    return FeedState(
        feed_url=url,
        at=at,
        url=report.moved_to or before.url,
        etag=report.etag or (before.etag if unchanged else None),
        last_modified=report.last_modified or (before.last_modified if unchanged else None),
        validated_url=report.url,
        next_due=schedule_next_fetch(published, hints, at, chance, limits),
        published=published,
    )


def feed_health(
    report: FeedReport, outcomes: Mapping[str, int], after: FeedState, run: Run
) -> FeedHealth:
    """Return the health of a feed.

    Args:
        report: the report of reading the feed.
        outcomes: the number of its entries by :class:`OutcomeKind`.
        after: its state after the run.
        run: the run.

    >>> import datetime as dt
    >>> run = Run("r", dt.datetime(2026, 11, 20, tzinfo=dt.timezone.utc))
    >>> report = FeedReport("https://example.org/feed", "ok", 200, 3, 900, 0.1)
    >>> counts = {"article": 2, "known": 1}
    >>> health = feed_health(report, counts, feed_state(report, None, run), run)
    >>> health.entries_seen, health.entries_new, health.entries_failed
    (3, 2, 0)
    """
    assert set(outcomes) <= set(OutcomeKind)
    return FeedHealth(
        feed_health_id=feed_health_id_of(report.feed_url, run.run_id),
        run_id=run.run_id,
        day=run.started_at.date(),
        feed_url=report.feed_url,
        status=report.status,
        http_status=report.http_status,
        entries_seen=report.entries,
        entries_new=outcomes.get(OutcomeKind.ARTICLE, 0),
        entries_failed=outcomes.get(OutcomeKind.DEAD_LETTER, 0),
        not_modified=report.status == FeedStatus.UNCHANGED,
        bytes=report.bytes,
        duration=report.seconds,
        failure_class=report.error_type,
        consecutive_failures=after.failures,
        next_due=after.next_due,
    )
