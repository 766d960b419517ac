import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.clock import now
from transforms.feeds.dates import are_times_of_request, parse_date


@pytest.mark.parametrize(
    "text",
    [
        "Fri, 13 Mar 2026 14:05:00 GMT",
        "Fri, 13 Mar 2026 14:05:00 +0000",
        "Fri 13 Mar 2026 14:05:00 Z",
        "Friday, March 13, 2026 - 14:05",
        "Fri, Mar 13 2026 09:05:00 -0500",
        "Fri, 13 Mar 26 14:05 UT",
        "13-Mar-2026 14:05",
        "13th of March 2026 at 14:05",
        "March 13th, 2026 2:05 PM",
        "Mar 13, 2026 2:05 p.m.",
        "Fri Mar 13 14:05:00 UTC 2026",
        "Fri Mar 13 2026 15:05:00 GMT+0100 (CET)",
        "2026-03-13T14:05:00Z",
        "2026-03-13T14:05:00.000+0000",
        "2026-03-13T16:05:00+02",
        "2026-03-13 14:05:00",
        "2026-03-13 14:05:00 +0000 UTC",
        "20260313T140500Z",
        "20260313140500",
        "202603131405",
        "2026/3/13 14:05",
        "2026.03.13 14:05",
        "13.3.2026 14:05",
        "13/03/2026 14:05",
        "03/13/2026 2:05:00 PM",
        "1773410700",
        "1773410700.0",
        "1773410700000",
        "2026年3月13日 14:05",
        "2026年03月13日(金) 14時5分",
        "2026年3月13日 星期五 下午2:05",
        "2026년 3월 13일 오후 2:05",
        "２０２６/０３/１３ １４:０５",
        "13 Mar 2026 15:05 CET",
        "13 Mar 2026 16:05 CEST",
        "13 Mar 2026 17:05 MSK",
        "13 Mar 2026 23:35 ACST",
        "13 Mar 2026 23:05 JST",
        "13 Mar 2026 22:05 SGT",
        "14 Mar 2026 01:05 AEDT",
        "13 Mar 2026 09:05 EST",
        "13 Mar 2026 10:05 ET",  # New York has summer time from 8 March
        "13 Mar 2026 7:05 AM PDT",
        "13 Mar 2026 16:05 UTC+2",
        "13 Mar 2026 09:05 GMT-5",
        "13 Mar 2026 09:05 GMT-05:00",
        "13 Mar 2026 09:05:00 EST-0500",
        "2026-03-13T14:05:00 Europe/London",
        "2026-03-13T15:05:00+01:00[Europe/Oslo]",
    ],
)
def test_forms_and_zones(text: str) -> None:
    assert parse_date(text) == dt.datetime(2026, 3, 13, 14, 5, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2 hours ago",
        "14:05",
        "Fri",
        "10",
        "2026",
        "2026-03",
        "March 2026",
        "13 March",
        "05/11/2026",
        "Mon, 01 Jan 0001 00:00:00 +0000",
        "05-11-2026",
        "13/03/26",
        "2026-13-45",
        "2026-328",
        "17734107000",
        "0000-00-00 00:00:00",
        "31 Nov 2026",
        "13 Mar 99999",
        "13 Mar 2026 14:05 IST",  # India, Israel or Ireland
        "13 Mar 2026 14:05 BST",  # Britain or Bangladesh
        "13 Mar 2026 14:05 CST",  # Chicago, China or Cuba
        "13 Mar 2026 14:05 QQT",
        "13 Mar 2026 14:05 +9900",
        "2026-03-13 14:05 Nowhere/Land",
        "Di, 13 Mar 2026 14:05",
        "Ti, 13 Mar 2026 14:05",
        "mar., 13 mars 2026",
        "13 ноября 2026",
        "Published: 13 Mar 2026",
        "<b>13 Mar 2026</b>",
    ],
)
def test_what_has_no_single_meaning_is_no_date(text: str) -> None:
    assert parse_date(text) is None


def test_a_date_is_midnight() -> None:
    assert parse_date("Mar 13, 2026") == dt.datetime(2026, 3, 13, tzinfo=dt.timezone.utc)


@given(st.text(alphabet="0123456789 :-/.,+TZ年月日JanMrAPEST[]()_\u0663²", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    time = parse_date(text)
    assert time is None or time.tzinfo is dt.timezone.utc


def test_the_time_of_the_request_is_the_date_of_no_entry() -> None:
    present = now()
    earlier = present - dt.timedelta(hours=1)
    assert are_times_of_request([present] * 3)
    for times in ([], [present] * 2, [earlier] * 3, [present, present, earlier], [None] * 3):
        assert not are_times_of_request(times)
