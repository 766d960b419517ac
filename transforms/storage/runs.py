"""The runs of an output folder, on any Beam file system, and the files of each run.

A run counts as committed when it has a ``summary.json``, which is written last.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from apache_beam.io.filesystems import FileSystems

from schemas.jsonable import parse_time
from transforms.storage.filesystems import (
    atomic_file,
    is_object_store,
    list_files,
    list_names,
    open_file,
)

SUMMARY: Final = "summary.json"
_FORMATS_BEST_FIRST: Final = ("parquet", "jsonl")
_OLDER_NAMES_FILE: Final = "before.json"


@dataclass(frozen=True)
class CommittedRun:
    """A committed run and its record files.

    Attributes:
        run_id: The id of the run.
        folder: The folder of the run.
        format: The format of all files: ``parquet`` if the run has it, else ``jsonl``.
        files: The paths of the files, by the table name of their record type.
    """

    run_id: str
    folder: str
    format: str
    files: Mapping[str, Sequence[str]]


def run_folder(output: str, run_id: str) -> str:
    """Return the path of a run's folder, whether the run exists or not."""
    return str(FileSystems.join(output, "runs", run_id))


def is_committed(output: str, run_id: str) -> bool:
    """Return whether an output folder has a committed run of this id."""
    return bool(FileSystems.exists(FileSystems.join(run_folder(output, run_id), SUMMARY)))


def list_committed_runs(output: str, *, exclude: Collection[str] = ()) -> list[str]:
    """Return the ids of the committed runs of an output folder, sorted.

    Args:
        output: The output folder.
        exclude: Ids to leave out. They cost no request.

    Raises:
        OSError, BeamIOError: The runs cannot be listed.
    """
    names = [name for name in list_run_names(output) if name not in exclude]
    return [name for name in names if is_committed(output, name)]


def list_run_names(output: str) -> list[str]:
    """Return the ids of all runs of an output folder, committed or incomplete, sorted.

    An object store can only list all files of all runs for this, 1000 per request. Every run on
    an object store therefore records its name as a small file in ``.runs`` right before its
    summary. ``.runs/before.json`` lists the runs that are older than the first such file.
    """
    runs = FileSystems.join(output, "runs")
    if not is_object_store(output):
        return list_names(runs)
    recorded = list_names(_records_folder(output))
    if _OLDER_NAMES_FILE not in recorded:
        return list_names(runs)
    with open_file(FileSystems.join(_records_folder(output), _OLDER_NAMES_FILE)) as file:
        older = map(str, json.loads(file.read()))
    return sorted({*older, *recorded} - {_OLDER_NAMES_FILE})


def record_run_name(output: str, run_id: str) -> None:
    """Record the name of a run that is about to be committed, for :func:`list_run_names`.

    Does nothing outside of object stores. Safe to repeat.
    """
    if not is_object_store(output):
        return
    older_names = FileSystems.join(_records_folder(output), _OLDER_NAMES_FILE)
    if not FileSystems.exists(older_names):
        with atomic_file(older_names) as file:
            file.write(json.dumps(list_names(FileSystems.join(output, "runs"))).encode())
    with atomic_file(FileSystems.join(_records_folder(output), run_id)) as file:
        file.write(run_id.encode())


def _records_folder(output: str) -> str:
    return str(FileSystems.join(output, ".runs"))


def read_committed_run(output: str, run_id: str) -> CommittedRun:
    """Return a committed run with its files."""
    folder = run_folder(output, run_id)
    for name in _FORMATS_BEST_FIRST:
        root = FileSystems.join(folder, name)
        if paths := list_files(root):
            files: dict[str, list[str]] = defaultdict(list)
            for path in paths:
                table = path[len(root) :].lstrip("/").partition("/")[0]
                files[table].append(path)
            return CommittedRun(run_id, folder, name, files)
    return CommittedRun(run_id, folder, _FORMATS_BEST_FIRST[0], {})


def read_start_time(folder: str) -> dt.datetime:
    """Return the start time of a committed run, UTC, from the summary in its folder."""
    with open_file(FileSystems.join(folder, SUMMARY)) as file:
        return parse_time(json.loads(file.read())["started_at"])
