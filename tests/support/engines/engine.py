"""What all engines have in common, and the one that needs no process of its own."""

from pathlib import Path
from typing import Final, Protocol

from tests.support.engines.flink import FlinkCluster
from tests.support.engines.prism import PrismServer
from tests.support.engines.worker_pool import WorkerPool


class Engine(Protocol):
    """An engine that runs while the context lasts.

    One without a pool works in the process of the run.
    """

    @property
    def flags(self) -> list[str]:
        """Beam's flags for a run on it."""

    @property
    def pool(self) -> WorkerPool | None:
        """Where its workers come from."""

    def __enter__(self) -> "Engine": ...

    def __exit__(self, *error: object) -> None: ...


class EmbeddedJobService:
    """Beam's job service within the run, which talks to a worker in the same process by gRPC."""

    pool = None
    flags: Final = [
        "--runner=PortableRunner",
        "--job_endpoint=embed",
        "--environment_type=LOOPBACK",
    ]

    def __enter__(self) -> "EmbeddedJobService":
        return self

    def __exit__(self, *error: object) -> None:
        return


ENGINE_NAMES: Final = ("flink", "prism", "portable")


def make_engine(name: str, folder: Path, parallelism: int = 2) -> Engine:
    """The engine of a name. Only Flink can be told how many workers it has."""
    if name == "flink":
        return FlinkCluster(folder, task_managers=parallelism, keep_workers=True)
    return PrismServer(folder) if name == "prism" else EmbeddedJobService()
