"""A pool of SDK workers, which an engine asks for a worker when it needs one.

It does what ``apache_beam.runners.worker.worker_pool_main`` does, which listens on all addresses
of the machine; this one listens on loopback. Each of its workers is a process that notes the
bundles it has done: see :mod:`tests.support.engines.sdk_worker`.

usage: python -m tests.support.engines.worker_pool --port PORT --folder FOLDER
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer
from apache_beam.utils import thread_pool_executor

from tests.support.engines.sdk_worker import BEGUN, DONE
from tests.support.paths import ROOT
from tests.support.server_processes import HOST, ServerProcess, ServerProcessError, free_ports


class Bundle(NamedTuple):
    """When a bundle began and ended, in seconds of one clock, and the process that did it."""

    start: float
    end: float
    worker: int


def count_bundles(bundles: Sequence[Bundle]) -> dict[int, int]:
    """How many bundles each worker process did."""
    return dict(Counter(bundle.worker for bundle in bundles))


def measure_parallel_seconds(bundles: Sequence[Bundle]) -> float:
    """For how long at least two worker processes had bundles at the same time."""
    edges = [(b.start, 1, b.worker) for b in bundles] + [(b.end, -1, b.worker) for b in bundles]
    busy, last, total = Counter[int](), 0.0, 0.0
    for time, step, worker in sorted(edges):
        if sum(1 for count in busy.values() if count) > 1:
            total += time - last
        busy[worker] += step
        last = time
    return total


def count_max_concurrent(bundles: Sequence[Bundle]) -> int:
    """The most bundles that were under way at the same time."""
    edges = sorted([(b.start, 1) for b in bundles] + [(b.end, -1) for b in bundles])
    return max(accumulate(step for _, step in edges), default=0)


class WorkerPool:
    """A pool that runs, in a process of its own, while the context lasts."""

    def __init__(self, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self._folder = folder / "workers"
        self._logs = folder

    def __enter__(self) -> "WorkerPool":
        self._folder.mkdir(parents=True)
        command = [sys.executable, "-m", "tests.support.engines.worker_pool"]
        command += ["--port", str(self.port), "--folder", str(self._folder)]
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self._process = ServerProcess("pool", command, self._logs, {"PYTHONPATH": path})
        try:
            self._process.wait_for_port(self.port)
        except ServerProcessError:
            self._process.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    @property
    def flags(self) -> list[str]:
        """Beam's flags for a run whose workers come from here."""
        return ["--environment_type=EXTERNAL", f"--environment_config={HOST}:{self.port}"]

    def bundles(self) -> list[Bundle]:
        """The bundles that were done, by the time of their start."""
        return sorted(
            Bundle(float(line.split()[0]), float(line.split()[1]), int(file.stem))
            for file in self._folder.glob(f"*.{DONE}")
            for line in file.read_text(encoding="utf-8").splitlines()
        )

    def workers(self) -> list[int]:
        """The ids of the worker processes that run."""
        started = (int(file.stem) for file in self._folder.glob("*.pid"))
        return sorted(pid for pid in started if Path("/proc", str(pid)).exists())

    def busy(self) -> list[int]:
        """The ids of the worker processes that have a bundle under way."""
        return [pid for pid in self.workers() if self._count(pid, BEGUN) > self._count(pid, DONE)]

    def _count(self, pid: int, what: str) -> int:
        notes = self._folder / f"{pid}.{what}"
        return len(notes.read_text(encoding="utf-8").splitlines()) if notes.exists() else 0


class _Servicer(BeamFnExternalWorkerPoolServicer):
    def __init__(self, folder: Path) -> None:
        super().__init__(use_process=True)
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def StartWorker(  # noqa: N802
        self,
        start_worker_request: Any,
        unused_context: Any,  # noqa: ARG002
    ) -> Any:
        worker, control = (
            start_worker_request.worker_id,
            start_worker_request.control_endpoint.url,
        )
        command = [sys.executable, "-m", "tests.support.engines.sdk_worker"]
        command += ["--control", control, "--id", worker, "--folder", str(self._folder)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # it logs where we do
        (self._folder / f"{process.pid}.pid").touch()
        self._processes.append(process)
        threading.Thread(target=self._watch, args=(worker, process), daemon=True).start()
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(self, stop_worker_request: Any, unused_context: Any) -> Any:  # noqa: ARG002, N802
        """Nothing: a worker ends with its engine's control channel, and ids are not unique.

        Every task manager of Flink counts its own workers, so two of them may ask for a "1-1".
        """
        return beam_fn_api_pb2.StopWorkerResponse()

    def _watch(self, worker: str, process: "subprocess.Popen[bytes]") -> None:
        code = process.wait()
        sys.stderr.write(f"worker {worker}, process {process.pid}, ended with {code}\n")

    def end(self) -> None:
        """End all workers."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    args = parser.parse_args()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    server = grpc.server(thread_pool_executor.shared_unbounded_instance())
    server.add_insecure_port(f"{HOST}:{args.port}")
    servicer = _Servicer(args.folder)
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(servicer, server)
    server.start()
    ended.wait()
    server.stop(0)
    servicer.end()


if __name__ == "__main__":
    main()
