"""CPU time and memory of a program, with all the processes that it starts."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")
_SAMPLE_SECONDS: Final = 0.25


class Cost(NamedTuple):
    """CPU seconds (user and system) and peak memory in MiB of a process tree.

    Memory that processes share counts once (PSS, sampled four times per second).
    """

    cpu: float
    peak: float


@contextmanager
def sample_memory(pid: int | None = None) -> Iterator[list[float]]:
    """Sample the memory of a process tree, in MiB, while the context lasts.

    Args:
        pid: the root of the tree; this process by default.

    Yields:
        The list of samples, which grows while the context lasts.
    """
    ended, samples = threading.Event(), [0.0]

    def watch() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            samples.append(sum(map(_memory_mib, list_process_tree(pid or os.getpid()))))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def measure_command(*command: str) -> Cost:
    """Run a Python module in its own process and return its cost.

    Args:
        command: the module and its arguments.

    Raises:
        CalledProcessError: the module failed.
    """
    full = [sys.executable, "-m", *command]
    process = subprocess.Popen(full, stdout=subprocess.DEVNULL)
    with sample_memory(process.pid) as samples:
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, full)
    return Cost(usage.ru_utime + usage.ru_stime, max(samples))


def list_process_tree(pid: int) -> list[int]:
    """Return the ids of a process and all its descendants."""
    found = [pid]
    for parent in found:
        for task in _children_files(parent):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                continue  # the process has ended
    return found


def _children_files(pid: int) -> Sequence[Path]:
    return sorted((_PROC / str(pid) / "task").glob("*/children"))


def _memory_mib(pid: int) -> float:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0  # the process has ended
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
