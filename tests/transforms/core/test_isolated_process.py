import functools
import gc
import multiprocessing
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from transforms.core.errors import ItemError, UsageError
from transforms.core.fork_server import GRACE_SECONDS
from transforms.core.isolated_process import (
    IsolatedWorker,
    IsolatedWorkerHandle,
    LimitOptions,
    abort_workers,
)

MIB = 1 << 20
LIMITS = LimitOptions(item_time_limit_sec=20.0, item_memory_limit_mb=64)
HURRY = LimitOptions(item_time_limit_sec=0.5)
Work = Callable[[Any], Any]


class OddError(Exception):
    """Pickles, but cannot be made again from what was pickled."""

    def __init__(self, *, kept: object) -> None:
        super().__init__("odd")
        self.kept = kept


def _raise(error: BaseException) -> None:
    raise error


def _deep(depth: int) -> int:
    return 1 + _deep(depth + 1)


def _nested(depth: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(depth):
        nested = [nested]
    return nested


ACTIONS: dict[str, Work] = {
    "echo": lambda item: item,
    "pid": lambda _: os.getpid(),
    "sleep": time.sleep,
    "loop": lambda _: re.match(r"(a+)+$", "a" * 50 + "b"),
    "allocate": lambda size: len(bytearray(size)),
    "big_result": lambda size: "x" * size,
    "no_result": lambda _: threading.Lock(),
    "nested": _nested,
    "signal": lambda number: os.kill(os.getpid(), number),
    "abort": lambda _: os.abort(),
    "exit": os._exit,
    "deep": _deep,
    "raise": _raise,
    "odd": lambda kept: _raise(OddError(kept=kept)),
    "lock": lambda _: _raise(OddError(kept=threading.Lock())),
    "system_exit": lambda _: _raise(SystemExit("enough")),
}


def act(action: tuple[str, Any]) -> Any:
    """Run the action of a name."""
    return ACTIONS[action[0]](action[1])


def load() -> Work:
    """Set up :func:`act`."""
    return act


def load_counter(start: int) -> Work:
    """Set up a function that counts calls, and leaks so many MiB per call."""
    leaked: list[bytes] = []

    def count(mib: int) -> tuple[int, int]:
        leaked.append(bytes(mib * MIB))
        return os.getpid(), start + len(leaked)

    return count


def load_noted(path: Path) -> Work:
    """Set up :func:`act`, and write a line to a file."""
    with path.open("a") as file:
        file.write("one\n")
    return act


def load_nothing(how: str, value: Any) -> Work:
    """Set up nothing: run an action that fails or takes long."""
    act((how, value))
    return act


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def children() -> Callable[[], bool]:
    """Return a function that tells whether a test left child processes."""
    before = set(multiprocessing.active_children())
    return lambda: bool(set(multiprocessing.active_children()) - before)


@pytest.fixture
def isolated(children: Callable[[], bool]) -> Iterator[IsolatedWorker[Any, Any]]:
    with IsolatedWorker(load, LIMITS, name="reading") as isolated:
        yield isolated
    assert not children()


def error_of(
    isolated: IsolatedWorker[Any, Any], *action: Any, attempts: int = 1
) -> tuple[str, str]:
    """Return the error of an action; check that the next one works, in another process."""
    before = isolated(("pid", None))
    with pytest.raises(ItemError) as caught:
        isolated(action)
    assert caught.value.attempts == attempts
    assert not is_running(before)
    assert isolated(("pid", None)) != before
    return caught.value.error_type, caught.value.message


@pytest.mark.parametrize("item", [None, 3, b"x" * 10 * MIB, {"a": [1, "ü"]}], ids=type)
def test_items_and_results_are_passed(isolated: IsolatedWorker[Any, Any], item: Any) -> None:
    assert isolated(("echo", item)) == item


def test_set_up_is_done_once_and_no_sooner_than_needed(children: Callable[[], bool]) -> None:
    with IsolatedWorker(functools.partial(load_counter, 5), LIMITS, name="counting") as isolated:
        assert not children()
        pid, first = isolated(0)
        assert pid != os.getpid()
        assert [first, isolated(0), isolated(0)] == [6, (pid, 7), (pid, 8)]


def test_errors_come_back_as_themselves(isolated: IsolatedWorker[Any, Any]) -> None:
    pid = isolated(("pid", None))
    with pytest.raises(KeyError, match="'key'") as caught:
        isolated(("raise", KeyError("key")))
    assert "in _raise" in str(caught.value.__cause__)  # the traceback of the child
    with pytest.raises(UnicodeDecodeError):
        isolated(("raise", UnicodeDecodeError("utf-8", b"x", 0, 1, "odd")))
    with pytest.raises(ItemError) as caught_item:
        isolated(
            ("raise", ItemError("Odd", "it is odd", attempts=3, http_status=404, temporary=True))
        )
    assert vars(caught_item.value) == vars(
        ItemError("Odd", "it is odd", attempts=3, http_status=404, temporary=True)
    )
    with pytest.raises(RecursionError):
        isolated(("deep", 0))
    assert isolated(("pid", None)) == pid


@pytest.mark.parametrize(
    ("action", "kind", "message"),
    [("odd", "OddError", "odd"), ("lock", "OddError", "odd"), ("system_exit", "SystemExit", "eno")],
)
def test_errors_that_cannot_come_back_are_named(
    isolated: IsolatedWorker[Any, Any], action: str, kind: str, message: str
) -> None:
    pid = isolated(("pid", None))
    with pytest.raises(ItemError, match=message) as caught:
        isolated((action, None))
    assert caught.value.error_type == kind
    assert isolated(("pid", None)) == pid


def test_an_unpicklable_item_fails_alone(isolated: IsolatedWorker[Any, Any]) -> None:
    pid = isolated(("pid", None))
    with pytest.raises(TypeError, match="lock"):
        isolated(("echo", threading.Lock()))
    with pytest.raises(TypeError, match="lock"):
        isolated(("no_result", None))
    with pytest.raises(RecursionError):
        isolated(("nested", 100_000))
    assert isolated(("pid", None)) == pid


@pytest.mark.parametrize("action", [("sleep", 60), ("loop", None)], ids=str)
def test_an_item_that_takes_too_long_is_killed(action: Any) -> None:
    with IsolatedWorker(load, HURRY, name="reading") as isolated:
        reason = ("TimeLimit", "reading took more than 0.5 seconds")
        assert error_of(isolated, *action) == reason


def test_an_item_may_have_more_time() -> None:
    limits = LimitOptions(item_time_limit_sec=0.01)
    with IsolatedWorker(load, limits, name="reading") as isolated:
        isolated(("sleep", 0.1), time_factor=100)
        with pytest.raises(ItemError, match=r"reading took more than 0\.05 seconds"):
            isolated(("sleep", 0.1), time_factor=5)


def test_no_limit_is_too_long_or_too_large() -> None:
    limits = LimitOptions(item_time_limit_sec=float("inf"), item_memory_limit_mb=10**15)
    with IsolatedWorker(load, limits, name="reading") as isolated:
        assert isolated(("echo", 1)) == 1


def test_the_start_has_its_own_limit() -> None:
    setup = functools.partial(load_nothing, "sleep", 1)
    with IsolatedWorker(setup, HURRY, name="reading") as isolated:
        assert isolated(("echo", 1)) == 1  # though it took longer than an item may
    with (
        IsolatedWorker(setup, LIMITS, name="reading", start_time_limit_sec=0.5) as isolated,
        pytest.raises(ItemError, match=r"reading took more than 0\.5 seconds to start"),
    ):
        isolated(("echo", 1))


def test_set_up_may_fail(children: Callable[[], bool]) -> None:
    for how, value, error in [("raise", KeyError("model"), KeyError), ("exit", 7, ItemError)]:
        setup = functools.partial(load_nothing, how, value)
        with (
            IsolatedWorker(setup, LIMITS, name="reading") as isolated,
            pytest.raises(error, match=r"model|exit code 7"),
        ):
            isolated(("echo", 1))
        assert not children()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory use cannot be told here")
@pytest.mark.parametrize(
    "action",
    [
        ("allocate", 200 * MIB),
        ("big_result", 40 * MIB),  # fits, but not a second time in what is sent
        ("echo", b"x" * 100 * MIB),  # does not even arrive
        ("raise", MemoryError()),
    ],
    ids=lambda action: action[0],
)
def test_an_item_that_needs_too_much_memory_fails(
    isolated: IsolatedWorker[Any, Any], action: Any
) -> None:
    reason = ("MemoryLimit", "reading needed more than 64 MiB")
    assert error_of(isolated, *action, attempts=2) == reason


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory use cannot be told here")
def test_memory_of_earlier_items_does_not_fail_an_item() -> None:
    with IsolatedWorker(functools.partial(load_counter, 0), LIMITS, name="counting") as isolated:
        pid, count = isolated(40)
        again, recount = isolated(40)
        assert again != pid
        assert count == recount == 1


@pytest.mark.parametrize(
    ("action", "how"),
    [
        (("abort", None), "signal 6"),
        (("signal", signal.SIGSEGV), "signal 11"),
        (("signal", signal.SIGTERM), "signal 15"),
        (("exit", 3), "exit code 3"),
    ],
)
def test_a_crash_costs_one_item(isolated: IsolatedWorker[Any, Any], action: Any, how: str) -> None:
    assert error_of(isolated, *action, attempts=2) == ("Crashed", f"reading ended with {how}")


def test_a_child_that_died_while_idle_is_replaced(isolated: IsolatedWorker[Any, Any]) -> None:
    pid = isolated(("pid", None))
    os.kill(pid, signal.SIGKILL)
    assert isolated(("pid", None)) != pid


def test_threads_take_turns(isolated: IsolatedWorker[Any, Any]) -> None:
    def ask(number: int) -> tuple[int, int]:
        return isolated(("echo", number)), isolated(("pid", None))

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(200)))
    assert [number for number, _ in answers] == list(range(200))
    assert len({pid for _, pid in answers}) == 1


