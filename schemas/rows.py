"""Beam row coders for the records. The only module of ``schemas`` that imports Beam.

Import it wherever a PCollection of records is declared; a record type then crosses
machines as a portable row rather than as a pickle.
"""

import datetime as dt
from typing import Any, TypeVar

import numpy as np
from apache_beam.coders import RowCoder, registry
from apache_beam.typehints.schemas import LogicalType, NoArgumentLogicalType

from schemas.records import RECORDS, Evidence, Mention

T = TypeVar("T", bound=type)

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


def row(record: T) -> T:
    """Class decorator: give a frozen dataclass Beam's row coder."""
    registry.register_coder(record, RowCoder)
    return record


for _record in (Mention, Evidence, *RECORDS):
    row(_record)
