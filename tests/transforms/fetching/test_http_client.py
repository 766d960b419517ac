import gzip
import socket

import brotli
import pytest

from tests.support.web_server import WebReply, WebServer
from transforms.core.errors import ItemError, UsageError
from transforms.fetching.fetcher import Fetcher
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.options import FetchOptions, HttpOptions, PolitenessOptions
from transforms.fetching.private_address_guard import is_public


def fetch_all(urls: list[str], http: HttpOptions) -> list[Response | ItemError]:
    with Fetcher(FetchOptions(http, PolitenessOptions(host_delay_sec=0, robots="none"))) as fetcher:
        return fetcher.fetch(map(Request, urls))


def fetch(url: str, http: HttpOptions) -> Response | ItemError:
    (answer,) = fetch_all([url], http)
    return answer


def error_of(answer: Response | ItemError) -> str:
    assert isinstance(answer, ItemError), answer
    return answer.error_type


def test_answers_come_in_the_order_of_the_urls(web: WebServer, http: HttpOptions) -> None:
    web.replies["/slow"] = WebReply(pieces=[b"slow"], pause=0.2)
    web.replies["/quick"] = WebReply(b"quick", headers={"Content-Type": "Text/HTML; charset=x"})
    slow, missing, quick = fetch_all([f"{web.base}/{p}" for p in ("slow", "none", "quick")], http)
    assert isinstance(slow, Response) and slow.body == b"slow" and slow.media_type == ""
    assert isinstance(quick, Response) and quick.body == b"quick"
    assert quick.media_type == "text/html"
    assert isinstance(missing, ItemError) and (missing.error_type, missing.http_status) == (
        "Http404",
        404,
    )


def test_redirects_are_followed_hop_by_hop(web: WebServer, http: HttpOptions) -> None:
    web.replies["/a"] = WebReply(status=301, headers={"Location": "b"})
    web.replies["/b"] = WebReply(status=302, headers={"Location": f"{web.base}/c?q=ä"})
    web.replies["/c?q=%E4"] = WebReply(b"here")
    answer = fetch(f"{web.base}/a", http)
    assert isinstance(answer, Response)
    assert (answer.body, answer.url) == (b"here", f"{web.base}/c?q=%E4")


@pytest.mark.parametrize(
    ("location", "error"),
    [("/again", "TooManyRedirects"), ("ftp://example.org/", "BadRedirect")],
)
def test_bad_redirects(web: WebServer, http: HttpOptions, location: str, error: str) -> None:
    web.replies["/again"] = WebReply(status=302, headers={"Location": location})
    assert error_of(fetch(f"{web.base}/again", http)) == error
    assert len(web.requests) <= 6


def test_a_body_is_capped_after_decompression(web: WebServer) -> None:
    http = HttpOptions(max_fetch_bytes=50_000, allow_private_networks=["127.0.0.1/32"])
    bomb = gzip.compress(bytes(5_000_000))
    assert len(bomb) < 50_000
    web.replies["/bomb"] = WebReply(bomb, headers={"Content-Encoding": "gzip"})
    assert error_of(fetch(f"{web.base}/bomb", http)) == "TooLarge"
    double = gzip.compress(bomb)
    web.replies["/double"] = WebReply(double, headers={"Content-Encoding": "gzip"})
    assert error_of(fetch(f"{web.base}/double", http)) == "TooLarge"
    web.replies["/fits"] = WebReply(gzip.compress(bytes(50_000)), 200, {"Content-Encoding": "gzip"})
    assert isinstance(fetch(f"{web.base}/fits", http), Response)


def test_compressions_are_announced_and_undone(web: WebServer, http: HttpOptions) -> None:
    web.replies["/br"] = WebReply(brotli.compress(b"page"), headers={"Content-Encoding": "br"})
    web.replies["/lie"] = WebReply(b"page", headers={"Content-Encoding": "gzip, utf-8"})
    answers = fetch_all([f"{web.base}/br", f"{web.base}/lie"], http)
    assert [isinstance(answer, Response) and answer.body for answer in answers] == [b"page"] * 2
    assert {sent["accept-encoding"] for sent in web.headers} == {"gzip, deflate, br, zstd"}


