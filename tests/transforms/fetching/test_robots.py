import datetime as dt
import gzip
import itertools
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.local_servers import LocalServers, Reply
from tests.support.waiting import wait_for
from transforms.core.clock import now
from transforms.core.errors import ItemError
from transforms.fetching.fetcher import Fetcher
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.options import FetchOptions, HttpOptions, PolitenessOptions
from transforms.fetching.robots import LIFETIME, MAX_BYTES, RETRY, Robots
from transforms.state.records import HostState, RobotsFile

A, B = "127.0.0.2", "127.0.0.3"
HTTP = HttpOptions(fetch_timeout_sec=5.0, allow_private_networks=["127.0.0.0/8"])
QUICK = PolitenessOptions(host_delay_sec=0.05, max_wait_sec=1.0)
AT = dt.datetime(2026, 11, 20, tzinfo=dt.timezone.utc)
DENY = b"User-agent: *\nDisallow: /no"


@pytest.fixture
def web() -> Iterator[LocalServers]:
    with LocalServers([A, B]) as served:
        served.answers.update(dict.fromkeys(("/yes", "/no", "/no/x"), Reply(b"page")))
        yield served


def fetch(
    web: LocalServers,
    *paths: str,
    hosts: PolitenessOptions = QUICK,
    robots: RobotsFile | None = None,
    is_page: bool = True,
    **http: Any,
) -> tuple[list[str], list[HostState], list[Response | ItemError]]:
    """Return the errors, the changed host states and the responses for some paths of A."""
    with Fetcher(FetchOptions(replace(HTTP, **http), hosts)) as fetcher:
        host = f"{A}:{web.port}"
        files = [robots] if robots else []
        fetcher.remember({host: HostState(host, now(), None, "", 0, robots=files)})
        requests = [Request(web.base(A) + path, is_page=is_page) for path in paths]
        answers = fetcher.fetch(requests)
        errors = [answer.error_type if isinstance(answer, ItemError) else "" for answer in answers]
        return errors, fetcher.take_changes(), answers


def rules(text: str, agent: str = "newsbeam") -> Robots:
    return Robots(RobotsFile("https://a.example", 200, text, AT), agent)


def test_disallowed_addresses_are_not_fetched(web: LocalServers) -> None:
    web.answers["/robots.txt"] = Reply(DENY)
    errors, (state,), answers = fetch(web, "/no/x", "/yes")
    assert errors == ["RobotsDenied", ""]
    assert web.paths() == ["/robots.txt", "/yes"]
    denied = answers[0]
    assert isinstance(denied, ItemError) and not denied.temporary
    (file,) = state.robots
    assert (file.origin, file.status, file.text) == (web.base(A), 200, DENY.decode())


@pytest.mark.parametrize(
    ("text", "agent", "allowed"),
    [
        ("User-agent: newsbeam\nDisallow:\n\nUser-agent: *\nDisallow: /", "newsbeam", True),
        ("User-agent: NewsBeam\nDisallow: /\n\nUser-agent: *\nDisallow:", "newsbeam", False),
        ("User-agent: other\nDisallow: /", "newsbeam", True),
        ("User-agent: a\nUser-agent: newsbeam\nDisallow: /", "newsbeam", False),
        ("User-agent: newsbeam\nDisallow: /", "deskbot", True),
        ("User-agent: *\nDisallow: /news\nAllow: /news/a", "newsbeam", True),
        ("User-agent: *\nAllow: /news\nDisallow: /news/a", "newsbeam", False),
        ("User-agent: *\nDisallow: /*.html$", "newsbeam", False),
        ("User-agent: *\nDisallow: /*.htm$", "newsbeam", True),
        ("Disallow: /", "newsbeam", True),
        ("<html>Not here</html>", "newsbeam", True),
        ("", "newsbeam", True),
    ],
)
def test_the_group_for_us_counts_before_that_for_all(text: str, agent: str, allowed: bool) -> None:
    assert rules(text, agent).allows("https://a.example/news/a.html") is allowed


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/caf%C3%A9", "/caf%c3%a9"),
        ("/café", "/caf%C3%A9"),
        ("/a%7Eb", "/a~b"),
        ("/a~b", "/a%7Eb"),
        ("/q?id=1", "/q?id=1&x=2"),
    ],
)
def test_percent_encoding_does_not_matter(pattern: str, path: str) -> None:
    robots = rules(f"User-agent: *\nDisallow: {pattern}")
    assert not robots.allows(f"https://a.example{path}")
    assert robots.allows("https://a.example/other")


