"""Requests of a stream, sent by timers: each host has a queue of items in Beam state.

A bundle of a stream must end soon, since a checkpoint waits for it. So a timer sends the requests
of a host, and later timers take the responses that have arrived by then. Only the process knows
which requests are pending. If it dies, their items are still in the Beam state of their host and
are sent again.
"""

import datetime as dt
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

import apache_beam as beam
from apache_beam.coders import StrUtf8Coder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import (
    BagStateSpec,
    ReadModifyWriteStateSpec,
    TimerSpec,
    on_timer,
)
from apache_beam.utils.shared import Shared

from schemas.jsonable import from_json, json_line, to_json
from transforms.core.clock import now
from transforms.core.elements import Host
from transforms.core.process_shared import ProcessShared
from transforms.core.stage import SideOutput, StageBase, tag
from transforms.fetching.fetcher import Fetcher, FetchResult, ResponseStream
from transforms.fetching.fetcher_handle import FetcherHandle
from transforms.fetching.http_messages import Request
from transforms.state.records import HostState, StateChange

MAX_PENDING_PER_HOST: Final = 16
"""The maximum number of requests that are sent to a host together."""

_POLL_SECONDS: Final = 0.5
_STATE_BYTES_PER_SECOND: Final = 2e6
"""The polling interval grows with the size of a host's items: a second per 2 MB."""


class PendingResponses:
    """The requests of a process whose responses have not been taken, by host."""

    def __init__(self, fetcher: Fetcher) -> None:
        self.fetcher = fetcher
        self._streams: dict[Host, ResponseStream[str]] = {}

    def send(self, host: Host, requests: Iterable[tuple[str, Request]]) -> None:
        """Send requests, each with a key, to a host that has none pending."""
        stream = self._streams[host] = ResponseStream[str](self.fetcher)
        stream.add(requests)

    def take(self, host: Host) -> Iterator[tuple[str, FetchResult]]:
        """Yield the results that have arrived, by key, without waiting."""
        stream = self._streams.get(host)
        if stream is not None:
            yield from stream.ready()
            if not stream.pending:
                del self._streams[host]

    def has(self, host: Host) -> bool:
        """Return whether requests of a host are pending, or results have not been taken."""
        return host in self._streams


class PendingResponsesHandle(ProcessShared[PendingResponses]):
    """The pending responses of a process, which all copies of a stage share."""

    def __init__(self, fetcher: FetcherHandle) -> None:
        self._fetcher = fetcher
        self._shared = Shared()

    def get(self) -> PendingResponses:
        pending: PendingResponses = self._shared.acquire(
            lambda: PendingResponses(self._fetcher.get())
        )
        return pending


class QueuedItem(Protocol):
    """An item in the queue of a host: a dataclass that goes into JSON and back."""

    @property
    def name(self) -> str:
        """The name of the item, unique within its host."""

    @property
    def due(self) -> dt.datetime | None:
        """The time of the next request, UTC; None if there is none."""


InT = TypeVar("InT")
ItemT = TypeVar("ItemT", bound=QueuedItem)
OutT = TypeVar("OutT")


class HostQueueLogic(ABC, Generic[InT, ItemT, OutT]):
    """The logic of a host queue: how items arrive, which are requested, what results yield.

    Attributes:
        item_type: the class of the items.
        stages: the stages that it runs. The first one counts the inputs.
    """

    item_type: ClassVar[type[Any]]
    stages: tuple[StageBase[Any, Any], ...]

    @abstractmethod
    def make_item(self, element: InT) -> ItemT:
        """Return the item of an input."""

    @abstractmethod
    def add(
        self, items: dict[str, ItemT], item: ItemT, at: dt.datetime
    ) -> Iterable[OutT | SideOutput]:
        """Add a new item to those of its host, and return the outputs that this causes."""

    @abstractmethod
    def request(self, item: ItemT) -> Request | None:
        """Return the request of an item, or None if it needs none."""

    @abstractmethod
    def on_result(
        self, items: dict[str, ItemT], item: ItemT, result: FetchResult | None
    ) -> Iterable[OutT | SideOutput]:
        """Return the outputs of an item, which was removed from ``items``.

        Put it back into ``items`` to keep it in the queue.

        Args:
            items: the other items of the host.
            item: the item.
            result: the response, the error of the request, or None if there was no request.
        """


