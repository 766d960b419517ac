"""Workers in child processes, for hostile input: each item has limits of time and memory.

An input that hangs or crashes a parser, or makes it use too much memory, costs one child process
and one dead letter, not the worker of Beam. ``concurrent.futures`` cannot do this: it can neither
stop an item that hangs nor limit its memory, and a crash breaks the whole pool. Imports no Beam.
"""

import contextlib
import functools
import os
import pickle
import threading
import uuid
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from transforms.core.errors import ItemError
from transforms.core.fork_server import ForkedWorker, ForkServer, unpack
from transforms.core.options import flag, require
from transforms.core.process_shared import ProcessShared

T = TypeVar("T")
R = TypeVar("R")

_PROTOCOL: Final = pickle.HIGHEST_PROTOCOL
START_SECONDS: Final = 300.0
"""The default time limit for starting a child and its set-up."""

_MAX_DEFAULT_WORKERS: Final = 8  # the pipeline itself cannot keep more of them busy
_MAX_SECONDS: Final = 1e6  # poll() takes a limited number of milliseconds


@dataclass(frozen=True)
class LimitOptions:
    """The limits of time and memory for one item."""

    item_time_limit_sec: float = flag(
        "maximum seconds to parse, extract or analyse one item",
        default=30.0,
        type=float,
        metavar="SECONDS",
    )
    item_memory_limit_mb: int = flag(
        "maximum MiB of memory for one item, on top of the libraries and models",
        default=1024,
        type=int,
        metavar="MIB",
    )

    def __post_init__(self) -> None:
        require(self.item_time_limit_sec > 0, "--item_time_limit_sec must be above 0")
        require(self.item_memory_limit_mb > 0, "--item_memory_limit_mb must be above 0")


@dataclass(frozen=True)
class WorkerOptions:
    """The number of child processes."""

    workers: int | None = flag(
        "number of processes that read pages, and of those that analyse articles, at a time "
        "(default: one per core, at most 8; on engines with workers of their own 1)",
        default=None,
        type=int,
        metavar="N",
    )

    def __post_init__(self) -> None:
        require(self.workers is None or self.workers > 0, "--workers must be above 0")

    def count(self, *, is_alone: bool = True) -> int:
        """Return the number of processes.

        Args:
            is_alone: whether this process is the only one of the job on its machine. An engine
                starts a process per core.
        """
        if self.workers is not None:
            return self.workers
        return min(_count_cores(), _MAX_DEFAULT_WORKERS) if is_alone else 1


