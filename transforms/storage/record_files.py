"""Record files, read back as rows."""

import datetime as dt
import json
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

import pyarrow.parquet as pq

from schemas import Record
from schemas.fields import fields_of
from schemas.jsonable import parse_time
from transforms.storage.filesystems import open_file

Row = dict[str, Any]

_BATCH_ROWS: Final = 1000
_PARSERS: Final[dict[str, Callable[[str], Any]]] = {
    "timestamp": parse_time,
    "date": dt.date.fromisoformat,
}


def read_rows(
    path: str, record: type[Record], columns: Collection[str] | None = None
) -> Iterator[Row]:
    """Yield the records of a Parquet or JSON lines file as values by column.

    Times and dates are ``datetime`` and ``date`` objects, nested records are dictionaries.

    Args:
        path: A file on any Beam file system. One that ends in ``.parquet`` is Parquet.
        record: The type of the records.
        columns: The columns to read from Parquet and to parse from JSON; by default all. Columns
            that a file of an earlier schema lacks are missing in its rows.

    Raises:
        OSError, BeamIOError, pa.ArrowException, LookupError, ValueError: The file cannot be read.
    """
    with open_file(path) as file:
        if path.endswith(".parquet"):
            parquet = pq.ParquetFile(file)
            names = [n for n in parquet.schema_arrow.names if columns is None or n in columns]
            for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=names):
                yield from batch.to_pylist()
        else:
            parsers = {
                f.name: _PARSERS[f.kind]
                for f in fields_of(record)
                if f.kind in _PARSERS and (columns is None or f.name in columns)
            }
            for line in file:
                row = json.loads(line)
                for name, parse in parsers.items():
                    if row.get(name) is not None:
                        row[name] = parse(row[name])
                yield row
