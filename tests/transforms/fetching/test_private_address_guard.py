"""No spelling, redirect or name leads to an address that is not public."""

import errno
import ipaddress
import socket
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import unquote

import pytest

from transforms.core.errors import ItemError
from transforms.core.urls import UrlError, web_url
from transforms.fetching.fetcher import Fetcher
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.options import FetchOptions, HttpOptions, PolitenessOptions
from transforms.fetching.private_address_guard import PrivateAddress, guard_sockets, is_public

PUBLIC: Final = "93.184.216.34"
ALLOWED: Final = "127.0.0.77"
"""The one private address that some tests may reach; a server that redirects is there."""

HOSTS: Final = """
    127.0.0.1 127.1 127.0.1 127.255.255.254 2130706433 017700000001 0x7f000001 0x7F.1
    0177.0.0.1 0177.0.0.0x1 0x7f.0.0.1 0x7f.0x0.0x0.0x1 00000177.0.0.1 127.0.0.1. 127.1.
    0 0.0.0.0 0x0 00.0.0.0 localhost LOCALHOST localhost. any.localhost
    [::1] [0:0:0:0:0:0:0:1] [::0.0.0.1] [::] [0::0] [::ffff:127.0.0.1] [::ffff:7f00:1]
    [0:0:0:0:0:ffff:127.0.0.1] [::FFFF:0:0] [::127.0.0.1] [::7f00:1]
    [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1]
    [2002:7f00:1::] [2002:a00:1::1] [2001:0:7f00:1::1] [2001:0:4136:e378:8000:63bf:80ff:fffe]
    [fe80::1] [fe80::1%25lo] [fec0::1] [fc00::1] [fd00:ec2::254] [fd20:ce::254]
    [ff02::1] [ff05::1:3] [100::1] [200::1] [2001:db8::1] [3fff::1] [5f00::1]
    10.0.0.1 10.1 012.0.0.1 167772161 0xa.1 172.16.0.1 172.31.255.254 2886729729
    192.168.0.1 192.168.1 3232235777 0xc0a80101 0300.0250.1.1 [::ffff:192.168.1.1]
    169.254.169.254 2852039166 0xa9fea9fe 0xa9.0xfe.0xa9.0xfe 0251.0376.0251.0376
    025177524776 169.254.43518 169.16689662 [::ffff:169.254.169.254] [::ffff:a9fe:a9fe]
    169.254.170.2 100.64.0.1 100.100.100.200 168.63.129.16 192.0.0.1 192.0.0.192
    192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
    224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 4294967295 0xffffffff
"""

# A host, or a URL in full; {port} is that of the listener on loopback.
SPELLINGS: Final = [
    *HOSTS.split(),
    "１２７.0.0.1",
    "127．0．0．1",
    "127。0。0。1",
    "127｡0｡0｡1",
    "①②⑦.⓪.⓪.①",
    "⑫7.0.0.1",
    "𝟏𝟐𝟕.𝟎.𝟎.𝟏",
    "¹²⁷.0.0.1",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "ｌｏｃａｌｈｏｓｔ",
    "١٢٧.٠.٠.١",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "127.0.0.1%00.public.example",
    "127.0.0.1%20",
    "127.0.0.1%09",
    "[::ffff:127.0.0.1%25lo]",
    "[%3a%3a1]",
    "http://public.example@127.0.0.1:{port}/",
    "http://public.example:80@127.0.0.1:{port}/",
    "http://public.example%40127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@public.example/",
    "http://127.0.0.1:{port}?@public.example/",
    "http://127.0.0.1:{port}\\@public.example/",
    "http://public.example\\@127.0.0.1:{port}/",
    "http://public.example#@127.0.0.1:{port}/",
    "http://a@public.example@127.0.0.1:{port}/",
    "http://127.0.0.1\t:{port}/",
    "http://127.0.0.1 :{port}/",
    "HTTP://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "https://localhost:{port}/",
    "https://[::1]:{port}/",
]

# As links of a page of the same scheme, these lead to that page's host.
HOSTLESS: Final = [
    "http:127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}\\",
]

SCHEMES: Final = [
    "file:///etc/hostname",
    "FILE://localhost/etc/hostname",
    "ftp://127.0.0.1:{port}/x",
    "gopher://127.0.0.1:{port}/_GET%20/",
    "data:text/html,<p>x</p>",
    "javascript:alert(1)",
    "ws://127.0.0.1:{port}/",
    "dict://127.0.0.1:{port}/x",
    "unix:/run/docker.sock",
    "view-source:http://127.0.0.1:{port}/",
]

