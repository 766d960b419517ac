"""The options of requests: the limits of one request, and the politeness towards hosts."""

import argparse
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from transforms.core.options import flag, from_flags, require
from transforms.core.version import PRODUCT, VERSION
from transforms.fetching.private_address_guard import Network
from transforms.fetching.retry_after import FIRST_PAUSE_SECONDS

MAX_UNREAD_BYTES: Final = 1 << 24
"""The default limit for the bytes of responses that wait for their consumer."""

_EVERY_NETWORK: Final = ("0.0.0.0/0", "::/0")
_ROBOTS: Final = ("all", "pages", "none")


@dataclass(frozen=True)
class HttpOptions:
    """The limits of one request, and how the program presents itself."""

    user_agent: str | None = flag(
        "the whole User-Agent header (default: newsbeam, its version and the contact)", default=None
    )
    contact: str | None = flag(
        "your mail or web address, sent with every request so that a site can contact you",
        default=None,
        metavar="ADDRESS",
    )
    fetch_timeout_sec: float = flag(
        "maximum seconds of one request in total", default=30.0, type=float, metavar="SECONDS"
    )
    connect_timeout_sec: float = flag(
        "maximum seconds to look up a server and connect to it",
        default=10.0,
        type=float,
        metavar="SECONDS",
    )
    max_fetch_bytes: int = flag(
        "maximum bytes of one response, both as sent and after decompression",
        default=10_000_000,
        type=int,
        metavar="BYTES",
    )
    fetch_concurrency: int = flag("maximum concurrent requests", default=64, type=int, metavar="N")
    fetch_attempts: int = flag(
        "maximum attempts at a request that fails temporarily (no connection, 429, 5xx)",
        default=2,
        type=int,
        metavar="N",
    )
    allow_private_networks: Sequence[str] | None = flag(
        "allow requests to private addresses: those in these networks, or all if none is named",
        default=None,
        nargs="*",
        metavar="NETWORK",
    )

    def __post_init__(self) -> None:
        require(self.fetch_timeout_sec > 0, "--fetch_timeout_sec must be above 0")
        require(self.connect_timeout_sec > 0, "--connect_timeout_sec must be above 0")
        require(self.max_fetch_bytes > 0, "--max_fetch_bytes must be above 0")
        require(self.fetch_concurrency > 0, "--fetch_concurrency must be above 0")
        require(self.fetch_attempts > 0, "--fetch_attempts must be above 0")
        for name, text in (("user_agent", self.user_agent), ("contact", self.contact)):
            message = f"--{name} must be printable ASCII"
            require(not text or (text.isprintable() and text.isascii()), message)
        for network in self.allow_private_networks or ():
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                require(False, f"--allow_private_networks: {error}")

    def allowed_networks(self) -> tuple[Network, ...]:
        """Return the networks that requests may reach besides the public internet."""
        if self.allow_private_networks is None:
            return ()
        return tuple(map(ipaddress.ip_network, self.allow_private_networks or _EVERY_NETWORK))

    def agent(self) -> str:
        """Return the User-Agent header.

        >>> HttpOptions(contact="desk@example.org").agent()
        'newsbeam/0.1.0 (feed reader; desk@example.org)'
        """
        about = f"feed reader; {self.contact}" if self.contact else "feed reader"
        return self.user_agent or f"{PRODUCT}/{VERSION} ({about})"


@dataclass(frozen=True)
class PolitenessOptions:
    """The delays and limits per host, and what robots.txt applies to."""

    host_delay_sec: float = flag(
        "seconds between requests to one host", default=1.0, type=float, metavar="SECONDS"
    )
    host_delays: Sequence[str] = flag(
        "other delays for some hosts, such as example.org=5 127.0.0.1=0",
        default=(),
        nargs="*",
        metavar="HOST=SECONDS",
    )
    max_pages_per_host: int = flag(
        "maximum pages per host and run; the next run fetches the rest",
        default=2000,
        type=int,
        metavar="N",
    )
    max_host_sec: float = flag(
        "maximum seconds per host and run; the next run fetches the rest",
        default=1800.0,
        type=float,
        metavar="SECONDS",
    )
    max_wait_sec: float = flag(
        "longest pause that a run makes because a host asks for it (Retry-After, Crawl-delay); "
        "after a longer one, a later run fetches the rest",
        default=60.0,
        type=float,
        metavar="SECONDS",
    )
    max_retry_after_sec: float = flag(
        "longest time without requests to a host or feed because it asks for it",
        default=86_400.0,
        type=float,
        metavar="SECONDS",
    )
    robots: str = flag(
        "the requests that obey robots.txt: all, those for pages but not feeds, or none",
        default="all",
        choices=_ROBOTS,
    )

    def __post_init__(self) -> None:
        require(self.host_delay_sec >= 0, "--host_delay_sec must not be below 0")
        require(self.max_pages_per_host > 0, "--max_pages_per_host must be above 0")
        require(self.max_host_sec > 0, "--max_host_sec must be above 0")
        require(self.max_wait_sec >= 0, "--max_wait_sec must not be below 0")
        require(self.max_retry_after_sec >= 0, "--max_retry_after_sec must not be below 0")
        require(self.robots in _ROBOTS, f"--robots must be one of {', '.join(_ROBOTS)}")
        self.delays()

    def delays(self) -> dict[str, float]:
        """Return the hosts of ``--host_delays`` with their delays in seconds.

        Raises:
            UsageError: if one is not of the form HOST=SECONDS.
        """
        delays = {}
        for item in self.host_delays:
            host, _, seconds = item.rpartition("=")
            try:
                delays[host.lower()] = float(seconds)
            except ValueError:
                host = ""
            message = f"--host_delays: {item!r} is not HOST=SECONDS"
            require(bool(host) and delays[host.lower()] >= 0, message)
        return delays


@dataclass(frozen=True)
class FetchOptions:
    """The options of requests.

    Attributes:
        http: the client's options.
        politeness: the delays and limits per host, and the use of robots.txt.
        first_pause_sec: the first pause, in seconds, after a rate limit without a Retry-After.
        max_unread_bytes: no request starts while responses of this many bytes wait for their
            consumer.
        budget_sec: the seconds after which the limits of pages and time per host start anew. None
            means that they hold for the whole run; a streaming job has no end, so it needs a value.
    """

    http: HttpOptions
    politeness: PolitenessOptions
    budget_sec: float | None = None
    first_pause_sec: float = FIRST_PAUSE_SECONDS
    max_unread_bytes: int = MAX_UNREAD_BYTES


def fetch_options(args: argparse.Namespace) -> FetchOptions:
    """Return the fetch options from the parsed flags.

    Raises:
        UsageError: a value is out of range.
    """
    return FetchOptions(from_flags(HttpOptions, args), from_flags(PolitenessOptions, args))