def test_a_robots_txt_may_be_asked_for_whatever_it_says() -> None:
    assert rules("User-agent: *\nDisallow: /").allows("https://a.example/robots.txt")


@pytest.mark.parametrize(
    ("value", "seconds"), [("2.5", 2.5), ("0", 0), ("-1", 0), ("x", 0), ("nan", 0), ("inf", 0)]
)
def test_crawl_delay(value: str, seconds: float) -> None:
    assert rules(f"User-agent: *\nCrawl-delay: {value}").crawl_delay == seconds
    assert rules(f"User-agent: other\nCrawl-delay: {value}").crawl_delay == 0


def test_the_crawl_delay_is_kept_from_the_first_request_on(web: LocalServers) -> None:
    web.answers["/robots.txt"] = Reply(b"User-agent: *\nCrawl-delay: 0.3")
    fetch(web, "/yes", "/no")
    robots, first, second = web.requests(A)
    assert first.start - robots.end >= 0.3
    assert second.start - first.end >= 0.3


def test_a_short_crawl_delay_does_not_shorten_our_own(web: LocalServers) -> None:
    web.answers["/robots.txt"] = Reply(b"User-agent: *\nCrawl-delay: 0.01")
    fetch(web, "/yes", "/no", hosts=replace(QUICK, host_delay_sec=0.2))
    robots, first, second = web.requests(A)
    assert min(first.start - robots.end, second.start - first.end) >= 0.2


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_without_a_robots_txt_all_is_allowed(web: LocalServers, status: int) -> None:
    web.answers["/robots.txt"] = Reply(DENY, status)
    assert fetch(web, "/no", "/yes")[0] == ["", ""]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 501, 599])
def test_nothing_is_fetched_while_robots_txt_is_unreachable(web: LocalServers, status: int) -> None:
    web.answers["/robots.txt"] = Reply(b"down", status, retry_in=7200)
    hosts = replace(QUICK, max_retry_after_sec=7200)
    errors, (state,), answers = fetch(web, "/no", "/yes", hosts=hosts)
    assert errors == ["RobotsUnreachable"] * 2
    assert set(web.paths()) == {"/robots.txt"} and len(web.log) <= 2
    for answer in answers:
        assert isinstance(answer, ItemError) and answer.temporary and str(status) in answer.message
        assert answer.not_before is not None
        min_wait = dt.timedelta(hours=1.9 if status in (429, 503) else 0.9)
        assert answer.not_before - now() > min_wait
    (file,) = state.robots
    assert file.status == status

    asked = len(web.log)
    errors, changes, (later,) = fetch(web, "/yes", robots=file)
    assert (errors, changes, len(web.log)) == (["RobotsUnreachable"], [], asked)
    assert isinstance(later, ItemError) and (later.attempts, later.temporary) == (0, True)


def test_a_short_retry_after_of_robots_txt_is_waited_for(web: LocalServers) -> None:
    web.answers["/robots.txt"] = [Reply(status=503, retry_in=1), Reply(DENY)]
    assert fetch(web, "/no", "/yes", hosts=replace(QUICK, max_wait_sec=5))[0] == [
        "RobotsDenied",
        "",
    ]
    busy, again, _ = web.requests(A)
    assert again.path == "/robots.txt" and again.start - busy.end >= 1


