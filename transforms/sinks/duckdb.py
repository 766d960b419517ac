"""A DuckDB file with one view per record type over the files of all committed runs."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from schemas import RECORDS, Record
from schemas.fields import fields_of
from schemas.sql import sql_type


def write_views(output: Path) -> Path:
    """Replace ``OUTPUT/newsbeam.duckdb`` and return its path.

    Its views read the record files in place. If a run has both formats, they read Parquet.
    """
    target = output / "newsbeam.duckdb"
    fresh = output / ".staging" / "newsbeam.duckdb"
    fresh.parent.mkdir(exist_ok=True)
    fresh.unlink(missing_ok=True)
    runs = sorted((output / "runs").resolve().iterdir())
    with duckdb.connect(str(fresh)) as db:
        for record in RECORDS:
            db.execute(_create_view(runs, record))
    fresh.replace(target)
    return target


def _create_view(runs: Sequence[Path], record: type[Record]) -> str:
    """Return the statement that creates the view of a record type."""
    levels = "*/*" if record.TABLE == "topics" else "*"
    files: dict[str, list[str]] = {"parquet": [], "jsonl": []}
    for run in runs:
        formats = (name for name in files if (run / name / record.TABLE).is_dir())
        for name in list(formats)[:1]:
            files[name].append(f"{run}/{name}/{record.TABLE}/{levels}/*.{name}")
    types = {f.name: sql_type(f, "duckdb") for f in fields_of(record)}
    columns = ", ".join(
        f'coalesce("{f.name}", []) AS "{f.name}"' if f.repeated else f'"{f.name}"'
        for f in fields_of(record)
    )
    sources = []
    empty = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in types.items())
    if files["parquet"]:  # the empty SELECT adds columns that files of an earlier schema lack
        read = f"read_parquet({_list_literal(files['parquet'])}, union_by_name = true)"
        sources.append(f"(FROM {read} UNION ALL BY NAME SELECT {empty} WHERE false)")
    if files["jsonl"]:
        kinds = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
        options = f"format = 'newline_delimited', columns = {{{kinds}}}"
        sources.append(f"read_json({_list_literal(files['jsonl'])}, {options})")
    selects = [f"SELECT {columns} FROM {source}" for source in sources]
    body = " UNION ALL ".join(selects) or f"SELECT {empty} WHERE false"
    return f'CREATE VIEW "{record.TABLE}" AS {body}'


def _list_literal(paths: Sequence[str]) -> str:
    quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return f"[{quoted}]"
