"""SQL tables of the records, for DuckDB (nested types) and PostgreSQL (nested as jsonb)."""

from typing import Final, Literal

from schemas.fields import Field, fields_of
from schemas.records import Record

Dialect = Literal["duckdb", "postgresql"]

_TYPES: Final[dict[Dialect, dict[str, str]]] = {
    "duckdb": {
        "string": "VARCHAR",
        "integer": "BIGINT",
        "float": "DOUBLE",
        "boolean": "BOOLEAN",
        "timestamp": "TIMESTAMP WITH TIME ZONE",
        "date": "DATE",
    },
    "postgresql": {
        "string": "text",
        "integer": "bigint",
        "float": "double precision",
        "boolean": "boolean",
        "timestamp": "timestamptz",
        "date": "date",
    },
}


def create_table(record: type[Record], dialect: Dialect) -> str:
    """Return the ``CREATE TABLE`` statement of a record class, with its id as primary key."""
    columns = [
        f'  "{f.name}" {sql_type(f, dialect)}{"" if f.nullable else " NOT NULL"}'
        for f in fields_of(record)
    ]
    columns.append(f'  PRIMARY KEY ("{record.KEY}")')
    return f'CREATE TABLE IF NOT EXISTS "{record.TABLE}" (\n' + ",\n".join(columns) + "\n);\n"


def sql_type(field: Field, dialect: Dialect) -> str:
    """Return the SQL type of a column, without its constraint."""
    if field.record and dialect == "postgresql":
        return "jsonb"
    if field.record:
        inner = ", ".join(f'"{f.name}" {sql_type(f, dialect)}' for f in fields_of(field.record))
        base = f"STRUCT({inner})"
    else:
        base = _TYPES[dialect][field.kind]
    return base + ("[]" if field.repeated else "")
