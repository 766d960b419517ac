import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from tests.support.local_servers import ENDLESS_HEADERS, LocalServers, Reply
from transforms.core.clock import now
from transforms.core.errors import ItemError, UsageError
from transforms.fetching.fetcher import Fetcher
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.options import FetchOptions, HttpOptions, PolitenessOptions
from transforms.fetching.retry_after import parse_retry_after
from transforms.state.records import HostState, RobotsFile

A, B = "127.0.0.2", "127.0.0.3"
HTTP = HttpOptions(fetch_timeout_sec=5.0, allow_private_networks=["127.0.0.0/8"])
QUICK = PolitenessOptions(host_delay_sec=0.05)
PAGE = Reply(b"page", headers={"Content-Type": "text/html"})


@pytest.fixture
def web() -> Iterator[LocalServers]:
    with LocalServers([A, B]) as served:
        yield served


def fetcher(
    hosts: PolitenessOptions = QUICK,
    known: HostState | None = None,
    first_pause_sec: float = 5.0,
    **http: Any,
) -> Fetcher:
    result = Fetcher(FetchOptions(replace(HTTP, **http), hosts, first_pause_sec=first_pause_sec))
    result.remember({known.host: known} if known else {})
    return result


def fetch(
    urls: list[str], hosts: PolitenessOptions = QUICK, known: HostState | None = None, **more: Any
) -> list[Response | ItemError]:
    with fetcher(hosts, known, **more) as asking:
        return asking.fetch([Request(url, is_page=True) for url in urls])


def body(answer: Response | ItemError) -> bytes:
    assert isinstance(answer, Response), answer
    return answer.body


def error_of(answer: Response | ItemError) -> ItemError:
    assert isinstance(answer, ItemError), answer
    return answer


def gaps(web: LocalServers, host: str) -> list[float]:
    """From the end of each answer to the start of the next request."""
    return [later.start - before.end for before, later in pairwise(web.requests(host))]


def pages(web: LocalServers, host: str, count: int) -> list[str]:
    paths = [f"/{number}" for number in range(count)]
    web.answers.update(dict.fromkeys(paths, PAGE))
    return [web.base(host) + path for path in paths]


def state_of(web: LocalServers, at: dt.datetime | None, closures: int) -> HostState:
    robots = [RobotsFile(web.base(A), 404, "", now())]
    return HostState(f"{A}:{web.port}", now(), at, "it answered 429", closures, robots)


def test_the_delay_is_from_the_end_of_a_response_to_the_next_request(web: LocalServers) -> None:
    urls = pages(web, A, 3)
    web.answers["/0"] = Reply(pieces=[b"slow"], pause=0.3)
    fetch(urls, PolitenessOptions(host_delay_sec=0.15))
    assert web.paths() == ["/robots.txt", "/0", "/1", "/2"]
    assert min(gaps(web, A)) >= 0.15


def test_hosts_are_fetched_concurrently(web: LocalServers) -> None:
    web.answers["/slow"] = Reply(pieces=[b"x"], pause=0.5)
    fetch([f"{web.base(host)}/slow" for host in (A, B)])
    one, other = (web.requests(host)[-1] for host in (A, B))
    assert one.start < other.end and other.start < one.end


def test_hosts_have_their_own_delays(web: LocalServers) -> None:
    urls = pages(web, A, 2) + pages(web, B, 2)
    named = [f"{A}=0.2", f"{B}:{web.port}=0.1", f"{B}=9"]
    fetch(urls, PolitenessOptions(host_delay_sec=0, host_delays=named))
    assert min(gaps(web, A)) >= 0.2
    assert 0.1 <= min(gaps(web, B)) < 5


@pytest.mark.parametrize("as_date", [False, True])
def test_a_short_retry_after_is_waited_for(web: LocalServers, as_date: bool) -> None:
    (url,) = pages(web, A, 1)
    web.answers["/0"] = [Reply(status=429, retry_in=1, as_date=as_date), PAGE]
    (answer,) = fetch([url])
    assert body(answer) == b"page"
    _, busy, again = web.requests(A)
    assert busy.retry_after is not None and again.start - busy.end >= busy.retry_after


def test_the_whole_queue_waits(web: LocalServers) -> None:
    urls = pages(web, A, 3)
    web.answers["/0"] = [Reply(status=503, retry_in=1), PAGE]
    assert [body(answer) for answer in fetch(urls)] == [b"page"] * 3
    assert gaps(web, A)[1] >= 1.0


