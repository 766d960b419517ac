"""The records of state: what runs store about feeds, hosts, entries and articles for later runs.

A run yields state changes, each of which holds one record. State is the sum of the changes of all
runs. Of several changes to the same feed, host, entry or article, the latest counts, so the order
in which they are read does not matter.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import TypeAlias

from schemas.ids import version_id


@dataclass(frozen=True, slots=True)
class FeedState:
    """The state of a feed.

    Attributes:
        feed_url: the address as listed.
        at: the time of the last attempt, UTC.
        url: the address to request, after permanent redirects.
        validated_url: the address that the ETag and Last-Modified belong to.
        failures: the number of failures in a row.
        failure_class: the error type of the last failure; None after a success.
        retired: whether the feed is gone for good (HTTP 410) and is not requested any more.
        closed_until: the time until which the server asked for no further request, UTC.
        next_due: the time of the next request, UTC; None if the feed is retired.
        published: the times of the latest entries, UTC.
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
    """The robots.txt of an origin (such as ``https://example.org``) as the server sent it.

    ``status`` is None if there was no response.
    """

    origin: str
    status: int | None
    text: str
    fetched_at: dt.datetime


@dataclass(frozen=True, slots=True)
class HostState:
    """The state of a host: its robots.txt files, and the time until which it wants no requests.

    Attributes:
        at: the time of the last change, UTC.
        closed_until: the time before which no request is sent, UTC.
        reason: why the host is closed.
        closures: the number of closures in a row.
    """

    host: str
    at: dt.datetime
    closed_until: dt.datetime | None
    reason: str
    closures: int
    robots: list[RobotsFile]


@dataclass(frozen=True, slots=True)
class FailedEntry:
    """An entry that ended as a dead letter.

    Attributes:
        key: see :func:`schemas.ids.link_key`.
        at: the time of the last attempt, UTC.
        not_before: the time of the next attempt, UTC. None means that there is none unless the feed
            changes the entry.
        entry: the entry itself, as JSON.
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
        """Return whether it is too early to try the entry, unless its fingerprint has changed."""
        if fingerprint and fingerprint != self.fingerprint:
            return False
        return self.not_before is None or self.not_before > at


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """An entry whose article is in the output.

    Attributes:
        key: see :func:`schemas.ids.link_key` and :func:`schemas.ids.alias_key`.
        lineage: the id that all versions of the article share.
    """

    key: str
    at: dt.datetime
    fingerprint: str
    lineage: str


@dataclass(frozen=True, slots=True)
class KnownArticle:
    """The last version of an article that is in the output.

    ``from_page`` tells whether its text is that of a page rather than of a feed.
    """

    lineage: str
    at: dt.datetime
    version: int
    text_hash: str
    from_page: bool

    @property
    def article_id(self) -> str:
        """The id of that version."""
        return version_id(self.lineage, self.version)


StateRecord: TypeAlias = FeedState | HostState | FailedEntry | KnownEntry | KnownArticle


@dataclass(frozen=True, slots=True)
class StateChange:
    """A state record on its way through the graph. Exactly one of the fields is set.

    There is one field per kind, since Beam's rows have no unions.
    """

    feed: FeedState | None = None
    host: HostState | None = None
    failed: FailedEntry | None = None
    entry: KnownEntry | None = None
    article: KnownArticle | None = None

    @property
    def record(self) -> StateRecord:
        """The record of the change.

        Raises:
            ValueError: the change is empty.
        """
        record = self.feed or self.host or self.failed or self.entry or self.article
        if record is None:
            raise ValueError("a state change holds no record")
        return record
