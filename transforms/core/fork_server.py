"""A process that loads a function once, and forks worker processes that run it.

The workers share the memory of what was loaded, and a new one starts in milliseconds. The server
itself is spawned, since a fork of a process with threads would copy locks that its threads hold.
``multiprocessing`` has a fork server too, but it can load modules only, no models. Imports no Beam.
"""

import contextlib
import gc
import multiprocessing
import os
import pickle
import resource
import signal
import socket
import sys
import threading
import time
import traceback
import warnings
import weakref
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Final, NoReturn

from transforms.core.errors import ItemError

_SPAWN: Final = multiprocessing.get_context("spawn")
_PROTOCOL: Final = pickle.HIGHEST_PROTOCOL
GRACE_SECONDS: Final = 2.0
"""The time after a limit at which a process ends by itself, in case its parent is gone."""

_OUT_OF_MEMORY: Final = 113  # an exit code, since a message might need memory
_MIB: Final = 1 << 20
_STATM: Final = Path("/proc/self/statm")  # memory in pages, see proc(5)
_MAX_FRAMES: Final = 20


class ForkServer:
    """The spawned process, with this process's end of the pipe to it. Threads may share it.

    Args:
        setup: runs once in the server, and returns the function from item to result. The set-up,
            the items and the results must be picklable.
        memory_mb: the MiB of memory that a worker may take on top of what was loaded.
        name: the name of the process, and of the work in error messages.
        start_time_limit_sec: maximum seconds to start the server and run the set-up.
    """

    def __init__(
        self,
        setup: Callable[[], Any],
        *,
        memory_mb: int,
        name: str,
        start_time_limit_sec: float,
    ) -> None:
        self.name = name
        self.memory_mb = memory_mb
        self._start_time_limit_sec = start_time_limit_sec
        self._lock = threading.Lock()
        self._has_started = False
        self._pipe, child_pipe = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_serve_forks,
            args=(child_pipe, setup, memory_mb, start_time_limit_sec),
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
        self.end = weakref.finalize(self, _end_server, self._process, self._pipe)

    def start(self) -> None:
        """Wait until the set-up is done. Return at once if it already is.

        Raises:
            ItemError: the set-up takes too long or ends the process.
            Exception: what the set-up raised.
        """
        with self._lock:
            if not self._has_started:
                limit = self._start_time_limit_sec
                unpack(self.receive(self._pipe, self._join, time.monotonic(), limit, " to start"))
                self._has_started = True

    def fork(self) -> "ForkedWorker":
        """Return a new worker.

        Raises:
            ItemError: the server has died.
        """
        pipe, worker_pipe = _SPAWN.Pipe()
        try:
            with worker_pipe, self._lock:
                self._pipe.send(("fork", None))
                with _as_socket(self._pipe) as sender:
                    socket.send_fds(sender, [b"."], [worker_pipe.fileno()])
                pid: int = self._pipe.recv()
        except (EOFError, OSError) as error:
            pipe.close()
            raise self._crash(self._join()) from error
        except BaseException:
            pipe.close()
            raise
        return ForkedWorker(self, pid, pipe)

    def end_worker(self, pid: int) -> int:
        """End a worker, whose pipe is closed, and return its exit code."""
        with self._lock:
            try:
                self._pipe.send(("end", pid))
                code: int = self._pipe.recv()
            except (EOFError, OSError):  # the server has died, so the worker is not its child
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                code = -signal.SIGKILL
        return code

    def receive(
        self,
        pipe: "Connection[Any, Any]",
        end: Callable[[], int],
        since: float,
        seconds: float,
        to_do: str = "",
    ) -> bytes:
        """Return the next message of a process, or raise the ItemError that says how it ended.

        Args:
            pipe: the pipe to the process.
            end: waits for a process that has closed its pipe to end, and returns its exit code.
            since: when the time started, on the monotonic clock.
            seconds: the time limit.
            to_do: what is waited for, for the message.
        """
        too_long = ItemError("TimeLimit", f"{self.name} took more than {seconds:g} seconds{to_do}")
        try:
            if pipe.poll(max(0.0, since + seconds - time.monotonic())):
                return pipe.recv_bytes()
        except (EOFError, OSError):
            code = end()  # the process has died
        else:
            raise too_long
        if code == -signal.SIGALRM:
            raise too_long
        if code == _OUT_OF_MEMORY:
            message = f"{self.name} needed more than {self.memory_mb} MiB"
            raise ItemError("MemoryLimit", message)
        raise self._crash(code)

    def _crash(self, code: int) -> ItemError:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return ItemError("Crashed", f"{self.name} ended with {how}")

    def _join(self) -> int:
        self._process.join(GRACE_SECONDS)
        return self.end() or 0