def _count_cores() -> int:
    """Return the number of cores that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class IsolatedWorker(Generic[T, R]):
    """A function that runs in child processes, one item at a time in each. Threads may share it.

    A child starts when all others are busy, and serves later items too. If an item ends its child,
    the next item gets a new one.

    Args:
        setup: runs once, and returns the function from item to result. The set-up, the items and
            the results must be picklable.
        limits: the limits for one item.
        name: the name of the processes, and of the work in error messages.
        processes: the maximum number of children that work at a time.
        start_time_limit_sec: maximum seconds to start the first child and run the set-up.
    """

    def __init__(
        self,
        setup: Callable[[], Callable[[T], R]],
        limits: LimitOptions,
        *,
        name: str,
        processes: int = 1,
        start_time_limit_sec: float = START_SECONDS,
    ) -> None:
        self._limits = limits
        self._make_server = functools.partial(
            ForkServer,
            setup,
            memory_mb=limits.item_memory_limit_mb,
            name=name,
            start_time_limit_sec=start_time_limit_sec,
        )
        self._processes = processes
        self._free = threading.BoundedSemaphore(processes)
        self._closing = threading.Lock()
        self._lock = threading.Lock()
        self._server: ForkServer | None = None
        self._idle: list[ForkedWorker] = []
        self._busy: set[ForkedWorker] = set()
        self._is_aborted = False

    def __call__(self, item: T, *, time_factor: float = 1.0) -> R:
        """Return the result of the function for an item.

        An item that crashes the child or runs out of memory gets a second attempt in a new child.

        Args:
            item: the item.
            time_factor: the factor by which the time limit is multiplied.

        Raises:
            ItemError: if the item takes too much time or memory, or crashes the child.
            Exception: what the function raised; an :class:`ItemError` if it is not picklable.
        """
        packed = pickle.dumps(item, _PROTOCOL)
        seconds = min(self._limits.item_time_limit_sec * time_factor, _MAX_SECONDS)
        with self._free:
            reply = self._request(packed, seconds)
        result: R = unpack(reply)
        return result

    def __enter__(self) -> "IsolatedWorker[T, R]":
        return self

    def __exit__(self, error_type: object, *_: object) -> None:
        if error_type is not None:
            self.abort()
        self.close()

    def abort(self) -> None:
        """Kill the children, whatever they work on. Their items fail, and later calls too."""
        with self._lock:
            self._is_aborted = True
            for child in self._busy:
                child.kill()

    def close(self) -> None:
        """End the children once their current items are done. A later call starts new ones."""
        with self._closing:
            for _ in range(self._processes):
                self._free.acquire()
            try:
                while self._idle:
                    self._idle.pop().end()
                if self._server is not None:
                    self._server.end()
                    self._server = None
            finally:
                for _ in range(self._processes):
                    self._free.release()

    def _request(self, packed: bytes, seconds: float) -> bytes:
        try:
            return self._request_once(packed, seconds)
        except ItemError as error:
            if error.error_type == "TimeLimit" or self._is_aborted:
                raise
        # The cause may be memory that earlier items left behind, so try in a new child.
        try:
            return self._request_once(packed, seconds)
        except ItemError as error:
            error.attempts = 2
            raise

    def _request_once(self, packed: bytes, seconds: float) -> bytes:
        with self._lock:
            child = self._take_child()
            self._busy.add(child)
        try:
            reply = child.request(packed, seconds)
        except BaseException:
            with self._lock:
                self._busy.remove(child)
                child.end()
            raise
        with self._lock:  # only now that the reply is complete may another item have the child
            self._busy.remove(child)
            self._idle.append(child)
        return reply

    def _take_child(self) -> ForkedWorker:
        """Return an idle child, or else a new one."""
        if self._is_aborted:
            raise ItemError("Aborted", "the work was abandoned")
        if self._idle:
            return self._idle.pop()
        if self._server is not None:
            with contextlib.suppress(ItemError):  # it has died, so start another one
                return self._server.fork()
            self._server.end()
        self._server = self._make_server()
        try:
            self._server.start()
            return self._server.fork()
        except BaseException:
            self._server.end()
            self._server = None
            raise


class IsolatedWorkerHandle(ProcessShared[IsolatedWorker[Any, Any]]):
    """A handle to one :class:`IsolatedWorker` per process, shared by all pickled copies of it."""

    def __init__(
        self,
        setup: Callable[[], Callable[[Any], Any]],
        limits: LimitOptions,
        *,
        name: str,
        processes: int = 1,
    ) -> None:
        self._setup = setup
        self._limits = limits
        self._name = name
        self.processes = processes
        self._key = uuid.uuid4().hex

    def get(self) -> IsolatedWorker[Any, Any]:
        """Return the worker of this process. It ends when nobody holds a reference to it."""
        with _WORKERS_LOCK:
            worker = _WORKERS.get(self._key)
            if worker is None:
                worker = IsolatedWorker(
                    self._setup, self._limits, name=self._name, processes=self.processes
                )
                _WORKERS[self._key] = worker
            return worker


def abort_workers() -> None:
    """Abort the workers of all handles of this process, so that no thread waits for them.

    A process that ends waits for its threads.
    """
    with _WORKERS_LOCK:
        workers = list(_WORKERS.values())
    for worker in workers:
        worker.abort()


_WORKERS: Final = weakref.WeakValueDictionary[str, IsolatedWorker[Any, Any]]()
_WORKERS_LOCK: Final = threading.Lock()
