"""What runs remember for later ones: of feeds, of hosts, of entries and of articles.

A run says what it learnt as a list of changes. State is the sum of the changes of all runs; of
two about one thing the later counts, so that the order in which they are read does not matter.
"""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.coders import register_row_coder
from schemas.ids import version_id
from schemas.jsonable import from_json, json_line, to_json
from transforms.state.sorted_table import SortedTable


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is remembered of a feed. ``at`` is the time of the last try, as in all states.

    ``url`` is where it lives now; ``published`` has the times of its latest entries.
    """

    feed_url: str
    at: dt.datetime
    url: str
    etag: str | None = None
    last_modified: str | None = None
    validated_url: str | None = None
    failures: int = 0
    failure_class: str | None = None
    retired: bool = False
    closed_until: dt.datetime | None = None
    next_due: dt.datetime | None = None
    published: list[dt.datetime] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """The robots.txt of an origin (such as ``https://example.org``) as it was answered.

    ``status`` is None where no answer was had.
    """

    origin: str
    status: int | None
    text: str
    fetched_at: dt.datetime


@dataclass(frozen=True, slots=True)
class HostState:
    """What is remembered of a host: its robots.txt, and until when it wants to be left alone."""

    host: str
    at: dt.datetime
    closed_until: dt.datetime | None
    reason: str
    closures: int
    robots: list[RobotsFile]


@dataclass(frozen=True, slots=True)
class FailedEntry:
    """An entry that ended as a dead letter.

    ``entry`` is the entry itself, as JSON; ``not_before`` says when it is tried again, null that
    it is not, unless its feed changes it.
    """

    key: str
    at: dt.datetime
    feed_url: str
    fingerprint: str
    attempts: int
    error_type: str
    not_before: dt.datetime | None
    entry: str

    def waits(self, fingerprint: str, at: dt.datetime) -> bool:
        """Whether an entry that looks like this is not to be tried at a time."""
        if fingerprint and fingerprint != self.fingerprint:
            return False
        return self.not_before is None or self.not_before > at


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """An entry whose article is in the output. ``lineage`` ties the versions of one together."""

    key: str
    at: dt.datetime
    fingerprint: str
    lineage: str


@dataclass(frozen=True, slots=True)
class KnownArticle:
    """The last version of an article that is in the output."""

    lineage: str
    at: dt.datetime
    version: int
    text_hash: str
    from_page: bool

    @property
    def article_id(self) -> str:
        """The id of that version."""
        return version_id(self.lineage, self.version)


StateRecord = FeedState | HostState | FailedEntry | KnownEntry | KnownArticle


@register_row_coder
@dataclass(frozen=True, slots=True)
class StateChange:
    """A state record on its way through the graph, as its line in the state file."""

    line: str


def change(record: StateRecord) -> StateChange:
    """A record as a change."""
    return StateChange(line_of(record))


def line_of(record: StateRecord) -> str:
    """A record as a line of a state file. The many are short, the few are plain.

    >>> at = dt.datetime(2026, 11, 20, tzinfo=dt.timezone.utc)
    >>> line_of(KnownEntry("aa" * 16, at, "bb" * 8, "cc" * 16))[:20]
    '["entry","aaaaaaaaaa'
    """
    if isinstance(record, KnownEntry):
        values: list[Any] = [record.key, record.fingerprint, record.lineage, _micros(record.at)]
        return json_line(["entry", *values])
    if isinstance(record, KnownArticle):
        values = [record.lineage, record.version, record.text_hash, int(record.from_page)]
        return json_line(["article", *values, _micros(record.at)])
    return json_line([_NAMES[type(record)], to_json(record)])


class State:
    """All that is remembered. Entries and articles are packed: there are many.

    ``changes`` is the number of lines that have been applied above a snapshot.
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
        """The entries and the articles, for snapshots."""
        return self._entries, self._articles

    def entry(self, key: str) -> KnownEntry | None:
        """The entry of a key, if its article is in the output."""
        packed = self._entries.get(bytes.fromhex(key))
        if packed is None:
            return None
        at, fingerprint, lineage = _unmicros(packed[:8]), packed[8:16], packed[16:]
        known = fingerprint.hex() if any(fingerprint) else ""
        return KnownEntry(key, at, known, lineage.hex())

    def article(self, lineage: str) -> KnownArticle | None:
        """The last version of a lineage."""
        packed = self._articles.get(bytes.fromhex(lineage))
        if packed is None:
            return None
        version = int.from_bytes(packed[8:12], "big")
        return KnownArticle(
            lineage, _unmicros(packed[:8]), version, packed[13:].hex(), bool(packed[12])
        )

    def apply(self, line: str) -> None:
        """Add a line of a state file.

        Raises:
            ValueError, KeyError, TypeError: the line is none.
        """
        kind, *values = json.loads(line)
        if kind == "entry":
            key, fingerprint, lineage, at = values
            packed = at.to_bytes(8, "big") + bytes.fromhex(fingerprint or "00" * 8)
            self._entries.keep(bytes.fromhex(key), packed + bytes.fromhex(lineage))
            failed = self.failed.get(key)
            if failed is not None and _micros(failed.at) <= at:
                del self.failed[key]
        elif kind == "article":
            lineage, version, text_hash, from_page, at = values
            packed = at.to_bytes(8, "big") + version.to_bytes(4, "big")
            packed += bytes([from_page]) + bytes.fromhex(text_hash)
            self._articles.keep(bytes.fromhex(lineage), packed)
        elif kind in _TYPES:
            self._apply_plain(_TYPES[kind], values[0])
        else:
            raise ValueError(f"unknown kind of state {kind!r}")
        self.changes += 1

    def _apply_plain(self, record_type: type[Any], data: dict[str, Any]) -> None:
        record = from_json(record_type, data)
        table: dict[str, Any]
        if isinstance(record, FeedState):
            table, key = self.feeds, record.feed_url
        elif isinstance(record, HostState):
            table, key = self.hosts, record.host
        else:
            table, key = self.failed, record.key
            known = self.entry(key)
            if known is not None and known.at >= record.at:
                return
        if key not in table or table[key].at <= record.at:
            table[key] = record

    def plain_lines(self) -> Iterator[str]:
        """What is no entry and no article, as lines: with the tables, they are the state."""
        for table in (self.feeds, self.hosts, self.failed):
            for record in table.values():
                yield line_of(record)


def _micros(at: dt.datetime) -> int:
    return (at - _EPOCH) // dt.timedelta(microseconds=1)


def _unmicros(packed: bytes) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=int.from_bytes(packed, "big"))


