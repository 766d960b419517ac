"""A feed and its entries as the parsers of all formats return them. Imports no Beam."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

from schemas.ids import stable_id

MAX_ENTRIES: Final = 1000
"""The maximum number of entries that are read per feed."""


@dataclass(frozen=True)
class RawEntry:
    """An entry as the feed has it: the link may be relative, or no link at all.

    Attributes:
        content: the full text in HTML, if the feed has it.
        fingerprint: a hash that changes when the feed changes anything about the entry.
        summary: the summary, as plain text on one line; may be empty.
        tags: the categories.
        modified_at: the time of the last change, UTC.
        language: the language that the feed declares for the entry, if it does so.
    """

    entry_id: str
    link: str
    title: str
    authors: list[str]
    published_at: dt.datetime | None
    content: str | None
    fingerprint: str
    summary: str = ""
    image_url: str | None = None
    tags: list[str] = field(default_factory=list)
    modified_at: dt.datetime | None = None
    language: str | None = None


@dataclass(frozen=True)
class ParsedFeed:
    """A feed: its title, language, entries and schedule hints.

    Attributes:
        entries: its first :data:`MAX_ENTRIES` entries.
        entry_count: the number of all its entries.
        ttl_sec: seconds for which it need not be fetched again.
        skip_hours, skip_days: see :class:`~transforms.feeds.schedule.ScheduleHints`.
        is_truncated: whether the document ends early, so that entries may be missing.
    """

    title: str | None
    language: str | None
    entries: list[RawEntry]
    entry_count: int
    ttl_sec: float = 0.0
    skip_hours: list[int] = field(default_factory=list)
    skip_days: list[int] = field(default_factory=list)
    is_truncated: bool = False


def make_fingerprint(*parts: str | None) -> str:
    """Return the fingerprint of an entry.

    State folders hold it: if its parts change, the pages of all entries are fetched again.
    """
    return stable_id(*parts)[:16]
