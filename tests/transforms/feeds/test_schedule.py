import datetime as dt
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.example_records import TIME
from transforms.feeds.schedule import (
    MAX_INTERVAL,
    MIN_INTERVAL,
    ScheduleHints,
    compute_interval,
    parse_max_age,
    schedule_next_fetch,
    schedule_retry,
    select_latest,
)

HOUR = dt.timedelta(hours=1)


def every(step: dt.timedelta, count: int = 10) -> list[dt.datetime]:
    return [TIME - step * number for number in range(1, count + 1)]


def due(published: list[dt.datetime], hints: ScheduleHints | None = None) -> dt.datetime:
    return schedule_next_fetch(published, hints or ScheduleHints(), TIME, random.Random(1))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (dt.timedelta(minutes=20), dt.timedelta(minutes=10)),
        (HOUR, HOUR / 2),
        (dt.timedelta(minutes=1), MIN_INTERVAL),
        (dt.timedelta(days=30), MAX_INTERVAL),
    ],
)
def test_a_feed_is_fetched_twice_as_often_as_it_publishes(
    step: dt.timedelta, expected: dt.timedelta
) -> None:
    assert compute_interval(every(step), TIME) == expected


def test_a_silent_feed_is_fetched_less_often() -> None:
    once_busy = [time - dt.timedelta(days=7) for time in every(HOUR)]
    assert compute_interval(every(HOUR), TIME) < compute_interval(once_busy, TIME) <= MAX_INTERVAL


def test_future_times_are_ignored() -> None:
    assert compute_interval([TIME + HOUR, TIME + 2 * HOUR], TIME) == compute_interval([], TIME)


def test_the_latest_times_are_selected() -> None:
    times = select_latest(every(HOUR, 15), every(HOUR / 2, 30), every(HOUR))
    assert times == every(HOUR / 2, 20)


@given(
    st.lists(st.datetimes(timezones=st.just(dt.timezone.utc)), max_size=30),
    st.floats(0, 1e9),
    st.integers(0, 1000),
)
def test_due_is_within_bounds_and_jittered_forward_alone(
    published: list[dt.datetime], min_interval_sec: float, seed: int
) -> None:
    found = schedule_next_fetch(
        published, ScheduleHints(min_interval_sec), TIME, random.Random(seed)
    )
    min_wait = max(
        compute_interval(published, TIME), min(dt.timedelta(seconds=min_interval_sec), MAX_INTERVAL)
    )
    assert MIN_INTERVAL <= min_wait <= found - TIME <= min_wait * 1.1 <= MAX_INTERVAL * 1.1


def test_jitter_spreads_feeds_and_is_the_same_for_the_same_seed() -> None:
    hourly = every(HOUR)
    found = {
        schedule_next_fetch(hourly, ScheduleHints(), TIME, random.Random(seed))
        for seed in range(20)
    }
    assert len(found) == 20
    assert due(hourly) == due(hourly)


def test_ttl_and_max_age_hold_a_feed_back_but_not_for_ever() -> None:
    minutes = every(dt.timedelta(minutes=2))
    assert due(minutes, ScheduleHints(7200)) >= TIME + 2 * HOUR
    assert due(minutes, ScheduleHints(1e9)) <= TIME + MAX_INTERVAL * 1.1


def test_hours_and_days_that_a_feed_wants_skipped_are() -> None:
    morning = ScheduleHints(skip_hours=frozenset(range(9, 18)))  # TIME is Friday 9:30
    assert due(every(HOUR), morning).hour == 18
    weekend = ScheduleHints(min_interval_sec=20 * 3600, skip_days=frozenset({5, 6}))
    assert due(every(HOUR), weekend).weekday() == 0
    assert due(every(HOUR), weekend).hour == 0
    always = ScheduleHints(skip_hours=frozenset(range(24)), skip_days=frozenset(range(7)))
    assert due(every(HOUR), always) < TIME + HOUR  # asks never to be read: no sense in it


def test_failed_feeds_are_retried_with_backoff() -> None:
    waits = [schedule_retry(failures, TIME, random.Random(2)) - TIME for failures in range(1, 40)]
    assert waits == sorted(waits)
    assert waits[0] >= MIN_INTERVAL and MAX_INTERVAL <= waits[-1] <= MAX_INTERVAL * 1.1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("max-age=60", 60),
        ("Public, Max-Age=60, must-revalidate", 60),
        ('max-age="60"', 60),
        ("no-store, max-age=60", 0),
        ("s-maxage=60", 0),
        ("max-age=-1", 0),
        ("max-age=٣", 0),
        ("max-age=" + "9" * 50, 999_999_999),
        ("", 0),
        (",,=,", 0),
    ],
)
def test_cache_control(header: str, seconds: float) -> None:
    assert parse_max_age(header) == seconds
