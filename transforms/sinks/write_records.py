"""Write records to partitioned files: one folder per record type and day; for tags, per topic too.

Files are written to the staging folder of the run, and :mod:`transforms.sinks.commit` publishes
them. A retried bundle writes new files. The commit takes only the files of bundles that succeeded,
which :class:`ListFiles` lists.

Beam's ``fileio.WriteToFiles`` is not used because it publishes each file when its bundle succeeds,
before the rest of the run, and shuffles the records for that.
"""

import functools
import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import apache_beam as beam
import pyarrow.parquet as pq
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from schemas import Record, TopicTag
from schemas.arrow import arrow_table
from schemas.coders import register_row_coder
from schemas.jsonable import from_json, to_line
from transforms.storage.filesystems import create_file, open_file

T = TypeVar("T")

FORMATS: Final = ("jsonl", "parquet")
_LINES: Final = "lines"
MAX_BUFFERED_ROWS: Final = 5000
"""The default for the number of rows of a bundle that are buffered before they are written."""


@register_row_coder
@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file in the staging folder.

    Attributes:
        path: Its path in the staging folder.
        partition: The folder of the run that it belongs in, such as ``articles/day=2026-11-20``;
            the name of the element type for files that are not records.
        format: ``parquet`` or ``jsonl`` for records; ``lines`` for JSON lines of other elements,
            which are read only at the end of the run.
        rows: The number of its rows.
        first_key: The key of its first record.
    """

    path: str
    partition: str
    format: str
    rows: int
    first_key: str

    @property
    def is_record(self) -> bool:
        """True if the file holds records, which the commit publishes."""
        return self.format in FORMATS


def partition_of(record: Record) -> str:
    """Return the folder of a record, such as ``topics/day=2026-11-20/topic=elections``."""
    day = f"{record.TABLE}/day={record.day.isoformat()}"
    return f"{day}/topic={record.topic_id}" if isinstance(record, TopicTag) else day


class WriteRecords(beam.PTransform[beam.PCollection[Record], beam.PCollection[WrittenFile]]):
    """Write records of any type to files of one format, and yield a :class:`WrittenFile` per file.

    Args:
        staging: The folder to write to.
        file_format: One of `FORMATS`.
        max_buffered_rows: The number of rows of a bundle that are buffered. A bundle with more rows
            is written to more files.
    """

    def __init__(
        self, staging: str, file_format: str, *, max_buffered_rows: int = MAX_BUFFERED_ROWS
    ) -> None:
        super().__init__()
        self.staging = staging
        self.format = file_format
        self.max_buffered_rows = max_buffered_rows

    def expand(self, records: beam.PCollection[Record]) -> beam.PCollection[WrittenFile]:
        writer = _WriteFiles(self.staging, self.format, partition_of, self.max_buffered_rows)
        return records | beam.ParDo(writer).with_output_types(WrittenFile)


class WriteLines(beam.PTransform[beam.PCollection[Any], beam.PCollection[WrittenFile]]):
    """Write elements of one dataclass to JSON lines, and yield a :class:`WrittenFile` per file."""

    def __init__(self, staging: str, name: str) -> None:
        super().__init__()
        self.staging = staging
        self.name = name

    def expand(self, elements: beam.PCollection[Any]) -> beam.PCollection[WrittenFile]:
        writer = _WriteFiles(
            self.staging,
            _LINES,
            functools.partial(_fixed_partition, self.name),
            MAX_BUFFERED_ROWS,
        )
        return elements | beam.ParDo(writer).with_output_types(WrittenFile)


def _fixed_partition(name: str, _element: object) -> str:
    return name


class _WriteFiles(beam.DoFn):
    """Write the elements of a bundle to one file per partition; count and sort records."""

    def __init__(
        self,
        staging: str,
        file_format: str,
        partition: Callable[[Any], str],
        max_buffered_rows: int,
    ) -> None:
        self.staging = staging
        self.format = file_format
        self.partition = partition
        self.max_buffered_rows = max_buffered_rows
        self._in = Metrics.counter("newsbeam", f"Write.{file_format}.in")
        self._out = Metrics.counter("newsbeam", f"Write.{file_format}.out")

    def start_bundle(self) -> None:
        self._buffers: dict[str, list[Any]] = defaultdict(list)
        self._buffered = 0

    def process(self, element: Any) -> Iterator[WrittenFile]:
        if self.format in FORMATS:
            self._in.inc()
        self._buffers[self.partition(element)].append(element)
        self._buffered += 1
        if self._buffered >= self.max_buffered_rows:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        window = GlobalWindow()
        for file in self._flush():
            yield WindowedValue(file, window.max_timestamp(), [window])

    def _flush(self) -> Iterator[WrittenFile]:
        for partition, rows in sorted(self._buffers.items()):
            first_key = ""
            if self.format in FORMATS:
                rows.sort(key=_key)
                first_key = _key(rows[0])
                self._out.inc(len(rows))
            name = f"{uuid.uuid4().hex}.{self.format}"
            path = FileSystems.join(self.staging, self.format, partition, name)
            write_file(path, rows, self.format)
            yield WrittenFile(path, partition, self.format, len(rows), first_key)
        self.start_bundle()


class ListFiles(beam.PTransform[beam.PCollection[WrittenFile], beam.PCollection[str]]):
    """Write the list of all written files, and yield its path once.

    The list is complete: it is written after the last file, even if there are none.
    """

    def __init__(self, staging: str) -> None:
        super().__init__()
        self.path = file_list_path(staging)

    def expand(self, files: beam.PCollection[WrittenFile]) -> beam.PCollection[str]:
        once = files.pipeline | beam.Create([self.path]).with_output_types(str)
        # Beam waits for a whole side input, even if it is empty.
        return once | beam.Map(_list_files, beam.pvalue.AsIter(files)).with_output_types(str)


def file_list_path(staging: str) -> str:
    """Return the path of the list of a run's files."""
    return str(FileSystems.join(staging, "files.jsonl"))


def _list_files(path: str, files: Iterable[WrittenFile]) -> str:
    write_file(path, sorted(files, key=lambda file: file.path), _LINES)
    return path


def write_file(path: str, rows: Sequence[Any], file_format: str) -> None:
    """Write records or elements of one type to a file on any Beam file system.

    Args:
        path: The path of the file.
        rows: The records; for Parquet at least one.
        file_format: ``parquet``; anything else writes JSON lines.
    """
    with create_file(path) as file:
        if file_format == "parquet":
            pq.write_table(arrow_table(type(rows[0]), list(rows)), file, compression="zstd")
        else:
            lines = "".join(to_line(row) + "\n" for row in rows)
            file.write((lines or "\n").encode())  # Beam cannot write an empty file to S3


def read_lines(path: str, kind: type[T]) -> Iterator[T]:
    """Yield the elements of a file that :class:`WriteLines` or :class:`ListFiles` wrote.

    Raises:
        OSError, BeamIOError: The file cannot be read.
    """
    with open_file(path) as file:
        while line := file.readline():
            if not line.isspace():
                yield from_json(kind, json.loads(line))


def _key(record: Record) -> str:
    return str(getattr(record, record.KEY))