class HostQueueDoFn(beam.DoFn):
    """The DoFn that runs a :class:`HostQueueLogic` over inputs keyed by host.

    It keeps the items of each host in Beam state, and sends their requests when they are due.
    """

    INBOX = BagStateSpec("inbox", StrUtf8Coder())
    ITEMS = ReadModifyWriteStateSpec("items", StrUtf8Coder())
    HOST = ReadModifyWriteStateSpec("host", StrUtf8Coder())
    WAKE = TimerSpec("wake", TimeDomain.REAL_TIME)

    def __init__(
        self, logic: HostQueueLogic[Any, Any, Any], pending: PendingResponsesHandle
    ) -> None:
        self.logic = logic
        self.pending = pending

    def setup(self) -> None:
        for stage in self.logic.stages:
            stage.open()
        self.pending.open()

    def teardown(self) -> None:
        for stage in self.logic.stages:
            stage.close()
        self.pending.close()

    def start_bundle(self) -> None:
        for stage in self.logic.stages:
            stage.start_bundle()

    def finish_bundle(self) -> None:
        for stage in self.logic.stages:
            stage.finish_bundle()

    def process(
        self,
        element: tuple[Host, Any],
        inbox: Any = beam.DoFn.StateParam(INBOX),
        wake: Any = beam.DoFn.TimerParam(WAKE),
    ) -> None:
        inbox.add(json_line(to_json(self.logic.make_item(element[1]))))
        wake.set(now().timestamp())

    @on_timer(WAKE)
    def on_wake(
        self,
        host: Any = beam.DoFn.KeyParam,
        inbox: Any = beam.DoFn.StateParam(INBOX),
        items_state: Any = beam.DoFn.StateParam(ITEMS),
        host_state: Any = beam.DoFn.StateParam(HOST),
        wake: Any = beam.DoFn.TimerParam(WAKE),
    ) -> Iterator[Any]:
        """Take new items and responses, send the requests that are due, and set the timer."""
        pending, at = self.pending.value, now()
        items = {item.name: item for item in self._read_items(items_state.read())}
        for line in inbox.read():
            item = from_json(self.logic.item_type, json.loads(line))
            yield from map(tag, self.logic.add(items, item, at))
        inbox.clear()
        for name, result in pending.take(host):
            if name in items:
                yield from map(tag, self.logic.on_result(items, items.pop(name), result))
        if not pending.has(host):
            yield from self._send_due(host, items, host_state, at)
        for state in pending.fetcher.take_changes(host):
            host_state.write(json_line(to_json(state)))
            yield tag(StateChange(host=state))
        text = json_line([to_json(item) for item in items.values()])
        items_state.write(text)
        due = [item.due for item in items.values() if item.due is not None]
        if pending.has(host):
            wake.set(now().timestamp() + _POLL_SECONDS + len(text) / _STATE_BYTES_PER_SECOND)
        elif due:
            wake.set(max(min(due), now()).timestamp())

    def _read_items(self, text: str | None) -> Iterator[Any]:
        for data in json.loads(text or "[]"):
            yield from_json(self.logic.item_type, data)

    def _send_due(
        self, host: Host, items: dict[str, Any], host_state: Any, at: dt.datetime
    ) -> Iterator[Any]:
        due = [item for item in items.values() if item.due is not None and item.due <= at]
        requests = []
        for item in sorted(due, key=lambda item: item.due)[:MAX_PENDING_PER_HOST]:
            self.logic.stages[0].counters.count_inputs(1)
            request = self.logic.request(item)
            if request is None:
                yield from map(tag, self.logic.on_result(items, items.pop(item.name), None))
            else:
                requests.append((item.name, request))
        if requests:
            pending, text = self.pending.value, host_state.read()
            if text:
                pending.fetcher.add_state(from_json(HostState, json.loads(text)))
            pending.send(host, requests)
