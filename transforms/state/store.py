"""The state folder, on any Beam file system: one file per run, and a snapshot after many runs.

Layout of a state folder::

    STATE/run-RUN.state          the changes of one run
    STATE/snapshot-TIME.state    the state at that time, and the ids of the runs in it
    STATE/damaged/...            damaged files, as they were

A run first writes its changes into its own folder in the output, which becomes visible together
with its records (see :mod:`transforms.sinks.commit`). The file in the state folder is a copy. If a
run is killed before it makes the copy, or the state folder is deleted, no state is lost: the next
run reads the missing changes from the runs of the output or, if these are damaged too, from their
articles.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from apache_beam.io.filesystems import FileSystems
from apache_beam.utils.shared import Shared

from schemas import Article
from schemas.ids import link_key
from transforms.core.clock import now
from transforms.core.process_shared import ProcessShared
from transforms.core.urls import canonical_url
from transforms.state.file_format import (
    DamagedStateError,
    read_covered_runs,
    read_state_file,
    write_state_file,
)
from transforms.state.loaded_state import State, format_line
from transforms.state.records import KnownArticle, KnownEntry
from transforms.storage.filesystems import create_folder, list_names
from transforms.storage.locks import FolderLock, lock_folder
from transforms.storage.record_files import read_rows
from transforms.storage.runs import (
    list_committed_runs,
    list_run_names,
    read_committed_run,
    run_folder,
)

_LOG = logging.getLogger("newsbeam.state")
RUN_STATE_FILE: Final = "learnt.state"
"""The name of the file in a run's folder that holds the run's state changes."""

# Every process holds the changes since the last snapshot in memory, so there must not be too many.
# A snapshot rewrites the whole state, so it must not be too frequent.
RUNS_BEFORE_SNAPSHOT: Final = 50
CHANGES_BEFORE_SNAPSHOT: Final = 100_000
SHARE_BEFORE_SNAPSHOT: Final = 0.005

_ARTICLE_COLUMNS: Final = (
    "article_id",
    "lineage_id",
    "version",
    "url",
    "text_hash",
    "fetched_at",
    "extraction_method",
)


class StateHandle(ProcessShared[State]):
    """A handle to the state before the run. Each process loads it once."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._shared = Shared()

    def adopt(self, state: State) -> State:
        """Give this process a state that it has loaded already, and return it."""
        adopted: State = self._shared.acquire(lambda: state)
        return adopted

    def get(self) -> State:
        state: State = self._shared.acquire(lambda: StateStore(self._folder).load())
        return state


