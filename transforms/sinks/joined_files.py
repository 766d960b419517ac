"""The files of one record type joined into one, for a database that is sent one file per load."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from schemas import Record
from schemas.arrow import arrow_schema
from transforms.storage.filesystems import open_file


@contextmanager
def join_files(paths: Sequence[str], file_format: str, record: type[Record]) -> Iterator[IO[bytes]]:
    """Open a temporary file with the records of all files, positioned at its start.

    Parquet columns that files of an earlier schema lack are null.
    """
    with tempfile.TemporaryFile() as file:
        if file_format == "parquet":
            _join_parquet(paths, file, record)
        else:
            _join_lines(paths, file)
        file.seek(0)
        yield file


def _join_parquet(paths: Sequence[str], file: IO[bytes], record: type[Record]) -> None:
    schema = pa.schema([field.with_nullable(True) for field in arrow_schema(record)])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for path in paths:
            with open_file(path) as part:
                for batch in pq.ParquetFile(part).iter_batches():
                    writer.write_table(_conform(batch, schema))


def _conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    """Return a batch with exactly the columns of a schema; missing ones are null."""
    names = set(batch.schema.names)
    columns = [
        batch.column(field.name) if field.name in names else pa.nulls(len(batch), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _join_lines(paths: Sequence[str], file: IO[bytes]) -> None:
    for path in paths:
        with open_file(path) as part:
            shutil.copyfileobj(part, file)
