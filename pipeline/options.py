"""The options of jobs."""

import datetime as dt
from dataclasses import dataclass

from transforms.core.errors import UsageError
from transforms.core.isolated_process import LimitOptions, WorkerOptions
from transforms.core.options import flag, require
from transforms.feeds.schedule import IntervalLimits
from transforms.fetching.options import FetchOptions
from transforms.language.options import AnalysisOptions


@dataclass(frozen=True)
class RunOptions:
    """The options about which feeds a run requests, and how long it waits for other runs."""

    only_due_feeds: bool = flag(
        "fetch only feeds that are due, by how often they publish and what they ask for",
        default=False,
        action="store_true",
    )
    wait_for_run_sec: float = flag(
        "seconds to wait for another run that writes to the same state or output",
        default=0.0,
        type=float,
        metavar="SECONDS",
    )

    max_run_sec: float = flag(
        "seconds after which a run that was started as a template counts as dead if it has not "
        "ended: another run may then write to its folders",
        default=6 * 3600.0,
        type=float,
        metavar="SECONDS",
    )

    def __post_init__(self) -> None:
        require(self.wait_for_run_sec >= 0, "--wait_for_run_sec must not be below 0")
        require(self.max_run_sec > 0, "--max_run_sec must be above 0")


@dataclass(frozen=True)
class IngestOptions:
    """The options of a job, by group."""

    run: RunOptions
    fetching: FetchOptions
    limits: LimitOptions
    workers: WorkerOptions
    analysis: AnalysisOptions


@dataclass(frozen=True)
class StreamOptions:
    """The intervals of a streaming job, and the names of its Pub/Sub subscription and topic."""

    window_sec: float = flag(
        "seconds between micro-batches, whose records become visible together",
        default=60.0,
        type=float,
        metavar="SECONDS",
    )
    shortest_poll_sec: float = flag(
        "minimum seconds between two requests for a feed",
        default=300.0,
        type=float,
        metavar="SECONDS",
    )
    longest_poll_sec: float = flag(
        "maximum seconds between two requests for a feed, unless it asks for more",
        default=86_400.0,
        type=float,
        metavar="SECONDS",
    )
    remember_days: float = flag(
        "days for which an entry or article is remembered after no feed lists it any more",
        default=90.0,
        type=float,
        metavar="DAYS",
    )

    pubsub_feeds: str | None = flag(
        "Pub/Sub subscription (projects/P/subscriptions/S) whose messages name feeds to request "
        "now, listed or not: an address, or JSON with the key feed (Dataflow)",
        default=None,
        metavar="SUBSCRIPTION",
    )
    pubsub_records: str | None = flag(
        "Pub/Sub topic (projects/P/topics/T) to which every record is sent as JSON, with the "
        "attributes table, id, and topic of topic tags (Dataflow)",
        default=None,
        metavar="TOPIC",
    )

    def __post_init__(self) -> None:
        require(self.window_sec >= 1, "--window_sec must be at least 1")
        require(self.shortest_poll_sec > 0, "--shortest_poll_sec must be above 0")
        message = "--longest_poll_sec must not be below --shortest_poll_sec"
        require(self.longest_poll_sec >= self.shortest_poll_sec, message)
        require(self.remember_days > 0, "--remember_days must be above 0")
        _check_pubsub_names(self.pubsub_feeds, self.pubsub_records)

    @property
    def interval_limits(self) -> IntervalLimits:
        """The shortest and longest time between two requests for a feed."""
        seconds = (self.shortest_poll_sec, self.longest_poll_sec)
        return IntervalLimits(*(dt.timedelta(seconds=limit) for limit in seconds))


def _check_pubsub_names(subscription: str | None, topic: str | None) -> None:
    if subscription is None and topic is None:
        return
    from apache_beam.io.gcp.pubsub import parse_subscription, parse_topic

    checks = (
        ("--pubsub_feeds", subscription, parse_subscription),
        ("--pubsub_records", topic, parse_topic),
    )
    for flag_name, value, parse in checks:
        try:
            _ = value is None or parse(value)
        except ValueError as error:
            raise UsageError(f"{flag_name}: {error}") from error
