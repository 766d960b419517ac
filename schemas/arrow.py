"""Arrow schemas of the records, which are also their Parquet schemas."""

import functools
from collections.abc import Hashable
from typing import Any, Final

import pyarrow as pa

from schemas.fields import Field, fields_of

_TYPES: Final[dict[str, pa.DataType]] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}


def arrow_schema(record: type) -> pa.Schema:
    """Return the Arrow schema of a record class, with descriptions as field metadata."""
    return _arrow_schema(record)


@functools.cache
def _arrow_schema(record: Hashable) -> pa.Schema:
    assert isinstance(record, type)
    return pa.schema([_field(f) for f in fields_of(record)])


def arrow_table(record: type, rows: list[Any]) -> pa.Table:
    """Return records of one class as a table, with columns in the order of definition."""
    schema = arrow_schema(record)
    columns = [
        pa.array([_value(f, getattr(row, f.name)) for row in rows], type=column.type)
        for f, column in zip(fields_of(record), schema, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _field(field: Field) -> pa.Field:
    data_type = (
        pa.struct([_field(f) for f in fields_of(field.record)])
        if field.record
        else _TYPES[field.kind]
    )
    if field.repeated:
        data_type = pa.list_(pa.field("element", data_type, nullable=False))
    return pa.field(field.name, data_type, field.nullable, metadata={"description": field.doc})


def _value(field: Field, value: Any) -> Any:
    if field.record is None or value is None:
        return value
    names = [f.name for f in fields_of(field.record)]
    items = value if field.repeated else [value]
    structs = [{name: getattr(item, name) for name in names} for item in items]
    return structs if field.repeated else structs[0]
