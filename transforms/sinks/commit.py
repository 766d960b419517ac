"""Commit a run: publish all of its files at once, on any Beam file system.

Layout of an output folder::

    OUTPUT/runs/RUN/FORMAT/RECORD/day=DAY/part-00000.FORMAT   (topics: .../topic=TOPIC/...)
    OUTPUT/runs/RUN/learnt.state                              (the state changes of the run)
    OUTPUT/runs/RUN/summary.json
    OUTPUT/newsbeam.duckdb                                    (one view per record type, local only)

On the local disk one rename of a folder publishes a run. On remote file systems folders cannot be
renamed atomically, so a run counts as committed once it has a summary, which is written last. The
state changes of a run are published with it and copied to the state folder afterwards: see
:mod:`transforms.state.store`.

Beam's ``fileio.WriteToFiles`` cannot do this: it publishes each file by itself, and a run is many
files of several record types and formats.
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
from transforms.state.file_format import write_state_file
from transforms.state.store import RUN_STATE_FILE
from transforms.storage.filesystems import (
    atomic_file,
    copy_files,
    create_folder,
    list_names,
    remove_folder,
)
from transforms.storage.locks import FolderLock, is_lock_file, lock_folder
from transforms.storage.paths import is_local
from transforms.storage.runs import SUMMARY, is_committed, record_run_name, run_folder

_LOG = logging.getLogger("newsbeam.commit")


@dataclass(frozen=True)
class Staging:
    """The folder in which a run is written, and the lock of its output folder."""

    folder: str
    lock: FolderLock


@contextmanager
def staging_folder(output: str, run_id: str, *, wait_sec: float = 0.0) -> Iterator[Staging]:
    """Lock the output folder and create the staging folder of a run while the context lasts.

    Also remove the staging folders of killed runs. At the end, remove that of this run, unless the
    lock was handed over.

    Args:
        output: The output folder.
        run_id: The id of the run.
        wait_sec: Seconds to wait for another run that writes to the output folder.

    Raises:
        UsageError: A folder cannot be written, another run still writes to the output folder, or
            it already has a run of this id.
    """
    area, description = FileSystems.join(output, ".staging"), f"the output folder {output}"
    for folder in (FileSystems.join(output, "runs"), area):
        create_folder(folder, description)
    with lock_folder(area, description, wait_sec=wait_sec) as lock:
        if is_committed(output, run_id):
            raise UsageError(f"{output} already has a run {run_id}; choose another --run_id")
        _remove_leftovers(area)
        staging = FileSystems.join(area, run_id)
        create_folder(staging, description)
        try:
            yield Staging(staging, lock)
        finally:
            if not lock.is_handed_over:
                _remove_staging(staging)


def _remove_staging(staging: str) -> None:
    """Remove the staging folder of one run only: another run may have taken over the lock."""
    try:
        remove_folder(staging)
    except Exception:  # the run's result does not depend on it
        _LOG.warning("%s cannot be removed; the next run tries again", staging, exc_info=True)


def _remove_leftovers(area: str) -> None:
    """Remove the staging folders of earlier runs."""
    for name in list_names(area):
        if not is_lock_file(name):
            remove_folder(FileSystems.join(area, name))


def commit(
    output: str,
    staging: str,
    files: Iterable[WrittenFile],
    state_changes: Iterable[str],
    summary: str,
    check: Callable[[], None] = lambda: None,
) -> str:
    """Publish a run with exactly the given files, and return the folder of the run.

    Safe to repeat, also by another process: a run that is already committed stays as it is.

    Args:
        output: The output folder.
        staging: The staging folder of the run. Its last part is the id of the run.
        files: The files to publish. Other staged files, of failed bundles, are left out.
        state_changes: The lines of the run's state file.
        summary: The content of ``summary.json``.
        check: Called right before a run on a remote file system is published. May raise an error
            to prevent that. A local run needs no check, since nobody can take over its lock.

    Raises:
        OSError, BeamIOError: A file cannot be written.
    """
    run_id = FileSystems.split(staging)[1]
    run = run_folder(output, run_id)
    if is_committed(output, run_id):
        return run
    if is_local(output):
        _commit_by_rename(Path(run), Path(staging), _final_names(files), state_changes, summary)
    else:
        _commit_by_summary(output, run, _final_names(files), state_changes, summary, check)
    return run


def _final_names(files: Iterable[WrittenFile]) -> dict[str, str]:
    """Return the path of each record file within the run's folder, by its staged path."""
    folders: dict[str, list[WrittenFile]] = defaultdict(list)
    for file in files:
        if file.is_record:
            folders[f"{file.format}/{file.partition}"].append(file)
    return {
        file.path: f"{folder}/part-{number:05d}.{file.format}"
        for folder, members in folders.items()
        for number, file in enumerate(sorted(members, key=lambda f: (f.first_key, f.rows)))
    }


def _commit_by_rename(
    run: Path,
    staging: Path,
    final_names: dict[str, str],
    state_changes: Iterable[str],
    summary: str,
) -> None:
    """Write the whole run to disk, then rename its folder."""
    ready = staging / f"ready-{uuid.uuid4().hex}"
    ready.mkdir()
    for source, name in final_names.items():
        target = ready / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _link_or_copy(source, target)  # a moved file would be missing in a second try
    write_state_file(str(ready / RUN_STATE_FILE), [run.name], state_changes)
    (ready / SUMMARY).write_text(summary, encoding="utf-8")
    for path in (*ready.rglob("*"), ready):
        _fsync(path)
    try:
        ready.replace(run)
    except OSError:
        if not (run / SUMMARY).exists():  # else another try committed first
            raise
    _fsync(run.parent)


def _link_or_copy(source: str, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # not every file system has hard links
        shutil.copyfile(source, target)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _commit_by_summary(
    output: str,
    run: str,
    final_names: dict[str, str],
    state_changes: Iterable[str],
    summary: str,
    check: Callable[[], None],
) -> None:
    """Copy the files into the run's folder, then write the summary."""
    remove_folder(run)  # the files of an interrupted try
    copy_files({source: FileSystems.join(run, name) for source, name in final_names.items()})
    run_id = FileSystems.split(run)[1]
    write_state_file(FileSystems.join(run, RUN_STATE_FILE), [run_id], state_changes)
    record_run_name(output, run_id)
    check()
    with atomic_file(FileSystems.join(run, SUMMARY)) as file:
        file.write(summary.encode())
