"""One slow lane a host: who may be asked, how often, and when again.

A lane lets one request at a time pass, keeps the delay between the end of one and the start of
the next, obeys robots.txt, and closes for as long as the host asks for.
"""

import asyncio
import datetime as dt
import email.utils
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from transforms.core.clock import now
from transforms.core.errors import ItemError
from transforms.core.options import flag, require
from transforms.core.urls import UrlError, web_url
from transforms.fetching.client import HttpClient, HttpOptions, Response, location
from transforms.fetching.robots import MAX_BYTES, Robots, robots_file
from transforms.state.records import HostState, RobotsFile

MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_FOR_GOOD: Final = frozenset({301, 308})
_SLOW_DOWN: Final = frozenset({429, 503})
_FAILED_FOR_NOW: Final = frozenset({500, 502, 504})
_STRANGER_403: Final = 3
"""So many 403 in a row, on a host that answered before, are taken for a rate limit."""
_MOST_UNREAD: Final = 1 << 24
"""When so many bytes of answers wait to be worked on, no request is begun."""

_FIRST_PAUSE: Final = 5.0
_FIRST_CLOSURE: Final = 900.0
_ROBOTS: Final = ("all", "pages", "none")


@dataclass(frozen=True)
class PolitenessOptions:
    """How hosts are treated."""

    host_delay_sec: float = flag(
        "seconds between requests to one host", default=1.0, type=float, metavar="SECONDS"
    )
    host_delays: Sequence[str] = flag(
        "other delays for hosts named, such as example.org=5 127.0.0.1=0",
        default=(),
        nargs="*",
        metavar="HOST=SECONDS",
    )
    max_pages_per_host: int = flag(
        "most pages of one host in a run; the rest wait for the next",
        default=2000,
        type=int,
        metavar="N",
    )
    max_host_sec: float = flag(
        "most seconds that a run spends on one host; what is left waits for the next",
        default=1800.0,
        type=float,
        metavar="SECONDS",
    )
    max_wait_sec: float = flag(
        "longest pause within a run that a host may ask for (Retry-After, Crawl-delay); "
        "what it asks beyond is kept by leaving it to a later run",
        default=60.0,
        type=float,
        metavar="SECONDS",
    )
    max_retry_after_sec: float = flag(
        "longest time for which a host or feed is left alone because it says so",
        default=86_400.0,
        type=float,
        metavar="SECONDS",
    )
    robots: str = flag(
        "what robots.txt is obeyed for: all requests, pages but not feeds, or none",
        default="all",
        choices=_ROBOTS,
    )

    def __post_init__(self) -> None:
        require(self.host_delay_sec >= 0, "--host_delay_sec must not be below 0")
        require(self.max_pages_per_host > 0, "--max_pages_per_host must be above 0")
        require(self.max_host_sec > 0, "--max_host_sec must be above 0")
        require(self.max_wait_sec >= 0, "--max_wait_sec must not be below 0")
        require(self.max_retry_after_sec >= 0, "--max_retry_after_sec must not be below 0")
        require(self.robots in _ROBOTS, f"--robots is one of {', '.join(_ROBOTS)}")
        self.delays()

    def delays(self) -> dict[str, float]:
        """The delay of every host that has one of its own.

        Raises:
            UsageError: one cannot be read.
        """
        found = {}
        for item in self.host_delays:
            host, _, seconds = item.rpartition("=")
            try:
                found[host.lower()] = float(seconds)
            except ValueError:
                host = ""
            message = f"--host_delays: {item!r} is not HOST=SECONDS"
            require(bool(host) and found[host.lower()] >= 0, message)
        return found


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask for. With validators, a 304 is an answer like 200.

    The validators are sent to ``validated_url`` alone, the address that they came from.
    """

    url: str
    is_page: bool = False
    etag: str | None = None
    last_modified: str | None = None
    validated_url: str | None = None

    def headers(self, url: str) -> dict[str, str]:
        """The headers of a request to an address on the way."""
        if url != self.validated_url:
            return {}
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value}


def host_of(url: str) -> str:
    """The host whose lane an address belongs to, with its port if that is unusual.

    >>> host_of("https://A.example:443/x"), host_of("http://a.example:8080/")
    ('a.example', 'a.example:8080')
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    return host if parts.port in (None, 80, 443) else f"{host}:{parts.port}"


