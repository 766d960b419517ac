"""The polite HTTP client: it obeys robots.txt, follows redirects, retries, and queues per host."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from transforms.core.clock import now
from transforms.core.errors import ItemError
from transforms.core.urls import UrlError, host_of, origin_of, web_url
from transforms.fetching.host_queue import HostQueue
from transforms.fetching.http_client import HttpClient
from transforms.fetching.http_messages import Request, Response, parse_location
from transforms.fetching.options import MAX_UNREAD_BYTES, HttpOptions, PolitenessOptions
from transforms.fetching.page_refresh import find_refresh
from transforms.fetching.redirect_cookies import RedirectCookies
from transforms.fetching.retry_after import FIRST_PAUSE_SECONDS, RATE_LIMIT_STATUSES
from transforms.fetching.robots import MAX_BYTES, Robots, to_robots_file
from transforms.state.records import HostState, RobotsFile

MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PERMANENT_REDIRECTS: Final = frozenset({301, 308})
_SERVER_ERRORS: Final = frozenset({500, 502, 504})
_RETRIED: Final = _SERVER_ERRORS | RATE_LIMIT_STATUSES
_TEMPORARY: Final = _RETRIED | {408, 425}


class PoliteClient:
    """The requests of one process, each through the queue of its host.

    An instance belongs to one event loop.

    Args:
        client: the client that sends the requests.
        http: the options of requests.
        options: the options of host queues.
        agent: the name to look for in robots.txt.
        budget_sec: seconds after which the limits of pages and time per host start anew, for a
            process that does not end; None if they hold for the life of the process.
        first_pause_sec: the first pause after a rate limit without a Retry-After, in seconds.
        max_unread_bytes: no request starts while responses of this many bytes wait for their
            consumer.
    """

    def __init__(
        self,
        client: HttpClient,
        http: HttpOptions,
        options: PolitenessOptions,
        agent: str,
        budget_sec: float | None = None,
        *,
        first_pause_sec: float = FIRST_PAUSE_SECONDS,
        max_unread_bytes: int = MAX_UNREAD_BYTES,
    ) -> None:
        self._client = client
        self._http = http
        self._options = options
        self._agent = agent
        self._budget_sec = budget_sec
        self._first_pause_sec = first_pause_sec
        self._max_unread_bytes = max_unread_bytes
        self._delays = options.delays()
        self._queues: dict[str, HostQueue] = {}
        self._states: Mapping[str, HostState] = {}
        self._requests = asyncio.Semaphore(http.fetch_concurrency)
        self._unread_bytes = 0
        self._may_start = asyncio.Event()
        self._may_start.set()

    def count_unread(self, change: int) -> None:
        """Add to the bytes of responses that wait for their consumer; they bound the memory."""
        self._unread_bytes += change
        if self._unread_bytes < self._max_unread_bytes:
            self._may_start.set()
        else:
            self._may_start.clear()

    def remember(self, states: Mapping[str, HostState]) -> None:
        """Start from the states of hosts that earlier runs stored, by host."""
        self._states = states

    def add_state(self, state: HostState) -> None:
        """Add the state of a host that has no queue yet, unless a later one is known."""
        before = self._states.get(state.host)
        if state.host not in self._queues and (before is None or before.at < state.at):
            self._states = {**self._states, state.host: state}

    def take_changes(self, host: str | None = None) -> list[HostState]:
        """Return the states that changed since the last call, of all hosts or of one."""
        queues = [
            host_queue
            for host_queue in self._queues.values()
            if host_queue.has_changed and host in (None, host_queue.host)
        ]
        for host_queue in queues:
            host_queue.has_changed = False
        return [host_queue.state() for host_queue in queues]

    def _queue_of(self, url: str) -> HostQueue:
        host = host_of(url)
        if host not in self._queues:
            name = urlsplit(url).hostname or ""
            delay = self._delays.get(host, self._delays.get(name, self._options.host_delay_sec))
            state = self._states.get(host)
            self._queues[host] = HostQueue(
                host, delay, state, self._options, self._agent, self._first_pause_sec
            )
        host_queue = self._queues[host]
        if self._budget_sec:
            host_queue.renew_budget(self._budget_sec)
        return host_queue

    async def fetch(self, request: Request) -> Response:
        """Return the response to a request, after redirects.

        Returns:
            A response with status 200, or with 304 if validators were sent.

        Raises:
            ItemError: if there is no such response, robots.txt disallows the address, or the
                host is closed or has reached a limit.
        """
        if request.is_page:
            self._queue_of(request.url).count_page()
        obeys_robots = self._options.robots == "all" or (
            request.is_page and self._options.robots == "pages"
        )
        response = await self._follow(request, obeys_robots=obeys_robots)
        status = response.status
        if status == 200 or (status == 304 and request.headers(response.url)):
            return response
        raise ItemError(
            f"Http{status}",
            f"the server answered {status}",
            attempts=self._http.fetch_attempts if status in _RETRIED else 1,
            http_status=status,
            temporary=status in _TEMPORARY,
        )

    async def _follow(
        self, request: Request, *, obeys_robots: bool, first_bytes: int = 0
    ) -> Response:
        """Return the first response that is neither a redirect nor, for a page, a refresh."""
        url, seconds, is_permanent, moved_to = request.url, 0.0, True, None
        cookies, visited = RedirectCookies(), {url}
        for _ in range(MAX_REDIRECTS + 1):
            if obeys_robots:
                await self._check_robots(url)
            headers = request.headers(url) | cookies.header(url)
            response = await self._request(url, headers, first_bytes)
            seconds += response.seconds
            status = response.status
            sets_cookie = cookies.store(response)
            target = _find_target(response, is_page=request.is_page)
            # A page that refreshes itself stays as it is, unless it waits for its cookie.
            if target is None or (status == 200 and target in visited and not sets_cookie):
                return Response(url, status, response.headers, response.body, seconds, moved_to)
            is_permanent = is_permanent and status in _PERMANENT_REDIRECTS
            url = target
            visited.add(url)
            moved_to = url if is_permanent else moved_to
        raise ItemError("TooManyRedirects", f"more than {MAX_REDIRECTS} redirects")

    async def _check_robots(self, url: str) -> None:
        """Raise ItemError if robots.txt disallows the URL, or cannot be read."""
        host_queue, origin = self._queue_of(url), origin_of(url)
        async with host_queue.robots_lock:
            robots = host_queue.robots.get(origin)
            if robots is None or not robots.is_fresh(now()):
                robots = await self._read_robots(host_queue, origin, robots)
                host_queue.robots[origin] = robots
                host_queue.has_changed = True
        host_queue.apply_crawl_delay(robots.crawl_delay)
        if robots.is_unreachable:
            raise _robots_error(host_queue, origin, robots)
        if not robots.allows(url):
            raise ItemError(
                "RobotsDenied", f"robots.txt of {host_queue.host} does not allow this address"
            )

    async def _read_robots(
        self, host_queue: HostQueue, origin: str, before: Robots | None
    ) -> Robots:
        """Fetch the robots.txt of an origin; if that fails, return the rules known before."""
        try:
            request = Request(f"{origin}/robots.txt")
            response: Response | ItemError = await self._follow(
                request, obeys_robots=False, first_bytes=MAX_BYTES
            )
        except ItemError as error:
            if error.error_type in ("HostClosed", "HostLimit", "PrivateAddress", "InvalidUrl"):
                raise
            response = error
        if isinstance(response, ItemError):
            host_queue.robots_errors[origin] = response
        elif response.status >= 500 or response.status == 429:
            message = f"the server answered {response.status}"
            host_queue.robots_errors[origin] = ItemError(
                "RobotsUnreachable", message, http_status=response.status
            )
        robots = Robots(to_robots_file(origin, response, now()), self._agent)
        if robots.is_unreachable and before is not None and not before.is_unreachable:
            file = RobotsFile(origin, before.file.status, before.file.text, now())
            robots = Robots(file, self._agent)
        return robots

    async def _request(self, url: str, headers: Mapping[str, str], first_bytes: int) -> Response:
        """Send one request through the queue of its host, with retries."""
        host_queue, attempt = self._queue_of(url), 0
        while True:
            attempt += 1
            is_last = attempt == self._http.fetch_attempts
            async with host_queue.lock:
                await host_queue.wait_until_free()
                try:
                    response = await self._send(host_queue, url, headers, first_bytes)
                except ItemError as error:
                    error.attempts = attempt
                    if is_last or not error.temporary or error.error_type == "Timeout":
                        raise
                    host_queue.delay_retry(attempt)
                    continue
                if response.status in _SERVER_ERRORS:
                    host_queue.delay_retry(attempt)
                    if is_last:
                        return response
                    continue
                if not host_queue.is_rate_limited(response.status):
                    return response
                host_queue.pause_or_close(response, attempt, is_last=is_last)

    async def _send(
        self, host_queue: HostQueue, url: str, headers: Mapping[str, str], first_bytes: int
    ) -> Response:
        """Send one request, once the limits of the process allow it."""
        async with self._requests:
            await self._may_start.wait()
            started = time.monotonic()
            try:
                return await self._client.get(url, headers, first_bytes=first_bytes)
            finally:
                host_queue.record_request(started, time.monotonic())


def _find_target(response: Response, *, is_page: bool) -> str | None:
    """Return the address to which a response leads.

    Raises:
        ItemError: if it redirects to no web address.
    """
    if response.status == 200:
        return find_refresh(response) if is_page else None
    location = parse_location(response.headers) if response.status in _REDIRECTS else None
    try:
        return None if location is None else web_url(location, response.url)
    except UrlError as error:
        raise ItemError("BadRedirect", str(error)) from error


def _robots_error(host_queue: HostQueue, origin: str, robots: Robots) -> ItemError:
    """Return the error of requests to an origin whose robots.txt cannot be read for now."""
    cause = host_queue.robots_errors.get(origin) or ItemError(
        "RobotsUnreachable", "it failed lately", attempts=0
    )
    return ItemError(
        "RobotsUnreachable" if cause.http_status else cause.error_type,
        f"robots.txt of {host_queue.host} cannot be read for now: {cause.message}",
        attempts=cause.attempts,
        temporary=True,
        not_before=max(robots.fresh_until, host_queue.closed_until or robots.fresh_until),
    )
