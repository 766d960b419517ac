"""BigQuery table schemas from the records, as the ``bq`` tool and its API read them."""

from typing import Any, Final

from schemas.fields import Field, fields_of

_TYPES: Final[dict[str, str]] = {
    "string": "STRING",
    "integer": "INTEGER",
    "float": "FLOAT",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "record": "RECORD",
}


def bigquery_schema(record: type) -> dict[str, list[dict[str, Any]]]:
    """``{"fields": [...]}`` for a record class, ready for ``json.dumps``."""
    return {"fields": [_field(f) for f in fields_of(record)]}


def _field(field: Field) -> dict[str, Any]:
    mode = "REPEATED" if field.repeated else "NULLABLE" if field.nullable else "REQUIRED"
    column: dict[str, Any] = {
        "name": field.name,
        "type": _TYPES[field.kind],
        "mode": mode,
        "description": field.doc,
    }
    if field.record:
        column["fields"] = [_field(f) for f in fields_of(field.record)]
    return column