class StateStore:
    """A state folder, and the output whose runs hold the same changes.

    Args:
        folder: the state folder.
        output: the output folder; None if only the state folder is read.
        runs_before_snapshot: the number of runs after which a snapshot is written.
        changes_before_snapshot: the number of changes after which a snapshot is written.
        share_before_snapshot: a minimum of changes as a share of the known entries; it raises
            ``changes_before_snapshot`` for large states.
    """

    def __init__(
        self,
        folder: str,
        output: str | None = None,
        *,
        runs_before_snapshot: int = RUNS_BEFORE_SNAPSHOT,
        changes_before_snapshot: int = CHANGES_BEFORE_SNAPSHOT,
        share_before_snapshot: float = SHARE_BEFORE_SNAPSHOT,
    ) -> None:
        self._folder = folder
        self._output = output
        self._runs_before_snapshot = runs_before_snapshot
        self._changes_before_snapshot = changes_before_snapshot
        self._share_before_snapshot = share_before_snapshot

    @contextmanager
    def locked(self, *, wait_sec: float = 0.0) -> Iterator[FolderLock]:
        """Lock the state folder while the context lasts.

        Raises:
            UsageError: the folder cannot be written, or another run has locked it.
        """
        create_folder(self._folder, f"the state folder {self._folder}")
        with lock_folder(self._folder, f"the state {self._folder}", wait_sec=wait_sec) as lock:
            yield lock

    def load(self) -> State:
        """Return the state, after adding the runs of the output that the folder lacks.

        Damaged files are reported and moved aside. The runs of the output replace them.
        """
        state, covered = State(), set[str]()
        files = self._list_files()
        for name in sorted((n for n in files if n.startswith("snapshot-")), reverse=True):
            if self._apply_file(name, state, covered):
                break
        for name in sorted(n for n in files if n.startswith("run-")):
            if _run_id_of(name) not in covered:
                self._apply_file(name, state, covered)
        missing = list(list_committed_runs(self._output, exclude=covered)) if self._output else []
        for run_id in missing:
            lines = _read_run_lines(self._output or "", run_id)
            for line in lines:
                state.apply(line)
            if len(missing) < self._runs_before_snapshot:
                self.add(run_id, lines)
        # A streaming job adds many runs, one per micro-batch: one snapshot covers them all.
        if len(missing) >= self._runs_before_snapshot:
            self._write_snapshot(state, missing)
        return state

    def add(self, run_id: str, lines: Iterable[str]) -> None:
        """Write the changes of a run."""
        write_state_file(self._path(f"run-{run_id}.state"), [run_id], lines)

    def compact(self, state: State) -> None:
        """Write a snapshot if there are many runs or changes since the last one.

        Args:
            state: the sum of all changes in the folder.
        """
        _, covered, runs = self._list_parts()
        share = self._share_before_snapshot * len(state)
        is_many = state.changes >= max(self._changes_before_snapshot, share)
        if is_many or len(set(runs.values()) - covered) >= self._runs_before_snapshot:
            self._write_snapshot(state, ())

    def _write_snapshot(self, state: State, other_runs: Iterable[str]) -> None:
        """Write a snapshot of all runs that have files, and of other runs.

        Files that the previous snapshot covers are deleted. Later ones stay until the next
        snapshot, in case this one is damaged.
        """
        snapshots, previous, runs = self._list_parts()
        output_runs = list_run_names(self._output) if self._output else ()
        covered = {*runs.values(), *other_runs} | (previous & set(output_runs))
        name = f"snapshot-{now():%Y%m%dT%H%M%S%f}.state"
        write_state_file(self._path(name), covered, state.object_lines(), state.tables)
        state.changes = 0
        old = [*snapshots[:-1], *(name for name, run in runs.items() if run in previous)]
        if old:
            FileSystems.delete([self._path(name) for name in old])

    def _list_parts(self) -> tuple[list[str], set[str], dict[str, str]]:
        """Return the snapshots, the runs that the last one covers, and the run ids by file name."""
        files = self._list_files()
        snapshots = sorted(name for name in files if name.startswith("snapshot-"))
        covered = read_covered_runs(self._path(snapshots[-1])) if snapshots else []
        runs = [name for name in files if name.startswith("run-")]
        return snapshots, set(covered), {name: _run_id_of(name) for name in runs}

    def _apply_file(self, name: str, state: State, covered: set[str]) -> bool:
        """Apply a file to the state, and return False if it is damaged."""
        try:
            file = read_state_file(self._path(name))
            if file.tables:
                for table, rows in zip(state.tables, file.tables, strict=True):
                    table.use_sorted_rows(rows)
            for line in file.lines:
                state.apply(line)
            if file.tables:
                state.changes = 0
        except (DamagedStateError, ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
            path = self._path(name)
            _LOG.warning(
                "the state file %s is damaged (%s); it was moved to %s, and the runs of the output "
                "are used instead",
                path,
                error,
                self._move_aside(name),
            )
            return False
        covered.update(file.runs)
        return True

    def _move_aside(self, name: str) -> str:
        folder = FileSystems.join(self._folder, "damaged")
        create_folder(folder, folder)
        target = str(FileSystems.join(folder, f"{now():%Y%m%dT%H%M%S%f}-{name}"))
        FileSystems.rename([self._path(name)], [target])
        return target

    def _path(self, name: str) -> str:
        return str(FileSystems.join(self._folder, name))

    def _list_files(self) -> list[str]:
        return [name for name in list_names(self._folder) if name.endswith(".state")]


def _run_id_of(name: str) -> str:
    return name.removeprefix("run-").removesuffix(".state")


def _read_run_lines(output: str, run_id: str) -> list[str]:
    """Return a run's changes from the output, rebuilt from its articles if they are damaged."""
    path = FileSystems.join(run_folder(output, run_id), RUN_STATE_FILE)
    if FileSystems.exists(path):
        try:
            return list(read_state_file(path).lines)
        except (DamagedStateError, UnicodeDecodeError) as error:
            _LOG.warning("%s is damaged (%s); its articles are read instead", path, error)
    lines: list[str] = []
    for row in _read_articles(output, run_id):
        time = row["fetched_at"]
        lineage, version = row.get("lineage_id") or row["article_id"], row.get("version") or 1
        from_page = row["extraction_method"] == "trafilatura"
        article = KnownArticle(lineage, time, version, row["text_hash"], from_page)
        entry = KnownEntry(link_key(canonical_url(row["url"])), time, "", lineage)
        lines += [format_line(article), format_line(entry)]
    return lines


def _read_articles(output: str, run_id: str) -> Iterator[dict[str, Any]]:
    run = read_committed_run(output, run_id)
    for path in run.files.get(Article.TABLE, ()):
        yield from read_rows(path, Article, _ARTICLE_COLUMNS)
