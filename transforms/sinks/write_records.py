"""Write records to partitioned files: a folder a record type and day, and a topic for tags.

Files are written into a staging folder of the run; :mod:`transforms.sinks.commit` makes them
visible. A bundle that is tried again writes new files, and the commit takes only those of the
bundles that ended: :class:`ListFiles` lists them.
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
_MAX_BUFFERED_ROWS: Final = 5000


@register_row_coder
@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file in the staging folder: its path there, the folder it belongs in, and its rows.

    ``format`` is ``lines`` for what is no record, but for the end of the run to read.
    """

    path: str
    partition: str
    format: str
    rows: int
    first_key: str

    @property
    def is_record(self) -> bool:
        """Whether its rows are records, which become visible."""
        return self.format in FORMATS


def partition_of(record: Record) -> str:
    """The folder of a record, such as ``topics/day=2026-11-20/topic=elections``."""
    day = f"{record.TABLE}/day={record.day.isoformat()}"
    return f"{day}/topic={record.topic_id}" if isinstance(record, TopicTag) else day


class WriteRecords(beam.PTransform):
    """Records of any type to files of one format; yields the :class:`WrittenFile` of each."""

    def __init__(self, staging: str, file_format: str) -> None:
        super().__init__()
        self.staging = staging
        self.format = file_format

    def expand(self, records: beam.PCollection) -> beam.PCollection:
        writer = _WriteFiles(self.staging, self.format, partition_of)
        return records | beam.ParDo(writer).with_output_types(WrittenFile)


class WriteLines(beam.PTransform):
    """Anything typed to files of JSON lines under a name; yields their :class:`WrittenFile`."""

    def __init__(self, staging: str, name: str) -> None:
        super().__init__()
        self.staging = staging
        self.name = name

    def expand(self, elements: beam.PCollection) -> beam.PCollection:
        writer = _WriteFiles(self.staging, _LINES, functools.partial(_always, self.name))
        return elements | beam.ParDo(writer).with_output_types(WrittenFile)


def _always(name: str, _element: object) -> str:
    return name


class _WriteFiles(beam.DoFn):
    """Elements of a bundle to files, by their place; records are counted and sorted."""

    def __init__(self, staging: str, file_format: str, place: Callable[[Any], str]) -> None:
        self.staging = staging
        self.format = file_format
        self.place = place
        self._in = Metrics.counter("newsbeam", f"Write.{file_format}.in")
        self._out = Metrics.counter("newsbeam", f"Write.{file_format}.out")

    def start_bundle(self) -> None:
        self._buffers: dict[str, list[Any]] = defaultdict(list)
        self._buffered = 0

    def process(self, element: Any) -> Iterator[WrittenFile]:
        if self.format in FORMATS:
            self._in.inc()
        self._buffers[self.place(element)].append(element)
        self._buffered += 1
        if self._buffered >= _MAX_BUFFERED_ROWS:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[Any]:
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


class ListFiles(beam.PTransform):
    """All files that were written to one list of them; yields its path, once.

    It is there when all that it lists is.
    """

    def __init__(self, staging: str) -> None:
        super().__init__()
        self.path = file_list_path(staging)

    def expand(self, files: beam.PCollection) -> beam.PCollection:
        once = files.pipeline | beam.Create([self.path]).with_output_types(str)
        # A side input is there when the whole of it is, even if that is nothing.
        return once | beam.Map(_list_files, beam.pvalue.AsIter(files)).with_output_types(str)


def file_list_path(staging: str) -> str:
    """Where the list of a run's files is."""
    return str(FileSystems.join(staging, "files.jsonl"))


def _list_files(path: str, files: Iterable[WrittenFile]) -> str:
    write_file(path, sorted(files, key=lambda file: file.path), _LINES)
    return path


def write_file(path: str, rows: Sequence[Any], file_format: str) -> None:
    """Write rows of one type to one file, on any Beam file system."""
    with create_file(path) as file:
        if file_format == "parquet":
            pq.write_table(arrow_table(type(rows[0]), list(rows)), file, compression="zstd")
        else:
            lines = "".join(to_line(each) + "\n" for each in rows)
            file.write((lines or "\n").encode())  # S3 takes no empty file from Beam


def read_lines(path: str, kind: type[T]) -> Iterator[T]:
    """What was written to a file of JSON lines.

    Raises:
        OSError, BeamIOError: it cannot be read.
    """
    with open_file(path) as file:
        while line := file.readline():
            if not line.isspace():
                yield from_json(kind, json.loads(line))


def _key(record: Record) -> str:
    return str(getattr(record, record.KEY))
