"""The schedule of a feed: when to fetch it again, by its publishing rate and its own hints."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MIN_INTERVAL: Final = dt.timedelta(minutes=5)
MAX_INTERVAL: Final = dt.timedelta(hours=24)
_INTERVAL_WITHOUT_ENTRIES: Final = dt.timedelta(hours=1)
_MAX_JITTER: Final = 0.1
_MAX_TIMES: Final = 20
_MAX_DOUBLINGS: Final = 12
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class IntervalLimits:
    """The shortest and the longest interval between two requests for a feed."""

    shortest: dt.timedelta = MIN_INTERVAL
    longest: dt.timedelta = MAX_INTERVAL


@dataclass(frozen=True)
class ScheduleHints:
    """The hints of a feed about when to fetch it.

    Attributes:
        min_interval_sec: seconds for which it need not be fetched again: the longer of ``<ttl>``
            and the max-age of Cache-Control.
        skip_hours: the hours at which it should not be fetched, UTC, from 0 to 23.
        skip_days: the weekdays on which it should not be fetched, UTC; Monday is 0.
    """

    min_interval_sec: float = 0.0
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()


DEFAULT_LIMITS: Final = IntervalLimits()


def select_latest(*times: Sequence[dt.datetime]) -> list[dt.datetime]:
    """Return the latest times of several lists, newest first, without repetitions."""
    return sorted({time for group in times for time in group}, reverse=True)[:_MAX_TIMES]


def compute_interval(
    published: Sequence[dt.datetime], at: dt.datetime, limits: IntervalLimits = DEFAULT_LIMITS
) -> dt.timedelta:
    """Return half the mean time between entries; the time since the latest counts as one of them.

    Args:
        published: the times of the entries, UTC; later times than ``at`` are ignored.
        at: the current time, UTC.
        limits: the limits of the result.

    >>> at = dt.datetime(2026, 11, 20, 12, tzinfo=dt.timezone.utc)
    >>> hourly = [at - dt.timedelta(hours=h) for h in range(1, 5)]
    >>> compute_interval(hourly, at), compute_interval([], at)
    (datetime.timedelta(seconds=1800), datetime.timedelta(seconds=3600))
    >>> compute_interval([at - dt.timedelta(days=60)], at)
    datetime.timedelta(days=1)
    """
    past = [time for time in select_latest(published) if time <= at]
    if not past:
        return min(max(_INTERVAL_WITHOUT_ENTRIES, limits.shortest), limits.longest)
    return min(max((at - past[-1]) / len(past) / 2, limits.shortest), limits.longest)


def schedule_next_fetch(
    published: Sequence[dt.datetime],
    hints: ScheduleHints,
    at: dt.datetime,
    rng: random.Random,
    limits: IntervalLimits = DEFAULT_LIMITS,
) -> dt.datetime:
    """Return the time at which to fetch a feed again after it was read.

    Args:
        published: the times of its latest entries, UTC.
        hints: the hints of the feed.
        at: the time at which it was read, UTC.
        rng: the source of jitter, which only delays the result.
        limits: the limits of the interval.
    """
    requested = min(dt.timedelta(seconds=hints.min_interval_sec), MAX_INTERVAL)
    wait = max(compute_interval(published, at, limits), requested)
    return _skip_forward(at + wait * (1 + _MAX_JITTER * rng.random()), hints)


def schedule_retry(
    failures: int, at: dt.datetime, rng: random.Random, limits: IntervalLimits = DEFAULT_LIMITS
) -> dt.datetime:
    """Return the time at which to retry a feed, with backoff by its failures in a row."""
    wait = min(limits.shortest * 2.0 ** min(failures, _MAX_DOUBLINGS), limits.longest)
    return at + wait * (1 + _MAX_JITTER * rng.random())


def _skip_forward(due: dt.datetime, hints: ScheduleHints) -> dt.datetime:
    """Return the first time from ``due`` on at which the feed may be fetched."""
    if len(hints.skip_hours) >= 24 or len(hints.skip_days) >= 7:
        return due
    for _ in range(24 * 8):
        if due.hour not in hints.skip_hours and due.weekday() not in hints.skip_days:
            break
        due = due.replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
    return due


def parse_max_age(cache_control: str) -> float:
    """Return the seconds of max-age in a Cache-Control header; 0 if it may not be cached.

    >>> parse_max_age("public, max-age=900"), parse_max_age("no-cache, max-age=900")
    (900.0, 0.0)
    """
    directives = dict(part.strip().lower().partition("=")[::2] for part in cache_control.split(","))
    age = directives.get("max-age", "").strip('"')
    is_cacheable = (
        age.isascii() and age.isdigit() and not {"no-cache", "no-store"} & directives.keys()
    )
    return float(age[:9]) if is_cacheable else 0.0
