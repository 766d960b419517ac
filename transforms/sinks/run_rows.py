"""The records of a run, read back from its files in batches, for databases."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from schemas import SCHEMA_VERSION, Record
from schemas.fields import fields_of
from schemas.jsonable import parse_time
from transforms.core.errors import UsageError
from transforms.storage.runs import CommittedRun

Row = dict[str, Any]

_BATCH: Final = 1000
_PARSED: Final[dict[str, Callable[[str], Any]]] = {
    "timestamp": parse_time,
    "date": dt.date.fromisoformat,
}


def read_row_batches(
    run: CommittedRun, record: type[Record], *, size: int = _BATCH
) -> Iterator[list[Row]]:
    """The records of a type as objects by column, in the order of the files.

    Times and dates are Python's, nested records objects. What a file of an earlier schema lacks
    is not there.

    Raises:
        UsageError: a file cannot be read, or holds records of a later schema than this program's.
    """
    rows = (row for path in run.files.get(record.TABLE, ()) for row in _rows(path, run, record))
    while batch := list(islice(rows, size)):
        yield batch


def _rows(path: str, run: CommittedRun, record: type[Record]) -> Iterator[Row]:
    read = _parquet if run.format == "parquet" else _json_lines
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            for row in read(file, record):
                if row["schema_version"] > SCHEMA_VERSION:
                    raise UsageError(
                        f"run {run.run_id} was written by a later Newsbeam; update this one"
                    )
                yield row
    except (BeamIOError, OSError, pa.ArrowException, LookupError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"cannot read {path} of run {run.run_id}: {reason}") from error


def _parquet(file: Any, _record: type[Record]) -> Iterator[Row]:
    for batch in pq.ParquetFile(file).iter_batches(batch_size=_BATCH):
        yield from batch.to_pylist()


def _json_lines(file: Any, record: type[Record]) -> Iterator[Row]:
    parsed = {f.name: _PARSED[f.kind] for f in fields_of(record) if f.kind in _PARSED}
    for line in file:
        row = json.loads(line)
        for name, parse in parsed.items():
            if row.get(name) is not None:
                row[name] = parse(row[name])
        yield row
