"""One record a feed and run: how reading it went, and how its entries ended."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam

from schemas import FeedHealth, stable_id
from transforms.stage import Composite, FeedReport, Outcome, Run


class SumUpFeeds(Composite):
    """Feed reports and the outcomes of entries to the health of each feed."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    def expand(self, inputs: tuple[beam.PCollection, beam.PCollection]) -> beam.PCollection:
        reports, outcomes = inputs
        keyed = reports | "KeyReports" >> beam.Map(lambda r: (r.feed_url, r))
        counts = (
            outcomes
            | "Kinds" >> beam.Map(lambda o: (o.feed_url, o.kind)).with_output_types(tuple[str, str])
            | "Count" >> beam.combiners.Count.PerElement()
            | "KeyCounts" >> beam.MapTuple(lambda of, count: (of[0], (of[1], count)))
        )
        joined = {"reports": keyed, "counts": counts} | "Join" >> beam.CoGroupByKey()
        return joined | "Health" >> beam.FlatMap(_healths, self.run).with_output_types(FeedHealth)


def _healths(joined: tuple[str, Mapping[str, Iterable[Any]]], run: Run) -> Iterator[FeedHealth]:
    _, groups = joined
    for report in groups["reports"]:
        yield feed_health(report, dict(groups["counts"]), run)


def feed_health(report: FeedReport, outcomes: Mapping[str, int], run: Run) -> FeedHealth:
    """The health of a feed from its report and the number of its entries by kind of outcome.

    >>> import datetime as dt
    >>> run = Run("r", dt.datetime(2026, 11, 20, tzinfo=dt.timezone.utc))
    >>> report = FeedReport("https://example.org/feed", "ok", 200, 3, 900, 0.1)
    >>> health = feed_health(report, {"article": 2, "known": 1}, run)
    >>> health.entries_seen, health.entries_new, health.entries_failed
    (3, 2, 0)
    """
    assert set(outcomes) <= set(Outcome.KINDS)
    return FeedHealth(
        feed_health_id=stable_id(report.feed_url, run.run_id),
        run_id=run.run_id,
        day=run.started_at.date(),
        feed_url=report.feed_url,
        status=report.status,
        http_status=report.http_status,
        entries_seen=report.entries,
        entries_new=outcomes.get("article", 0),
        entries_failed=outcomes.get("dead_letter", 0),
        not_modified=False,
        bytes=report.bytes,
        duration=report.seconds,
        consecutive_failures=int(report.status == "failed"),
        next_due=None,
    )
