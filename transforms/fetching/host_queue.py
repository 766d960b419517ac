"""The queue of one host: one request at a time, with a delay in between and limits per run."""

import asyncio
import datetime as dt
import random
import time
from typing import Final

from transforms.core.clock import now
from transforms.core.errors import ItemError
from transforms.fetching.http_messages import Response
from transforms.fetching.options import PolitenessOptions
from transforms.fetching.retry_after import (
    RATE_LIMIT_STATUSES,
    compute_closure,
    compute_pause,
    parse_retry_after,
)
from transforms.fetching.robots import Robots
from transforms.state.records import HostState

_RATE_LIMIT_403S: Final = 3
"""This many 403 in a row count as a rate limit, if the host has answered otherwise before."""

_RETRY_DELAY_SECONDS: Final = 0.2


class HostQueue:
    """The requests to one host, and the state of the host that the next run starts from.

    The sender of a request holds ``lock``, calls :meth:`wait_until_free` before the request and
    :meth:`record_request` after it.

    Attributes:
        host: the host, with its port if that is not the default one.
        delay: seconds from the end of one request to the start of the next.
        lock: the lock of the one request at a time.
        robots_lock: the lock of requests for robots.txt.
        robots: the robots.txt of each origin of the host.
        robots_errors: why robots.txt could not be read, by origin.
        closed_until: the time until which no request may be sent, UTC.
        has_changed: whether the state has changed since it was last stored.
    """

    def __init__(
        self,
        host: str,
        delay: float,
        state: HostState | None,
        options: PolitenessOptions,
        agent: str,
        first_pause_sec: float,
    ) -> None:
        self.host = host
        self.delay = delay
        self.lock = asyncio.Lock()
        self.robots_lock = asyncio.Lock()
        self.robots: dict[str, Robots] = {}
        self.robots_errors: dict[str, ItemError] = {}
        self.closed_until = state.closed_until if state else None
        self.has_changed = False
        self._options = options
        self._first_pause_sec = first_pause_sec
        self._closure_reason = state.reason if state else ""
        self._closures = state.closures if state else 0
        self._free_at = 0.0  # on the monotonic clock, like _budget_started_at
        self._budget_started_at = time.monotonic()
        self._spent_sec = 0.0
        self._pages = 0
        self._has_answered = False
        self._forbidden_in_a_row = 0
        for file in state.robots if state else ():
            self.robots[file.origin] = Robots(file, agent)

    def state(self) -> HostState:
        """Return the state of the host for the next run."""
        return HostState(
            self.host,
            now(),
            self.closed_until,
            self._closure_reason,
            self._closures,
            robots=[robots.file for robots in self.robots.values()],
        )

    def renew_budget(self, interval_sec: float) -> None:
        """Reset the counts of pages and time if the interval, in seconds, has passed."""
        at = time.monotonic()
        if at - self._budget_started_at >= interval_sec:
            self._budget_started_at, self._spent_sec, self._pages = at, 0.0, 0

    def count_page(self) -> None:
        """Count one page against the limit.

        Raises:
            ItemError: if this run has reached its maximum of pages for this host.
        """
        if self._pages >= self._options.max_pages_per_host:
            message = f"{self.host} has had its {self._pages} pages of this run"
            raise ItemError("HostLimit", message, attempts=0, temporary=True)
        self._pages += 1

    def apply_crawl_delay(self, seconds: float) -> None:
        """Lengthen the delay to the Crawl-delay of robots.txt, unless it is long enough.

        The last request may have been the one for robots.txt, sent with the shorter delay, so
        the next one waits for the rest. It never waits longer than ``--max_wait_sec``, even if
        the Crawl-delay is longer: otherwise a run would fetch nothing but robots.txt.
        """
        if seconds > self.delay:
            wait = min(seconds, self._options.max_wait_sec)
            self._free_at += max(0.0, wait - self.delay)
            self.delay = seconds

    async def wait_until_free(self) -> None:
        """Wait until the next request may start.

        Raises:
            ItemError: if the host is closed, its time in this run is over, or the wait would be
                longer than ``--max_wait_sec``.
        """
        if self.closed_until is not None and self.closed_until > now():
            until = f"{self.closed_until:%Y-%m-%d %H:%M:%S} UTC"
            message = f"{self.host} is left alone until {until}: {self._closure_reason}"
            raise ItemError(
                "HostClosed", message, attempts=0, temporary=True, not_before=self.closed_until
            )
        if self._spent_sec > self._options.max_host_sec:
            message = f"{self.host} has had its {self._options.max_host_sec:g} seconds of this run"
            raise ItemError("HostLimit", message, attempts=0, temporary=True)
        pause = self._free_at - time.monotonic()
        if pause > self._options.max_wait_sec:
            message = f"{self.host} wants {self.delay:g} seconds between requests"
            raise ItemError("HostLimit", message, attempts=0, temporary=True)
        if pause > 0:
            self._spent_sec += pause
            await asyncio.sleep(pause)

    def record_request(self, started: float, ended: float) -> None:
        """Count the time of a request, in seconds of the monotonic clock, and start the delay."""
        self._spent_sec += ended - started
        self._free_at = ended + self.delay

    def delay_retry(self, attempt: int) -> None:
        """Lengthen the current delay after an attempt that failed, with jitter."""
        self._free_at += _RETRY_DELAY_SECONDS * attempt * random.uniform(1, 2)

    def is_rate_limited(self, status: int) -> bool:
        """Record the status of a response, and return whether the host asks to slow down."""
        if status == 403:
            self._forbidden_in_a_row += 1
            return self._has_answered and self._forbidden_in_a_row >= _RATE_LIMIT_403S
        self._forbidden_in_a_row = 0
        if status in RATE_LIMIT_STATUSES:
            return True
        self._has_answered = True
        if self._closures:
            self._closures, self.has_changed = 0, True
        return False

    def pause_or_close(self, response: Response, attempt: int, *, is_last: bool) -> None:
        """Pause before the next attempt, or close the host if the pause is too long or was in vain.

        Raises:
            ItemError: if the host is closed.
        """
        requested = parse_retry_after(response.headers, now())
        seconds = compute_pause(requested, attempt, self._first_pause_sec)
        if seconds <= self._options.max_wait_sec and not is_last:
            self._free_at = time.monotonic() + max(seconds, self.delay)
            return
        if requested is None:
            seconds = compute_closure(self._closures)
        seconds = max(1.0, min(seconds, self._options.max_retry_after_sec))
        self.closed_until = now() + dt.timedelta(seconds=seconds)
        self._closure_reason = f"it answered {response.status}"
        self._closures += 1
        self.has_changed = True
        raise ItemError(
            f"Http{response.status}",
            f"the server answered {response.status} and is left alone for {seconds:.0f} seconds",
            attempts=attempt,
            http_status=response.status,
            temporary=True,
            not_before=self.closed_until,
        )
