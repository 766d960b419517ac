"""The benchmark of politeness: a small run of it, and its judge on logs made up for that."""

from dataclasses import replace

import pytest

from benchmarks.politeness import (
    VIOLATIONS,
    HostPlan,
    Measurement,
    count_violations,
    format_table,
    measure_phases,
    measure_politeness,
    plan_hosts,
)
from tests.support.local_servers import LoggedRequest

HOST = "127.0.0.2"
PLAN = HostPlan(HOST, "rules", delay=1.0, articles=4)


@pytest.fixture(scope="module")
def measured() -> Measurement:
    return measure_politeness(hosts=6, articles=4, delay=0.2)


def test_ingest_is_polite(measured: Measurement) -> None:
    assert measured.violations() == dict.fromkeys(VIOLATIONS, 0)
    assert measured.summary["adds_up"]
    assert measured.summary["dead_letters"] == {
        "FetchFeeds RobotsUnreachable": 1,
        "FetchPages RobotsDenied": 1,
        "FetchPages Timeout": 1,
    }
    paths = [asked.path for asked in measured.log]
    assert paths.count("/feed.xml") == 5
    assert sum(path.startswith("/news/") for path in paths) == 5 * 4 - 1 + 1, "one was busy"


def test_the_table_has_what_was_measured(measured: Measurement) -> None:
    printed = format_table(measured)
    assert f"{len(measured.log)}" in printed and "0 too soon" in printed
    assert "entries: 20 = 18 article + 2 dead_letter" in printed
    assert f"ratio, ideal / real: {measured.ratio():.3f}" in printed


def asked(path: str, start: float, end: float, **more: object) -> LoggedRequest:
    made = LoggedRequest(HOST, path, "newsbeam/0.1.0 (feed reader)", start, end, status=200)
    return replace(made, **more)  # type: ignore[arg-type]


ROBOTS = asked("/robots.txt", 10.0, 10.1)
FEED = asked("/feed.xml", 11.1, 11.5)
PAGE = asked("/news/1", 12.5, 13.0)


@pytest.mark.parametrize(
    ("log", "violation"),
    [
        ([ROBOTS, FEED, asked("/closed/0", 13, 14)], "disallowed"),
        ([ROBOTS, FEED, asked("/news/1", 12.4, 13)], "too soon"),
        ([ROBOTS, asked("/feed.xml", 10.2, 10.3)], "too soon"),
        ([ROBOTS, FEED, asked("/news/1", 11.4, 13)], "two at once"),
        ([ROBOTS, replace(FEED, retry_after=3.0), PAGE], "before Retry-After"),
        ([ROBOTS, FEED, asked("/robots.txt", 20, 21)], "robots.txt again"),
        ([asked("/feed.xml", 8, 9), ROBOTS], "before robots.txt"),
        ([replace(ROBOTS, agent="aiohttp"), FEED], "no user agent"),
        ([replace(ROBOTS, agent=""), FEED], "no user agent"),
    ],
)
def test_the_judge_finds_what_is_planted(log: list[LoggedRequest], violation: str) -> None:
    found = count_violations(reversed(log), [PLAN])
    assert {kind: count for kind, count in found.items() if count} == {violation: 1}


def test_the_judge_finds_nothing_in_a_polite_log() -> None:
    log = [ROBOTS, FEED, replace(PAGE, retry_after=2.0), asked("/news/2", 15.0, 15.5)]
    other = [replace(one, host="127.0.0.3") for one in log]
    site = [PLAN, replace(PLAN, host="127.0.0.3"), replace(PLAN, host="127.0.0.4")]
    assert count_violations(log + other, site) == dict.fromkeys(VIOLATIONS, 0)


def test_a_robots_txt_that_fails_may_be_tried_twice_and_nothing_else_be_asked_for() -> None:
    down = replace(PLAN, kind="down")
    tries = [replace(asked("/robots.txt", at, at + 0.1), status=500) for at in (10.0, 12.0, 14.0)]
    assert count_violations(tries[:2], [down]).total() == 0
    assert count_violations(tries, [down])["robots.txt again"] == 1
    assert count_violations([*tries[:2], FEED], [down])["disallowed"] == 1


def test_the_time_at_best_is_that_of_the_host_which_needs_most() -> None:
    slow = replace(PLAN, host="127.0.0.3", delay=4.0)
    log = [ROBOTS, FEED, PAGE, asked("/news/2", 14.25, 14.5, host=slow.host)]
    log.append(asked("/news/3", 20.0, 20.5, host=slow.host, status=429, retry_after=6.0))
    log.append(asked("/news/3", 27.0, 27.25, host=slow.host))
    feeds, pages = measure_phases(log, [PLAN, slow])
    assert (round(feeds.ideal, 9), round(feeds.real, 9), feeds.slowest) == (1.5, 1.5, HOST)
    assert (pages.ideal, pages.real) == (0.25 + 4 + 0.5 + 6 + 0.25, 27.25 - 12.5)
    assert pages.slowest == slow.host
    measured = Measurement([PLAN, slow], log, {})
    assert measured.ratio() == pytest.approx((1.5 + 11) / (1.5 + 14.75))


def test_a_site_has_all_kinds_in_turn() -> None:
    site = plan_hosts(hosts=50, articles=20, delay=0.5)
    assert len({plan.host for plan in site}) == 50
    assert {plan.delay for plan in site if plan.kind == "crawl-delay"} == {1.0}
    assert {plan.delay for plan in site if plan.kind != "crawl-delay"} == {0.5}
    assert sum(plan.kind == "down" for plan in site) == 4
