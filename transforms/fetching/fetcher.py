"""Stages that ask the web: lanes of requests in, answers out while others are still waited for."""

import argparse
import asyncio
import queue
import threading
import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.shared import Shared
from apache_beam.utils.windowed_value import WindowedValue

from transforms.core.elements import Run
from transforms.core.errors import ItemError
from transforms.core.options import from_flags
from transforms.core.stage import Stage
from transforms.core.version import PRODUCT
from transforms.fetching.http_client import HttpClient
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.options import HttpOptions, PolitenessOptions
from transforms.fetching.polite_client import PoliteClient
from transforms.state.records import HostState, change
from transforms.state.store import StateHandle


@dataclass(frozen=True)
class FetchOptions:
    """All that says how the web is asked."""

    http: HttpOptions
    hosts: PolitenessOptions
    share_sec: float | None = None
    """After so many seconds a host has a new share, if a process is to go on without end."""


def fetch_options(args: argparse.Namespace) -> FetchOptions:
    """How the web is asked, from the parsed flags.

    Raises:
        UsageError: a value is out of range.
    """
    return FetchOptions(from_flags(HttpOptions, args), from_flags(PolitenessOptions, args))


class Fetcher:
    """A thread with an event loop, in which all requests of a process are made."""

    def __init__(self, options: FetchOptions) -> None:
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(
            target=_run_loop, args=(self._loop,), name="newsbeam-fetcher", daemon=True
        )
        thread.start()
        client, self._hosts = self._do(_start(options)).result()
        # Not __del__, which may come when the interpreter has stopped all other threads.
        self.close = weakref.finalize(self, _end, self._loop, thread, client)

    def _do(self, coroutine: Any) -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def remember(self, hosts: dict[str, HostState]) -> None:
        """Start from what earlier runs learnt of hosts."""
        self._hosts.remember(hosts)

    def recall(self, state: HostState) -> None:
        """Add what was learnt of a host that is not asked yet."""
        self._loop.call_soon_threadsafe(self._hosts.add_state, state)

    def changes(self, host: str | None = None) -> list[HostState]:
        """What was learnt of hosts, or of one, since the last call."""

        async def changes() -> list[HostState]:
            return hosts.take_changes(host)

        hosts: PoliteClient = self._hosts
        found: list[HostState] = self._do(changes()).result()
        return found

    def fetch(self, requests: Iterable[Request]) -> list[Response | ItemError]:
        """The answers to some requests, in their order."""
        answers = ResponseStream(self)
        wanted = list(requests)
        for number, request in enumerate(wanted):
            answers.add([(number, request)])
        found = dict(answers.rest())
        return [found[number] for number in range(len(wanted))]

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
    return client, PoliteClient(client, options.http, options.hosts, agent, options.share_sec)


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread, client: HttpClient) -> None:
    """End the thread. What is still being asked is given up."""
    ended = asyncio.run_coroutine_threadsafe(_close(client), loop)
    if threading.current_thread() is not thread:  # which may be the last to let go of a fetcher
        ended.result()
        thread.join()


async def _close(client: HttpClient) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await client.__aexit__(None, None, None)
    asyncio.get_running_loop().call_soon(asyncio.get_running_loop().stop)


