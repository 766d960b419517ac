"""Write records to partitioned files: a folder a record type and day, and a topic for tags.

Files are written into a staging folder of the run; :mod:`transforms.sinks.commit` makes them
visible. A bundle that is tried again writes new files, and the commit takes only those of the
bundles that ended.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apache_beam as beam
import pyarrow.parquet as pq
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from schemas import Record, TopicTag
from schemas.arrow import arrow_rows
from schemas.jsonable import to_line
from schemas.rows import row

FORMATS: Final = ("jsonl", "parquet")
_MAX_BUFFERED_ROWS: Final = 5000


@row
@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file in the staging folder: its path there, the folder it belongs in, and its rows."""

    path: str
    partition: str
    format: str
    rows: int
    first_key: str


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
        writer = _WriteRecords(self.staging, self.format)
        return records | beam.ParDo(writer).with_output_types(WrittenFile)


class _WriteRecords(beam.DoFn):
    def __init__(self, staging: str, file_format: str) -> None:
        self.staging = staging
        self.format = file_format
        self._in = Metrics.counter("newsbeam", f"Write.{file_format}.in")
        self._out = Metrics.counter("newsbeam", f"Write.{file_format}.out")

    def start_bundle(self) -> None:
        self._buffers: dict[str, list[Record]] = defaultdict(list)
        self._buffered = 0

    def process(self, element: Record) -> Iterator[WrittenFile]:
        self._in.inc()
        self._buffers[partition_of(element)].append(element)
        self._buffered += 1
        if self._buffered >= _MAX_BUFFERED_ROWS:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[Any]:
        window = GlobalWindow()
        for file in self._flush():
            yield WindowedValue(file, window.max_timestamp(), [window])

    def _flush(self) -> Iterator[WrittenFile]:
        for partition, records in sorted(self._buffers.items()):
            records.sort(key=_key)
            name = f"{uuid.uuid4().hex}.{self.format}"
            path = Path(self.staging, self.format, partition, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, records, self.format)
            self._out.inc(len(records))
            yield WrittenFile(str(path), partition, self.format, len(records), _key(records[0]))
        self.start_bundle()


def write_file(path: Path, records: Sequence[Record], file_format: str) -> None:
    """Write records of one type to one file."""
    if file_format == "parquet":
        pq.write_table(arrow_rows(type(records[0]), list(records)), path, compression="zstd")
    else:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(to_line(record) + "\n" for record in records)


def _key(record: Record) -> str:
    return str(getattr(record, record.KEY))