def test_several_children_work_at_a_time() -> None:
    with IsolatedWorker(load, LIMITS, name="reading", processes=3) as isolated:
        first = isolated(("pid", None))
        assert isolated(("pid", None)) == first  # a second child only if the first is busy
        with ThreadPoolExecutor(8) as threads:
            started = time.monotonic()
            list(threads.map(isolated, [("sleep", 0.5)] * 6))
            assert 1.0 <= time.monotonic() - started < 2.5
            pids = set(threads.map(lambda _: isolated(("pid", None)), range(100)))
        assert first in pids or len(pids) <= 3
    assert not any(map(is_running, pids))


def test_children_share_what_was_set_up(tmp_path: Path) -> None:
    """The set-up runs once, and one item that ends its child costs no other child."""
    setup = functools.partial(load_noted, tmp_path / "setups")
    with (
        IsolatedWorker(setup, LIMITS, name="reading", processes=2) as isolated,
        ThreadPoolExecutor(2) as threads,
    ):
        slow = threads.submit(isolated, ("sleep", 1))
        time.sleep(0.5)
        with pytest.raises(ItemError, match="exit code 3"):
            isolated(("exit", 3))
        assert slow.result() is None
    assert (tmp_path / "setups").read_text() == "one\n"


def test_a_default_timeout_of_sockets_has_no_influence() -> None:
    """Beam's file systems of clouds set one."""
    socket.setdefaulttimeout(60)
    try:
        with IsolatedWorker(load, LIMITS, name="reading") as isolated:
            pid = isolated(("pid", None))
            os.kill(pid, signal.SIGKILL)
            assert isolated(("sleep", 0.2)) is None
            assert isolated(("pid", None)) != pid
    finally:
        socket.setdefaulttimeout(None)


