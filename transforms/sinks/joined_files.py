"""Files of one record type as a single file, for databases to which a file is sent at a time."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from schemas import Record
from schemas.arrow import arrow_schema


@contextmanager
def joined(paths: Sequence[str], file_format: str, record: type[Record]) -> Iterator[IO[bytes]]:
    """All records of the files in a temporary one, which is read from its start.

    Of Parquet, columns that files of an earlier schema lack are null.
    """
    join = _join_parquet if file_format == "parquet" else _join_lines
    with tempfile.TemporaryFile() as file:
        join(paths, file, record)
        file.seek(0)
        yield file


def _join_parquet(paths: Sequence[str], file: IO[bytes], record: type[Record]) -> None:
    schema = pa.schema([field.with_nullable(True) for field in arrow_schema(record)])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for path in paths:
            with _open(path) as part:
                for batch in pq.ParquetFile(part).iter_batches():
                    writer.write_table(_fitted(batch, schema))


def _fitted(batch: Any, schema: Any) -> Any:
    there = set(batch.schema.names)
    columns = [
        batch.column(field.name) if field.name in there else pa.nulls(len(batch), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _join_lines(paths: Sequence[str], file: IO[bytes], _record: type[Record]) -> None:
    for path in paths:
        with _open(path) as part:
            shutil.copyfileobj(part, file)


def _open(path: str) -> Any:
    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
