"""Records as JSON objects and back: ISO 8601 times ending in Z, keys in order of definition."""

import datetime as dt
import functools
import json
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from schemas.fields import Field, fields_of

T = TypeVar("T")


def to_json(record: Any) -> dict[str, Any]:
    """Return a record as a JSON object.

    >>> from schemas import Mention
    >>> to_json(Mention(start=0, end=3, text="Roe"))
    {'start': 0, 'end': 3, 'text': 'Roe'}
    """
    data = {}
    record_class: type = type(record)
    for name, encode in _encoders_of(record_class):
        value = getattr(record, name)
        data[name] = value if encode is None or value is None else encode(value)
    return data


def to_line(record: Any) -> str:
    """Return a record as one line of JSON, without the newline."""
    return json_line(to_json(record))


def json_line(data: Any) -> str:
    r"""Return a value as one line of JSON that UTF-8 can encode, without the newline.

    >>> print(json_line({"a": "é"}), json_line("\ud800"))
    {"a":"é"} "\ud800"
    """
    line = _JSON.encode(data)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate, which JSON can only escape
        return json.dumps(data, separators=(",", ":"))
    return line


def from_json(record: type[T], data: dict[str, Any]) -> T:
    """Return the record of a JSON object.

    A field that an earlier version did not write has its default value.

    Raises:
        TypeError: A field without a default value is missing.
        ValueError: A time cannot be parsed.
    """
    present = (f for f in fields_of(record) if f.name in data)
    return record(**{f.name: _decode(f, data[f.name]) for f in present})


def format_time(value: dt.datetime) -> str:
    """Return a time with a time zone as ISO 8601 in UTC.

    >>> format_time(dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.timezone.utc))
    '2026-11-20T09:30:00Z'
    """
    return value.astimezone(dt.timezone.utc).replace(tzinfo=None).isoformat() + "Z"


def parse_time(value: str) -> dt.datetime:
    """Return the time that :func:`format_time` wrote."""
    return dt.datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=dt.timezone.utc)


_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ENCODERS: Final[dict[str, Callable[[Any], Any]]] = {
    "timestamp": format_time,
    "date": dt.date.isoformat,
    "record": to_json,
}
_DECODERS: Final[dict[str, Callable[[Any], Any]]] = {
    "timestamp": parse_time,
    "date": dt.date.fromisoformat,
}


@functools.cache
def _encoders_of(record: Hashable) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    """Return the name of each field and what encodes its value; None for JSON's own types."""
    assert isinstance(record, type)
    return tuple((f.name, _encoder_of(f)) for f in fields_of(record))


def _encoder_of(field: Field) -> Callable[[Any], Any] | None:
    encode = _ENCODERS.get(field.kind)
    if encode is None or not field.repeated:
        return encode
    return lambda values: [encode(value) for value in values]


def _decode(field: Field, value: Any) -> Any:
    decode = _DECODERS.get(field.kind)
    if value is None:
        return value
    if field.record is not None:
        record = field.record
        return [from_json(record, v) for v in value] if field.repeated else from_json(record, value)
    if decode is None:
        return value
    return [decode(v) for v in value] if field.repeated else decode(value)
