"""Workers in child processes, for hostile input: each item has limits of time and memory.

An input that hangs or crashes a parser, or makes it use too much memory, costs one child process
and one dead letter, not the worker of Beam. ``concurrent.futures`` cannot do this: it can neither
stop an item that hangs nor limit its memory, and a crash breaks the whole pool. Imports no Beam.
"""

import contextlib
import multiprocessing
import os
import pickle
import resource
import signal
import sys
import threading
import time
import traceback
import uuid
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from transforms.core.errors import ItemError
from transforms.core.options import flag, require
from transforms.core.process_shared import ProcessShared

T = TypeVar("T")
R = TypeVar("R")

_SPAWN: Final = multiprocessing.get_context("spawn")  # a fork would copy locks that threads hold
_PROTOCOL: Final = pickle.HIGHEST_PROTOCOL
START_SECONDS: Final = 300.0
"""The default time limit for starting a child and its set-up."""

GRACE_SECONDS: Final = 2.0
"""The time after a limit at which a child ends by itself, in case its parent is gone."""

_MAX_SECONDS: Final = 1e6  # poll() takes a limited number of milliseconds
_OUT_OF_MEMORY: Final = 113  # an exit code, since a message might need memory
_MIB: Final = 1 << 20
_STATM: Final = Path("/proc/self/statm")  # memory in pages, see proc(5)
_MAX_FRAMES: Final = 20


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


class IsolatedWorker(Generic[T, R]):
    """A function that runs in a child process, one item at a time. Threads may share it.

    The child starts with the first call and serves all later ones. If an item ends the child, the
    next item gets a new one.

    Args:
        setup: runs once in the child, and returns the function from item to result. The set-up,
            the items and the results must be picklable.
        limits: the limits for one item.
        name: the name of the process, and of the work in error messages.
        start_time_limit_sec: maximum seconds to start the child and run the set-up.
    """

    def __init__(
        self,
        setup: Callable[[], Callable[[T], R]],
        limits: LimitOptions,
        *,
        name: str,
        start_time_limit_sec: float = START_SECONDS,
    ) -> None:
        self._setup = setup
        self._limits = limits
        self._name = name
        self._start_time_limit_sec = start_time_limit_sec
        self._lock = threading.Lock()
        self._child: _Child | None = None

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
        with self._lock:
            reply = self._request(packed, seconds)
        result: R = _unpack(reply)
        return result

    def __enter__(self) -> "IsolatedWorker[T, R]":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child once its current item is done. A later call starts a new one."""
        with self._lock:
            if self._child is not None:
                self._child.end()
                self._child = None

    def _request(self, packed: bytes, seconds: float) -> bytes:
        try:
            return self._request_once(packed, seconds)
        except ItemError as error:
            if error.error_type == "TimeLimit":
                raise
        # The cause may be memory that earlier items left behind, so try in a new child.
        try:
            return self._request_once(packed, seconds)
        except ItemError as error:
            error.attempts = 2
            raise

    def _request_once(self, packed: bytes, seconds: float) -> bytes:
        child = self._child or _Child(
            self._setup, self._limits, self._name, self._start_time_limit_sec
        )
        self._child = None  # until the reply is complete: no other item may receive it
        try:
            child.start()
            reply = child.request(packed, seconds)
        except BaseException:
            child.end()
            raise
        self._child = child
        return reply


class IsolatedWorkerHandle(ProcessShared[IsolatedWorker[Any, Any]]):
    """A handle to one :class:`IsolatedWorker` per process, shared by all pickled copies of it."""

    def __init__(
        self, setup: Callable[[], Callable[[Any], Any]], limits: LimitOptions, *, name: str
    ) -> None:
        self._setup = setup
        self._limits = limits
        self._name = name
        self._key = uuid.uuid4().hex

    def get(self) -> IsolatedWorker[Any, Any]:
        """Return the worker of this process. It ends when nobody holds a reference to it."""
        with _WORKERS_LOCK:
            worker = _WORKERS.get(self._key)
            if worker is None:
                worker = IsolatedWorker(self._setup, self._limits, name=self._name)
                _WORKERS[self._key] = worker
            return worker


_WORKERS: Final = weakref.WeakValueDictionary[str, IsolatedWorker[Any, Any]]()
_WORKERS_LOCK: Final = threading.Lock()


class _Child:
    """A child process, with the parent's end of the pipe to it."""

    def __init__(
        self,
        setup: Callable[[], Any],
        limits: LimitOptions,
        name: str,
        start_time_limit_sec: float,
    ) -> None:
        self._start_time_limit_sec = start_time_limit_sec
        self._memory_mb = limits.item_memory_limit_mb
        self._name = name
        self._has_started = False
        self._pipe, child_pipe = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_serve,
            args=(child_pipe, setup, self._memory_mb, start_time_limit_sec),
            name=name,
            daemon=True,
        )
        # Ctrl-C also reaches the child, which must ignore it from the start; so it inherits a
        # mask. The resource tracker, which starts with the first child, would reset the mask.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        except BaseException:
            self._pipe.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            child_pipe.close()  # so that the pipe closes when the child ends
        self.end = weakref.finalize(self, _end, self._process, self._pipe)

    def start(self) -> None:
        """Wait until the set-up is done. Return at once if it already is."""
        if not self._has_started:
            _unpack(self._receive(time.monotonic(), self._start_time_limit_sec, " to start"))
            self._has_started = True

    def request(self, packed: bytes, seconds: float) -> bytes:
        """Send an item, and return the reply."""
        sent_at = time.monotonic()
        with contextlib.suppress(OSError):  # if the child died meanwhile, _receive says why
            self._pipe.send(seconds)  # first, so that the child has set its alarm in any case
            self._pipe.send_bytes(packed)
        return self._receive(sent_at, seconds)

    def _receive(self, since: float, seconds: float, to_do: str = "") -> bytes:
        """Return the next message, or raise the ItemError that says how the child ended."""
        too_long = ItemError("TimeLimit", f"{self._name} took more than {seconds:g} seconds{to_do}")
        try:
            if self._pipe.poll(max(0.0, since + seconds - time.monotonic())):
                return self._pipe.recv_bytes()
        except (EOFError, OSError):  # the child has died
            self._process.join(GRACE_SECONDS)
        else:
            raise too_long
        code = self.end() or 0
        if code == -signal.SIGALRM:
            raise too_long
        if code == _OUT_OF_MEMORY:
            message = f"{self._name} needed more than {self._memory_mb} MiB"
            raise ItemError("MemoryLimit", message)
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise ItemError("Crashed", f"{self._name} ended with {how}")


