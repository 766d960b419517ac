"""When a feed should be fetched again: as often as it publishes, as rarely as it asks."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MIN_INTERVAL: Final = dt.timedelta(minutes=5)
MAX_INTERVAL: Final = dt.timedelta(hours=24)
_UNKNOWN: Final = dt.timedelta(hours=1)
_JITTER: Final = 0.1
_LATEST: Final = 20
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class IntervalLimits:
    """How often a feed is asked at most, and how rarely at least."""

    shortest: dt.timedelta = MIN_INTERVAL
    longest: dt.timedelta = MAX_INTERVAL


@dataclass(frozen=True)
class ScheduleHints:
    """What a feed says of how often it may be asked.

    ``hold_sec`` is the longer of ``<ttl>`` and Cache-Control's max-age; hours and days (Monday
    is 0) are those, UTC, at which it wants not to be asked.
    """

    hold_sec: float = 0.0
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()


DEFAULT_LIMITS: Final = IntervalLimits()


def select_latest(*times: Sequence[dt.datetime]) -> list[dt.datetime]:
    """The latest times of publication of all, newest first, each once."""
    return sorted({time for group in times for time in group}, reverse=True)[:_LATEST]


def compute_interval(
    published: Sequence[dt.datetime], at: dt.datetime, pace: IntervalLimits = DEFAULT_LIMITS
) -> dt.timedelta:
    """Half the usual time between a feed's entries, today's silence included.

    >>> at = dt.datetime(2026, 11, 20, 12, tzinfo=dt.timezone.utc)
    >>> hourly = [at - dt.timedelta(hours=h) for h in range(1, 5)]
    >>> compute_interval(hourly, at), compute_interval([], at)
    (datetime.timedelta(seconds=1800), datetime.timedelta(seconds=3600))
    >>> compute_interval([at - dt.timedelta(days=60)], at)
    datetime.timedelta(days=1)
    """
    past = [time for time in select_latest(published) if time <= at]
    if not past:
        return min(max(_UNKNOWN, pace.shortest), pace.longest)
    return min(max((at - past[-1]) / len(past) / 2, pace.shortest), pace.longest)


def schedule_next_fetch(
    published: Sequence[dt.datetime],
    hints: ScheduleHints,
    at: dt.datetime,
    chance: random.Random,
    pace: IntervalLimits = DEFAULT_LIMITS,
) -> dt.datetime:
    """When a feed that was read is due again. Chance puts it off, and never brings it forward."""
    held = min(dt.timedelta(seconds=hints.hold_sec), MAX_INTERVAL)
    wait = max(compute_interval(published, at, pace), held)
    return _allowed(at + wait * (1 + _JITTER * chance.random()), hints)


def schedule_retry(
    failures: int, at: dt.datetime, chance: random.Random, pace: IntervalLimits = DEFAULT_LIMITS
) -> dt.datetime:
    """When a feed that failed so many times in a row is due again."""
    wait = min(pace.shortest * 2.0 ** min(failures, 12), pace.longest)
    return at + wait * (1 + _JITTER * chance.random())


def _allowed(due: dt.datetime, hints: ScheduleHints) -> dt.datetime:
    """The first time from then on that the feed does not want skipped."""
    if len(hints.skip_hours) >= 24 or len(hints.skip_days) >= 7:
        return due
    for _ in range(24 * 8):
        if due.hour not in hints.skip_hours and due.weekday() not in hints.skip_days:
            break
        due = due.replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
    return due


def parse_max_age(cache_control: str) -> float:
    """Seconds of Cache-Control's max-age; 0 if there is none.

    >>> parse_max_age("public, max-age=900"), parse_max_age("no-cache, max-age=900")
    (900.0, 0.0)
    """
    directives = dict(part.strip().lower().partition("=")[::2] for part in cache_control.split(","))
    age = directives.get("max-age", "").strip('"')
    held = age.isascii() and age.isdigit() and not {"no-cache", "no-store"} & directives.keys()
    return float(age[:9]) if held else 0.0
