"""The fields of a record class, read from its dataclass.

Every schema that Newsbeam emits (Beam row, Arrow, BigQuery, SQL, JSON) is derived from
:func:`fields_of`. No other module looks at type hints.
"""

import dataclasses
import datetime as dt
import functools
import types
import typing
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["string", "integer", "float", "boolean", "timestamp", "date", "record"]

_KINDS: Final[dict[type, Kind]] = {
    str: "string",
    int: "integer",
    float: "float",
    bool: "boolean",
    dt.datetime: "timestamp",
    dt.date: "date",
}


@dataclass(frozen=True)
class Field:
    """One column of a record.

    Attributes:
        name: The name of the column.
        kind: The kind of its values, or of the items of a list.
        nullable: Whether the value may be null.
        repeated: Whether the value is a list.
        record: The dataclass of a nested record, else None.
        doc: The description.
    """

    name: str
    kind: Kind
    nullable: bool
    repeated: bool
    record: type | None
    doc: str


def doc(text: str, **kwargs: Any) -> Any:
    """Return a dataclass field with a description, which every derived schema contains."""
    return dataclasses.field(metadata={"doc": text}, **kwargs)


def fields_of(record: type) -> tuple[Field, ...]:
    """Return the fields of a record class, in the order of definition.

    Raises:
        TypeError: A field has a type that the schemas cannot express.
    """
    return _fields_of(record)


@functools.cache
def _fields_of(record: Hashable) -> tuple[Field, ...]:
    assert isinstance(record, type) and dataclasses.is_dataclass(record)
    hints = typing.get_type_hints(record)
    return tuple(
        _field(record, f.name, hints[f.name], str(f.metadata.get("doc", "")))
        for f in dataclasses.fields(record)
    )


def _field(record: type, name: str, hint: Any, text: str) -> Field:
    nullable = repeated = False
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        options = [a for a in typing.get_args(hint) if a is not type(None)]
        nullable = len(options) < len(typing.get_args(hint))
        hint = options[0] if len(options) == 1 else hint
    if typing.get_origin(hint) is list:
        repeated = True
        (hint,) = typing.get_args(hint)
    if hint in _KINDS:
        return Field(name, _KINDS[hint], nullable, repeated, None, text)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return Field(name, "record", nullable, repeated, hint, text)
    raise TypeError(f"{record.__name__}.{name}: no schema for the type {hint!r}")
