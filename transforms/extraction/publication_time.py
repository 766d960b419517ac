"""The choice between the times that a feed and a page state for an article. Imports no Beam."""

import datetime as dt
from typing import Final, NamedTuple

_EARLIEST: Final = dt.datetime(1990, 1, 1, tzinfo=dt.timezone.utc)
"""An earlier time is a mistake, such as the epoch of a computer, unless feed and page agree."""
_CLOCK_DEFAULTS: Final = frozenset(
    dt.datetime(year, 1, 1, tzinfo=dt.timezone.utc) for year in (1970, 1980, 2000, 2001)
)
"""The first moments of the clocks of computers: a date that nobody set."""
_CLOCK_SKEW: Final = dt.timedelta(minutes=10)
_MAX_FUTURE: Final = dt.timedelta(days=1)
"""The maximum time by which an article may be dated after it was fetched."""


class PublicationTime(NamedTuple):
    """The time of publication, UTC, and where it is from: ``feed``, ``page`` or ``none``."""

    time: dt.datetime | None
    source: str


def choose_publication_time(
    feed: dt.datetime | None, page: dt.datetime | None, fetched_at: dt.datetime
) -> PublicationTime:
    """Return the time of publication of an article.

    The feed's time counts. The page's time counts instead if the feed's is missing, before 1990 or
    in the future, or if it is only a day, and the page has a time on that day.

    Args:
        feed: the time that the feed states, UTC.
        page: the time that the page states, UTC.
        fetched_at: the time at which the page was fetched, UTC.

    >>> day = dt.datetime(2026, 11, 20, tzinfo=dt.timezone.utc)
    >>> choose_publication_time(day.replace(year=2027), day, day + dt.timedelta(hours=1)).source
    'page'
    """
    if feed and page and feed.time() == dt.time() and feed.date() == page.date():
        return PublicationTime(page, "page" if page > feed else "feed")
    if feed in _CLOCK_DEFAULTS and page:
        return choose_publication_time(None, page, fetched_at)
    # Prefer a time that has passed; else accept one of the next day.
    for latest in (fetched_at + _CLOCK_SKEW, fetched_at + _MAX_FUTURE):
        for time, source, other in ((feed, "feed", page), (page, "page", feed)):
            if time is None or time > latest:
                continue
            is_agreed = other is not None and other.date() == time.date()
            if time >= _EARLIEST or is_agreed or (source == "page" and other is None):
                return PublicationTime(time, source)
    return PublicationTime(None, "none")


def choose_modification_time(
    feed: dt.datetime | None,
    page: dt.datetime | None,
    published: dt.datetime | None,
    fetched_at: dt.datetime,
) -> dt.datetime | None:
    """Return the latest time of a change that feed or page state, if it is possible.

    Args:
        feed: the time that the feed states, UTC.
        page: the time that the page states, UTC.
        published: the time of publication, UTC.
        fetched_at: the time at which the page was fetched, UTC.
    """
    earliest = published or _EARLIEST
    times = [time for time in (feed, page) if time and earliest <= time <= fetched_at + _MAX_FUTURE]
    return max(times, default=None)