class ForkedWorker:
    """A worker process, with this process's end of the pipe to it."""

    def __init__(self, server: ForkServer, pid: int, pipe: "Connection[Any, Any]") -> None:
        self._server = server
        self._pid = pid
        self._pipe = pipe
        # The finaliser holds the server, which therefore outlives its workers.
        self.end = weakref.finalize(self, _end_worker, server, pid, pipe)

    def kill(self) -> None:
        """Let the item under way fail. The worker must not have been ended."""
        os.kill(self._pid, signal.SIGKILL)

    def request(self, packed: bytes, seconds: float) -> bytes:
        """Send an item, and return the reply.

        Raises:
            ItemError: the item takes too long, needs too much memory or ends the worker.
        """
        sent_at = time.monotonic()
        with contextlib.suppress(OSError):  # if the worker died meanwhile, receive says why
            self._pipe.send(seconds)  # first, so that the worker has set its alarm in any case
            self._pipe.send_bytes(packed)
        return self._server.receive(self._pipe, lambda: self.end() or 0, sent_at, seconds)


def _end_server(process: SpawnProcess, pipe: "Connection[Any, Any]") -> int:
    """Kill a server, which has nothing to save, and return its exit code."""
    pipe.close()
    process.kill()
    process.join()
    code = process.exitcode or 0
    process.close()
    return code


def _end_worker(server: ForkServer, pid: int, pipe: "Connection[Any, Any]") -> int:
    pipe.close()
    return server.end_worker(pid)


def _as_socket(pipe: "Connection[Any, Any]") -> socket.socket:
    """Return a pipe as a socket, which can pass file descriptors.

    Some libraries set a default timeout for sockets, which would make the pipe non-blocking.
    """
    connected = socket.fromfd(pipe.fileno(), socket.AF_UNIX, socket.SOCK_STREAM)
    connected.settimeout(None)
    return connected


class _ChildTraceback(Exception):
    """The traceback of an error in the child, as its cause in the parent."""

    def __str__(self) -> str:
        return f"\n\n{self.args[0]}"


def unpack(reply: bytes) -> Any:
    """Return the result in a reply, or raise its error."""
    result, error, trace = pickle.loads(reply)
    if error is not None:
        raise error from _ChildTraceback(trace)
    return result


# The functions below run in the server and, where they say so, in its workers.


def _serve_forks(
    pipe: "Connection[Any, Any]",
    setup: Callable[[], Any],
    memory_mb: int,
    start_time_limit_sec: float,
) -> None:
    """Run the set-up, then fork and end workers until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    for signum in (signal.SIGTERM, signal.SIGALRM):  # may be inherited as ignored
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    functions = []
    try:
        _set_alarm(start_time_limit_sec)
        pipe.send_bytes(_pack(lambda: functions.append(setup())))
        _set_alarm(None)
        if not functions:
            return
        gc.freeze()  # so that collections in the workers do not copy the memory that they share
        # The libraries of linear algebra have threads, which they stop before a fork.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        while True:
            command, pid = pipe.recv()
            pipe.send(_fork(pipe, functions[0], memory_mb) if command == "fork" else _reap(pid))
    except (EOFError, OSError):  # the parent is gone; the workers see that by themselves
        pass
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)


def _fork(pipe: "Connection[Any, Any]", function: Callable[[Any], Any], memory_mb: int) -> int:
    """Fork a worker and return its process id."""
    with _as_socket(pipe) as receiver:
        _, (handle,), _, _ = socket.recv_fds(receiver, 1, 1)
    pid = os.fork()
    if not pid:
        pipe.close()
        _serve_items(Connection(handle), function, memory_mb)
    os.close(handle)
    return pid


def _reap(pid: int) -> int:
    """Return the exit code of a worker whose pipe is closed. Kill it if it does not end soon."""
    deadline = time.monotonic() + GRACE_SECONDS
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def _serve_items(
    pipe: "Connection[Any, Any]", function: Callable[[Any], Any], memory_mb: int
) -> NoReturn:
    """Reply to items until the parent is gone. Runs in a worker."""
    code = 1
    try:
        _limit_memory(memory_mb)
        while True:
            _set_alarm(None)
            _set_alarm(pipe.recv())
            pipe.send_bytes(_pack(lambda: function(pickle.loads(pipe.recv_bytes()))))
    except (EOFError, OSError):  # the parent is gone
        code = 0
    except MemoryError:
        code = _OUT_OF_MEMORY
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)  # the rest of the program belongs to the server


def _set_alarm(seconds: float | None) -> None:
    """Let a signal end the process soon after a time limit, in case its parent is gone.

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
