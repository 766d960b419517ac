"""PendingResponses that are asked while the stream goes on.

A bundle of a stream must end soon, or no checkpoint is made. So a timer begins a lane, and later
ones take what has been answered by then. What is asked at a time is known to the process alone:
if it dies, the items are still in the state of their host, and are asked for again.
"""

import datetime as dt
import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, Final

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
from transforms.core.errors import ItemError
from transforms.fetching.fetcher import Fetcher, FetcherHandle, FetchStage, ResponseStream
from transforms.fetching.http_messages import Request, Response
from transforms.state.records import HostState, change

AT_ONCE: Final = 16
"""So many requests of a host are begun together."""

_LOOK_SECONDS: Final = 0.5
_BYTES_A_SECOND: Final = 2e6
"""The larger the state of a host, the rarer it is read."""


class PendingResponses:
    """What a process has asked and not taken yet, by host."""

    def __init__(self, fetcher: Fetcher) -> None:
        self.fetcher = fetcher
        self._asked: dict[str, ResponseStream] = {}

    def begin(self, host: str, requests: Iterable[tuple[str, Request]]) -> None:
        """Begin the lane of a host that has none."""
        answers = self._asked[host] = ResponseStream(self.fetcher)
        answers.add(requests)

    def take(self, host: str) -> Iterator[tuple[str, Response | ItemError]]:
        """The answers that are there. When all have been taken the lane is at its end."""
        answers = self._asked.get(host)
        if answers is not None:
            yield from answers.ready()
            if not answers.due:
                del self._asked[host]

    def is_begun(self, host: str) -> bool:
        """Whether a host is being asked, or its answers wait."""
        return host in self._asked


class PendingResponsesHandle:
    """The lanes of any process, which all copies of a stage share."""

    def __init__(self, fetcher: FetcherHandle) -> None:
        self._fetcher = fetcher
        self._shared = Shared()

    def get(self) -> PendingResponses:
        """The lanes; keep a reference to them as long as they are needed."""
        lanes: PendingResponses = self._shared.acquire(
            lambda: PendingResponses(self._fetcher.get())
        )
        return lanes


class HostQueueStage(beam.DoFn):
    """Items by host, ``(host, item)``, each asked for when it is due; may keep them for later.

    A subclass says what its items are and what becomes of their answers. Items are dataclasses
    that go into JSON and back, with a ``name`` that is theirs alone within their host, and the
    time at which they are ``due``, if ever.
    """

    INBOX = BagStateSpec("inbox", StrUtf8Coder())
    ITEMS = ReadModifyWriteStateSpec("items", StrUtf8Coder())
    HOST = ReadModifyWriteStateSpec("host", StrUtf8Coder())
    WAKE = TimerSpec("wake", TimeDomain.REAL_TIME)

    item_type: type[Any]

    def __init__(self, fetch: FetchStage, lanes: PendingResponsesHandle) -> None:
        self.fetch = fetch
        self._handle = lanes

    def setup(self) -> None:
        self.fetch.setup()
        self.lanes = self._handle.get()

    def teardown(self) -> None:
        self.fetch.teardown()
        del self.lanes

    @abstractmethod
    def inbox_item(self, element: Any) -> Any:
        """The item of an input."""

    @abstractmethod
    def arrived(self, items: dict[str, Any], item: Any, at: dt.datetime) -> Iterator[Any]:
        """Put an item that has arrived among those of its host; yields what ends by that."""

    @abstractmethod
    def request(self, item: Any) -> Request | None:
        """What to ask for; None if there is nothing to ask for, and the answer is None too."""

    @abstractmethod
    def answered(
        self, items: dict[str, Any], item: Any, answer: Response | ItemError | None
    ) -> Iterator[Any]:
        """The tagged outputs of an item; it is among the items only if it is put back."""

    def process(
        self,
        element: tuple[str, Any],
        inbox: Any = beam.DoFn.StateParam(INBOX),
        wake: Any = beam.DoFn.TimerParam(WAKE),
    ) -> None:
        """Beam's entry point."""
        inbox.add(json_line(to_json(self.inbox_item(element[1]))))
        wake.set(now().timestamp())

    @on_timer(WAKE)
    def on_wake(
        self,
        host: Any = beam.DoFn.KeyParam,
        inbox: Any = beam.DoFn.StateParam(INBOX),
        stored: Any = beam.DoFn.StateParam(ITEMS),
        known: Any = beam.DoFn.StateParam(HOST),
        wake: Any = beam.DoFn.TimerParam(WAKE),
    ) -> Iterator[Any]:
        """Take what is answered, begin what is due, and set the time of the next look."""
        at = now()
        items = {item.name: item for item in self._items(stored.read())}
        for line in inbox.read():
            yield from self.arrived(items, from_json(self.item_type, json.loads(line)), at)
        inbox.clear()
        for name, answer in self.lanes.take(host):
            if name in items:
                yield from self.answered(items, items.pop(name), answer)
        if not self.lanes.is_begun(host):
            yield from self._begin(host, items, known, at)
        for state in self.lanes.fetcher.changes(host):
            known.write(json_line(to_json(state)))
            yield self.fetch.tagged(change(state))
        text = json_line([to_json(item) for item in items.values()])
        stored.write(text)
        due = [item.due for item in items.values() if item.due is not None]
        if self.lanes.is_begun(host):
            wake.set(now().timestamp() + _LOOK_SECONDS + len(text) / _BYTES_A_SECOND)
        elif due:
            wake.set(max(min(due), now()).timestamp())

    def _items(self, text: str | None) -> Iterator[Any]:
        for data in json.loads(text or "[]"):
            yield from_json(self.item_type, data)

    def _begin(
        self, host: str, items: dict[str, Any], known: Any, at: dt.datetime
    ) -> Iterator[Any]:
        due = [item for item in items.values() if item.due is not None and item.due <= at]
        lane = []
        for item in sorted(due, key=lambda item: item.due)[:AT_ONCE]:
            self.fetch.count(1)
            request = self.request(item)
            if request is None:
                yield from self.answered(items, items.pop(item.name), None)
            else:
                lane.append((item.name, request))
        if lane:
            text = known.read()
            if text:
                self.lanes.fetcher.recall(from_json(HostState, json.loads(text)))
            self.lanes.begin(host, lane)