def _end(process: SpawnProcess, pipe: "Connection[Any, Any]") -> int:
    """Kill a child, which has nothing to save, and return its exit code."""
    pipe.close()
    process.kill()
    process.join()
    code = process.exitcode or 0
    process.close()
    return code


class _ChildTraceback(Exception):
    """The traceback of an error in the child, as its cause in the parent."""

    def __str__(self) -> str:
        return f"\n\n{self.args[0]}"


def _unpack(reply: bytes) -> Any:
    """Return the result in a reply, or raise its error."""
    result, error, trace = pickle.loads(reply)
    if error is not None:
        raise error from _ChildTraceback(trace)
    return result


# The functions below run in the child.


def _serve(
    pipe: "Connection[Any, Any]",
    setup: Callable[[], Any],
    memory_mb: int,
    start_time_limit_sec: float,
) -> None:
    """Reply to items until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    for signum in (signal.SIGTERM, signal.SIGALRM):  # may be inherited as ignored
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    functions = []

    def load() -> None:
        functions.append(setup())
        _limit_memory(memory_mb)

    try:
        _set_alarm(start_time_limit_sec)
        pipe.send_bytes(_pack(load))
        while functions:
            _set_alarm(None)
            _set_alarm(pipe.recv())
            pipe.send_bytes(_pack(lambda: functions[0](pickle.loads(pipe.recv_bytes()))))
    except (EOFError, OSError):  # the parent is gone
        _set_alarm(0.0)  # in case threads that an item left behind keep the process alive
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)


def _set_alarm(seconds: float | None) -> None:
    """Let a signal end the child soon after a time limit, in case its parent is gone.

    The signal has no handler in Python, so it also interrupts C code that never returns.

    Args:
        seconds: the time limit; None cancels the alarm.
    """
    signal.setitimer(signal.ITIMER_REAL, 0.0 if seconds is None else seconds + GRACE_SECONDS)


def _limit_memory(mib: int) -> None:
    """Limit the address space to its current size plus ``mib`` MiB, where /proc exists."""
    if _STATM.exists():
        used = int(_STATM.read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        max_bytes = sys.maxsize if hard == resource.RLIM_INFINITY else hard
        resource.setrlimit(resource.RLIMIT_AS, (min(used + mib * _MIB, max_bytes), hard))


def _pack(function: Callable[[], Any]) -> bytes:
    """Return a reply with the result of a function, or with its error and traceback."""
    try:
        return pickle.dumps((function(), None, ""), _PROTOCOL)
    except MemoryError:
        raise
    except BaseException as error:
        return _pack_error(error)


def _pack_error(error: BaseException) -> bytes:
    trace = "".join(traceback.format_exception(error, limit=-_MAX_FRAMES))
    if isinstance(error, Exception):  # SystemExit and the like would end the parent
        with contextlib.suppress(Exception):  # some errors cannot be pickled or unpickled
            packed = pickle.dumps((None, error, trace), _PROTOCOL)
            pickle.loads(packed)
            return packed
    return pickle.dumps((None, ItemError.from_exception(error), trace), _PROTOCOL)
