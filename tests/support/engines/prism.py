"""Prism, Beam's own portable runner for one machine, and a pool of Python workers."""

from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.support.engines.worker_pool import WorkerPool
from tests.support.paths import ENGINES
from tests.support.server_processes import HOST, ServerProcess, ServerProcessError, free_ports

PRISM: Final = ENGINES / "prism" / "prism"


class PrismServer:
    """Prism as a process while the context lasts. It has one worker a job, with many threads."""

    def __init__(self, folder: Path, *, program: Path = PRISM) -> None:
        self._folder = folder
        self._program = program
        (self._port,) = free_ports(1)

    @property
    def flags(self) -> list[str]:
        """Beam's flags for a run on it."""
        endpoint = f"--job_endpoint={HOST}:{self._port}"
        return ["--runner=PortableRunner", endpoint, "--job_server_timeout=3600", *self.pool.flags]

    def __enter__(self) -> "PrismServer":
        if not self._program.is_file():
            raise ServerProcessError(f"there is no {self._program}; run deploy/engines/fetch prism")
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [str(self._program), f"--job_port={self._port}", "--serve_http=false"]
        with ExitStack() as stack:
            self.pool = stack.enter_context(WorkerPool(self._folder))
            self.server = stack.enter_context(ServerProcess("prism", command, self._folder))
            self.server.wait_for_port(self._port)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
