"""Locks that let one run at a time write to a folder, and that expire when its process dies.

A folder on this machine is locked with ``flock``. Beam's other file systems have neither locks nor
conditional writes. There a folder is locked by a lease, a file that names its holder and expires.
"""

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

from transforms.core.errors import UsageError
from transforms.storage.filesystems import (
    atomic_file,
    is_object_store,
    open_file,
    quiet_usage_errors,
)
from transforms.storage.paths import is_local

_LOG = logging.getLogger("newsbeam.locks")
_FLOCK_POLL_SECONDS: Final = 0.2
_FLOCK_FILE: Final = "lock"
_LEASE_FILE: Final = "lock.json"
_LOOKS: Final = 4
"""The number of times a process looks for its own lease before the lease counts as lost."""


@dataclass(frozen=True)
class LeaseTiming:
    """How long a lease lasts, and how often it is checked, in seconds.

    Attributes:
        duration_sec: The time from the last renewal of a lease until it expires.
        settle_sec: The time after which every process sees a file that another one has written.
        poll_sec: The interval at which a waiting process tries again.
    """

    duration_sec: float = 300.0
    settle_sec: float = 2.0
    poll_sec: float = 5.0


@dataclass(frozen=True)
class Lease:
    """A lock file that names the holder of a folder and the time when the lock expires.

    Attributes:
        folder: The locked folder.
        description: How messages name the folder, such as "the state out/.state".
        holder: The unique name of the process that holds the lease.
        timing: How long the lease lasts.
    """

    folder: str
    description: str
    holder: str
    timing: LeaseTiming = LeaseTiming()

    @property
    def _path(self) -> str:
        return str(FileSystems.join(self.folder, _LEASE_FILE))

    def acquire(self) -> bool:
        """Try to acquire the lease and return whether that succeeded."""
        if self._is_held_by_another():
            return False
        try:
            self._write(self.timing.duration_sec)
        except Exception:
            # On a file system that never overwrites, another process has written first.
            if self._is_held_by_another():
                return False
            raise
        time.sleep(self.timing.settle_sec)  # if two processes write at once, the last write wins
        return self._is_held()

    def check(self) -> None:
        """Check that this holder still has the lease.

        Raises:
            UsageError: Another process has taken it.
        """
        if not self._is_held():
            raise UsageError(f"another run has taken over {self.description} meanwhile")

    def _write(self, seconds: float) -> None:
        lease = {"holder": self.holder, "until": time.time() + seconds}
        with atomic_file(self._path) as file:
            file.write(json.dumps(lease).encode())

    def renew(self, seconds: float) -> bool:
        """Let the lease expire ``seconds`` from now, and return whether it is still held."""
        if not self._is_held():
            return False
        self._write(seconds)
        return True

    def release(self) -> None:
        """Delete the lease if this holder still has it."""
        if self._is_held():
            FileSystems.delete([self._path])

    def _is_held_by_another(self) -> bool:
        holder, until = self._read(looks=2)
        return holder != self.holder and until > time.time()

    def _is_held(self) -> bool:
        return self._read(looks=_LOOKS)[0] == self.holder

    def _read(self, looks: int) -> tuple[str | None, float]:
        """Return the holder and when the lease expires, as a Unix time; None if nobody holds it.

        Where files cannot be overwritten, a renewal deletes the file for a moment. So look for it
        several times there.
        """
        if is_object_store(self._path):
            looks = 1
        for look in range(looks):
            if look:
                time.sleep(self.timing.settle_sec / _LOOKS)
            if FileSystems.exists(self._path):
                try:
                    with open_file(self._path) as file:
                        data = file.read()
                    break
                except Exception:  # every file system has its own error classes
                    # The holder may have released or renewed the lease since it was seen.
                    if look == looks - 1 and FileSystems.exists(self._path):
                        raise
        else:
            return None, 0.0
        try:
            lease = json.loads(data)
            return str(lease["holder"]), float(lease["until"])
        except (ValueError, KeyError, TypeError):
            return None, 0.0  # incomplete, so it counts as released


