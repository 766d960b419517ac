"""BigQuery table schemas of the records, as BigQuery's API and the ``bq`` tool read them."""

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
    """Return the columns that cluster a table: the most common filter first, then the article."""
    return _CLUSTERING[record.TABLE]


def bigquery_schema(record: type) -> dict[str, list[dict[str, Any]]]:
    """Return the schema of a record class as ``{"fields": [...]}``, ready for ``json.dumps``."""
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
    current: Sequence[dict[str, Any]], target: Sequence[dict[str, Any]], path: str = ""
) -> list[dict[str, Any]]:
    """Return the columns of a table, changed as little as possible to hold the target columns.

    BigQuery can only add nullable columns and relax constraints. Columns that are not in the target
    stay.

    Args:
        current: The columns of the table.
        target: The columns that the records need.
        path: The prefix of the names in messages, for nested columns.

    Raises:
        ValueError: A column has another type. The message names it.
    """
    names = {field["name"].lower() for field in current}
    fields = {field["name"].lower(): field for field in target}
    existing = [_migrate_field(field, fields.get(field["name"].lower()), path) for field in current]
    return existing + [_as_optional(f) for f in target if f["name"].lower() not in names]


def _migrate_field(
    current: dict[str, Any], target: dict[str, Any] | None, path: str
) -> dict[str, Any]:
    if target is None:
        return current
    name = f"{path}{current['name']}"
    old, new = (f"{_kind(field)} {_mode(field)}" for field in (current, target))
    is_same_kind = _kind(current) == _kind(target)
    if not is_same_kind or (_mode(current) == "REPEATED") != (_mode(target) == "REPEATED"):
        raise ValueError(f"column {name} is {old}, not {new}")
    field = {**current, "description": target.get("description", "")}
    if _mode(target) == "NULLABLE":
        field["mode"] = "NULLABLE"
    if "fields" in target:
        field["fields"] = migrate_fields(current["fields"], target["fields"], f"{name}.")
    return field


def _as_optional(field: dict[str, Any]) -> dict[str, Any]:
    return {**field, "mode": "NULLABLE"} if _mode(field) == "REQUIRED" else field


def _kind(field: dict[str, Any]) -> str:
    return _SYNONYMS.get(field["type"], str(field["type"]))


def _mode(field: dict[str, Any]) -> str:
    return str(field.get("mode") or "NULLABLE")
