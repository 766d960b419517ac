"""The length of pauses after 429 and 503: Retry-After headers, else exponential backoff."""

import datetime as dt
import email.utils
import random
from collections.abc import Mapping
from typing import Final

RATE_LIMIT_STATUSES: Final = frozenset({429, 503})
"""Too Many Requests (RFC 6585) and Service Unavailable (RFC 9110)."""

FIRST_PAUSE_SECONDS: Final = 5.0
"""The default length of the first pause of exponential backoff."""

_FIRST_CLOSURE_SECONDS: Final = 900.0
_MAX_DOUBLINGS: Final = 7
_MAX_JITTER_FACTOR: Final = 1.2


def parse_retry_after(headers: Mapping[str, str], at: dt.datetime) -> float | None:
    """Return the seconds that a Retry-After header asks to wait (RFC 9110, 10.2.3).

    Args:
        headers: the headers of the response; names are in lower case.
        at: the time from which to count, if the header has a date.

    Returns:
        The seconds, or None if there is no valid header.

    >>> at = dt.datetime(2026, 11, 20, 12, tzinfo=dt.timezone.utc)
    >>> parse_retry_after({"retry-after": "Fri, 20 Nov 2026 12:02:00 GMT"}, at)
    120.0
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        time = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    aware = time if time.tzinfo else time.replace(tzinfo=dt.timezone.utc)
    return max(0.0, (aware - at).total_seconds())


def compute_pause(
    requested_sec: float | None, attempt: int, first_pause_sec: float = FIRST_PAUSE_SECONDS
) -> float:
    """Return the seconds to wait after an attempt that was rate-limited, with jitter.

    Args:
        requested_sec: what the server asked for; None for exponential backoff.
        attempt: the number of the attempt, from 1.
        first_pause_sec: the pause after the first attempt; each later one is twice as long.
    """
    seconds = first_pause_sec * 2.0 ** (attempt - 1) if requested_sec is None else requested_sec
    return seconds * random.uniform(1, _MAX_JITTER_FACTOR)


def compute_closure(closures: int) -> float:
    """Return the seconds to close a host that gave no Retry-After, with jitter.

    Args:
        closures: how often the host was closed since it last answered; each doubles the time.
    """
    doublings = min(closures, _MAX_DOUBLINGS)
    return _FIRST_CLOSURE_SECONDS * 2.0**doublings * random.uniform(1, _MAX_JITTER_FACTOR)
