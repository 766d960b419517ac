"""Beam row coders of the records. This is the only module of ``schemas`` that imports Beam.

Import it wherever a PCollection of records is declared. Records then travel between machines as
Beam rows, which are smaller and faster than pickles.
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
_MIN_COMPRESSED_BYTES = 512

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


@LogicalType.register_logical_type
class UtcMicros(NoArgumentLogicalType[dt.datetime, np.int64]):
    """A UTC time as microseconds since 1970. Beam's own instant type is no datetime in Python."""

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
    """Beam's row coder, which decodes to the dataclass in every process and compresses large rows.

    Beam sends a plain RowCoder to workers as its schema only. A worker that has not imported the
    dataclass cannot decode our logical type, and decodes everything else to generated named tuples.
    This coder is sent as a reference to the dataclass.

    It compresses large rows because runners hold several copies of shuffled data in memory.
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
            lambda value: _compress(rows.encode(value)), lambda data: rows.decode(_decompress(data))
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordCoder) and self.record is other.record

    def __hash__(self) -> int:
        return hash(self.record)


def _compress(data: bytes) -> bytes:
    return b"\1" + zlib.compress(data, 1) if len(data) >= _MIN_COMPRESSED_BYTES else b"\0" + data


def _decompress(data: bytes) -> bytes:
    return zlib.decompress(data[1:]) if data[0] else data[1:]


def row_coder_of(record: type) -> RowCoder:
    """Return Beam's row coder of a dataclass, which holds its schema."""
    return _row_coder_of(record)


@functools.cache
def _row_coder_of(record: Hashable) -> RowCoder:
    parts = set(_dataclasses_in(record))
    for part in parts:
        registry.register_coder(part, RowCoder)  # without it, Beam rejects frozen dataclasses
    try:
        return RowCoder.from_type_hint(record, None)
    finally:
        for part in parts:
            registry.register_coder(part, RecordCoder)


def _dataclasses_in(hint: Any) -> Iterator[type]:
    """Yield the dataclasses in a type hint and, recursively, in their fields."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        yield hint
        inner = tuple(typing.get_type_hints(hint).values())
    else:
        inner = typing.get_args(hint)
    for part in inner:
        yield from _dataclasses_in(part)


def register_row_coder(record: T) -> T:
    """Register Beam's row coder for a frozen dataclass. Use as a class decorator.

    Raises:
        TypeError: A field has a type that rows cannot hold.
    """
    row_coder_of(record)
    return record


for _record in (Mention, Evidence, *RECORDS):
    register_row_coder(_record)
