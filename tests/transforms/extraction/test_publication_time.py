import datetime as dt

import pytest

from transforms.extraction.publication_time import (
    choose_modification_time,
    choose_publication_time,
)

FETCHED = dt.datetime(2026, 11, 20, 12, tzinfo=dt.timezone.utc)
PAGE = FETCHED - dt.timedelta(hours=3)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def year(number: int) -> dt.datetime:
    return dt.datetime(number, 1, 1, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("feed", "page", "time", "source"),
    [
        (FETCHED - HOUR, PAGE, FETCHED - HOUR, "feed"),
        (None, PAGE, PAGE, "page"),
        (None, None, None, "none"),
        (year(2027), PAGE, PAGE, "page"),
        (year(1970), PAGE, PAGE, "page"),
        (year(1), PAGE, PAGE, "page"),
        (year(2000), PAGE, PAGE, "page"),
        (year(2000), None, year(2000), "feed"),
        (year(9999), None, None, "none"),
        (year(1970), None, None, "none"),
        (year(1971), year(1971), year(1971), "feed"),
        (None, year(1984), year(1984), "page"),
        (FETCHED + 9 * HOUR, PAGE, PAGE, "page"),
        (FETCHED + 9 * HOUR, None, FETCHED + 9 * HOUR, "feed"),
        (FETCHED + 5 * DAY, FETCHED + 5 * DAY, None, "none"),
        (FETCHED.replace(hour=0), PAGE, PAGE, "page"),
        (FETCHED.replace(hour=0), None, FETCHED.replace(hour=0), "feed"),
        (FETCHED.replace(hour=0), FETCHED.replace(hour=0), FETCHED.replace(hour=0), "feed"),
        (FETCHED + HOUR / 10, PAGE, FETCHED + HOUR / 10, "feed"),
    ],
)
def test_impossible_times_give_way(
    feed: dt.datetime | None, page: dt.datetime | None, time: dt.datetime | None, source: str
) -> None:
    assert choose_publication_time(feed, page, FETCHED) == (time, source)


@pytest.mark.parametrize(
    ("feed", "page", "time"),
    [
        (None, None, None),
        (PAGE, None, PAGE),
        (PAGE + HOUR, PAGE + 2 * HOUR, PAGE + 2 * HOUR),
        (PAGE - HOUR, None, None),
        (year(2030), PAGE + HOUR, PAGE + HOUR),
    ],
)
def test_the_latest_possible_change_counts(
    feed: dt.datetime | None, page: dt.datetime | None, time: dt.datetime | None
) -> None:
    assert choose_modification_time(feed, page, PAGE, FETCHED) == time
