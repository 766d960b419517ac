"""One run at a time: a folder is held by one process, and let go of when that dies."""

import fcntl
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from apache_beam.io.filesystems import FileSystems

from transforms.core.options import UsageError
from transforms.storage.filesystems import (
    atomic_file,
    has_folders,
    is_local,
    open_file,
    quiet_usage_errors,
)

_LOG = logging.getLogger("newsbeam.locks")
_POLL_SECONDS: Final = 0.2
_LOCK: Final = "lock"
_LEASE: Final = "lock.json"
LEASE_SECONDS: Final = 300.0
SETTLE_SECONDS: Final = 2.0
LEASE_POLL_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Lease:
    """A file that says who holds a folder of a file system without locks, and until when."""

    folder: str
    what: str
    holder: str

    @property
    def _path(self) -> str:
        return str(FileSystems.join(self.folder, _LEASE))

    def take(self) -> bool:
        """Whether this holder has it now, for as long as a lease lasts."""
        if self._is_anothers():
            return False
        try:
            self._write(LEASE_SECONDS)
        except Exception:
            if self._is_anothers():  # who was quicker, where nothing is written over
                return False
            raise
        time.sleep(SETTLE_SECONDS)  # of two that write at once, the later one holds it
        return self._is_held()

    def check(self) -> None:
        """See that it is still this holder's.

        Raises:
            UsageError: it is not.
        """
        if not self._is_held():
            raise UsageError(f"another run has taken over {self.what} meanwhile")

    def _write(self, seconds: float) -> None:
        lease = {"holder": self.holder, "until": time.time() + seconds}
        with atomic_file(self._path) as file:
            file.write(json.dumps(lease).encode())

    def renew(self, seconds: float) -> bool:
        """Let it last for so long from now if it is still this holder's; whether it is."""
        if not self._is_held():
            return False
        self._write(seconds)
        return True

    def release(self) -> None:
        """End it, if it is still this holder's."""
        if self._is_held():
            FileSystems.delete([self._path])

    def _is_anothers(self) -> bool:
        holder, until = _read_lease(self._path)
        return holder != self.holder and until > time.time()

    def _is_held(self) -> bool:
        return _read_lease(self._path)[0] == self.holder


class FolderLock:
    """A folder that is held, while the context lasts that gave it."""

    def __init__(self, lease: Lease | None) -> None:
        self._lease = lease
        self._handed_over_sec: float | None = None

    @property
    def is_handed_over(self) -> bool:
        """Whether it is for another process to release."""
        return self._handed_over_sec is not None

    def check(self) -> None:
        """See that the folder is still held; a lock of this machine's always is.

        Raises:
            UsageError: it is not.
        """
        if self._lease:
            self._lease.check()

    @property
    def lease(self) -> Lease:
        """The lease, which another process can check and release.

        Raises:
            UsageError: the folder is one of this machine's, which no other one can hold.
        """
        if self._lease is None:
            raise UsageError("a folder of this machine cannot be handed over to workers elsewhere")
        return self._lease

    def hand_over(self, seconds: float) -> None:
        """Leave the lease to another process, which has so long from the context's end."""
        self._handed_over_sec = seconds

    def end(self) -> None:
        """Let go of the lease, or leave it to whom it was handed over to."""
        if self._lease and self._handed_over_sec is None:
            self._lease.release()
        elif self._lease and self._handed_over_sec is not None:
            self._lease.renew(self._handed_over_sec)


def lock_folder(
    folder: str, what: str, *, wait_sec: float = 0.0
) -> AbstractContextManager[FolderLock]:
    """FolderLock a folder while the context lasts, waiting for who holds it for so long.

    On this machine the system keeps the lock and releases it however the process ends. On other
    file systems the lock is a lease, a file that is renewed while the holder lives; one that was
    asleep for longer than the lease may find it taken, which it is to check before it writes.

    Raises:
        UsageError: another run holds it, still; or the folder cannot be read and written.
    """
    return _flock(folder, what, wait_sec) if is_local(folder) else _lease(folder, what, wait_sec)


def is_lock_file(name: str) -> bool:
    """Whether a file of this name says who holds the folder that it is in."""
    return name == _LOCK or name.startswith(_LEASE)


@contextmanager
def _flock(folder: str, what: str, wait_sec: float) -> Iterator[FolderLock]:
    with Path(folder, _LOCK).open("a") as file:

        def take() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        _until(take, what, wait_sec, _POLL_SECONDS)
        yield FolderLock(None)


@contextmanager
def _lease(folder: str, what: str, wait_sec: float) -> Iterator[FolderLock]:
    lease = Lease(folder, what, f"{os.uname().nodename}-{os.getpid()}-{uuid.uuid4().hex[:8]}")

    def take() -> bool:
        with quiet_usage_errors(f"cannot write to {what}"):
            return lease.take()

    _until(take, what, wait_sec, LEASE_POLL_SECONDS)
    held, ended = FolderLock(lease), threading.Event()

    def renew() -> None:
        while not ended.wait(LEASE_SECONDS / 4):
            try:
                if not lease.renew(LEASE_SECONDS):
                    return  # which the check before the commit says
            except Exception:  # a file system that is away for a while: there are tries left
                _LOG.warning("the lease of %s is not renewed; trying again", what, exc_info=True)

    thread = threading.Thread(target=renew, name="newsbeam-lease", daemon=True)
    thread.start()
    try:
        yield held
    finally:
        ended.set()
        thread.join()
        try:
            held.end()
        except Exception:  # what was done meanwhile is done
            _LOG.warning("%s is held until its lease runs out", what, exc_info=True)


def _read_lease(path: str) -> tuple[str | None, float]:
    if not _is_there(path):
        return None, 0.0
    try:
        with open_file(path) as file:
            data = file.read()
    except Exception:  # of its own on every file system
        if FileSystems.exists(path):
            raise
        return None, 0.0  # gone meanwhile
    try:
        lease = json.loads(data)
        return str(lease["holder"]), float(lease["until"])
    except (ValueError, KeyError, TypeError):
        return None, 0.0  # cut off: no one's


def _is_there(path: str) -> bool:
    """Where nothing is written over, a lease is away for a moment when it is renewed."""
    if FileSystems.exists(path):
        return True
    if has_folders(path):
        time.sleep(SETTLE_SECONDS / 4)
        return bool(FileSystems.exists(path))
    return False


def _until(take: Callable[[], bool], what: str, wait_sec: float, poll_sec: float) -> None:
    deadline = time.monotonic() + wait_sec
    while not take():
        if time.monotonic() >= deadline:
            advice = "wait for it (--wait_for_run_sec), or name another folder"
            raise UsageError(f"another run is writing to {what}; {advice}")
        time.sleep(min(poll_sec, max(0.0, deadline - time.monotonic())))
