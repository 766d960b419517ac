"""State as files, on any Beam file system: one a run, and a snapshot of all now and then.

Layout of a state folder::

    STATE/run-RUN.state          what one run changed
    STATE/snapshot-TIME.state    everything until then, and which runs that is
    STATE/damaged/...            files that could not be read, as they were

The changes of a run are first written into the run's own folder, which becomes visible by one
rename together with the records that they describe; the file in the state folder is a copy. A
run that is cut off before the copy, or a state folder that is lost, costs nothing: what is not
in the state folder is taken from the outputs, if need be from the articles themselves.

Every file begins with the runs that it covers and ends with a count of its lines and a hash, so
that one that was cut off or altered is known for what it is. Between them is a line for each thing;
in a snapshot, entries and articles, of which there are many, follow as sorted rows of bytes: a run
maps them and has no need to read them all.
"""

import hashlib
import json
import logging
import mmap
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow.parquet as pq
from apache_beam.io.filesystems import FileSystems
from apache_beam.utils.shared import Shared

from schemas.ids import link_key
from schemas.jsonable import json_line, parse_time
from transforms.core.clock import now
from transforms.core.urls import canonical_url
from transforms.state.records import KnownArticle, KnownEntry, State, line_of
from transforms.state.sorted_table import SortedTable
from transforms.storage.filesystems import (
    atomic_file,
    create_folder,
    is_local,
    list_names,
    open_file,
)
from transforms.storage.locks import FolderLock, lock_folder
from transforms.storage.runs import (
    list_committed_runs,
    list_run_names,
    read_committed_run,
    run_folder,
)

_LOG = logging.getLogger("newsbeam.state")
STATE_FILE: Final = "learnt.state"
_FORMATS: Final = (1, 2)
"""Of files without rows, and of snapshots; those of before had none either."""
_RUNS_BEFORE_SNAPSHOT: Final = 50
CHANGES_BEFORE_SNAPSHOT: Final = 100_000
SHARE_BEFORE_SNAPSHOT: Final = 0.005
"""Changes are in the memory of every process; a snapshot is all of the state, written anew."""
_PIECE: Final = 2**20


class DamagedState(Exception):
    """A state file is not what was written."""


class StateFile(NamedTuple):
    """What a state file has: the runs that it covers, its lines, and the rows of its tables."""

    runs: list[str]
    lines: Iterator[str]
    tables: list[memoryview]