class FolderLock:
    """The lock of a folder: a lease, or None for a folder of this machine."""

    def __init__(self, lease: Lease | None) -> None:
        self._lease = lease
        self._handed_over_sec: float | None = None

    @property
    def is_handed_over(self) -> bool:
        """Whether another process releases the lock."""
        return self._handed_over_sec is not None

    def check(self) -> None:
        """Check that the folder is still locked; the lock of a local folder always holds.

        Raises:
            UsageError: Another run has taken over the folder.
        """
        if self._lease:
            self._lease.check()

    @property
    def lease(self) -> Lease:
        """The lease, which another process can check and release.

        Raises:
            UsageError: The folder is local, so that no other machine can hold its lock.
        """
        if self._lease is None:
            raise UsageError("the lock of a local folder cannot be handed over to remote workers")
        return self._lease

    def hand_over(self, seconds: float) -> None:
        """Do not release the lease when the context ends: let it last ``seconds`` from then on.

        Another process releases it.
        """
        self._handed_over_sec = seconds

    def close(self) -> None:
        """Release the lease, or extend it for the process that it was handed over to."""
        if self._lease and self._handed_over_sec is None:
            self._lease.release()
        elif self._lease and self._handed_over_sec is not None:
            self._lease.renew(self._handed_over_sec)


def lock_folder(
    folder: str,
    description: str,
    *,
    wait_sec: float = 0.0,
    timing: LeaseTiming = LeaseTiming(),
) -> AbstractContextManager[FolderLock]:
    """Lock a folder while the context lasts.

    On this machine the operating system keeps the lock and releases it however the process ends.
    On other file systems a thread renews the lease. A process that was suspended for longer than
    the lease may lose it, so call :meth:`FolderLock.check` before you write a result.

    Args:
        folder: The folder.
        description: How messages name the folder.
        wait_sec: Seconds to wait for another run that has locked the folder.
        timing: How long a lease lasts, on other file systems.

    Raises:
        UsageError: Another run still has the lock, or the folder cannot be read and written.
    """
    if is_local(folder):
        return _flock(folder, description, wait_sec)
    return _hold_lease(folder, description, wait_sec, timing)


def is_lock_file(name: str) -> bool:
    """Return whether a file of this name is the lock of its folder, or a partly written one."""
    return name == _FLOCK_FILE or name.startswith(_LEASE_FILE)


@contextmanager
def _flock(folder: str, description: str, wait_sec: float) -> Iterator[FolderLock]:
    with Path(folder, _FLOCK_FILE).open("a") as file:

        def acquire() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        _wait_for_lock(acquire, description, wait_sec, _FLOCK_POLL_SECONDS)
        yield FolderLock(None)


@contextmanager
def _hold_lease(
    folder: str, description: str, wait_sec: float, timing: LeaseTiming
) -> Iterator[FolderLock]:
    holder = f"{os.uname().nodename}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    lease = Lease(folder, description, holder, timing)

    def acquire() -> bool:
        with quiet_usage_errors(f"cannot write to {description}"):
            return lease.acquire()

    _wait_for_lock(acquire, description, wait_sec, timing.poll_sec)
    lock, ended = FolderLock(lease), threading.Event()

    def renew() -> None:
        while not ended.wait(timing.duration_sec / 4):
            try:
                if not lease.renew(timing.duration_sec):
                    return  # the check before the commit reports it
            except Exception:  # the file system may be back before the lease expires
                _LOG.warning(
                    "cannot renew the lease of %s; trying again", description, exc_info=True
                )

    thread = threading.Thread(target=renew, name="newsbeam-lease", daemon=True)
    thread.start()
    try:
        yield lock
    finally:
        ended.set()
        thread.join()
        try:
            lock.close()
        except Exception:  # the work under the lock is done in any case
            message = "cannot release %s; its lock file expires on its own"
            _LOG.warning(message, description, exc_info=True)


def _wait_for_lock(
    acquire: Callable[[], bool], description: str, wait_sec: float, poll_sec: float
) -> None:
    """Call ``acquire`` every ``poll_sec`` seconds until it succeeds.

    Raises:
        UsageError: It did not succeed within ``wait_sec`` seconds.
    """
    deadline = time.monotonic() + wait_sec
    while not acquire():
        if time.monotonic() >= deadline:
            advice = "wait for it (--wait_for_run_sec), or name another folder"
            raise UsageError(f"another run is writing to {description}; {advice}")
        time.sleep(min(poll_sec, max(0.0, deadline - time.monotonic())))