# Every range that is not of the public internet; in IPv6 that is all but a part of 2000::/3.
RANGES: Final = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32
    169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24
    192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24
    224.0.0.0/4 240.0.0.0/4
    ::/3 2001::/23 2001:db8::/32 2002::/16 3fff::/20 4000::/2 8000::/1
    ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 5f00::/16
    fc00::/7 fe80::/10 fec0::/10 ff00::/8
"""
PRIVATE: Final = tuple(map(ipaddress.ip_network, RANGES.split()))


@dataclass
class Wire:
    """A record of connections, and the name server of a test. It sends nothing beyond loopback.

    ``names`` has the addresses of each name at its first look-up, at its second, and so on.
    """

    names: dict[str, list[list[str]]] = field(default_factory=dict)
    connected: list[str] = field(default_factory=list)

    def addresses(self, host: str) -> list[str]:
        """Return the addresses of a host on the platform that accepts the most spellings."""
        if host in self.names:
            answers = self.names[host]
            return answers.pop(0) if len(answers) > 1 else answers[0]
        plain = unicodedata.normalize("NFKC", unquote(host)).partition("\0")[0]
        plain = "".join(str(unicodedata.digit(c, c)) for c in plain).strip("[] \t.").lower()
        return ["::1", "127.0.0.1"] if plain.split(".")[-1] == "localhost" else [plain]


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Replace the network in every test."""
    found, look_up, connect = Wire(), socket.getaddrinfo, socket.socket.connect

    def known(host: str, port: int, family: int, kind: int, protocol: int, _flags: int) -> Any:
        numeric = (family, kind, protocol, socket.AI_NUMERICHOST)  # no question to a name server
        return [info for a in found.addresses(host) for info in look_up(a, port, *numeric)]

    def local(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            found.connected.append(address[0])
            ip = ipaddress.ip_address(address[0].partition("%")[0])
            ip = getattr(ip, "ipv4_mapped", None) or ip
            if not (ip.is_loopback or ip.is_unspecified):
                raise ConnectionRefusedError(errno.ECONNREFUSED, f"{ip} is not on loopback")
        connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", known)
    monkeypatch.setattr(socket.socket, "connect", local)
    return found


class Listener:
    """A port on 127.0.0.1 and ::1 that accepts connections and never responds."""

    def __init__(self) -> None:
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self.port: int = self._sockets[0].getsockname()[1]
        try:
            self._sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        except OSError:
            self.has_ipv6 = False  # the machine has none, so nothing can connect there either
        else:
            self.has_ipv6 = True
        for listening in self._sockets:
            listening.setblocking(False)

    def connections(self) -> int:
        """Return the number of connections since the last call."""
        count = 0
        for listening in self._sockets:
            while True:
                try:
                    listening.accept()[0].close()
                except BlockingIOError:
                    break
                count += 1
        return count

    def close(self) -> None:
        for listening in self._sockets:
            listening.close()


class Redirector:
    """A server on ALLOWED that redirects to ``target`` if it is set. It has no robots.txt."""

    def __init__(self, port: int) -> None:
        self.target = ""
        self._server = ThreadingHTTPServer((ALLOWED, port), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://{ALLOWED}:{port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        redirector = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                target = redirector.target
                self.send_response(404 if self.path == "/robots.txt" else 302 if target else 200)
                self.send_header("Location", target.encode().decode("latin-1"))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        return Handler


@pytest.fixture(scope="module")
def listening() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def redirecting(listening: Listener) -> Iterator[Redirector]:
    server = Redirector(listening.port)
    yield server
    server.close()


@pytest.fixture
def listener(listening: Listener) -> Listener:
    listening.connections()
    return listening


@pytest.fixture
def redirector(redirecting: Redirector) -> Redirector:
    redirecting.target = ""
    return redirecting


ONLY_ALLOWED: Final = HttpOptions(allow_private_networks=[f"{ALLOWED}/32"])


def fetch_all(urls: list[str], http: HttpOptions, robots: str) -> list[Response | ItemError]:
    with Fetcher(FetchOptions(http, PolitenessOptions(host_delay_sec=0, robots=robots))) as fetcher:
        return fetcher.fetch(map(Request, urls))


def fetch(url: str, http: HttpOptions, robots: str = "none") -> Response | ItemError:
    (answer,) = fetch_all([url], http, robots)
    return answer


def is_refused(answer: Response | ItemError) -> bool:
    """Return whether no request was sent, because of the address or for lack of a host."""
    if not isinstance(answer, ItemError):
        return False
    kinds = ("PrivateAddress", "InvalidUrl", "BadRedirect", "ClientConnectorDNSError")
    reasons = ("is a private address", "Invalid IPv6 URL", "does not appear to be an IPv4 or IPv6")
    return answer.error_type in kinds or any(reason in answer.message for reason in reasons)


def spelled(spelling: str, port: int) -> str:
    url = spelling if "{port}" in spelling else f"http://{spelling}:{{port}}/"
    return url.replace("{port}", str(port))


both_robots = pytest.mark.parametrize("robots", ["none", "all"])


@both_robots
@pytest.mark.parametrize("spelling", [*SPELLINGS, *HOSTLESS])
def test_no_spelling_leads_to_a_private_address(
    wire: Wire, listener: Listener, spelling: str, robots: str
) -> None:
    answer = fetch(spelled(spelling, listener.port), HttpOptions(), robots)
    assert is_refused(answer), answer
    assert (wire.connected, listener.connections()) == ([], 0)


@both_robots
@pytest.mark.parametrize("spelling", [*SPELLINGS, "//127.0.0.1:{port}/", "//[::1]:{port}/"])
def test_no_redirect_leads_to_a_private_address(
    wire: Wire, listener: Listener, redirector: Redirector, spelling: str, robots: str
) -> None:
    redirector.target = spelled(spelling, listener.port)
    answer = fetch(redirector.url, ONLY_ALLOWED, robots)
    assert is_refused(answer), answer
    assert (set(wire.connected), listener.connections()) == ({ALLOWED}, 0)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "１２７.0.0.1"]
)
def test_the_listener_sees_what_is_permitted(wire: Wire, listener: Listener, host: str) -> None:
    if host == "[::1]" and not listener.has_ipv6:
        pytest.skip("no IPv6 on this machine")
    http = HttpOptions(fetch_timeout_sec=0.3, allow_private_networks=[])
    answer = fetch(f"http://{host}:{listener.port}/", http)
    assert isinstance(answer, ItemError) and answer.error_type == "Timeout"
    assert wire.connected and listener.connections() >= 1


