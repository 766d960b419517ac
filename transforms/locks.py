"""One run at a time: a folder is held by one process, and let go of when that dies."""

import fcntl
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from apache_beam.io.filesystems import FileSystems

from transforms.options import UsageError

_POLL_SECONDS: Final = 0.2
LEASE_SECONDS: Final = 300.0
SETTLE_SECONDS: Final = 2.0


def is_local(folder: str) -> bool:
    """Whether a folder is one of this machine rather than of another Beam file system."""
    return "://" not in folder


Check = Callable[[], None]
"""Sees that a folder is still held; raises UsageError if it is not."""


def hold(folder: str, what: str, *, wait_sec: float = 0.0) -> AbstractContextManager[Check]:
    """Hold a folder while the context lasts, waiting for who holds it for so long.

    On this machine the system keeps the lock and releases it however the process ends. On other
    file systems the lock is a lease, a file that is renewed while the holder lives; one that was
    asleep for longer than the lease may find it taken, which it is to check before it writes.

    Raises:
        UsageError: another run holds it, still.
    """
    return _flock(folder, what, wait_sec) if is_local(folder) else _lease(folder, what, wait_sec)


@contextmanager
def _flock(folder: str, what: str, wait_sec: float) -> Iterator[Check]:
    with Path(folder, "lock").open("a") as file:

        def take() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        _until(take, what, wait_sec)
        yield lambda: None


@contextmanager
def _lease(folder: str, what: str, wait_sec: float) -> Iterator[Check]:
    path = FileSystems.join(folder, "lock.json")
    me = f"{os.uname().nodename}-{os.getpid()}-{uuid.uuid4().hex[:8]}"

    def take() -> bool:
        holder, until = _read_lease(path)
        if holder != me and until > time.time():
            return False
        _write_lease(path, me)
        time.sleep(SETTLE_SECONDS)  # of two that write at once, the later one holds it
        return _read_lease(path)[0] == me

    _until(take, what, wait_sec)
    ended = threading.Event()

    def check() -> None:
        if _read_lease(path)[0] != me:
            raise UsageError(f"another run has taken over {what} meanwhile")

    def renew() -> None:
        while not ended.wait(LEASE_SECONDS / 4) and _read_lease(path)[0] == me:
            _write_lease(path, me)

    thread = threading.Thread(target=renew, name="newsbeam-lease", daemon=True)
    thread.start()
    try:
        yield check
    finally:
        ended.set()
        thread.join()
        if _read_lease(path)[0] == me:
            FileSystems.delete([path])


def _read_lease(path: str) -> tuple[str | None, float]:
    if not FileSystems.exists(path):
        return None, 0.0
    try:
        with FileSystems.open(path) as file:
            lease = json.loads(file.read())
        return str(lease["holder"]), float(lease["until"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, 0.0  # gone meanwhile, or cut off: no one's


def _write_lease(path: str, holder: str) -> None:
    with FileSystems.create(path) as file:
        file.write(json.dumps({"holder": holder, "until": time.time() + LEASE_SECONDS}).encode())


def _until(take: Callable[[], bool], what: str, wait_sec: float) -> None:
    deadline = time.monotonic() + wait_sec
    while not take():
        if time.monotonic() >= deadline:
            advice = "wait for it (--wait_for_run_sec), or name another folder"
            raise UsageError(f"another run is writing to {what}; {advice}")
        time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