def test_a_robots_txt_that_times_out_disallows_all_for_now(web: LocalServers) -> None:
    web.answers["/robots.txt"] = Reply(pieces=itertools.repeat(b"#"), pause=0.1)
    errors, (state,), answers = fetch(web, "/yes", "/no", fetch_timeout_sec=1.0)
    assert errors == ["Timeout"] * 2
    wait_for(lambda: bool(web.log))  # the server notices later that nobody reads the endless body
    assert web.paths() == ["/robots.txt"]
    assert all(isinstance(a, ItemError) and a.temporary and a.not_before for a in answers)
    assert state.robots[0].status is None


def test_a_host_that_cannot_be_reached_is_not_tried_for_each_page() -> None:
    with socket.socket() as taken:
        taken.bind((A, 0))
        base = f"http://{A}:{taken.getsockname()[1]}"
        with Fetcher(FetchOptions(HTTP, QUICK)) as fetcher:
            answers = fetcher.fetch([Request(f"{base}/{n}") for n in range(3)])
    assert all(isinstance(answer, ItemError) and answer.temporary for answer in answers)
    assert {a.error_type for a in answers if isinstance(a, ItemError)} == {"ClientConnectorError"}


def test_old_rules_hold_while_robots_txt_is_unreachable(web: LocalServers) -> None:
    web.answers["/robots.txt"] = Reply(status=500)
    before = RobotsFile(web.base(A), 200, DENY.decode(), now() - LIFETIME)
    errors, (state,), _ = fetch(web, "/no", "/yes", robots=before)
    assert errors == ["RobotsDenied", ""]
    assert web.paths() == ["/robots.txt", "/robots.txt", "/yes"]
    (after,) = state.robots
    assert (after.status, after.text) == (200, before.text)
    assert after.fetched_at > before.fetched_at


def test_a_new_robots_txt_takes_the_place_of_the_old(web: LocalServers) -> None:
    web.answers["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /yes")
    before = RobotsFile(web.base(A), 200, DENY.decode(), now() - LIFETIME)
    assert fetch(web, "/no", "/yes", robots=before)[0] == ["", "RobotsDenied"]


def test_a_known_robots_txt_is_not_fetched_again(web: LocalServers) -> None:
    recent = now() - LIFETIME + dt.timedelta(minutes=1)
    known = RobotsFile(web.base(A), 200, DENY.decode(), recent)
    errors, changes, _ = fetch(web, "/no", "/yes", robots=known)
    assert (errors, changes) == (["RobotsDenied", ""], [])
    assert web.paths() == ["/yes"]


@pytest.mark.parametrize(
    ("status", "lifetime"),
    [
        (200, LIFETIME),
        (404, LIFETIME),
        (403, LIFETIME),
        (429, RETRY),
        (500, RETRY),
        (None, RETRY),
    ],
)
def test_how_long_a_robots_txt_is_used_again(status: int | None, lifetime: dt.timedelta) -> None:
    robots = Robots(RobotsFile("https://a.example", status, "", AT))
    second = dt.timedelta(seconds=1)
    assert robots.is_fresh(AT) and robots.is_fresh(AT + lifetime - second)
    assert not robots.is_fresh(AT + lifetime)
    assert (dt.timedelta(hours=24), dt.timedelta(hours=1)) == (LIFETIME, RETRY)


def test_redirects_of_a_robots_txt_are_followed(web: LocalServers) -> None:
    headers = {"Location": f"{web.base(B)}/rules"}
    web.answers[f"{A}/robots.txt"] = Reply(status=301, headers=headers)
    web.answers["/rules"] = Reply(DENY)
    errors, states, _ = fetch(web, "/no", "/yes")
    assert errors == ["RobotsDenied", ""]
    assert web.paths(B) == ["/rules"], "no robots.txt is asked for on the way"
    (file,) = (file for state in states for file in state.robots)
    assert file.origin == web.base(A)


def test_a_robots_txt_that_redirects_for_ever_is_none(web: LocalServers) -> None:
    web.answers["/robots.txt"] = Reply(status=302, headers={"Location": "/robots.txt"})
    assert fetch(web, "/no", hosts=PolitenessOptions(host_delay_sec=0))[0] == [""]
    assert web.paths() == ["/robots.txt"] * 6 + ["/no"]


