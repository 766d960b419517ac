"""The dates of entries, in the forms and zones that feeds use. Imports no Beam.

dateutil reads the fields, but it also guesses: what it cannot know for sure is refused here.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.parser import parse

from transforms.core.clock import now

_MAX_LENGTH: Final = 100
_JUST_NOW: Final = dt.timedelta(minutes=10)
_MIN_EQUAL_TIMES: Final = 3
_EPOCH: Final = re.compile(r"(1\d{9}|\d{9})(?:\.\d*)?|(1\d{12})", re.ASCII)  # until 2033
_COMPACT: Final = re.compile(r"\d{8}(?:\d{4}|\d{6})?", re.ASCII)
_YEAR_FIRST: Final = re.compile(r"\D*\d{4}(?:\D|\d{4})", re.ASCII)
_DOTTED: Final = re.compile(r"\D*\d{1,2}\. ?\d{1,2}\. ?\d{4}", re.ASCII)
_ANCIENT: Final = re.compile(r"(?:^|[ /.])0\d{3}(?:$|[ /.-])|-0\d{3} \d", re.ASCII)
"""A year of four digits that dateutil would read as one of two digits, such as 0001."""
_ZONE_NAME: Final = re.compile(r" ?\[?\b([A-Za-z_]+/[A-Za-z_/]+)\]?$")
_MONTH_NAME: Final = re.compile(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.I)

_REWRITINGS: Final = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[\u2010-\u2015\u2212]", "-"),
        # Chinese, Japanese and Korean: year, month, day; weekday; half of the day; time.
        (r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日号일]?", r"\1-\2-\3 "),
        (r"[(（]?(?:星期|週|周)[一二三四五六日天][)）]?|[(（]?[月火水木金土日]曜日?[)）]?", " "),
        (r"[(（][月火水木金土日월화수목금토일][)）]|[월화수목금토일]요일", " "),
        (
            r"(\d{1,2})\s*[時时點点시]\s*(\d{1,2})\s*[分분](?:\s*(\d{1,2})\s*[秒초])?",
            r"\1:\2:\g<3>",
        ),
        (r":(?!\d)", ""),
        (r"(?:午前|上午|오전)\s*([\d:]+)", r"\1 AM"),
        (r"(?:午後|下午|오후)\s*([\d:]+)", r"\1 PM"),
        (r"(?i)\b([ap])\.\s?m\.?(?=\W|$)", r"\1m"),
        (r"([+-]\d\d:?\d\d) [A-Z]{2,5}\b", r"\1"),
        # The offset is enough: dateutil reads "GMT+1" as one hour west of Greenwich.
        (r"(?i)(?<![a-z])(?:UTC|GMT|UT|Z|[A-Z]{2,3}S?T) ?(?=[+-]\d)", ""),
    )
]
_OFFSETS: Final = {
    name: dt.timezone(dt.timedelta(hours=hours))
    for hours, names in {
        -10: "HST",
        -9: "AKST",
        -8: "PST AKDT",
        -7: "PDT MST",
        -6: "MDT",
        -5: "EST CDT COT PET",
        -4: "EDT",
        -3.5: "NST",
        -3: "ADT BRT ART",
        -2.5: "NDT",
        0: "UT UTC GMT Z WET",
        1: "CET MET WEST WAT",
        2: "CEST MEST EET SAST CAT",
        3: "EEST MSK TRT EAT IDT",
        5: "PKT",
        5.75: "NPT",
        7: "ICT WIB",
        8: "SGT HKT MYT PHT AWST",
        9: "JST KST WIT",
        9.5: "ACST",
        10: "AEST",
        10.5: "ACDT",
        11: "AEDT",
        12: "NZST",
        13: "NZDT",
    }.items()
    for name in names.split()
}
"""Zones whose names have one meaning. IST, BST, CST and AST have several, and are not guessed."""

_SEASONAL: Final = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}
_MAX_OFFSET_SEC: Final = 14 * 3600
_ANY_DAYS: Final = (dt.datetime(2000, 1, 1), dt.datetime(2004, 2, 2))


def parse_date(value: str) -> dt.datetime | None:
    """Parse the date of an entry.

    Args:
        value: the date, in any common form; see the tests.

    Returns:
        The time in UTC; None unless it has one meaning. A time without a zone counts as UTC, a
        date as midnight UTC.

    >>> parse_date("Tue, 24 Nov 2026 09:30:00 CET")
    datetime.datetime(2026, 11, 24, 8, 30, tzinfo=datetime.timezone.utc)
    >>> parse_date("05/11/2026")  # May or November
    """
    return _parse(value[:_MAX_LENGTH].strip())


@lru_cache(maxsize=10_000)  # polled feeds have the same dates again and again
def _parse(value: str) -> dt.datetime | None:
    text = unicodedata.normalize("NFKC", value)
    try:
        if epoch := _EPOCH.fullmatch(text):
            seconds = int(epoch[1]) if epoch[1] else int(epoch[2]) / 1000
            return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
        for pattern, replacement in _REWRITINGS:
            text = pattern.sub(replacement, text)
        zone = _ZONE_NAME.search(text)
        if zone:
            text = text[: zone.start()]
        time = _parse_fields(text.strip().upper())
        if time is None:
            return None
        if time.tzinfo is None:
            time = time.replace(tzinfo=ZoneInfo(zone[1]) if zone else dt.timezone.utc)
        return time.astimezone(dt.timezone.utc)
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError):
        return None  # besides ValueError, those of dateutil and zoneinfo for strange texts


def _parse_fields(text: str) -> dt.datetime | None:
    """Return the only time that a text can mean; its zone is None if the text has none."""
    is_number = text.isdigit()
    if not text.isascii() or (is_number and not _COMPACT.fullmatch(text)):
        return None
    has_month_name = bool(_MONTH_NAME.search(text))
    if _ANCIENT.search(text):
        return None
    if not has_month_name and not re.search(r"\d{4}", text):
        return None  # "05/11/26"
    if has_month_name or _YEAR_FIRST.match(text):
        orders = [False]
    else:
        orders = [True] if _DOTTED.match(text) else [True, False]
    times = {
        parse(text, default=day, dayfirst=day_first, tzinfos=_find_zone)
        for day_first in orders
        for day in _ANY_DAYS  # fills what the text lacks: two results mean that it lacks a part
    }
    return times.pop() if len(times) == 1 else None


def _find_zone(name: str | None, offset: int | None) -> dt.tzinfo | None:
    if offset is not None and name not in _OFFSETS:
        if abs(offset) > _MAX_OFFSET_SEC:
            raise ValueError(f"no offset of a zone: {offset} seconds")
        return dt.timezone(dt.timedelta(seconds=offset))
    if name is None:
        return None
    return ZoneInfo(_SEASONAL[name]) if name in _SEASONAL else _OFFSETS[name]


def are_times_of_request(times: Collection[dt.datetime | None]) -> bool:
    """Return whether three or more entries all have the time of the request.

    Some servers write the present time into every entry. It is the date of none.

    Args:
        times: the time of each entry, UTC; None for an entry without one.
    """
    first = next(iter(times), None)
    if len(times) < _MIN_EQUAL_TIMES or first is None:
        return False
    return all(time == first for time in times) and now() - first <= _JUST_NOW
