"""Times, which always have a time zone: UTC."""

import datetime as dt

from dateutil.parser import isoparse


def now() -> dt.datetime:
    """Return the current time, UTC."""
    return dt.datetime.now(dt.timezone.utc)


def parse_iso_time(value: str) -> dt.datetime | None:
    """Parse a time or a date in ISO 8601.

    Returns:
        The time in UTC. A time without a zone counts as UTC, a date as midnight UTC. None if the
        value is not in ISO 8601, or outside of the range of :class:`datetime.datetime`.

    >>> parse_iso_time("2026-11-20T09:30:00.5-05:00")
    datetime.datetime(2026, 11, 20, 14, 30, 0, 500000, tzinfo=datetime.timezone.utc)
    >>> parse_iso_time("yesterday")
    """
    try:
        time = isoparse(value.strip())
        aware = time if time.tzinfo else time.replace(tzinfo=dt.timezone.utc)
        return aware.astimezone(dt.timezone.utc)
    except (ValueError, OverflowError):
        return None
