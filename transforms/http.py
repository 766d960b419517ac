"""Bounded HTTP: deadlines, byte caps, few redirects, no private addresses.

The address is judged on the socket that is about to connect, so neither a name that resolves
to a private address nor an IP literal in an odd spelling gets through.
"""

import asyncio
import ipaddress
import socket
import string
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from transforms.options import flag, require
from transforms.stage import Lost
from transforms.urls import UrlError, web_url

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Ranges that ipaddress calls global although they lead elsewhere: NAT64, 6to4, site-local.
_DISGUISED: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "2002::/16", "fec0::/10")))
_EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
_RETRIED_STATUS: Final = frozenset({500, 502, 504})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class HttpOptions:
    """How the web is asked."""

    user_agent: str = flag(
        "User-Agent header; say who you are and how to reach you",
        default="newsbeam/0.1 (feed reader)",
    )
    fetch_timeout_sec: float = flag(
        "seconds that one request may take in all", default=30.0, type=float, metavar="SECONDS"
    )
    max_fetch_bytes: int = flag(
        "most bytes of one response, after decompression",
        default=10_000_000,
        type=int,
        metavar="BYTES",
    )
    fetch_concurrency: int = flag("requests at a time", default=16, type=int, metavar="N")
    fetch_attempts: int = flag(
        "tries for a request that fails to connect or answers 500, 502 or 504",
        default=2,
        type=int,
        metavar="N",
    )
    allow_private_networks: Sequence[str] | None = flag(
        "let requests reach private addresses: those of the networks named, or all",
        default=None,
        nargs="*",
        metavar="NETWORK",
    )

    def __post_init__(self) -> None:
        require(self.fetch_timeout_sec > 0, "--fetch_timeout_sec must be above 0")
        require(self.max_fetch_bytes > 0, "--max_fetch_bytes must be above 0")
        require(self.fetch_concurrency > 0, "--fetch_concurrency must be above 0")
        require(self.fetch_attempts > 0, "--fetch_attempts must be above 0")
        for network in self.allow_private_networks or ():
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                require(False, f"--allow_private_networks: {error}")

    def allowed_networks(self) -> tuple[Network, ...]:
        """The private networks that may be reached."""
        if self.allow_private_networks is None:
            return ()
        return tuple(map(ipaddress.ip_network, self.allow_private_networks or _EVERYWHERE))


@dataclass(frozen=True)
class Response:
    """An answer in full."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty if not stated."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet.

    >>> [is_public(a) for a in ("93.184.216.34", "127.0.0.1", "::ffff:10.0.0.1", "2002:7f00::1")]
    [True, False, False, False]
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    disguised = any(ip in network for network in _DISGUISED if network.version == ip.version)
    return ip.is_global and not ip.is_multicast and not disguised


def fetch_all(urls: Sequence[str], options: HttpOptions) -> list[Response | Lost]:
    """Fetch URLs side by side; answers in the order of the URLs, failures in their place."""
    return asyncio.run(_fetch_all(urls, options))


async def _fetch_all(urls: Sequence[str], options: HttpOptions) -> list[Response | Lost]:
    connector = aiohttp.TCPConnector(
        limit=options.fetch_concurrency,
        socket_factory=_guard(options.allowed_networks()),
        use_dns_cache=False,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        headers={"User-Agent": options.user_agent},
        timeout=aiohttp.ClientTimeout(total=options.fetch_timeout_sec),
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        return await asyncio.gather(*(_fetch(session, url, options) for url in urls))


def _guard(allowed: tuple[Network, ...]) -> Any:
    def make_socket(info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        ip = ipaddress.ip_address(address[0].partition("%")[0])
        within = any(ip in network for network in allowed if network.version == ip.version)
        if not within and not is_public(address[0]):
            raise PrivateAddress(address[0])
        return socket.socket(family=family, type=kind, proto=protocol)

    return make_socket


class PrivateAddress(OSError):
    """A request would have reached an address that is not public."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is a private address; --allow_private_networks permits it")


async def _fetch(session: aiohttp.ClientSession, url: str, options: HttpOptions) -> Response | Lost:
    for attempt in range(1, options.fetch_attempts + 1):
        last = attempt == options.fetch_attempts
        try:
            response = await _follow(session, url, options)
        except Lost as lost:
            return lost
        except PrivateAddress as error:
            return Lost("PrivateAddress", str(error))
        except asyncio.TimeoutError:
            message = f"no full answer within {options.fetch_timeout_sec:g} seconds"
            return Lost("Timeout", message, attempts=attempt)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            private = _cause(error, PrivateAddress)
            if private is not None:
                return Lost("PrivateAddress", str(private))
            if last:
                message = str(error) or type(error).__name__
                return Lost(type(error).__name__, message, attempts=attempt)
        else:
            if response.status == 200:
                return response
            if last or response.status not in _RETRIED_STATUS:
                message = f"the server answered {response.status}"
                status = response.status
                return Lost(f"Http{status}", message, attempts=attempt, http_status=status)
        await asyncio.sleep(0.2 * attempt)
    raise AssertionError("the last attempt returns")


def _cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    while error is not None and not isinstance(error, kind):
        error = getattr(error, "os_error", None) or error.__cause__ or error.__context__
    return error


async def _follow(session: aiohttp.ClientSession, url: str, options: HttpOptions) -> Response:
    started = time.monotonic()
    for _ in range(6):
        async with session.get(url, allow_redirects=False) as answer:
            if answer.status in _REDIRECTS and "Location" in answer.headers:
                try:
                    url = web_url(_location(answer.headers["Location"]), url)
                except UrlError as error:
                    raise Lost("BadRedirect", str(error)) from error
                continue
            body = bytearray()
            async for chunk in answer.content.iter_chunked(1 << 16):
                body += chunk
                if len(body) > options.max_fetch_bytes:
                    message = f"more than {options.max_fetch_bytes} bytes"
                    raise Lost("TooLarge", message)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            seconds = time.monotonic() - started
            return Response(url, answer.status, headers, bytes(body), seconds)
    raise Lost("TooManyRedirects", "more than 5 redirects")


def _location(header: str) -> str:
    """A Location header as a link: bytes beyond ASCII stand for themselves."""
    return quote(header.encode("utf-8", "surrogateescape"), safe=string.punctuation)
