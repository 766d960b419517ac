"""The fetcher: one thread per process that sends all requests, and streams of their responses."""

import asyncio
import queue
import threading
import weakref
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, Generic, TypeAlias, TypeVar

from transforms.core.errors import ItemError
from transforms.core.version import PRODUCT
from transforms.fetching.http_client import HttpClient
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.options import FetchOptions
from transforms.fetching.polite_client import PoliteClient
from transforms.state.records import HostState

T = TypeVar("T")
KeyT = TypeVar("KeyT")

FetchResult: TypeAlias = Response | ItemError
"""A response, or why there is none."""


class Fetcher:
    """A thread with an event loop that sends all requests of a process."""

    def __init__(self, options: FetchOptions) -> None:
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(
            target=_run_loop, args=(self._loop,), name="newsbeam-fetcher", daemon=True
        )
        thread.start()
        client, self._polite = self._submit(_start(options)).result()
        # Not __del__, which may be called after the interpreter has stopped all other threads.
        self.close = weakref.finalize(self, _end, self._loop, thread, client)

    def _submit(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def remember(self, hosts: dict[str, HostState]) -> None:
        """Start from the host states of earlier runs, by host."""
        self._polite.remember(hosts)

    def add_state(self, state: HostState) -> None:
        """Add the state of a host, unless it was requested already or a later state is known."""
        self._loop.call_soon_threadsafe(self._polite.add_state, state)

    def take_changes(self, host: str | None = None) -> list[HostState]:
        """Return the host states that changed since the last call, of all hosts or of one."""

        async def take() -> list[HostState]:
            return polite.take_changes(host)

        polite = self._polite
        return self._submit(take()).result()

    def fetch(self, requests: Iterable[Request]) -> list[FetchResult]:
        """Return the results of some requests, in their order."""
        pending = list(requests)
        stream = ResponseStream[int](self)
        for number, request in enumerate(pending):
            stream.add([(number, request)])
        results = dict(stream.remaining())
        return [results[number] for number in range(len(pending))]

    def __enter__(self) -> "Fetcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


async def _start(options: FetchOptions) -> tuple[HttpClient, PoliteClient]:
    client = HttpClient(options.http)
    agent = options.http.agent().partition("/")[0] or PRODUCT
    return client, PoliteClient(
        client,
        options.http,
        options.politeness,
        agent,
        options.budget_sec,
        first_pause_sec=options.first_pause_sec,
        max_unread_bytes=options.max_unread_bytes,
    )


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread, client: HttpClient) -> None:
    """Cancel the requests that are under way, and end the thread."""
    ended = asyncio.run_coroutine_threadsafe(_close(client), loop)
    if threading.current_thread() is not thread:  # the thread itself may hold the last reference
        ended.result()
        thread.join()


async def _close(client: HttpClient) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await client.__aexit__(None, None, None)
    asyncio.get_running_loop().call_soon(asyncio.get_running_loop().stop)


class ResponseStream(Generic[KeyT]):
    """The results of requests, in the order in which they arrive. Each request has a key."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._results: queue.SimpleQueue[tuple[KeyT, FetchResult]] = queue.SimpleQueue()
        self._tasks: list[Future[None]] = []
        self._pending = 0

    def add(self, requests: Iterable[tuple[KeyT, Request]]) -> None:
        """Send requests to one host, one after the other."""
        queued = list(requests)
        self._pending += len(queued)
        self._tasks.append(self._fetcher._submit(self._send(queued)))

    async def _send(self, requests: list[tuple[KeyT, Request]]) -> None:
        for key, request in requests:
            try:
                result: FetchResult = await self._fetcher._polite.fetch(request)
            except Exception as error:  # any error costs this request and no other
                result = ItemError.from_exception(error)
            self._fetcher._polite.count_unread(_memory_bytes(result))
            self._results.put((key, result))

    def remaining(self) -> Iterator[tuple[KeyT, FetchResult]]:
        """Yield all results that have not been taken, waiting for them."""
        while self._pending:
            yield self._next()
        self._tasks.clear()

    def ready(self) -> Iterator[tuple[KeyT, FetchResult]]:
        """Yield the results that have arrived by now, without waiting."""
        while not self._results.empty():
            yield self._next()

    @property
    def pending(self) -> int:
        """The number of results that have not been taken."""
        return self._pending

    def _next(self) -> tuple[KeyT, FetchResult]:
        key, result = self._results.get()
        self._pending -= 1
        polite, size = self._fetcher._polite, _memory_bytes(result)
        self._fetcher._loop.call_soon_threadsafe(polite.count_unread, -size)
        return key, result

    def cancel(self) -> None:
        """Cancel the requests that are under way and drop all results."""
        for task in self._tasks:
            task.cancel()
        while not self._results.empty():
            self._next()


def _memory_bytes(result: FetchResult) -> int:
    """Return about how many bytes of memory a result takes."""
    return 2048 + (len(result.body) if isinstance(result, Response) else 0)
