"""The runs of an output folder, on any Beam file system, and the files that each is made of.

A run is there when its ``summary.json`` is, which is written last.
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
    has_folders,
    list_files,
    list_names,
    open_file,
)

SUMMARY: Final = "summary.json"
_BEST_FIRST: Final = ("parquet", "jsonl")
_BEFORE: Final = "before.json"


@dataclass(frozen=True)
class CommittedRun:
    """A run whose records are there: the files of every record type, by its table's name.

    All are of one format, Parquet where the run has it, else JSON lines.
    """

    run_id: str
    folder: str
    format: str
    files: Mapping[str, Sequence[str]]


def run_folder(output: str, run_id: str) -> str:
    """Where a run is, or will be."""
    return str(FileSystems.join(output, "runs", run_id))


def is_committed(output: str, run_id: str) -> bool:
    """Whether a run can be seen."""
    return bool(FileSystems.exists(FileSystems.join(run_folder(output, run_id), SUMMARY)))


def list_committed_runs(output: str, *, exclude: Collection[str] = ()) -> list[str]:
    """The ids of the runs of an output folder, by name, apart from those that are known already.

    Raises:
        OSError, BeamIOError: they cannot be listed.
    """
    return [
        id_ for id_ in list_run_names(output) if id_ not in exclude and is_committed(output, id_)
    ]


def list_run_names(output: str) -> list[str]:
    """The ids of the runs of an output folder, and of any that were cut off, by name.

    Where there are no folders, a list of the runs is one of all their files, of which a thousand
    come with a request. So every run there has a note of its name in ``.runs``, made right before
    its summary; what was there before the first note is in ``.runs/before.json``.
    """
    runs = FileSystems.join(output, "runs")
    if has_folders(output):
        return list_names(runs)
    notes = list_names(_notes(output))
    if _BEFORE not in notes:
        return list_names(runs)
    with open_file(FileSystems.join(_notes(output), _BEFORE)) as file:
        before = map(str, json.loads(file.read()))
    return sorted({*before, *notes} - {_BEFORE})


def record_run_name(output: str, run_id: str) -> None:
    """Have a run that is about to show found by :func:`list_run_names`. May be done again."""
    if has_folders(output):
        return
    before = FileSystems.join(_notes(output), _BEFORE)
    if not FileSystems.exists(before):
        with atomic_file(before) as file:
            file.write(json.dumps(list_names(FileSystems.join(output, "runs"))).encode())
    with atomic_file(FileSystems.join(_notes(output), run_id)) as file:
        file.write(run_id.encode())


def _notes(output: str) -> str:
    return str(FileSystems.join(output, ".runs"))


def read_committed_run(output: str, run_id: str) -> CommittedRun:
    """The files of a run that is there."""
    folder = run_folder(output, run_id)
    for name in _BEST_FIRST:
        root = FileSystems.join(folder, name)
        if paths := list_files(root):
            files: dict[str, list[str]] = defaultdict(list)
            for path in paths:
                table = path[len(root) :].lstrip("/").partition("/")[0]
                files[table].append(path)
            return CommittedRun(run_id, folder, name, files)
    return CommittedRun(run_id, folder, _BEST_FIRST[0], {})


def started_at(output: str, run_id: str) -> dt.datetime:
    """When a run was started, as its summary says."""
    return _started_at(run_folder(output, run_id))


def started_at_of(run: CommittedRun) -> dt.datetime:
    """The same of a run whose files are known."""
    return _started_at(run.folder)


def _started_at(folder: str) -> dt.datetime:
    path = FileSystems.join(folder, SUMMARY)
    with open_file(path) as file:
        return parse_time(json.loads(file.read())["started_at"])