@pytest.mark.parametrize("as_date", [False, True])
def test_a_long_retry_after_closes_the_host_for_later_runs_too(
    web: LocalServers, as_date: bool
) -> None:
    urls = pages(web, A, 3)
    web.answers["/0"] = Reply(status=503, retry_in=3600, as_date=as_date)
    with fetcher() as asking:
        first, *others = map(error_of, asking.fetch(map(Request, urls)))
        (state,) = asking.take_changes()
        assert asking.take_changes() == []
    assert (first.error_type, first.http_status, first.attempts) == ("Http503", 503, 1)
    assert first.temporary and first.not_before is not None
    assert dt.timedelta(hours=0.9) < first.not_before - now() < dt.timedelta(hours=1.3)
    for other in others:
        assert (other.error_type, other.attempts, other.temporary) == ("HostClosed", 0, True)
        assert other.not_before == first.not_before
    assert web.paths() == ["/robots.txt", "/0"]
    assert (state.closed_until, state.closures) == (first.not_before, 1)

    assert [error_of(answer).error_type for answer in fetch(urls, known=state)] == [
        "HostClosed"
    ] * 3
    assert len(web.log) == 2

    web.answers["/0"] = PAGE
    over = replace(state, closed_until=now() - dt.timedelta(seconds=1))
    with fetcher(known=over) as asking:
        assert [body(answer) for answer in asking.fetch(map(Request, urls))] == [b"page"] * 3
        (state,) = asking.take_changes()
    assert state.closures == 0, "a host that answers again starts anew"
    assert web.paths().count("/robots.txt") == 1, "its robots.txt is remembered"


def test_a_closure_is_no_longer_than_is_allowed(web: LocalServers) -> None:
    (url,) = pages(web, A, 1)
    web.answers["/0"] = Reply(status=429, retry_in=10**8)
    (answer,) = fetch([url], replace(QUICK, max_retry_after_sec=100))
    until = error_of(answer).not_before
    assert until is not None and until - now() <= dt.timedelta(seconds=100)


@pytest.mark.parametrize("status", [429, 503])
def test_without_retry_after_the_host_is_left_alone_longer_each_time(
    web: LocalServers, status: int
) -> None:
    (url,) = pages(web, A, 1)
    web.answers["/0"] = Reply(status=status)
    lengths = []
    for closures in (0, 1, 2):
        before = now()
        (answer,) = map(
            error_of, fetch([url], known=state_of(web, None, closures), first_pause_sec=0.2)
        )
        assert (answer.attempts, answer.http_status) == (2, status)
        assert answer.not_before is not None
        lengths.append((answer.not_before - before).total_seconds())
    for doubled, seconds in enumerate(lengths):
        assert 900 * 2**doubled <= seconds <= 900 * 1.2 * 2**doubled + 5
    assert len({round(seconds / 2**n, 3) for n, seconds in enumerate(lengths)}) == 3, "no jitter"
    tries = [asked for asked in web.requests(A) if asked.path == "/0"]
    assert all(b.start - a.end >= 0.2 for a, b in zip(tries[::2], tries[1::2], strict=True))


def test_403_again_and_again_from_a_host_that_answered_is_a_rate_limit(web: LocalServers) -> None:
    urls = pages(web, A, 6)
    for path in ("/1", "/2", "/3", "/4"):
        web.answers[path] = Reply(status=403)
    answers = fetch(urls, replace(QUICK, max_wait_sec=1))
    assert body(answers[0]) == b"page"
    errors = [error_of(answer) for answer in answers[1:]]
    assert [error.error_type for error in errors] == ["Http403"] * 3 + ["HostClosed"] * 2
    assert [error.temporary for error in errors] == [False] * 2 + [True] * 3
    assert web.paths()[-1] == "/3"


def test_403_between_other_responses_is_no_rate_limit(web: LocalServers) -> None:
    urls = pages(web, A, 6)
    for path in ("/0", "/1", "/3", "/4"):
        web.answers[path] = Reply(status=403)
    answers = fetch(urls)
    assert [isinstance(answer, Response) for answer in answers] == [False, False, True] * 2


def test_no_more_pages_of_a_host_than_allowed(web: LocalServers) -> None:
    urls = pages(web, A, 4)
    answers = fetch([*urls, f"{web.base(B)}/0"], replace(QUICK, max_pages_per_host=2))
    assert [isinstance(answer, Response) for answer in answers] == [True] * 2 + [False] * 2 + [True]
    for answer in answers[2:4]:
        error = error_of(answer)
        assert (error.error_type, error.attempts, error.temporary) == ("HostLimit", 0, True)


def test_feeds_do_not_count_as_pages(web: LocalServers) -> None:
    with fetcher(replace(QUICK, max_pages_per_host=1)) as asking:
        answers = asking.fetch(map(Request, pages(web, A, 3)))
    assert [body(answer) for answer in answers] == [b"page"] * 3