def retry_after(headers: Mapping[str, str], at: dt.datetime) -> float | None:
    """Seconds that a Retry-After header asks to wait from a time on; None if it asks for none.

    >>> at = dt.datetime(2026, 11, 20, 12, tzinfo=dt.timezone.utc)
    >>> retry_after({"retry-after": "Fri, 20 Nov 2026 12:02:00 GMT"}, at)
    120.0
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        time_of = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    aware = time_of if time_of.tzinfo else time_of.replace(tzinfo=dt.timezone.utc)
    return max(0.0, (aware - at).total_seconds())


def origin_of(url: str) -> str:
    """The origin of an address, whose robots.txt speaks for it.

    >>> origin_of("http://user@A.example:80/x"), origin_of("https://a.example:80/x")
    ('http://a.example', 'https://a.example:80')
    """
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2].lower()
    port = {"http": ":80", "https": ":443"}[parts.scheme]
    return f"{parts.scheme}://{netloc.removesuffix(port)}"


class HostQueue:
    """The way to one host. ``spent`` are the seconds for which it was asked or waited for."""

    def __init__(self, host: str, delay: float, state: HostState | None, agent: str) -> None:
        self.host = host
        self.delay = delay
        self.lock = asyncio.Lock()
        self.robots_lock = asyncio.Lock()
        self.robots: dict[str, Robots] = {}
        self.free_at = 0.0
        self.closed_until = state.closed_until if state else None
        self.reason = state.reason if state else ""
        self.closures = state.closures if state else 0
        self.since = time.monotonic()
        self.spent = 0.0
        self.pages = 0
        self.answered = False
        self.forbidden = 0
        self.changed = False
        self.no_robots: dict[str, ItemError] = {}
        for file in state.robots if state else ():
            self.robots[file.origin] = Robots(file, agent)

    def state(self) -> HostState:
        """What is to be remembered of the host."""
        files = [robots.file for robots in self.robots.values()]
        return HostState(
            self.host, now(), self.closed_until, self.reason, self.closures, robots=files
        )


class PoliteClient:
    """All lanes of a process, and the requests over them. Belongs to one event loop."""

    def __init__(
        self,
        client: HttpClient,
        http: HttpOptions,
        options: PolitenessOptions,
        agent: str,
        share_sec: float | None = None,
    ) -> None:
        self._share_sec = share_sec
        self._client = client
        self._http = http
        self._options = options
        self._agent = agent
        self._delays = options.delays()
        self._lanes: dict[str, HostQueue] = {}
        self._known: Mapping[str, HostState] = {}
        self._requests = asyncio.Semaphore(http.fetch_concurrency)
        self._unread = 0
        self._may_ask = asyncio.Event()
        self._may_ask.set()
        self._random = random.Random()

    def unread(self, more: int) -> None:
        """Count bytes of answers that nobody has taken yet, so that memory stays bounded."""
        self._unread += more
        (self._may_ask.set if self._unread < _MOST_UNREAD else self._may_ask.clear)()

    def remember(self, known: Mapping[str, HostState]) -> None:
        """Start from what earlier runs learnt."""
        self._known = known

    def recall(self, state: HostState) -> None:
        """Add what was learnt of a host that is not asked yet."""
        before = self._known.get(state.host)
        if state.host not in self._lanes and (before is None or before.at < state.at):
            self._known = {**self._known, state.host: state}

    def changes(self, host: str | None = None) -> list[HostState]:
        """What was learnt of hosts, or of one, since the last call."""
        of = self._lanes.values()
        changed = [lane for lane in of if lane.changed and host in (None, lane.host)]
        for lane in changed:
            lane.changed = False
        return [lane.state() for lane in changed]

    def lane(self, url: str) -> HostQueue:
        """The lane of an address."""
        host = host_of(url)
        if host not in self._lanes:
            name = urlsplit(url).hostname or ""
            delay = self._delays.get(host, self._delays.get(name, self._options.host_delay_sec))
            self._lanes[host] = HostQueue(host, delay, self._known.get(host), self._agent)
        lane = self._lanes[host]
        if self._share_sec and time.monotonic() - lane.since >= self._share_sec:
            lane.since, lane.spent, lane.pages = time.monotonic(), 0.0, 0
        return lane

    async def fetch(self, request: Request) -> Response:
        """The answer to a request, redirects followed: 200, or 304 where validators were sent.

        Raises:
            ItemError: there is none.
        """
        lane = self.lane(request.url)
        if request.is_page:
            if lane.pages >= self._options.max_pages_per_host:
                message = f"{lane.host} has had its {lane.pages} pages of this run"
                raise ItemError("HostLimit", message, attempts=0, temporary=True)
            lane.pages += 1
        obeys = self._options.robots == "all" or (
            request.is_page and self._options.robots == "pages"
        )
        answer = await self._follow(request, obeys=obeys)
        if answer.status == 200 or (answer.status == 304 and request.headers(answer.url)):
            return answer
        status = answer.status
        raise ItemError(
            f"Http{status}",
            f"the server answered {status}",
            attempts=self._http.fetch_attempts if status in _FAILED_FOR_NOW | _SLOW_DOWN else 1,
            http_status=status,
            temporary=status in _FAILED_FOR_NOW | _SLOW_DOWN | {408, 425},
        )

    async def _follow(self, request: Request, *, obeys: bool, first_bytes: int = 0) -> Response:
        url, seconds, for_good, moved_to = request.url, 0.0, True, None
        for _ in range(MAX_REDIRECTS + 1):
            if obeys:
                await self._check_robots(url)
            answer = await self._ask(url, request.headers(url), first_bytes)
            seconds += answer.seconds
            target = location(answer.headers) if answer.status in _REDIRECTS else None
            if target is None:
                return Response(url, answer.status, answer.headers, answer.body, seconds, moved_to)
            for_good = for_good and answer.status in _FOR_GOOD
            try:
                url = web_url(target, url)
            except UrlError as error:
                raise ItemError("BadRedirect", str(error)) from error
            moved_to = url if for_good else moved_to
        raise ItemError("TooManyRedirects", f"more than {MAX_REDIRECTS} redirects")

    async def _check_robots(self, url: str) -> None:
        lane, origin = self.lane(url), origin_of(url)
        async with lane.robots_lock:
            robots = lane.robots.get(origin)
            if robots is None or not robots.is_fresh(now()):
                robots = lane.robots[origin] = await self._read_robots(lane, origin, robots)
                lane.changed = True
        if robots.crawl_delay > lane.delay:
            # The request before, which may have been for robots.txt, knew nothing of it. A delay
            # that is beyond one run leaves this request, as robots.txt alone is not worth a run.
            wait = min(robots.crawl_delay, self._options.max_wait_sec)
            lane.free_at += max(0.0, wait - lane.delay)
            lane.delay = robots.crawl_delay
        if robots.is_unreachable:
            raise self._no_robots(lane, origin, robots)
        if not robots.allows(url):
            raise ItemError(
                "RobotsDenied", f"robots.txt of {lane.host} does not allow this address"
            )

    @staticmethod
    def _no_robots(lane: HostQueue, origin: str, robots: Robots) -> ItemError:
        """Why nothing may be asked for now, and when robots.txt itself is asked for again."""
        why = lane.no_robots.get(origin) or ItemError(
            "RobotsUnreachable", "it failed lately", attempts=0
        )
        return ItemError(
            "RobotsUnreachable" if why.http_status else why.error_type,
            f"robots.txt of {lane.host} cannot be read for now: {why.message}",
            attempts=why.attempts,
            temporary=True,
            not_before=max(robots.fresh_until, lane.closed_until or robots.fresh_until),
        )

    async def _read_robots(self, lane: HostQueue, origin: str, before: Robots | None) -> Robots:
        try:
            request = Request(f"{origin}/robots.txt")
            answer: Response | ItemError = await self._follow(
                request, obeys=False, first_bytes=MAX_BYTES
            )
        except ItemError as lost:
            if lost.error_type in ("HostClosed", "HostLimit", "PrivateAddress", "InvalidUrl"):
                raise
            answer = lost
        if isinstance(answer, ItemError):
            lane.no_robots[origin] = answer
        elif answer.status >= 500 or answer.status == 429:
            message = f"the server answered {answer.status}"
            lane.no_robots[origin] = ItemError("x", message, http_status=answer.status)
        robots = Robots(robots_file(origin, answer, now()), self._agent)
        if robots.is_unreachable and before is not None and not before.is_unreachable:
            # What it said last holds on while it says nothing.
            file = RobotsFile(origin, before.file.status, before.file.text, now())
            robots = Robots(file, self._agent)
        return robots

    async def _ask(self, url: str, headers: Mapping[str, str], first_bytes: int) -> Response:
        """One hop, tried again where that may help, within the lane of its host."""
        lane = self.lane(url)
        for attempt in range(1, self._http.fetch_attempts + 1):
            last = attempt == self._http.fetch_attempts
            async with lane.lock:
                await self._wait(lane)
                try:
                    answer = await self._get(lane, url, headers, first_bytes)
                except ItemError as lost:
                    lost.attempts = attempt
                    if last or not lost.temporary or lost.error_type == "Timeout":
                        raise
                    answer = None
                if answer is None or answer.status in _FAILED_FOR_NOW:
                    lane.free_at += 0.2 * attempt * self._random.uniform(1, 2)
                    if answer is not None and last:
                        return answer
                    continue
                if not self._asked_to_slow_down(lane, answer):
                    return answer
                self._slow_down(lane, answer, attempt, last=last)
        return answer  # type: ignore[return-value]  # the last attempt returned or raised

    async def _get(
        self, lane: HostQueue, url: str, headers: Mapping[str, str], first_bytes: int
    ) -> Response:
        async with self._requests:
            await self._may_ask.wait()
            started = time.monotonic()
            try:
                return await self._client.get(url, headers, first_bytes=first_bytes)
            finally:
                ended = time.monotonic()
                lane.spent += ended - started
                lane.free_at = ended + lane.delay

    async def _wait(self, lane: HostQueue) -> None:
        """Until the lane is free.

        Raises:
            ItemError: it will not be for long, or has had its time.
        """
        if lane.closed_until is not None and lane.closed_until > now():
            until = f"{lane.closed_until:%Y-%m-%d %H:%M:%S} UTC"
            message = f"{lane.host} is left alone until {until}: {lane.reason}"
            raise ItemError(
                "HostClosed", message, attempts=0, temporary=True, not_before=lane.closed_until
            )
        if lane.spent > self._options.max_host_sec:
            message = f"{lane.host} has had its {self._options.max_host_sec:g} seconds of this run"
            raise ItemError("HostLimit", message, attempts=0, temporary=True)
        pause = lane.free_at - time.monotonic()
        if pause > self._options.max_wait_sec:
            message = f"{lane.host} wants {lane.delay:g} seconds between requests"
            raise ItemError("HostLimit", message, attempts=0, temporary=True)
        if pause > 0:
            lane.spent += pause
            await asyncio.sleep(pause)

    @staticmethod
    def _asked_to_slow_down(lane: HostQueue, answer: Response) -> bool:
        if answer.status == 403:
            lane.forbidden += 1
            return lane.answered and lane.forbidden >= _STRANGER_403
        lane.forbidden = 0
        if answer.status in _SLOW_DOWN:
            return True
        lane.answered = True
        if lane.closures:
            lane.closures, lane.changed = 0, True
        return False

    def _slow_down(self, lane: HostQueue, answer: Response, attempt: int, *, last: bool) -> None:
        """Pause the lane, or close it where the pause is long or was in vain.

        Raises:
            ItemError: it is closed.
        """
        asked = retry_after(answer.headers, now())
        pause = _FIRST_PAUSE * 2 ** (attempt - 1) if asked is None else asked
        pause *= self._random.uniform(1, 1.2)
        if pause <= self._options.max_wait_sec and not last:
            lane.free_at = time.monotonic() + max(pause, lane.delay)
            return
        if asked is None:
            pause = _FIRST_CLOSURE * 2 ** min(lane.closures, 7) * self._random.uniform(1, 1.2)
        pause = max(1.0, min(pause, self._options.max_retry_after_sec))
        lane.closed_until = now() + dt.timedelta(seconds=pause)
        lane.reason = f"it answered {answer.status}"
        lane.closures += 1
        lane.changed = True
        raise ItemError(
            f"Http{answer.status}",
            f"the server answered {answer.status} and is left alone for {pause:.0f} seconds",
            attempts=attempt,
            http_status=answer.status,
            temporary=True,
            not_before=lane.closed_until,
        )
