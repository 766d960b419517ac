"""A program that starts bqemulator with two corrections, in the emulator's own environment.

bqemulator loads DuckDB's spatial extension, which is on no package index and which no record needs.
And it does not quote the names of nested fields, one of which is a keyword of SQL: ``end``.
"""

import sys
from typing import Any

from bqemulator.storage import engine, type_map

_columns_of: Any = type_map.bq_schema_to_duckdb_columns


def _without_spatial(_engine: Any) -> None:
    pass


def _columns_with_quoted_fields(fields: list[dict[str, Any]]) -> list[tuple[str, str]]:
    quoted = [_quoted(field) if field.get("fields") else field for field in fields]
    columns: list[tuple[str, str]] = _columns_of(quoted)
    return columns


def _quoted(field: dict[str, Any]) -> dict[str, Any]:
    inner = [{**part, "name": '"{}"'.format(part["name"])} for part in field["fields"]]
    return {**field, "fields": inner}


engine.DuckDBEngine._load_spatial = _without_spatial
type_map.bq_schema_to_duckdb_columns = _columns_with_quoted_fields

from bqemulator.cli import main  # noqa: E402  (it imports the two functions above)

sys.exit(main())
