"""The types of the elements that pass between stages, in the order in which data flows.

Each is a frozen dataclass, for which :mod:`transforms.core.element_coders` registers a Beam row
coder. So every runner encodes it in the same bytes. A stage imports its input and output types from
here and never from another stage. This module imports no Beam: commands without a graph use it too.

Fields with a fixed set of values are plain strings, since Beam's rows have no enums. Their values
are the members of the enums beside them, which are strings: ``outcome.kind == OutcomeKind.KNOWN``.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import TypeAlias

from schemas import Article
from schemas.enums import StringEnum
from transforms.core.clock import now

Host: TypeAlias = str
"""The key of a host queue: a host name, with its port if that is not the default one."""

CanonicalLink: TypeAlias = str
"""The key of an entry: its link without fragment, default port and tracking parameters."""

LineageId: TypeAlias = str
"""The key of an article: the id of its first version."""


@dataclass(frozen=True)
class Run:
    """A run of the pipeline. Every record that it writes holds its id.

    Attributes:
        run_id: the id of the run.
        started_at: the time of its start, UTC.
        is_streaming: whether it is a streaming job, which has no end.
    """

    run_id: str
    started_at: dt.datetime
    is_streaming: bool = False

    def time(self) -> dt.datetime:
        """Return the time that counts as now: the start of a batch run, the clock if streaming."""
        return now() if self.is_streaming else self.started_at


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as listed.

    Attributes:
        url: a web address, or the path of a file.
        position: its place in the list of feeds, from 0.
    """

    url: str
    position: int


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """The bytes of a feed, with the parts of the HTTP response that the next run needs.

    Attributes:
        feed_url: the address as listed.
        position: the feed's place in the list, from 0.
        url: the address after redirects.
        status: the HTTP status; None for a file.
        seconds: the duration of the request.
        moved_to: the address that the feed has moved to permanently.
    """

    feed_url: str
    position: int
    url: str
    status: int | None
    content_type: str
    body: bytes
    seconds: float
    etag: str | None
    last_modified: str | None
    moved_to: str | None
    max_age_sec: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a feed.

    Attributes:
        key: the canonical link, by which copies of the entry are recognised; with the id of the
            entry as fragment if the link is shared.
        feed_position: the feed's place in the list, from 0.
        position: the entry's place in the feed, from 0.
        fingerprint: a hash of everything that the feed says about the entry.
        alias: a second key, made from the feed and the entry's id in it; None without a unique id.
        attempts: the number of failed attempts so far.
        lineage: the id of the article that the entry led to before its feed changed it.
        edited: whether its feed has changed it. May be True without a lineage.
        summary: the feed's summary of the article, as plain text on one line; may be empty.
        tags: the categories that the feed gives it.
        modified_at: the time of the last change that the feed states, UTC.
        shares_link: whether other entries of its feed have the same link. Then the article is the
            feed's own text, since the page cannot be that of each of them.
    """

    feed_url: str
    feed_title: str | None
    feed_position: int
    position: int
    entry_id: str
    link: str
    key: str
    title: str
    authors: list[str]
    published_at: dt.datetime | None
    content: str | None
    language: str | None
    fingerprint: str = ""
    alias: str | None = None
    attempts: int = 0
    lineage: str | None = None
    edited: bool = False
    summary: str = ""
    image_url: str | None = None
    tags: list[str] = field(default_factory=list)
    modified_at: dt.datetime | None = None
    shares_link: bool = False


@dataclass(frozen=True, slots=True)
class ResponseHeader:
    """A header of an HTTP response; its name is in lower case."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """An entry with its page. ``html`` is None where only the feed's own text is available."""

    entry: Entry
    url: str
    html: bytes | None
    content_type: str
    fetched_at: dt.datetime
    headers: list[ResponseHeader]


@dataclass(frozen=True, slots=True)
class TextReference:
    """The claim check for a text: where :class:`~transforms.storage.text_store.TextStore` put it.

    Attributes:
        file: the path of the file; empty if the text is inline.
        start: the first byte in the file.
        size: the length in bytes.
        text: the text itself, where it is inline.
    """

    file: str
    start: int
    size: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class ExtractedArticle:
    """An article without its text, and the entry that it came from.

    Attributes:
        text_reference: where the text is stored.
        hashes: the MinHash sketch of the text, by which copies of a story are recognised.
        own_url: the canonical URL of the fetched address, if the canonical link of the page may
            name another article; else empty.
        is_confirmed: whether the page agrees with what the feed says of the entry.
    """

    article: Article
    entry: Entry
    text_reference: TextReference
    hashes: bytes
    own_url: str = ""
    is_confirmed: bool = True


@dataclass(frozen=True, slots=True)
class AcceptedArticle:
    """An article that will be written, without its text."""

    article: Article
    text_reference: TextReference


@dataclass(frozen=True, slots=True)
class ArticleSketch:
    """The parts of an article that decide which story it belongs to.

    Attributes:
        hashes: the MinHash sketch of the text: ascending hashes of 8 bytes each.
    """

    article_id: str
    outlet: str
    published_at: dt.datetime | None
    day: dt.date
    hashes: bytes


class OutcomeKind(StringEnum):
    """The kinds of outcome of an entry."""

    ARTICLE = "article"
    KNOWN = "known"
    DUPLICATE = "duplicate"
    DEAD_LETTER = "dead_letter"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one entry. Every entry of every feed has exactly one.

    Attributes:
        kind: an :class:`OutcomeKind`.
        article_id: the article that the entry led to, if there is one.
    """

    feed_url: str
    entry_key: str
    kind: str
    article_id: str | None


class FeedStatus(StringEnum):
    """The result of reading a feed. WAITING and NOT_DUE feeds were not requested."""

    OK = "ok"
    UNCHANGED = "unchanged"
    EMPTY = "empty"
    FAILED = "failed"
    RETIRED = "retired"
    WAITING = "waiting"
    NOT_DUE = "not_due"


@dataclass(frozen=True, slots=True)
class FeedReport:
    """The report of reading one feed. Every feed that a run requests has exactly one.

    Attributes:
        status: a :class:`FeedStatus`.
        url: the address that the feed was read from, to which the validators belong.
        moved_to: the address that the feed has moved to permanently.
        closed_until: the time until which the server asked for no further request, UTC.
        min_interval_sec, skip_hours, skip_days: see
            :class:`transforms.feeds.schedule.ScheduleHints`.
        published: the times of the latest entries, UTC.
    """

    feed_url: str
    status: str
    http_status: int | None = None
    entries: int = 0
    bytes: int = 0
    seconds: float = 0.0
    error_type: str | None = None
    closed_until: dt.datetime | None = None
    url: str | None = None
    moved_to: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    min_interval_sec: float = 0.0
    skip_hours: list[int] = field(default_factory=list)
    skip_days: list[int] = field(default_factory=list)
    published: list[dt.datetime] = field(default_factory=list)