@pytest.mark.parametrize("host", ["10.1.2.3", "169.254.169.254", "[fd00:ec2::254]", PUBLIC])
def test_the_wire_sees_what_is_permitted_beyond_loopback(wire: Wire, host: str) -> None:
    assert not is_refused(fetch(f"http://{host}/", HttpOptions(allow_private_networks=[])))
    assert set(wire.connected) == {host.strip("[]")}


def edges(network: Any) -> list[str]:
    return [str(network[0]), str(network[-1])]


ADDRESSES: Final = sorted({a for n in PRIVATE for a in edges(n)} | {"::ffff:127.0.0.1", "::1"})


@both_robots
def test_no_name_that_turns_private_is_followed(
    wire: Wire, listener: Listener, robots: str
) -> None:
    wire.names = {f"n{i}.example": [[PUBLIC], [a]] for i, a in enumerate(ADDRESSES)}
    urls = [f"http://{name}:{listener.port}/" for name in wire.names]
    answers = fetch_all(urls, HttpOptions(), robots)
    kinds = {
        a: getattr(answer, "error_type", "") for a, answer in zip(ADDRESSES, answers, strict=True)
    }
    assert kinds == dict.fromkeys(ADDRESSES, "PrivateAddress")
    assert (wire.connected, listener.connections()) == ([PUBLIC] * len(ADDRESSES), 0)


@both_robots
@pytest.mark.parametrize("public_first", [True, False])
def test_no_name_that_is_public_and_private_leads_to_what_is_private(
    wire: Wire, listener: Listener, robots: str, public_first: bool
) -> None:
    for number, address in enumerate(ADDRESSES):
        pair = [PUBLIC, address] if public_first else [address, PUBLIC]
        wire.names[f"n{number}.example"] = [pair]
    urls = [f"http://{name}:{listener.port}/" for name in wire.names]
    answers = fetch_all(urls, HttpOptions(), robots)
    kinds = {answer.error_type for answer in answers if isinstance(answer, ItemError)}
    assert len(answers) == len(ADDRESSES) and kinds <= {"PrivateAddress", "ClientConnectorError"}
    assert (set(wire.connected), listener.connections()) == ({PUBLIC}, 0)


