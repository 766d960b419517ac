"""Beam row coders for the records. The only module of ``schemas`` that imports Beam.

Import it wherever a PCollection of records is declared: records then cross machines in the
bytes of Beam's rows, which are smaller and quicker than pickles.
"""

import dataclasses
import datetime as dt
import functools
import typing
import zlib
from collections.abc import Hashable, Iterator
from typing import Any, TypeVar

import numpy as np
from apache_beam.coders import RowCoder, registry
from apache_beam.coders.coder_impl import CallbackCoderImpl
from apache_beam.coders.coders import FastCoder
from apache_beam.typehints.schemas import LogicalType, NoArgumentLogicalType

from schemas.records import RECORDS, Evidence, Mention

T = TypeVar("T", bound=type)
_PACKED_BYTES = 512

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


@LogicalType.register_logical_type
class UtcMicros(NoArgumentLogicalType[dt.datetime, np.int64]):
    """A UTC time as microseconds since 1970. Beam's own instant has no datetime in Python."""

    @classmethod
    def urn(cls) -> str:
        return "newsbeam:logical_type:utc_micros:v1"

    @classmethod
    def representation_type(cls) -> type:
        return np.int64

    @classmethod
    def language_type(cls) -> type:
        return dt.datetime

    def to_representation_type(self, value: dt.datetime) -> Any:
        return (value - _EPOCH) // dt.timedelta(microseconds=1)

    def to_language_type(self, value: Any) -> dt.datetime:
        return _EPOCH + dt.timedelta(microseconds=int(value))


class RecordCoder(FastCoder):
    """Beam's row coder, which comes back as the dataclass in every process.

    Large rows are packed, as runners hold what they shuffle in memory, several times over. A bare
    RowCoder travels as its schema alone: a worker that has not imported the dataclass
    cannot read our logical type, and makes up named tuples for the rest. This one travels as a
    reference to the dataclass.
    """

    def __init__(self, record: type) -> None:
        self.record = record

    @classmethod
    def from_type_hint(cls, typehint: type, _registry: Any) -> "RecordCoder":
        return cls(typehint)

    def to_type_hint(self) -> type:
        return self.record

    def _create_impl(self) -> Any:
        rows = row_coder_of(self.record).get_impl()
        return CallbackCoderImpl(
            lambda value: _pack(rows.encode(value)), lambda data: rows.decode(_unpack(data))
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordCoder) and self.record is other.record

    def __hash__(self) -> int:
        return hash(self.record)


def _pack(data: bytes) -> bytes:
    return b"\1" + zlib.compress(data, 1) if len(data) >= _PACKED_BYTES else b"\0" + data


def _unpack(data: bytes) -> bytes:
    return zlib.decompress(data[1:]) if data[0] else data[1:]


def row_coder_of(record: type) -> RowCoder:
    """Beam's row coder of a dataclass, with its schema."""
    return _row_coder_of(record)


@functools.cache
def _row_coder_of(record: Hashable) -> RowCoder:
    parts = set(_dataclasses_in(record))
    for part in parts:
        registry.register_coder(part, RowCoder)  # Beam reads frozen dataclasses only so
    try:
        return RowCoder.from_type_hint(record, None)
    finally:
        for part in parts:
            registry.register_coder(part, RecordCoder)


def _dataclasses_in(hint: Any) -> Iterator[type]:
    """The dataclasses in a type hint and in the fields of those."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        yield hint
        inner = tuple(typing.get_type_hints(hint).values())
    else:
        inner = typing.get_args(hint)
    for part in inner:
        yield from _dataclasses_in(part)


def register_row_coder(record: T) -> T:
    """Class decorator: give a frozen dataclass Beam's row coder.

    Raises:
        TypeError: a field has a type that rows cannot hold.
    """
    row_coder_of(record)
    return record


for _record in (Mention, Evidence, *RECORDS):
    register_row_coder(_record)
