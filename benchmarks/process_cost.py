"""CPU time, duration and memory of a program, with all the processes that it starts."""

import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")
_SAMPLE_SECONDS: Final = 0.25
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")

MAIN: Final = "main"
"""The name of the root process, to which short-lived helpers are added."""

# All child processes of Python have the same command line, so the libraries that they have loaded
# tell them apart.
_NAMES_BY_LIBRARY: Final = {"spacy": "analysis", "lxml": "reading"}

BLAS_VARIABLE: Final = "OPENBLAS_CORETYPE"
"""The environment variable that makes numpy's BLAS use the instructions of another processor."""


class Cost(NamedTuple):
    """The cost of a process tree.

    Attributes:
        cpu: user and system seconds of all processes.
        peak: peak memory in MiB. Memory that processes share counts once (PSS, sampled four times
            per second).
        wall: seconds from start to end.
        cpu_by_process: CPU seconds by the name of the process; they sum up to ``cpu``.
    """

    cpu: float
    peak: float
    wall: float
    cpu_by_process: Mapping[str, float]


@dataclass
class ProcessSamples:
    """Samples of a process tree.

    Attributes:
        memory: the memory of all processes at each sample, in MiB.
        cpu: the CPU seconds of each child process at its last sample, by process id.
        names: the name of each child process, by process id.
    """

    memory: list[float] = field(default_factory=lambda: [0.0])
    cpu: dict[int, float] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def add(self, root: int) -> None:
        """Add a sample of the tree of a process."""
        tree = list_process_tree(root)
        self.memory.append(sum(map(_memory_mib, tree)))
        for pid in tree:
            if pid != root:
                self.cpu[pid] = max(_cpu_seconds(pid), self.cpu.get(pid, 0.0))
                name = _process_name(pid)  # each time, as it loads its libraries little by little
                if name != MAIN or pid not in self.names:
                    self.names[pid] = name

    def cpu_by_name(self) -> Counter[str]:
        """Return the CPU seconds of the child processes by name."""
        seconds: Counter[str] = Counter()
        for pid, cpu in self.cpu.items():
            seconds[self.names[pid]] += cpu  # type: ignore[assignment]
        return seconds


@contextmanager
def sample_processes(pid: int | None = None) -> Iterator[ProcessSamples]:
    """Sample a process tree while the context lasts.

    Args:
        pid: the root of the tree; this process by default.

    Yields:
        The samples, which grow while the context lasts.
    """
    ended, samples = threading.Event(), ProcessSamples()

    def watch() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            samples.add(pid or os.getpid())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def measure_command(*command: str) -> Cost:
    """Run a Python module in its own process and return its cost.

    `BLAS_VARIABLE` is removed from its environment.

    Args:
        command: the module and its arguments.

    Raises:
        CalledProcessError: the module failed.
    """
    full = [sys.executable, "-m", *command]
    started = time.monotonic()
    process = subprocess.Popen(full, stdout=subprocess.DEVNULL, env=measured_environment())
    with sample_processes(process.pid) as samples:
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, full)
    children = samples.cpu_by_name()
    # The usage lacks processes that nobody waited for.
    cpu = max(usage.ru_utime + usage.ru_stime, sum(children.values()))
    named = {name: seconds for name, seconds in children.items() if name != MAIN}
    return Cost(cpu, max(samples.memory), wall, {MAIN: cpu - sum(named.values()), **named})


def measured_environment() -> dict[str, str]:
    """Return the environment of measured processes: that of this one without `BLAS_VARIABLE`."""
    return {name: value for name, value in os.environ.items() if name != BLAS_VARIABLE}


def print_environment_note() -> None:
    """Print that `BLAS_VARIABLE` is ignored, if it is set."""
    if BLAS_VARIABLE in os.environ:
        print(
            f"{BLAS_VARIABLE}={os.environ[BLAS_VARIABLE]} is set, which limits the instructions "
            "that numpy uses; the measured processes run without it.\n"
        )


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


def _cpu_seconds(pid: int) -> float:
    """Return the user and system seconds of a process without its children, see proc(5)."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0  # the process has ended
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def _process_name(pid: int) -> str:
    try:
        loaded = set(re.findall(r"/(\w+)/[^/\n]*\.so", (_PROC / str(pid) / "maps").read_text()))
    except OSError:
        return MAIN  # the process has ended
    return next((name for library, name in _NAMES_BY_LIBRARY.items() if library in loaded), MAIN)
