"""A run becomes visible as a whole: one rename of its folder.

Layout of an output folder::

    OUTPUT/runs/RUN/FORMAT/RECORD/day=DAY/part-00000.FORMAT   (topics: .../topic=TOPIC/...)
    OUTPUT/runs/RUN/learnt.state                              (what the run learnt)
    OUTPUT/runs/RUN/summary.json
    OUTPUT/newsbeam.duckdb                                    (a view a record type)

What a run learnt is shown by the same rename, and copied to the state folder afterwards: see
:mod:`transforms.sinks.state_files`.
"""

import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from transforms.locks import hold
from transforms.options import UsageError
from transforms.sinks.files import WrittenFile
from transforms.sinks.state_files import STATE_FILE, write_state_file


@contextmanager
def staging_of(output: Path, run_id: str, *, wait_sec: float = 0.0) -> Iterator[Path]:
    """The staging folder of a run, which holds the output folder to itself meanwhile.

    What runs that were killed left behind is removed, as is this run's at its end.

    Raises:
        UsageError: a folder cannot be written, another run writes to it (after waiting for so
            long), or it has a run of this id.
    """
    _make(output / "runs")
    _make(output / ".staging")
    with hold(str(output / ".staging"), str(output), wait_sec=wait_sec):
        if (output / "runs" / run_id).exists():
            raise UsageError(f"{output} already has a run {run_id}; choose another --run_id")
        _empty(output / ".staging")
        staging = output / ".staging" / run_id
        staging.mkdir()
        try:
            yield staging
        finally:
            _empty(output / ".staging")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot write to the output folder {folder.parent}: {error.strerror}"
        raise UsageError(message) from error


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


def commit(
    output: Path,
    staging: Path,
    files: Iterable[WrittenFile],
    learnt: Iterable[str],
    summary: str,
) -> Path:
    """Name the files of a run, leave out those of bundles that failed, and show it.

    All is on the disk before it is shown. Returns the folder of the run.
    """
    ready = staging / "ready"
    ready.mkdir()
    folders: dict[Path, list[WrittenFile]] = defaultdict(list)
    for file in files:
        folders[ready / file.format / file.partition].append(file)
    for folder, members in folders.items():
        folder.mkdir(parents=True)
        for number, file in enumerate(sorted(members, key=lambda f: (f.first_key, f.rows))):
            Path(file.path).rename(folder / f"part-{number:05d}.{file.format}")
    write_state_file(str(ready / STATE_FILE), [staging.name], learnt)
    (ready / "summary.json").write_text(summary, encoding="utf-8")
    for path in (*ready.rglob("*"), ready):
        _sync(path)
    run = output / "runs" / staging.name
    ready.replace(run)
    _sync(run.parent)
    return run


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
