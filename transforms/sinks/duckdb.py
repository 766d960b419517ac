"""A DuckDB file with one view a record type over the files of all committed runs."""

from pathlib import Path

import duckdb

from schemas import RECORDS, Record
from schemas.fields import fields_of
from schemas.sql import sql_type


def write_views(output: Path, file_format: str) -> Path:
    """Write ``OUTPUT/newsbeam.duckdb`` anew; it reads the files where they are."""
    target = output / "newsbeam.duckdb"
    fresh = output / ".staging" / "newsbeam.duckdb"
    fresh.parent.mkdir(exist_ok=True)
    fresh.unlink(missing_ok=True)
    with duckdb.connect(str(fresh)) as db:
        for record in RECORDS:
            db.execute(_view(output.resolve(), record, file_format))
    fresh.replace(target)
    return target


def _view(output: Path, record: type[Record], file_format: str) -> str:
    levels = "*/*" if record.TABLE == "topics" else "*"
    pattern = f"runs/*/{file_format}/{record.TABLE}/{levels}/*.{file_format}"
    columns = ", ".join(f'"{f.name}"' for f in fields_of(record))
    types = {f.name: sql_type(f, "duckdb") for f in fields_of(record)}
    if next(output.glob(pattern), None) is None:
        empty = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in types.items())
        return f'CREATE VIEW "{record.TABLE}" AS SELECT {empty} WHERE false'
    path = str(output / pattern).replace("'", "''")
    if file_format == "parquet":
        source = f"read_parquet('{path}', hive_partitioning = true)"
    else:
        listed = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
        source = f"read_json('{path}', format = 'newline_delimited', columns = {{{listed}}})"
    return f'CREATE VIEW "{record.TABLE}" AS SELECT {columns} FROM {source}'
