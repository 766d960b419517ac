import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

import pytest

from tests.support.hdfs_like_filesystem import SCHEME, HdfsLikeFileSystem
from transforms.core.errors import UsageError
from transforms.storage.filesystems import open_file
from transforms.storage.locks import Lease, LeaseTiming, lock_folder

assert HdfsLikeFileSystem.scheme() == SCHEME
TIMING = LeaseTiming(settle_sec=0.05, poll_sec=0.1)
SETTLED = LeaseTiming(settle_sec=0.0)


@pytest.fixture(params=["", f"{SCHEME}://"], ids=["local", "elsewhere"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"{request.param}{tmp_path}"


def test_a_folder_is_locked_once(folder: str) -> None:
    with lock_folder(folder, "the state s", timing=TIMING):
        for _ in range(2):
            with (
                pytest.raises(UsageError, match="another run is writing to the state s; wait"),
                lock_folder(folder, "the state s", timing=TIMING),
            ):
                pytest.fail("locked twice")
    with lock_folder(folder, "the state s", timing=TIMING):
        pass  # released


def test_the_second_waits_for_the_first(folder: str) -> None:
    locked, order = threading.Event(), []

    def first() -> None:
        with lock_folder(folder, "s", timing=TIMING):
            locked.set()
            time.sleep(0.5)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    locked.wait()
    with lock_folder(folder, "s", wait_sec=30, timing=TIMING):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_waiting_times_out(folder: str) -> None:
    with lock_folder(folder, "s", timing=TIMING):
        started = time.monotonic()
        with (
            pytest.raises(UsageError, match="another run"),
            lock_folder(folder, "s", wait_sec=0.3, timing=TIMING),
        ):
            pytest.fail("locked twice")
        assert time.monotonic() - started >= 0.3


def test_a_killed_process_releases_its_lock(tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "from transforms.storage.locks import lock_folder\n"
        "with lock_folder(sys.argv[1], 's'):\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "locked\n"
        with pytest.raises(UsageError), lock_folder(str(tmp_path), "s"):
            pytest.fail("locked twice")
        process.kill()
        process.wait()
    with lock_folder(str(tmp_path), "s"):
        pass


@pytest.mark.parametrize("lease", ["", "{", "[]", json.dumps({"holder": "a-1", "until": 1e9})])
def test_an_expired_or_incomplete_lease_is_taken_over(tmp_path: Path, lease: str) -> None:
    (tmp_path / "lock.json").write_text(lease)
    with lock_folder(f"{SCHEME}://{tmp_path}", "s", timing=SETTLED):
        assert json.loads((tmp_path / "lock.json").read_text())["until"] > time.time()
    assert not (tmp_path / "lock.json").exists()


def _read_or_none(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:  # it is being renewed
        return None


def test_a_lease_is_renewed(tmp_path: Path) -> None:
    timing = LeaseTiming(duration_sec=0.8, settle_sec=0.2)
    path = tmp_path / "lock.json"
    with lock_folder(f"{SCHEME}://{tmp_path}", "s", timing=timing) as lock:
        first = path.read_text()
        deadline = time.monotonic() + 10
        while _read_or_none(path) in (None, first):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        lock.check()


def test_a_lost_lease_is_left_to_its_new_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock.json"
    other = json.dumps({"holder": "other", "until": time.time() + 100})
    with lock_folder(f"{SCHEME}://{tmp_path}", "the state s", timing=SETTLED) as lock:
        lock.check()
        path.write_text(other)  # as if this one had slept through its lease
        with pytest.raises(UsageError, match="another run has taken over the state s"):
            lock.check()
    assert path.read_text() == other


def test_a_lease_can_be_read_while_it_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On HDFS a renewal deletes the file for a moment, here just before it is read."""
    lease = Lease(f"{SCHEME}://{tmp_path}", "the state", "holder", TIMING)
    assert lease.acquire()
    file = next(tmp_path.iterdir())
    content, opened = file.read_bytes(), []

    def open_deleted(path: str) -> IO[bytes]:
        opened.append(path)
        if len(opened) > 1:
            return open_file(path)
        file.unlink()
        try:
            return open_file(path)
        finally:
            file.write_bytes(content)

    monkeypatch.setattr("transforms.storage.locks.open_file", open_deleted)
    lease.check()
    assert len(opened) == 2
