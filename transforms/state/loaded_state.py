"""State in memory: the sum of all state changes, built from the lines of state files.

A line is a JSON array of a kind and values. The lines of known entries and articles are short,
since there are many; the others hold the record as an object.
"""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any, Final

from schemas.jsonable import from_json, json_line, to_json
from transforms.state.records import (
    FailedEntry,
    FeedState,
    HostState,
    KnownArticle,
    KnownEntry,
    StateRecord,
)
from transforms.state.sorted_table import SortedTable

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_ENTRY_BYTES: Final = 8 + 8 + 16  # time, fingerprint, lineage
_ARTICLE_BYTES: Final = 8 + 4 + 1 + 16  # time, version, from_page, hash of the text
_NAMES: Final[dict[type, str]] = {FeedState: "feed", HostState: "host", FailedEntry: "failed"}
_TYPES: Final = {name: kind for kind, name in _NAMES.items()}


def format_line(record: StateRecord) -> str:
    """Return a record as a line of a state file, without the newline.

    >>> at = dt.datetime(2026, 11, 20, tzinfo=dt.timezone.utc)
    >>> format_line(KnownEntry("aa" * 16, at, "bb" * 8, "cc" * 16))[:20]
    '["entry","aaaaaaaaaa'
    """
    if isinstance(record, KnownEntry):
        values: list[Any] = [record.key, record.fingerprint, record.lineage, _to_micros(record.at)]
        return json_line(["entry", *values])
    if isinstance(record, KnownArticle):
        values = [record.lineage, record.version, record.text_hash, int(record.from_page)]
        return json_line(["article", *values, _to_micros(record.at)])
    return json_line([_NAMES[type(record)], to_json(record)])


class State:
    """The sum of the state changes of earlier runs.

    Known entries and articles are in sorted tables of bytes, since there are many.

    Attributes:
        feeds: the feeds, by their addresses as listed.
        hosts: the hosts, by name.
        failed: the failed entries, by key.
        changes: the number of lines applied since the last snapshot.
    """

    def __init__(self) -> None:
        self.feeds: dict[str, FeedState] = {}
        self.hosts: dict[str, HostState] = {}
        self.failed: dict[str, FailedEntry] = {}
        self.changes = 0
        self._entries = SortedTable(_ENTRY_BYTES)
        self._articles = SortedTable(_ARTICLE_BYTES)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def tables(self) -> tuple[SortedTable, SortedTable]:
        """The tables of known entries and of known articles, in the order of a snapshot."""
        return self._entries, self._articles

    def entry(self, key: str) -> KnownEntry | None:
        """Return the known entry of a key, or None if its article is not in the output."""
        packed = self._entries.get(bytes.fromhex(key))
        if packed is None:
            return None
        at, fingerprint, lineage = _from_micros(packed[:8]), packed[8:16], packed[16:]
        text = fingerprint.hex() if any(fingerprint) else ""  # zeros stand for no fingerprint
        return KnownEntry(key, at, text, lineage.hex())

    def article(self, lineage: str) -> KnownArticle | None:
        """Return the last version of a lineage, or None if it is not in the output."""
        packed = self._articles.get(bytes.fromhex(lineage))
        if packed is None:
            return None
        version = int.from_bytes(packed[8:12], "big")
        at = _from_micros(packed[:8])
        return KnownArticle(lineage, at, version, packed[13:].hex(), bool(packed[12]))

    def apply(self, line: str) -> None:
        """Apply a line of a state file.

        Raises:
            ValueError, KeyError, TypeError: the line is malformed.
        """
        kind, *values = json.loads(line)
        # Entries and articles go into their tables without a record in between: there are many.
        if kind == "entry":
            key, fingerprint, lineage, at = values
            packed = at.to_bytes(8, "big") + bytes.fromhex(fingerprint or "00" * 8)
            self._entries.put(bytes.fromhex(key), packed + bytes.fromhex(lineage))
            failed = self.failed.get(key)
            if failed is not None and _to_micros(failed.at) <= at:
                del self.failed[key]
        elif kind == "article":
            lineage, version, text_hash, from_page, at = values
            packed = at.to_bytes(8, "big") + version.to_bytes(4, "big")
            packed += bytes([from_page]) + bytes.fromhex(text_hash)
            self._articles.put(bytes.fromhex(lineage), packed)
        elif kind in _TYPES:
            self._apply_record(from_json(_TYPES[kind], values[0]))
        else:
            raise ValueError(f"unknown kind of state {kind!r}")
        self.changes += 1

    def _apply_record(self, record: FeedState | HostState | FailedEntry) -> None:
        if isinstance(record, FeedState):
            _put_later(self.feeds, record.feed_url, record)
        elif isinstance(record, HostState):
            _put_later(self.hosts, record.host, record)
        else:
            known = self.entry(record.key)
            if known is None or known.at < record.at:
                _put_later(self.failed, record.key, record)

    def object_lines(self) -> Iterator[str]:
        """Yield the lines of all feeds, hosts and failed entries. The tables hold the rest."""
        for table in (self.feeds, self.hosts, self.failed):
            for record in table.values():
                yield format_line(record)


def _put_later(
    table: dict[str, Any], key: str, record: FeedState | HostState | FailedEntry
) -> None:
    """Put a record into a table unless the table has a later one."""
    if key not in table or table[key].at <= record.at:
        table[key] = record


def _to_micros(at: dt.datetime) -> int:
    return (at - _EPOCH) // dt.timedelta(microseconds=1)


def _from_micros(packed: bytes) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=int.from_bytes(packed, "big"))