@pytest.mark.usefixtures("redirector")
def test_a_name_is_looked_up_and_judged_anew_at_each_request(
    wire: Wire, listener: Listener
) -> None:
    wire.names["turns.example"] = [[ALLOWED], ["127.0.0.1"]]
    answer = fetch(f"http://turns.example:{listener.port}/", ONLY_ALLOWED, "all")
    assert isinstance(answer, ItemError) and answer.error_type == "PrivateAddress"
    assert (wire.connected, listener.connections()) == ([ALLOWED], 0)


@pytest.mark.usefixtures("redirector")
def test_of_several_addresses_of_a_name_only_those_permitted_are_reached(
    wire: Wire, listener: Listener
) -> None:
    wire.names["both.example"] = [["127.0.0.1", ALLOWED, "::1"]]
    answer = fetch(f"http://both.example:{listener.port}/", ONLY_ALLOWED, "all")
    assert isinstance(answer, Response) and answer.status == 200
    assert (set(wire.connected), listener.connections()) == ({ALLOWED}, 0)


@both_robots
@pytest.mark.parametrize("url", SCHEMES)
def test_no_other_scheme_is_asked(
    wire: Wire, listener: Listener, redirector: Redirector, url: str, robots: str
) -> None:
    url = url.replace("{port}", str(listener.port))
    assert isinstance(fetch(url, HttpOptions(), robots), ItemError)
    assert wire.connected == []
    with pytest.raises(UrlError, match="not a web address"):
        web_url(url)
    redirector.target = url
    answer = fetch(redirector.url, ONLY_ALLOWED, robots)
    assert isinstance(answer, ItemError) and answer.error_type == "BadRedirect"
    assert (set(wire.connected), listener.connections()) == ({ALLOWED}, 0)


@pytest.mark.usefixtures("redirector")
def test_proxies_of_the_environment_are_ignored(
    wire: Wire, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        for spelling in (name, name.lower()):
            monkeypatch.setenv(spelling, f"http://127.0.0.1:{listener.port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    wire.names = {"here.example": [[ALLOWED]], "there.example": [[PUBLIC]]}
    http = HttpOptions(fetch_timeout_sec=1.0, allow_private_networks=["127.0.0.0/8"])
    here = fetch(f"http://here.example:{listener.port}/", http)
    assert isinstance(here, Response)
    for scheme in ("http", "https"):
        assert isinstance(fetch(f"{scheme}://there.example/", http), ItemError)
    assert (set(wire.connected), listener.connections()) == ({ALLOWED, PUBLIC}, 0)


@pytest.mark.parametrize("network", PRIVATE, ids=str)
def test_ranges_end_where_they_should(network: Any) -> None:
    first, last = network[0], network[-1]
    assert not is_public(str(first)) and not is_public(str(last))
    if network.version == 4:
        assert not is_public(f"::ffff:{first}") and not is_public(f"::ffff:{last}")
    beside = [first - 1] if int(first) else []
    beside += [last + 1] if int(last) + 1 < 1 << network.max_prefixlen else []
    for ip in beside:
        listed = any(ip in other for other in PRIVATE if other.version == ip.version)
        assert is_public(str(ip)) is not listed, ip


@pytest.mark.parametrize(
    "address",
    [PUBLIC, f"::ffff:{PUBLIC}", "1.1.1.1", "192.0.1.0", "2000::", "2606:4700::1111", "3ffe::1"],
)
def test_what_lies_between_is_public(address: str) -> None:
    assert is_public(address)


def test_the_guard_judges_the_very_address() -> None:
    make = guard_sockets((ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fe80::/10")))

    def info(address: str) -> Any:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 80))

    for address in ("10.255.255.255", PUBLIC, "11.0.0.0", "2606:4700::1111"):
        make(info(address)).close()
    for address in ("::ffff:10.0.0.1", "::1", "fec0::1%lo", "192.168.0.1"):
        with pytest.raises(PrivateAddress, match=f"^{address} is a private address"):
            make(info(address))