def test_an_aborted_worker_ends_at_once() -> None:
    handle = IsolatedWorkerHandle(load, LIMITS, name="reading", processes=2)
    with handle.get() as isolated, ThreadPoolExecutor(2) as threads:
        slow = [threads.submit(isolated, ("sleep", 15)) for _ in range(2)]
        time.sleep(0.5)
        started = time.monotonic()
        abort_workers()
    assert time.monotonic() - started < 5
    assert [type(item.exception()) for item in slow] == [ItemError, ItemError]


def test_a_server_that_died_is_replaced(children: Callable[[], bool]) -> None:
    before = set(multiprocessing.active_children())
    with IsolatedWorker(load, LIMITS, name="reading") as isolated:
        pid = isolated(("pid", None))
        (server,) = set(multiprocessing.active_children()) - before
        server.kill()
        server.join()
        assert isolated(("pid", None)) == pid  # the child works on
        os.kill(pid, signal.SIGKILL)
        assert isolated(("pid", None)) != pid
    assert not children()


def test_the_child_ends_with_close_or_when_nobody_holds_it() -> None:
    isolated = IsolatedWorker(load, LIMITS, name="reading")
    isolated.close()
    first = isolated(("pid", None))
    isolated.close()
    isolated.close()
    assert not is_running(first)
    second = isolated(("pid", None))  # closed is not broken
    del isolated
    gc.collect()
    assert not is_running(second)


