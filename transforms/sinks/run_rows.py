"""The records of a run, read back from its files in batches, for databases."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import pyarrow as pa
from apache_beam.io.filesystem import BeamIOError

from schemas import SCHEMA_VERSION, Record
from transforms.core.errors import UsageError
from transforms.sinks.databases import later_version_error
from transforms.storage.record_files import Row, read_rows
from transforms.storage.runs import CommittedRun

_BATCH_ROWS: Final = 1000


def read_row_batches(run: CommittedRun, record: type[Record]) -> Iterator[list[Row]]:
    """Yield the records of one type in batches of up to 1000, in the order of the files.

    See :func:`transforms.storage.record_files.read_rows` for the rows.

    Raises:
        UsageError: A file cannot be read, or a later version of Newsbeam wrote it.
    """
    rows = (row for path in run.files.get(record.TABLE, ()) for row in _read(path, run, record))
    while batch := list(islice(rows, _BATCH_ROWS)):
        yield batch


def _read(path: str, run: CommittedRun, record: type[Record]) -> Iterator[Row]:
    try:
        for row in read_rows(path, record):
            if row["schema_version"] > SCHEMA_VERSION:
                raise later_version_error(run)
            yield row
    except (BeamIOError, OSError, pa.ArrowException, LookupError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"cannot read {path} of run {run.run_id}: {reason}") from error