def test_no_more_time_for_a_host_than_allowed(web: LocalServers) -> None:
    urls = pages(web, A, 6)
    answers = fetch(urls, PolitenessOptions(host_delay_sec=0.2, max_host_sec=0.5))
    late = list(map(error_of, answers[-2:]))
    assert body(answers[0]) == b"page"
    assert {(error.error_type, error.attempts) for error in late} == {("HostLimit", 0)}


def test_idle_time_of_a_host_does_not_count(web: LocalServers) -> None:
    slow, quick = f"{web.base(A)}/slow", pages(web, B, 2)
    web.answers["/slow"] = Reply(pieces=[b"x"], pause=0.8)
    with fetcher(PolitenessOptions(host_delay_sec=0.05, max_host_sec=0.6)) as asking:
        asking.fetch([Request(quick[0]), Request(slow)])
        (answer,) = asking.fetch([Request(quick[1])])
    assert body(answer) == b"page"


def test_a_pause_that_is_too_long_is_left_to_a_later_run(web: LocalServers) -> None:
    urls = pages(web, A, 3)
    web.answers["/robots.txt"] = Reply(b"User-agent: *\nCrawl-delay: 600")
    first, *others = fetch(urls, replace(QUICK, max_wait_sec=0.3))
    assert body(first) == b"page", "robots.txt alone is not worth a run"
    assert {(error_of(o).error_type, error_of(o).attempts) for o in others} == {("HostLimit", 0)}
    assert web.paths() == ["/robots.txt", "/0"]


def test_an_answer_cut_off_is_asked_for_again_no_sooner_than_the_delay(web: LocalServers) -> None:
    (url,) = pages(web, A, 1)
    web.answers["/0"] = [Reply(status=ENDLESS_HEADERS, pieces=[b"X: x\r\n"]), PAGE]
    (answer,) = fetch([url], PolitenessOptions(host_delay_sec=0.2))
    assert body(answer) == b"page"
    assert web.paths() == ["/robots.txt", "/0", "/0"]
    assert min(gaps(web, A)) >= 0.2


def moved(to: str, status: int = 302, cookie: str = "") -> Reply:
    cookies = {"Set-Cookie": cookie} if cookie else {}
    return Reply(status=status, headers={"Location": to} | cookies)


def test_five_redirects_are_followed_and_no_more(web: LocalServers) -> None:
    web.answers.update({f"/{n}": moved(f"/{n + 1}") for n in range(1, 7)})
    web.answers["/7"] = PAGE
    many, enough = fetch(
        [f"{web.base(A)}/1", f"{web.base(A)}/2"], PolitenessOptions(host_delay_sec=0)
    )
    assert error_of(many).error_type == "TooManyRedirects"
    assert body(enough) == b"page"


@pytest.mark.parametrize(
    ("target", "error", "requests"),
    [
        ("/0", "TooManyRedirects", 6),
        ("ftp://127.0.0.2/x", "BadRedirect", 1),
        ("file:///etc/passwd", "BadRedirect", 1),
        ("http://10.0.0.1/x", "PrivateAddress", 1),
    ],
)
def test_redirects_to_no_web_address_fail(
    web: LocalServers, target: str, error: str, requests: int
) -> None:
    web.answers["/0"] = moved(target)
    (answer,) = fetch([f"{web.base(A)}/0"], PolitenessOptions(host_delay_sec=0))
    assert error_of(answer).error_type == error
    assert web.paths() == ["/robots.txt"] + ["/0"] * requests


def test_a_redirect_to_another_host_is_subject_to_its_robots_and_queue(web: LocalServers) -> None:
    web.answers[f"{B}/robots.txt"] = Reply(b"User-agent: *\nDisallow: /no")
    web.answers["/yes"] = PAGE
    web.answers["/to-no"] = moved(f"{web.base(B)}/no")
    web.answers["/to-yes"] = moved(f"{web.base(B)}/yes")
    urls = [f"{web.base(A)}/{path}" for path in ("to-no", "to-yes", "to-yes")]
    denied, *fine = fetch(urls, PolitenessOptions(host_delay_sec=0.15))
    assert error_of(denied).error_type == "RobotsDenied"
    assert [body(answer) for answer in fine] == [b"page"] * 2
    assert web.paths(B) == ["/robots.txt", "/yes", "/yes"]
    assert min(gaps(web, A) + gaps(web, B)) >= 0.15


