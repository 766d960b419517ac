"""Work on hostile input in a process of its own, which can be killed. Imports no Beam."""

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

T = TypeVar("T")
R = TypeVar("R")

_SPAWN: Final = multiprocessing.get_context("spawn")  # a fork would copy locks that threads hold
_PROTOCOL: Final = pickle.HIGHEST_PROTOCOL
START_SECONDS: Final = 300.0
GRACE_SECONDS: Final = 2.0
_LONGEST_SECONDS: Final = 1e6  # more milliseconds than poll() takes are no limit anyway
_OUT_OF_MEMORY: Final = 113  # an exit code, as an answer might need memory
_MIB: Final = 1 << 20
_STATM: Final = Path("/proc/self/statm")
_FRAMES: Final = 20


@dataclass(frozen=True)
class LimitOptions:
    """What one item may cost."""

    item_time_limit_sec: float = flag(
        "seconds that parsing, extracting or analysing one item may take",
        default=30.0,
        type=float,
        metavar="SECONDS",
    )
    item_memory_limit_mb: int = flag(
        "MiB of memory that one item may need on top of the libraries and models",
        default=1024,
        type=int,
        metavar="MIB",
    )

    def __post_init__(self) -> None:
        require(self.item_time_limit_sec > 0, "--item_time_limit_sec must be above 0")
        require(self.item_memory_limit_mb > 0, "--item_memory_limit_mb must be above 0")


class IsolatedWorker(Generic[T, R]):
    """A callable that works in a child process, one item at a time. Safe in threads.

    ``setup`` runs in the child once and returns what does the work of one item; it, the items and
    the results are pickled. The child starts with the first call, serves all that follow, and is
    replaced when an item was its end.
    """

    def __init__(
        self, setup: Callable[[], Callable[[T], R]], limits: LimitOptions, *, name: str
    ) -> None:
        self._setup = setup
        self._limits = limits
        self._name = name
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def __call__(self, item: T, *, time_factor: float = 1.0) -> R:
        """The result of the work on an item, for which it has ``time_factor`` times the limit.

        Raises:
            ItemError: it took too long or too much memory, or it was the end of the process.
            Exception: whatever the work raised; an :class:`ItemError` if it does not pickle.
        """
        packed = pickle.dumps(item, _PROTOCOL)
        seconds = min(self._limits.item_time_limit_sec * time_factor, _LONGEST_SECONDS)
        with self._lock:
            answer = self._answer(packed, seconds)
        result: R = _unpack(answer)
        return result

    def __enter__(self) -> "IsolatedWorker[T, R]":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child, after the item that it may be at."""
        with self._lock:
            if self._child is not None:
                self._child.end()
                self._child = None

    def _answer(self, packed: bytes, seconds: float) -> bytes:
        try:
            return self._try(packed, seconds)
        except ItemError as lost:
            if lost.error_type == "TimeLimit":
                raise
        # Perhaps it was not this item, but what earlier ones had left behind in the process.
        try:
            return self._try(packed, seconds)
        except ItemError as lost:
            lost.attempts = 2
            raise

    def _try(self, packed: bytes, seconds: float) -> bytes:
        child = self._child or _Child(self._setup, self._limits, self._name)
        self._child = None  # until it has answered in full: no other item may get this answer
        try:
            child.start()
            answer = child.ask(packed, seconds)
        except BaseException:
            child.end()
            raise
        self._child = child
        return answer


class IsolatedWorkerHandle:
    """A handle to one :class:`IsolatedWorker` per process, shared by all pickled copies of it."""

    def __init__(
        self, setup: Callable[[], Callable[[Any], Any]], limits: LimitOptions, *, name: str
    ) -> None:
        self._setup = setup
        self._limits = limits
        self._name = name
        self._key = uuid.uuid4().hex

    def get(self) -> IsolatedWorker[Any, Any]:
        """The callable; keep a reference to it as long as it is needed."""
        with _SHARED_LOCK:
            shared = _SHARED.get(self._key)
            if shared is None:
                shared = IsolatedWorker(self._setup, self._limits, name=self._name)
                _SHARED[self._key] = shared
            return shared


_SHARED: Final = weakref.WeakValueDictionary[str, IsolatedWorker[Any, Any]]()
_SHARED_LOCK: Final = threading.Lock()


class _Child:
    """A process, this side's end of the pipe to it, and what its death means."""

    def __init__(self, setup: Callable[[], Any], limits: LimitOptions, name: str) -> None:
        self._memory_mb = limits.item_memory_limit_mb
        self._name = name
        self._started = False
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_serve, args=(theirs, setup, self._memory_mb), name=name, daemon=True
        )
        # Ctrl-C goes to the child as well, which is deaf to it from its first moment on. The
        # tracker of ``multiprocessing`` starts with the first child, and resets the mask.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        except BaseException:
            self._pipe.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            theirs.close()  # so that the pipe ends with the child
        self.end = weakref.finalize(self, _end, self._process, self._pipe)

    def start(self) -> None:
        """Wait until it is ready for items, if that has not been done."""
        if not self._started:
            _unpack(self._receive(time.monotonic(), START_SECONDS, " to start"))
            self._started = True

    def ask(self, packed: bytes, seconds: float) -> bytes:
        """The answer to an item."""
        asked = time.monotonic()
        # What the child makes of an item that it did not read in full is found out below.
        with contextlib.suppress(OSError):
            self._pipe.send(seconds)  # first, so that its alarm is set whatever comes of the rest
            self._pipe.send_bytes(packed)
        return self._receive(asked, seconds)

    def _receive(self, since: float, seconds: float, to_do: str = "") -> bytes:
        too_long = ItemError("TimeLimit", f"{self._name} took more than {seconds:g} seconds{to_do}")
        try:
            if self._pipe.poll(max(0.0, since + seconds - time.monotonic())):
                return self._pipe.recv_bytes()
        except (EOFError, OSError):  # it has died
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
    """End a child, and return its exit code. It holds nothing that is worth a farewell."""
    pipe.close()
    process.kill()
    process.join()
    code = process.exitcode or 0
    process.close()
    return code


