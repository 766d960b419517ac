"""What all engines have in common, and the one that needs no process of its own."""

from pathlib import Path
from typing import Final, Protocol

from benchmarks.engines.flink import Flink
from benchmarks.engines.pool import Pool
from benchmarks.engines.prism import Prism


class Engine(Protocol):
    """An engine that runs while the context lasts.

    One without a pool works in the process of the run.
    """

    @property
    def flags(self) -> list[str]:
        """Beam's flags for a run on it."""

    @property
    def pool(self) -> Pool | None:
        """Where its workers come from."""

    def __enter__(self) -> "Engine": ...

    def __exit__(self, *error: object) -> None: ...


class Portable:
    """Beam's job service within the run, which talks to a worker in the same process by gRPC."""

    pool = None
    flags: Final = [
        "--runner=PortableRunner",
        "--job_endpoint=embed",
        "--environment_type=LOOPBACK",
    ]

    def __enter__(self) -> "Portable":
        return self

    def __exit__(self, *error: object) -> None:
        return


NAMES: Final = ("flink", "prism", "portable")


def engine(name: str, folder: Path, parallelism: int = 2) -> Engine:
    """The engine of a name. Only Flink can be told how many workers it has."""
    if name == "flink":
        return Flink(folder, task_managers=parallelism, keep_workers=True)
    return Prism(folder) if name == "prism" else Portable()
