"""The runs of an output folder, on any Beam file system, and the files that each is made of.

A run is there when its ``summary.json`` is, which is written last.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from schemas.jsonable import parse_time
from transforms.folders import is_local

SUMMARY: Final = "summary.json"
_BEST_FIRST: Final = ("parquet", "jsonl")


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


def is_there(output: str, run_id: str) -> bool:
    """Whether a run can be seen."""
    return bool(FileSystems.exists(FileSystems.join(run_folder(output, run_id), SUMMARY)))


def run_ids(output: str) -> list[str]:
    """The ids of the runs of an output folder, by name."""
    if is_local(output):  # where a look at the folders is quicker than one at all their files
        folder = Path(output, "runs")
        runs = folder.iterdir() if folder.is_dir() else ()
        return sorted(run.name for run in runs if (run / SUMMARY).exists())
    (match,) = FileSystems.match([FileSystems.join(output, "runs", "*", SUMMARY)])
    folders = (FileSystems.split(metadata.path)[0] for metadata in match.metadata_list)
    return sorted(FileSystems.split(folder)[1] for folder in folders)


def committed_run(output: str, run_id: str) -> CommittedRun:
    """The files of a run that is there."""
    folder = run_folder(output, run_id)
    for name in _BEST_FIRST:
        root = FileSystems.join(folder, name)
        (match,) = FileSystems.match([FileSystems.join(root, "**")])
        paths = sorted(metadata.path for metadata in match.metadata_list)
        if paths:
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
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return parse_time(json.loads(file.read())["started_at"])
