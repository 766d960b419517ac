"""A run becomes visible as a whole, on any Beam file system.

Layout of an output folder::

    OUTPUT/runs/RUN/FORMAT/RECORD/day=DAY/part-00000.FORMAT   (topics: .../topic=TOPIC/...)
    OUTPUT/runs/RUN/learnt.state                              (what the run learnt)
    OUTPUT/runs/RUN/summary.json
    OUTPUT/newsbeam.duckdb                                    (a view a record type, local only)

On this machine a run is shown by one rename of its folder. Elsewhere, where there is no such
thing, it counts as there when its summary is, which is written last. What a run learnt is shown
with it, and copied to the state folder afterwards: see :mod:`transforms.state.store`.
"""

import logging
import os
import shutil
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from transforms.core.errors import UsageError
from transforms.sinks.write_records import WrittenFile
from transforms.state.store import STATE_FILE, write_state_file
from transforms.storage.filesystems import (
    atomic_file,
    copy_files,
    create_folder,
    is_local,
    list_names,
    remove_folder,
)
from transforms.storage.locks import FolderLock, is_lock_file, lock_folder
from transforms.storage.runs import SUMMARY, is_committed, record_run_name, run_folder

_LOG = logging.getLogger("newsbeam.commit")


@dataclass(frozen=True)
class Staging:
    """The folder in which a run is written, and the lock of its output folder."""

    folder: str
    lock: FolderLock


@contextmanager
def staging_folder(output: str, run_id: str, *, wait_sec: float = 0.0) -> Iterator[Staging]:
    """The staging folder of a run, which holds the output folder to itself meanwhile.

    What runs that were killed left behind is removed, as is this run's at its end unless the
    hold was handed over.

    Raises:
        UsageError: a folder cannot be written, another run writes to it (after waiting for so
            long), or it has a run of this id.
    """
    area, what = FileSystems.join(output, ".staging"), f"the output folder {output}"
    for folder in (FileSystems.join(output, "runs"), area):
        create_folder(folder, what)
    with lock_folder(area, what, wait_sec=wait_sec) as lock:
        if is_committed(output, run_id):
            raise UsageError(f"{output} already has a run {run_id}; choose another --run_id")
        _clear(area)
        staging = FileSystems.join(area, run_id)
        create_folder(staging, what)
        try:
            yield Staging(staging, lock)
        finally:
            if not lock.is_handed_over:
                _tidy(staging)


def _tidy(staging: str) -> None:
    """Remove what a run staged, and no other: the hold may have been lost to another run."""
    try:
        remove_folder(staging)
    except Exception:  # the run is what it is without that
        _LOG.warning("%s cannot be removed; the next run tries again", staging, exc_info=True)


def _clear(area: str) -> None:
    """Remove all that is staged, and nothing else."""
    for name in list_names(area):
        if not is_lock_file(name):
            remove_folder(FileSystems.join(area, name))


def commit(
    output: str,
    staging: str,
    files: Iterable[WrittenFile],
    learnt: Iterable[str],
    summary: str,
    check: Callable[[], None] = lambda: None,
) -> str:
    """Name the files of a run and show them: these, and nothing else that is staged.

    May be tried again, by another process too: a run that is there stays as it is. ``check`` is
    called right before the run shows, and stops that with an error. Returns the folder of the run.
    """
    run_id = FileSystems.split(staging)[1]
    run = run_folder(output, run_id)
    if is_committed(output, run_id):
        return run
    if is_local(output):
        _show_by_rename(Path(run), Path(staging), _named(files), learnt, summary)
    else:
        _show_by_summary(output, run, _named(files), learnt, summary, check)
    return run


def _named(files: Iterable[WrittenFile]) -> dict[str, str]:
    """The path of every file in the run's folder, by the one in the staging folder."""
    folders: dict[str, list[WrittenFile]] = defaultdict(list)
    for file in files:
        if file.is_record:
            folders[f"{file.format}/{file.partition}"].append(file)
    return {
        file.path: f"{folder}/part-{number:05d}.{file.format}"
        for folder, members in folders.items()
        for number, file in enumerate(sorted(members, key=lambda f: (f.first_key, f.rows)))
    }


def _show_by_rename(
    run: Path, staging: Path, named: dict[str, str], learnt: Iterable[str], summary: str
) -> None:
    """All is on the disk before it is shown."""
    ready = staging / f"ready-{uuid.uuid4().hex}"
    ready.mkdir()
    for source, name in named.items():
        target = ready / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(source, target)  # a rename would leave nothing to try again with
    write_state_file(str(ready / STATE_FILE), [run.name], learnt)
    (ready / SUMMARY).write_text(summary, encoding="utf-8")
    for path in (*ready.rglob("*"), ready):
        _sync(path)
    try:
        ready.replace(run)
    except OSError:
        if not (run / SUMMARY).exists():  # else another try was quicker
            raise
    _sync(run.parent)


def _link(source: str, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # not every file system has hard links
        shutil.copyfile(source, target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _show_by_summary(
    output: str,
    run: str,
    named: dict[str, str],
    learnt: Iterable[str],
    summary: str,
    check: Callable[[], None],
) -> None:
    remove_folder(run)  # what a try left that was cut off
    copy_files({source: FileSystems.join(run, name) for source, name in named.items()})
    run_id = FileSystems.split(run)[1]
    write_state_file(FileSystems.join(run, STATE_FILE), [run_id], learnt)
    record_run_name(output, run_id)
    check()
    with atomic_file(FileSystems.join(run, SUMMARY)) as file:
        file.write(summary.encode())
