"""The file format of state: lines, sorted tables, and a hash that detects damage.

A file begins with a JSON header that names the runs it covers, and ends with a JSON footer that
counts its lines and holds a hash. So a file that was cut off or altered is detected. Between them
is one line per record. In a snapshot the known entries and articles, of which there are many,
follow as sorted rows of bytes: a run memory-maps them instead of reading them all.
"""

import hashlib
import json
import mmap
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.jsonable import json_line
from transforms.state.sorted_table import SortedTable
from transforms.storage.filesystems import atomic_file, open_file
from transforms.storage.paths import is_local

_FORMATS: Final = (1, 2)
"""The format of files without tables, and of snapshots. Old snapshots have no tables."""

_CHUNK_BYTES: Final = 2**20


class DamagedStateError(Exception):
    """The error for a state file that is cut off or altered."""


class StateFile(NamedTuple):
    """The runs that a state file covers, its lines, and the rows of its tables."""

    runs: list[str]
    lines: Iterator[str]
    tables: list[memoryview]


def write_state_file(
    path: str, runs: Iterable[str], lines: Iterable[str], tables: Sequence[SortedTable] = ()
) -> None:
    """Write a state file atomically: readers see all of it or nothing.

    Raises:
        OSError, BeamIOError: it cannot be written.
    """
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
    """Return the contents of a state file, after checking its hash.

    Raises:
        DamagedStateError: it is cut off or altered.
        OSError, BeamIOError: it cannot be read.
    """
    data = _map_file(path)
    body = data.find(b"\n") + 1
    end = data.rfind(b"\n", 0, len(data) - 1) + 1
    try:
        header, footer = json.loads(data[:body]), json.loads(data[end:])
        version, runs = header["newsbeam_state"], [str(run) for run in header["runs"]]
        lengths = [int(length) for length in header.get("tables", ())]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = "no header" if data[-2:] == b"}\n" else "it is cut off"
        raise DamagedStateError(reason) from error
    rows = end - sum(lengths) - bool(lengths)
    digest = _hash(data, 0 if lengths else body, end)
    if body > rows or footer != {"lines": _count_lines(data, body, rows), "hash": digest}:
        raise DamagedStateError("its hash does not match")
    if version not in _FORMATS:
        known = " and ".join(map(str, _FORMATS))
        raise DamagedStateError(f"it is of format {version!r}; this program reads {known}")
    tables = list[memoryview]()
    for start, length in zip(accumulate(lengths, initial=rows), lengths, strict=False):
        tables.append(memoryview(data)[start : start + length])
    return StateFile(runs, _lines(data, body, rows), tables)


def read_covered_runs(path: str) -> list[str]:
    """Return the runs that a state file covers, from its unchecked header alone."""
    with open_file(path) as file:
        return [str(run) for run in json.loads(file.readline())["runs"]]


def _map_file(path: str) -> mmap.mmap | bytes:
    """Memory-map a file. A remote file is first copied to an unnamed local file."""
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
    for chunk in _chunks(data, start, end):
        digest.update(chunk)
    return digest.hexdigest()


def _count_lines(data: mmap.mmap | bytes, start: int, end: int) -> int:
    return sum(chunk.count(b"\n") for chunk in _chunks(data, start, end))


def _chunks(data: mmap.mmap | bytes, start: int, end: int) -> Iterator[bytes]:
    for offset in range(start, end, _CHUNK_BYTES):
        yield data[offset : min(end, offset + _CHUNK_BYTES)]


def _lines(data: mmap.mmap | bytes, start: int, end: int) -> Iterator[str]:
    while start < end:
        stop = data.find(b"\n", start)
        yield data[start:stop].decode("utf-8")
        start = stop + 1


def _encode(data: dict[str, Any]) -> bytes:
    return (json_line(data) + "\n").encode()