def test_no_credentials_are_carried_to_another_host(web: LocalServers) -> None:
    web.answers["/a"] = moved(f"{web.base(B)}/b", cookie="id=1; Domain=127.0.0.3")
    web.answers["/b"] = moved("/c", cookie="id=2")
    web.answers["/c"] = PAGE
    url = f"{web.base(A)}/a".replace("http://", "http://user:secret@")
    (answer,) = fetch([url])
    assert body(answer) == b"page"
    asked = {entry.host + entry.path: entry.headers for entry in web.log}
    assert asked.keys() == {f"{A}/robots.txt", f"{A}/a", f"{B}/robots.txt", f"{B}/b", f"{B}/c"}
    assert [place for place, headers in asked.items() if "authorization" in headers] == [f"{A}/a"]
    assert [headers["cookie"] for headers in asked.values() if "cookie" in headers] == ["id=2"]
    assert asked[f"{B}/c"]["cookie"] == "id=2", "the host that set it"
    assert not any("referer" in headers for headers in asked.values())


@pytest.mark.parametrize("is_page", [True, False])
def test_a_redirect_to_itself_that_waits_for_its_cookie_is_followed(
    web: LocalServers, is_page: bool
) -> None:
    web.answers["/0"] = [moved("/0", cookie="seen=1"), PAGE]
    request = Request(f"{web.base(A)}/0", is_page=is_page)
    with fetcher() as asking:
        assert body(*asking.fetch([request])) == b"page"
        assert body(*asking.fetch([request])) == b"page"
    cookies = [asked.headers.get("cookie") for asked in web.log if asked.path == "/0"]
    assert cookies == [None, "seen=1", None], "no cookie outlives the redirects"


def test_a_server_that_sets_cookies_forever_is_left(web: LocalServers) -> None:
    web.answers["/0"] = moved("/0", cookie="seen=1")
    (answer,) = fetch([f"{web.base(A)}/0"], PolitenessOptions(host_delay_sec=0))
    assert error_of(answer).error_type == "TooManyRedirects"
    assert web.paths() == ["/robots.txt"] + ["/0"] * 6


def refreshed(to: str, cookie: str = "") -> Reply:
    cookies = {"Set-Cookie": cookie} if cookie else {}
    return Reply(
        f'<meta http-equiv="refresh" content="0; url={to}">'.encode(),
        headers={"Content-Type": "text/html"} | cookies,
    )


def test_a_refresh_of_a_page_is_followed_like_a_redirect(web: LocalServers) -> None:
    web.answers[f"{B}/robots.txt"] = Reply(b"User-agent: *\nDisallow: /no")
    web.answers["/0"] = refreshed("/1", cookie="seen=1; Path=/")
    web.answers["/1"] = refreshed(f"{web.base(B)}/2")
    web.answers["/2"] = PAGE
    web.answers["/to-no"] = refreshed(f"{web.base(B)}/no")
    web.answers["/to-private"] = refreshed("http://10.0.0.1/")
    urls = [f"{web.base(A)}/{path}" for path in ("0", "to-no", "to-private")]
    page, denied, private = fetch(urls, PolitenessOptions(host_delay_sec=0.15))
    assert isinstance(page, Response)
    assert (page.body, page.url, page.moved_to) == (b"page", f"{web.base(B)}/2", None)
    assert error_of(denied).error_type == "RobotsDenied"
    assert error_of(private).error_type == "PrivateAddress"
    assert web.paths(B) == ["/robots.txt", "/2"]
    cookies = {asked.path: asked.headers.get("cookie") for asked in web.log}
    assert (cookies["/0"], cookies["/1"], cookies["/2"]) == (None, "seen=1", None)
    assert min(gaps(web, A) + gaps(web, B)) >= 0.15


def test_no_more_refreshes_than_redirects_are_followed(web: LocalServers) -> None:
    web.answers.update({f"/{n}": refreshed(f"/{n + 1}") for n in range(9)})
    (answer,) = fetch([f"{web.base(A)}/0"], PolitenessOptions(host_delay_sec=0))
    assert error_of(answer).error_type == "TooManyRedirects"
    assert web.paths() == ["/robots.txt", *(f"/{n}" for n in range(6))]


def test_a_page_that_refreshes_itself_is_read_as_it_is(web: LocalServers) -> None:
    web.answers["/0"] = refreshed("/0")
    (answer,) = fetch([f"{web.base(A)}/0"])
    assert body(answer).startswith(b"<meta")
    assert web.paths() == ["/robots.txt", "/0"]


def test_a_page_that_refreshes_itself_with_a_cookie_is_asked_for_again(web: LocalServers) -> None:
    web.answers["/0"] = [refreshed("/0", cookie="human=1"), PAGE]
    (answer,) = fetch([f"{web.base(A)}/0"])
    assert body(answer) == b"page"
    assert web.requests(A)[-1].headers["cookie"] == "human=1"