@pytest.mark.parametrize("packed", [False, True])
def test_the_beginning_of_a_large_robots_txt_is_obeyed(web: LocalServers, packed: bool) -> None:
    filling = b"# filling\n" * (500 * 1024 // 10 - 10)
    text = DENY + b"\n" + filling + b"Disallow: /yes\n" + b"#" * MAX_BYTES
    assert len(DENY + filling) < 500 * 1024 < MAX_BYTES
    headers = {"Content-Encoding": "gzip"} if packed else {}
    web.answers["/robots.txt"] = Reply(gzip.compress(text) if packed else text, headers=headers)
    errors, (state,), _ = fetch(web, "/no", "/yes", "/other")
    assert errors == ["RobotsDenied", "RobotsDenied", "Http404"]
    assert len(state.robots[0].text) <= MAX_BYTES


def test_an_endless_robots_txt_is_obeyed_as_far_as_it_is_read(web: LocalServers) -> None:
    rules, line = b"User-agent: *\nDisallow: /\n", b"Allow: /" + b"x" * 90 + b"\n"
    web.answers["/robots.txt"] = Reply(rules, pieces=itertools.repeat(line))
    assert fetch(web, "/yes", "/no")[0] == ["RobotsDenied"] * 2, "half a rule says something else"


def test_a_byte_order_mark_hides_no_rule(web: LocalServers) -> None:
    web.answers["/robots.txt"] = Reply(b"\xef\xbb\xbf" + DENY)
    assert fetch(web, "/no", "/yes")[0] == ["RobotsDenied", ""]


def test_bytes_that_are_no_utf8_spoil_no_other_rule(web: LocalServers) -> None:
    web.answers["/robots.txt"] = Reply(b"# caf\xe9\r\n" + DENY.replace(b"\n", b"\r\n"))
    assert fetch(web, "/no", "/yes")[0] == ["RobotsDenied", ""]


@pytest.mark.parametrize(
    ("mode", "is_page", "obeyed"),
    [
        ("all", False, True),
        ("all", True, True),
        ("pages", False, False),
        ("pages", True, True),
        ("none", True, False),
        ("none", False, False),
    ],
)
def test_what_robots_txt_is_obeyed_for(
    web: LocalServers, mode: str, is_page: bool, obeyed: bool
) -> None:
    web.answers["/robots.txt"] = Reply(DENY)
    errors, *_ = fetch(web, "/no", hosts=replace(QUICK, robots=mode), is_page=is_page)
    assert errors == (["RobotsDenied"] if obeyed else [""])
    assert web.paths() == (["/robots.txt"] if obeyed else ["/no"])


def test_it_is_fetched_once_per_origin_for_concurrent_requests(
    web: LocalServers,
) -> None:
    web.answers["/robots.txt"] = Reply(DENY, pieces=[b"\n"], pause=0.2)
    hosts = replace(QUICK, host_delay_sec=0)
    with Fetcher(FetchOptions(HTTP, hosts)) as fetcher:
        bases = [web.base(A), web.base(A).replace("//", "//user@"), web.base(B)] * 20
        answers = fetcher.fetch([Request(base + "/yes") for base in bases])
    assert all(isinstance(answer, Response) for answer in answers)
    for host in (A, B):
        assert web.paths(host).count("/robots.txt") == 1
        assert web.paths(host)[0] == "/robots.txt"


def test_spellings_of_an_origin_are_one() -> None:
    with LocalServers(["127.0.0.1"]) as web:
        web.answers["/yes"] = Reply(b"page")
        with Fetcher(FetchOptions(HTTP, QUICK)) as fetcher:
            names = ("localhost", "LocalHost", "user@localhost")
            requests = [Request(f"http://{name}:{web.port}/yes") for name in names]
            answers = fetcher.fetch(requests)
        assert all(isinstance(answer, Response) for answer in answers), answers
        assert web.paths() == ["/robots.txt"] + ["/yes"] * 3