_ENTRY_BYTES: Final = 8 + 8 + 16  # when, fingerprint, lineage
_ARTICLE_BYTES: Final = 8 + 4 + 1 + 16  # when, version, whether from a page, hash of the text
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_NAMES: Final[dict[type, str]] = {FeedState: "feed", HostState: "host", FailedEntry: "failed"}
_TYPES: Final = {name: kind for kind, name in _NAMES.items()}

_BACKOFF: Final = dt.timedelta(minutes=5)
_LONGEST: Final = dt.timedelta(days=1)
MAX_ATTEMPTS: Final = {True: 12, False: 3}
"""How often an entry is tried whose error is temporary (True), and whose error is not."""


def retry_time(
    attempts: int, *, temporary: bool, not_before: dt.datetime | None, at: dt.datetime
) -> dt.datetime | None:
    """When an entry that failed so many times is tried again; None if never.

    Pages are often listed before they are there, so even a 404 is tried a few times.

    >>> at = dt.datetime(2026, 11, 20, tzinfo=dt.timezone.utc)
    >>> (retry_time(2, temporary=True, not_before=None, at=at) - at).total_seconds()
    600.0
    """
    if attempts >= MAX_ATTEMPTS[temporary]:
        return None
    due = at + min(_BACKOFF * 2 ** (attempts - 1), _LONGEST) if attempts else at
    return max(due, not_before) if not_before else due