class ResponseStream:
    """ResponseStream to requests that are made meanwhile, in the order in which they come."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._answers: queue.SimpleQueue[tuple[Any, Response | ItemError]] = queue.SimpleQueue()
        self._asked: list[Future[Any]] = []
        self._due = 0

    def add(self, lane: Iterable[tuple[Any, Request]]) -> None:
        """Ask one after the other for what is wanted of one host; each request has a key."""
        requests = list(lane)
        self._due += len(requests)
        self._asked.append(self._fetcher._do(self._ask(requests)))

    async def _ask(self, requests: list[tuple[Any, Request]]) -> None:
        for key, request in requests:
            try:
                answer: Response | ItemError = await self._fetcher._hosts.fetch(request)
            except ItemError as lost:
                answer = lost
            except Exception as error:  # whatever it is, it costs this request and no other
                answer = ItemError(type(error).__name__, str(error) or type(error).__name__)
            self._fetcher._hosts.count_unread(_size(answer))
            self._answers.put((key, answer))

    def rest(self) -> Iterator[tuple[Any, Response | ItemError]]:
        """All that is not answered yet, as it comes."""
        while self._due:
            yield self._next()
        self._asked.clear()

    def ready(self) -> Iterator[tuple[Any, Response | ItemError]]:
        """What has been answered by now; nothing is waited for."""
        while not self._answers.empty():
            yield self._next()

    @property
    def due(self) -> int:
        """How many answers are still to be taken."""
        return self._due

    def _next(self) -> tuple[Any, Response | ItemError]:
        found = self._answers.get()
        self._due -= 1
        self._fetcher._loop.call_soon_threadsafe(
            self._fetcher._hosts.count_unread, -_size(found[1])
        )
        return found

    def give_up(self) -> None:
        """Ask for nothing more."""
        for asked in self._asked:
            asked.cancel()
        while not self._answers.empty():
            self._next()


def _size(answer: Response | ItemError) -> int:
    """The bytes of memory that an answer takes, roughly."""
    return 2048 + (len(answer.body) if isinstance(answer, Response) else 0)


class FetcherHandle:
    """The fetcher of any process of a run: one in each, which all stages share."""

    def __init__(self, options: FetchOptions, state: StateHandle) -> None:
        self._options = options
        self._state = state
        self._shared = Shared()

    def get(self) -> Fetcher:
        """The fetcher; keep a reference to it as long as it is needed."""
        fetcher: Fetcher = self._shared.acquire(self._make)
        return fetcher

    def _make(self) -> Fetcher:
        fetcher = Fetcher(self._options)
        fetcher.remember(self._state.get().hosts)
        return fetcher


class FetchStage(Stage):
    """A stage whose inputs are lanes, ``(host, inputs)``, and which asks for each of these.

    Lanes are asked side by side. What they answer goes on at the end of a bundle, while others are
    still waited for. A subclass says what to ask for in :meth:`request`, and in
    :meth:`answered` what comes of the answer.
    """

    def __init__(self, run: Run, fetcher: FetcherHandle) -> None:
        super().__init__(run)
        self._handle = fetcher

    def request(self, element: Any) -> Request | None:
        """What to ask for; None if there is nothing to ask for, and the answer is None too."""
        raise NotImplementedError

    def answered(self, element: Any, answer: Response | None) -> Iterable[Any]:
        """The outputs of one input and its answer."""
        raise NotImplementedError

    def unanswered(self, element: Any, lost: ItemError) -> Iterable[Any]:
        """The outputs of one input that has no answer."""
        return self.lost(element, lost)

    def setup(self) -> None:
        self.fetcher = self._handle.get()

    def teardown(self) -> None:
        del self.fetcher  # which ends with the last stage that has it

    def start_bundle(self) -> None:
        self._answers = ResponseStream(self.fetcher)

    def process(self, element: tuple[str, Iterable[Any]]) -> Iterator[Any]:
        inputs = list(element[1])
        self.count(len(inputs))
        lane = []
        for item in inputs:
            request = self.request(item)
            if request is None:
                yield from map(self.tagged, self.outputs(item, None))
            else:
                lane.append((item, request))
        # What is answered meanwhile waits for the end of the bundle: work on it would keep the
        # lanes that are still to come from being begun.
        self._answers.add(lane)

    def finish_bundle(self) -> Iterator[Any]:
        try:
            for item, answer in self._answers.rest():
                for output in self.outputs(item, answer):
                    yield _at_end(self.tagged(output))
            for state in self.fetcher.changes():
                yield _at_end(self.tagged(change(state)))
        finally:
            self._answers.give_up()
            del self._answers  # which holds the fetcher, too

    def outputs(self, element: Any, answer: Response | ItemError | None) -> list[Any]:
        """The outputs of one input, whatever came of asking for it."""
        try:
            if isinstance(answer, ItemError):
                return list(self.unanswered(element, answer))
            return list(self.answered(element, answer))
        except Exception as error:  # whatever it is, it costs this input and no other
            return list(self.lost(element, error))


def _at_end(output: Any) -> Any:
    """An output of the end of a bundle, which has no window of an input to inherit."""
    tagged = output if isinstance(output, beam.pvalue.TaggedOutput) else None
    window = GlobalWindow()
    value = WindowedValue(tagged.value if tagged else output, window.max_timestamp(), [window])
    return beam.pvalue.TaggedOutput(tagged.tag, value) if tagged else value