class StateHandle:
    """The state as a run found it, for any process of the run. Loaded once in each."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._shared = Shared()

    def adopt(self, state: State) -> State:
        """Give this process the state that it has loaded already."""
        adopted: State = self._shared.acquire(lambda: state)
        return adopted

    def get(self) -> State:
        """The state; keep a reference to it as long as it is needed."""
        state: State = self._shared.acquire(lambda: StateStore(self._folder).load())
        return state


class StateStore:
    """The state folder, and the outputs that say the same."""

    def __init__(self, folder: str, output: str | None = None) -> None:
        self._folder = folder
        self._output = output

    @contextmanager
    def held(self, *, wait_sec: float = 0.0) -> Iterator[FolderLock]:
        """FolderLock the state while the context lasts.

        Raises:
            UsageError: the folder cannot be written, or another run holds it.
        """
        create_folder(self._folder, f"the state folder {self._folder}")
        with lock_folder(self._folder, f"the state {self._folder}", wait_sec=wait_sec) as held:
            yield held

    def load(self) -> State:
        """The state, with the runs of the output that it lacks added to its files.

        Files that are damaged are reported, moved aside, and made up for from the outputs.
        """
        state, covered = State(), set[str]()
        files = self._files()
        for name in sorted((n for n in files if n.startswith("snapshot-")), reverse=True):
            if self._apply(name, state, covered):
                break
        for name in sorted(n for n in files if n.startswith("run-")):
            if _run_of(name) not in covered:
                self._apply(name, state, covered)
        missing = list(list_committed_runs(self._output, exclude=covered)) if self._output else []
        for run_id in missing:
            lines = _lines_of_run(self._output or "", run_id)
            for line in lines:
                state.apply(line)
            if len(missing) < _RUNS_BEFORE_SNAPSHOT:
                self.add(run_id, lines)
        if len(missing) >= _RUNS_BEFORE_SNAPSHOT:  # as after a stream, each of whose windows is one
            self._write_snapshot(state, missing)
        return state

    def add(self, run_id: str, lines: Iterable[str]) -> None:
        """Keep what a run changed."""
        write_state_file(FileSystems.join(self._folder, f"run-{run_id}.state"), [run_id], lines)

    def compact(self, state: State) -> None:
        """Write a snapshot if there are many runs, or changes, since the last one.

        ``state`` is the sum of all.
        """
        _, before, runs = self._parts()
        many = max(CHANGES_BEFORE_SNAPSHOT, SHARE_BEFORE_SNAPSHOT * len(state))
        if len(set(runs.values()) - before) >= _RUNS_BEFORE_SNAPSHOT or state.changes >= many:
            self._write_snapshot(state, ())

    def _write_snapshot(self, state: State, others: Iterable[str]) -> None:
        """Write a snapshot, of other runs too than those that have files.

        What the snapshot before it covers goes; what came after that stays until the next one,
        in case this one is damaged.
        """
        snapshots, before, runs = self._parts()
        there = list_run_names(self._output) if self._output else ()
        covered = {*runs.values(), *others} | (before & set(there))
        name = f"snapshot-{now():%Y%m%dT%H%M%S%f}.state"
        write_state_file(self._path(name), covered, state.plain_lines(), state.tables)
        state.changes = 0
        old = [*snapshots[:-1], *(name for name, run in runs.items() if run in before)]
        if old:
            FileSystems.delete([self._path(name) for name in old])

    def _parts(self) -> tuple[list[str], set[str], dict[str, str]]:
        """The snapshots, the runs that the last one covers, and the runs by their files."""
        files = self._files()
        snapshots = sorted(name for name in files if name.startswith("snapshot-"))
        before = _runs_of(self._path(snapshots[-1])) if snapshots else []
        runs = [name for name in files if name.startswith("run-")]
        return snapshots, set(before), {name: _run_of(name) for name in runs}

    def _apply(self, name: str, state: State, covered: set[str]) -> bool:
        try:
            file = read_state_file(self._path(name))
            if file.tables:
                for table, rows in zip(state.tables, file.tables, strict=True):
                    table.use_sorted_rows(rows)
            for line in file.lines:
                state.apply(line)
            if file.tables:
                state.changes = 0
        except (DamagedState, ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
            aside = self._move_aside(name)
            text = "the state file %s is damaged (%s); it is kept as %s, and what the outputs say"
            _LOG.warning(text + " is used instead", self._path(name), error, aside)
            return False
        covered.update(file.runs)
        return True

    def _move_aside(self, name: str) -> str:
        folder = FileSystems.join(self._folder, "damaged")
        create_folder(folder, folder)
        aside = str(FileSystems.join(folder, f"{now():%Y%m%dT%H%M%S%f}-{name}"))
        FileSystems.rename([self._path(name)], [aside])
        return aside

    def _path(self, name: str) -> str:
        return str(FileSystems.join(self._folder, name))

    def _files(self) -> list[str]:
        return [name for name in list_names(self._folder) if name.endswith(".state")]


def _run_of(name: str) -> str:
    return name.removeprefix("run-").removesuffix(".state")


def _runs_of(path: str) -> list[str]:
    """The runs that a file covers, which has been read, and so checked, before."""
    with open_file(path) as file:
        return [str(run) for run in json.loads(file.readline())["runs"]]


def write_state_file(
    path: str, runs: Iterable[str], lines: Iterable[str], tables: Sequence[SortedTable] = ()
) -> None:
    """Write a state file, which is there whole or not at all."""
    if is_local(path):
        part = Path(f"{path}.part")
        with part.open("wb") as file:
            _write(file, runs, lines, tables)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    else:
        with atomic_file(path) as file:
            _write(file, runs, lines, tables)


def _write(
    file: Any, runs: Iterable[str], lines: Iterable[str], tables: Sequence[SortedTable]
) -> None:
    digest, count = hashlib.blake2b(digest_size=16), 0

    def write(data: bytes | memoryview) -> None:
        digest.update(data)
        file.write(data)

    header = {"newsbeam_state": _FORMATS[bool(tables)], "runs": sorted(runs)}
    if tables:
        write(_encode(header | {"tables": [len(table) * table.width for table in tables]}))
    else:
        file.write(_encode(header))
    for line in lines:
        write(f"{line}\n".encode())
        count += 1
    for table in tables:
        for rows in table.sorted_rows():
            write(rows)
    if tables:
        write(b"\n")
    file.write(_encode({"lines": count, "hash": digest.hexdigest()}))


def read_state_file(path: str) -> StateFile:
    """What a state file has.

    Raises:
        DamagedState: it is cut off or altered. Nothing of it has been given then.
        OSError, BeamIOError: it cannot be read.
    """
    data = _mapped(path)
    body = data.find(b"\n") + 1
    end = data.rfind(b"\n", 0, len(data) - 1) + 1
    try:
        header, footer = json.loads(data[:body]), json.loads(data[end:])
        version, runs = header["newsbeam_state"], [str(run) for run in header["runs"]]
        lengths = [int(length) for length in header.get("tables", ())]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedState("no header" if data[-2:] == b"}\n" else "it is cut off") from error
    rows = end - sum(lengths) - bool(lengths)
    hashed = _hash(data, 0 if lengths else body, end)
    if body > rows or footer != {"lines": _count(data, body, rows), "hash": hashed}:
        raise DamagedState("its hash is another")
    if version not in _FORMATS:
        known = " and ".join(map(str, _FORMATS))
        raise DamagedState(f"it is of format {version!r}; this program reads {known}")
    tables = list[memoryview]()
    for start, length in zip(accumulate(lengths, initial=rows), lengths, strict=False):
        tables.append(memoryview(data)[start : start + length])
    return StateFile(runs, _lines(data, body, rows), tables)


def _mapped(path: str) -> mmap.mmap | bytes:
    """The bytes of a file, which the system reads when they are looked at.

    Those of another file system are put on the disk first, where no other process sees them.
    """
    with tempfile.TemporaryFile() if not is_local(path) else Path(path).open("rb") as file:
        if not is_local(path):
            with open_file(path) as source:
                shutil.copyfileobj(source, file)
            file.flush()
        if not os.fstat(file.fileno()).st_size:
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _hash(data: mmap.mmap | bytes, start: int, end: int) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for piece in _pieces(data, start, end):
        digest.update(piece)
    return digest.hexdigest()


def _count(data: mmap.mmap | bytes, start: int, end: int) -> int:
    return sum(piece.count(b"\n") for piece in _pieces(data, start, end))


def _pieces(data: mmap.mmap | bytes, start: int, end: int) -> Iterator[bytes]:
    for place in range(start, end, _PIECE):
        yield data[place : min(end, place + _PIECE)]


def _lines(data: mmap.mmap | bytes, start: int, end: int) -> Iterator[str]:
    while start < end:
        stop = data.find(b"\n", start)
        yield data[start:stop].decode("utf-8")
        start = stop + 1


def _encode(data: dict[str, Any]) -> bytes:
    return (json_line(data) + "\n").encode()


def _lines_of_run(output: str, run_id: str) -> list[str]:
    """What a run of the output changed, by its own word or, failing that, by its articles."""
    path = FileSystems.join(run_folder(output, run_id), STATE_FILE)
    if FileSystems.exists(path):
        try:
            return list(read_state_file(path).lines)
        except (DamagedState, UnicodeDecodeError) as error:
            _LOG.warning("%s is damaged (%s); its articles are read instead", path, error)
    lines: list[str] = []
    for row in _articles_of_run(output, run_id):
        time = row["fetched_at"]
        time = parse_time(time) if isinstance(time, str) else time
        lineage, version = row.get("lineage_id") or row["article_id"], row.get("version") or 1
        from_page = row["extraction_method"] == "trafilatura"
        article = KnownArticle(lineage, time, version, row["text_hash"], from_page)
        entry = KnownEntry(link_key(canonical_url(row["url"])), time, "", lineage)
        lines += [line_of(article), line_of(entry)]
    return lines


def _articles_of_run(output: str, run_id: str) -> Iterator[dict[str, Any]]:
    columns = {"article_id", "url", "text_hash", "fetched_at", "extraction_method"}
    columns |= {"lineage_id", "version"}
    run = read_committed_run(output, run_id)
    for path in run.files.get("articles", ()):
        with open_file(path) as file:
            if run.format == "parquet":
                table = pq.ParquetFile(file)
                there = [name for name in table.schema_arrow.names if name in columns]
                yield from table.read(columns=there).to_pylist()
            else:
                yield from map(json.loads, iter(file.readline, b""))