def test_copies_of_a_handle_share_one_child() -> None:
    handle = IsolatedWorkerHandle(load, LIMITS, name="reading")
    other = IsolatedWorkerHandle(load, LIMITS, name="reading")
    isolated = pickle.loads(pickle.dumps(handle)).get()
    assert handle.get() is isolated
    assert other.get() is not isolated
    with isolated:
        assert isolated(("echo", 1)) == 1


@contextmanager
def running_parent(does: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a process that prints the pid of its child, and then runs more code.

    Its output ends only when no process is left that holds it: neither the parent nor the child.
    """
    script = (
        "from tests.transforms.core.test_isolated_process import *\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored if the tests do
        "isolated = IsolatedWorker(load, HURRY, name='reading')\n"
        "print(isolated(('pid', None)), flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script + does],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        try:
            yield parent
        finally:
            parent.kill()


@pytest.mark.parametrize(
    ("does", "seconds"),
    [
        ("time.sleep(60)", 0.0),
        ("isolated(('sleep', 60))", HURRY.item_time_limit_sec + GRACE_SECONDS),
        ("isolated(('loop', None))", HURRY.item_time_limit_sec + GRACE_SECONDS),
    ],
    ids=["idle", "sleep", "loop"],
)
def test_no_child_outlives_a_parent_that_was_killed(does: str, seconds: float) -> None:
    with running_parent(does) as parent:
        assert parent.stdout
        assert is_running(int(parent.stdout.readline()))
        time.sleep(0.1)
        parent.kill()
        killed = time.monotonic()
        assert parent.communicate(timeout=10) == ("", "")
        assert time.monotonic() - killed < seconds + 1.0


def test_no_child_outlives_a_parent_that_ends() -> None:
    with running_parent("") as parent:
        out, errors = parent.communicate(timeout=10)
    assert parent.returncode == 0
    assert not is_running(int(out))
    assert not errors


def test_ctrl_c_is_for_the_parent() -> None:
    does = (
        "try: isolated(('sleep', 60), time_factor=99)\n"
        "except KeyboardInterrupt: print(isolated(('echo', 'next')))\n"
    )
    with running_parent(does) as parent:
        assert parent.stdout
        parent.stdout.readline()
        time.sleep(0.1)
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.communicate(timeout=10) == ("next\n", "")


@pytest.mark.parametrize("name", ["item_time_limit_sec", "item_memory_limit_mb"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_limits_are_checked(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"--{name} must be above 0"):
        LimitOptions(**{name: value})