@pytest.mark.parametrize(("status", "error"), [(404, "Http404"), (302, "")])
def test_the_coding_of_a_redirect_or_an_error_does_not_matter(
    web: WebServer, http: HttpOptions, status: int, error: str
) -> None:
    headers = {"Content-Encoding": "gzip", "Location": "/there"}
    web.replies["/here"] = WebReply(b"\x1f\x8b\x08\0damaged", status, headers)
    web.replies["/there"] = WebReply(b"page")
    answer = fetch(f"{web.base}/here", http)
    assert isinstance(answer, Response) if not error else error_of(answer) == error


def test_a_slow_body_times_out(web: WebServer) -> None:
    http = HttpOptions(fetch_timeout_sec=0.3, allow_private_networks=["127.0.0.1/32"])
    web.replies["/drip"] = WebReply(pieces=[b"."] * 100, pause=0.05)
    assert error_of(fetch(f"{web.base}/drip", http)) == "Timeout"


def test_a_server_error_is_tried_again_and_a_missing_page_is_not(
    web: WebServer, http: HttpOptions
) -> None:
    web.replies["/broken"] = WebReply(status=502)
    broken = fetch(f"{web.base}/broken", http)
    assert isinstance(broken, ItemError) and (broken.error_type, broken.attempts) == ("Http502", 2)
    missing = fetch(f"{web.base}/missing", http)
    assert isinstance(missing, ItemError) and missing.attempts == 1
    assert web.requests == ["/broken", "/broken", "/missing"]


def test_a_refused_connection_is_tried_again(http: HttpOptions) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = fetch(f"http://127.0.0.1:{taken.getsockname()[1]}/", http)
    assert isinstance(error, ItemError) and error.attempts == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "localhost", "[::1]"])
def test_no_request_reaches_a_private_address(web: WebServer, host: str) -> None:
    url = web.base.replace("127.0.0.1", host)
    assert error_of(fetch(url + "/secret", HttpOptions())) in (
        "PrivateAddress",
        "InvalidUrl",
    )
    assert web.requests == []


def test_a_redirect_to_a_private_address_is_refused(web: WebServer) -> None:
    http = HttpOptions(allow_private_networks=["127.0.0.1/32"])
    web.replies["/out"] = WebReply(status=302, headers={"Location": "http://127.0.0.2/secret"})
    assert error_of(fetch(f"{web.base}/out", http)) == "PrivateAddress"


PRIVATE = """
    0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 192.168.1.1 224.0.0.1
    255.255.255.255 :: ::1 fe80::1 fe80::1%eth0 fc00::1 fec0::1 ff02::1 ::ffff:127.0.0.1
    64:ff9b::7f00:1 2002:7f00:1::1
"""


@pytest.mark.parametrize("address", PRIVATE.split())
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


def test_requests_have_a_user_agent_and_no_cookies(web: WebServer, http: HttpOptions) -> None:
    web.replies["/set"] = WebReply(b"x", headers={"Set-Cookie": "a=b"})
    fetch_all([f"{web.base}/set", f"{web.base}/set"], http)
    fetch(f"{web.base}/set", http)
    assert all(h["user-agent"].startswith("newsbeam/") for h in web.headers)
    assert all("cookie" not in h for h in web.headers)


@pytest.mark.parametrize(
    "options",
    [
        {"fetch_timeout_sec": 0},
        {"max_fetch_bytes": 0},
        {"fetch_concurrency": 0},
        {"fetch_attempts": 0},
        {"allow_private_networks": ["home"]},
    ],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    (name,) = options
    with pytest.raises(UsageError, match=f"--{name}"):
        HttpOptions(**options)  # type: ignore[arg-type]
