"""Times: always aware, always UTC."""

import datetime as dt

from dateutil.parser import isoparse


def now() -> dt.datetime:
    """The time."""
    return dt.datetime.now(dt.timezone.utc)


def iso_time(value: str) -> dt.datetime | None:
    """A time or day in ISO 8601; a time without a zone is taken as UTC, a day as its midnight.

    None if the value is nothing of the kind, or lies outside of what a time can hold.

    >>> iso_time("2026-11-20T09:30:00.5-05:00")
    datetime.datetime(2026, 11, 20, 14, 30, 0, 500000, tzinfo=datetime.timezone.utc)
    >>> iso_time("yesterday")
    """
    try:
        time = isoparse(value.strip())
        aware = time if time.tzinfo else time.replace(tzinfo=dt.timezone.utc)
        return aware.astimezone(dt.timezone.utc)
    except (ValueError, OverflowError):
        return None