class _InChild(Exception):
    """The traceback of an error, from where it was raised."""

    def __str__(self) -> str:
        return f"\n\n{self.args[0]}"


def _unpack(answer: bytes) -> Any:
    result, error, trace = pickle.loads(answer)
    if error is not None:
        raise error from _InChild(trace)
    return result


# From here on, all runs in the child.


def _serve(pipe: "Connection[Any, Any]", setup: Callable[[], Any], memory_mb: int) -> None:
    """Answer items until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    for number in (signal.SIGTERM, signal.SIGALRM):  # may be inherited as ignored, or blocked
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    works = []

    def load() -> None:
        works.append(setup())
        _limit_memory(memory_mb)

    try:
        _set_alarm(START_SECONDS)
        pipe.send_bytes(_pack(load))
        while works:
            _set_alarm(None)
            _set_alarm(pipe.recv())
            pipe.send_bytes(_pack(lambda: works[0](pickle.loads(pipe.recv_bytes()))))
    except (EOFError, OSError):  # the parent is gone
        _set_alarm(0.0)  # threads that were left behind do not keep the process
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)


def _set_alarm(seconds: float | None) -> None:
    """Die soon after so many seconds, if no parent is left to see to it.

    The signal has no handler in Python, so it works inside C code that never returns, too.
    """
    signal.setitimer(signal.ITIMER_REAL, 0.0 if seconds is None else seconds + GRACE_SECONDS)


def _limit_memory(mib: int) -> None:
    """Bound the address space to what it is now and so much more, where this can be told."""
    if _STATM.exists():
        used = int(_STATM.read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        most = sys.maxsize if hard == resource.RLIM_INFINITY else hard
        resource.setrlimit(resource.RLIMIT_AS, (min(used + mib * _MIB, most), hard))


def _pack(work: Callable[[], Any]) -> bytes:
    """What comes of the work: a result, or an error with its traceback."""
    try:
        return pickle.dumps((work(), None, ""), _PROTOCOL)
    except MemoryError:
        raise
    except BaseException as error:
        return _pack_error(error)


def _pack_error(error: BaseException) -> bytes:
    trace = "".join(traceback.format_exception(error, limit=-_FRAMES))
    if isinstance(error, Exception):  # others would end the parent
        with contextlib.suppress(Exception):  # if it cannot be pickled, or not be made again
            packed = pickle.dumps((None, error, trace), _PROTOCOL)
            pickle.loads(packed)
            return packed
    kind = type(error).__name__
    return pickle.dumps((None, ItemError(kind, str(error) or kind), trace), _PROTOCOL)
