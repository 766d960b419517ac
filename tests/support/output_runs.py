"""Runs of an output folder, for tests of their readers."""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import pyarrow.parquet as pq

from schemas import Record
from schemas.arrow import arrow_table
from schemas.fields import Field, fields_of
from schemas.jsonable import format_time, to_line
from tests.support.example_records import TIME
from transforms.sinks.write_records import partition_of

R = TypeVar("R", bound=Record)

_VALUES: Final[dict[str, Any]] = {
    "string": "x",
    "integer": 1,
    "float": 0.5,
    "boolean": False,
    "timestamp": TIME,
    "date": TIME.date(),
}


def example(record: type[R], **fields: Any) -> R:
    """Return a valid record, with the fields that a test is about."""
    values = {f.name: _value(f) for f in fields_of(record) if f.name != "schema_version"}
    return record(**(values | {record.KEY: "a key"} | fields))


def _value(field: Field) -> Any:
    if field.repeated:
        return []
    return None if field.nullable else _VALUES[field.kind]


def write_run(
    output: Path,
    run_id: str,
    records: Sequence[Record],
    *,
    file_format: str = "parquet",
    minute: int = 0,
) -> None:
    """Write a run that started so many minutes after TIME, with one file per type and day."""
    folder = output / "runs" / run_id
    files: dict[str, list[Record]] = {}
    for record in records:
        files.setdefault(partition_of(record), []).append(record)
    for partition, members in files.items():
        path = folder / file_format / partition / f"part-00000.{file_format}"
        path.parent.mkdir(parents=True)
        if file_format == "parquet":
            pq.write_table(arrow_table(type(members[0]), members), path)
        else:
            path.write_text("".join(f"{to_line(r)}\n" for r in members), encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    started = format_time(TIME + dt.timedelta(minutes=minute))
    (folder / "summary.json").write_text(json.dumps({"started_at": started}), encoding="utf-8")