def test_only_pages_are_refreshed(web: LocalServers) -> None:
    web.answers["/feed"] = refreshed("/elsewhere")
    with fetcher() as asking:
        (answer,) = asking.fetch([Request(f"{web.base(A)}/feed")])
    assert body(answer).startswith(b"<meta")


def test_validators_are_sent_to_the_address_that_they_came_from_alone(web: LocalServers) -> None:
    url = f"{web.base(B)}/feed"
    web.answers["/old"] = moved(url)
    web.answers["/feed"] = [Reply(status=304), Reply(b"new")]
    request = Request(
        f"{web.base(A)}/old", etag='"1"', last_modified="yesterday", validated_url=url
    )
    with fetcher() as asking:
        (unchanged,) = asking.fetch([request])
        assert isinstance(unchanged, Response)
        assert (unchanged.status, unchanged.url) == (304, url)
        elsewhere = replace(request, validated_url=f"{web.base(A)}/feed")
        (answer,) = asking.fetch([elsewhere])
    assert body(answer) == b"new"
    conditional = [
        (asked.path, asked.headers.get("if-none-match"), asked.headers.get("if-modified-since"))
        for asked in web.log
        if "if-none-match" in asked.headers or "if-modified-since" in asked.headers
    ]
    assert conditional == [("/feed", '"1"', "yesterday")]


def test_a_304_without_validators_is_an_error(web: LocalServers) -> None:
    web.answers["/feed"] = Reply(status=304)
    (answer,) = fetch([f"{web.base(A)}/feed"])
    assert error_of(answer).error_type == "Http304"


@pytest.mark.parametrize(
    ("statuses", "for_good"),
    [
        ((301, 308), "/2"),
        ((301, 302), "/1"),
        ((302, 301), None),
        ((307, 308), None),
        ((), None),
    ],
)
def test_an_address_has_moved_where_permanent_redirects_alone_led(
    web: LocalServers, statuses: tuple[int, ...], for_good: str | None
) -> None:
    for number, status in enumerate(statuses):
        web.answers[f"/{number}"] = moved(f"/{number + 1}", status)
    web.answers[f"/{len(statuses)}"] = PAGE
    (answer,) = fetch([f"{web.base(A)}/0"], PolitenessOptions(host_delay_sec=0))
    assert isinstance(answer, Response)
    assert answer.url == f"{web.base(A)}/{len(statuses)}"
    assert answer.moved_to == (web.base(A) + for_good if for_good else None)


def test_a_redirect_without_a_target_is_an_error(web: LocalServers) -> None:
    web.answers["/0"] = Reply(status=301)
    (answer,) = fetch([f"{web.base(A)}/0"])
    assert error_of(answer).error_type == "Http301"


AT = dt.datetime(2026, 11, 20, 12, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Fri, 20 Nov 2026 13:00:00 GMT", 3600),
        ("Fri, 20 Nov 2026 13:00:00 +0100", 0),
        ("Fri, 20 Nov 2026 13:00:00", 3600),
        ("Thu, 19 Nov 2026 12:00:00 GMT", 0),
        ("9" * 400, 999_999_999),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("Fri, 99 Nov 2026 13:00:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert parse_retry_after({"retry-after": value}, AT) == seconds
    assert parse_retry_after({}, AT) is None


def test_remembered_rules_are_read_for_the_same_agent(web: LocalServers) -> None:
    text = "User-agent: deskbot\nDisallow: /0\n\nUser-agent: newsbeam\nDisallow: /1"
    file = RobotsFile(web.base(A), 200, text, now())
    known = replace(state_of(web, None, 0), robots=[file])
    answers = fetch(pages(web, A, 2), known=known, user_agent="deskbot/2 (+http://a.example)")
    assert error_of(answers[0]).error_type == "RobotsDenied"
    assert body(answers[1]) == b"page"


@pytest.mark.parametrize(
    "options",
    [
        {"host_delay_sec": -1},
        {"host_delays": ["a.example"]},
        {"host_delays": ["=1"]},
        {"host_delays": ["a.example=-1"]},
        {"host_delays": ["a.example=nan"]},
        {"max_pages_per_host": 0},
        {"max_host_sec": 0},
        {"max_wait_sec": -1},
        {"max_retry_after_sec": -1},
        {"robots": "some"},
    ],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    (name,) = options
    with pytest.raises(UsageError, match=f"--{name}"):
        PolitenessOptions(**options)  # type: ignore[arg-type]
