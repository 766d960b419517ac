"""BigQuery table schemas from the records, as the ``bq`` tool and its API read them."""

from collections.abc import Sequence
from typing import Any, Final

from schemas.fields import Field, fields_of
from schemas.records import Record

_TYPES: Final[dict[str, str]] = {
    "string": "STRING",
    "integer": "INTEGER",
    "float": "FLOAT",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "record": "RECORD",
}

_SYNONYMS: Final[dict[str, str]] = {
    "INT64": "INTEGER",
    "FLOAT64": "FLOAT",
    "BOOL": "BOOLEAN",
    "STRUCT": "RECORD",
}
_CLUSTERING: Final[dict[str, tuple[str, ...]]] = {
    "articles": ("article_id",),
    "entities": ("name", "article_id"),
    "quotes": ("speaker_name", "article_id"),
    "topics": ("topic_id", "article_id"),
    "stories": ("story_id",),
    "dead_letters": ("stage", "error_type"),
    "feed_health": ("feed_url",),
}


def bigquery_clustering(record: type[Record]) -> tuple[str, ...]:
    """The columns by which a table is clustered: what people ask for first, then the article."""
    return _CLUSTERING[record.TABLE]


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


def migrate_fields(
    there: Sequence[dict[str, Any]], wanted: Sequence[dict[str, Any]], path: str = ""
) -> list[dict[str, Any]]:
    """The columns of a table that is there, changed as little as makes it hold the wanted ones.

    BigQuery only adds columns that may be null, and only ever lifts a constraint. Columns that
    nobody wants any more stay.

    Raises:
        ValueError: a column is of another type; the message names it.
    """
    names = {field["name"].lower() for field in there}
    fields = {field["name"].lower(): field for field in wanted}
    kept = [_migrated(field, fields.get(field["name"].lower()), path) for field in there]
    return kept + [_optional(f) for f in wanted if f["name"].lower() not in names]


def _migrated(there: dict[str, Any], wanted: dict[str, Any] | None, path: str) -> dict[str, Any]:
    if wanted is None:
        return there
    name = f"{path}{there['name']}"
    old, new = (f"{_kind(field)} {_mode(field)}" for field in (there, wanted))
    kinds = _kind(there) == _kind(wanted)
    if not kinds or (_mode(there) == "REPEATED") != (_mode(wanted) == "REPEATED"):
        raise ValueError(f"column {name} is {old}, not {new}")
    field = {**there, "description": wanted.get("description", "")}
    if _mode(wanted) == "NULLABLE":
        field["mode"] = "NULLABLE"
    if "fields" in wanted:
        field["fields"] = migrate_fields(there["fields"], wanted["fields"], f"{name}.")
    return field


def _optional(field: dict[str, Any]) -> dict[str, Any]:
    return {**field, "mode": "NULLABLE"} if _mode(field) == "REQUIRED" else field


def _kind(field: dict[str, Any]) -> str:
    return _SYNONYMS.get(field["type"], str(field["type"]))


def _mode(field: dict[str, Any]) -> str:
    return str(field.get("mode") or "NULLABLE")
