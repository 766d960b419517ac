"""Checks of feeds: each is requested once, and nothing is written."""

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from pipeline.commands.feed_documents import DocumentReader
from transforms.core.clock import now
from transforms.core.elements import Feed, FeedStatus, Host
from transforms.core.errors import ItemError
from transforms.core.isolated_process import LimitOptions
from transforms.core.progress import Progress
from transforms.core.urls import host_of, is_web_url
from transforms.extraction.cleaning import clean_line
from transforms.feeds.discovery import FeedFacts
from transforms.feeds.schedule import schedule_next_fetch
from transforms.fetching.fetcher import Fetcher, ResponseStream
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.options import FetchOptions
from transforms.state.loaded_state import State
from transforms.state.records import FeedState


@dataclass(frozen=True)
class FeedCheck:
    """The result of checking a feed. The attributes are the keys of ``feeds check --json``.

    Attributes:
        feed_url: the address as listed.
        status: a :class:`FeedStatus`: OK, EMPTY, FAILED, RETIRED (the server answered 410) or
            WAITING (not requested, since the server asked for no further request yet).
        http_status: the HTTP status; None for files and if there was no response.
        title: the title of the feed.
        entries: the number of its entries.
        last_entry: the time of its latest entry, UTC.
        next_due: when the next run should request it, UTC: by the state, or else by its entries.
        failure_class: the error type, if it failed.
        message: the error message, if it failed.
        moved_to: the address that it has moved to permanently.
        consecutive_failures: the number of earlier runs in a row in which it failed. This and the
            next two are from the state, and None if the state does not know the feed.
        is_retired: whether an earlier run retired it.
        closed_until: the time until which the server asked for no further request, UTC.
    """

    feed_url: str
    status: str
    http_status: int | None = None
    title: str | None = None
    entries: int | None = None
    last_entry: dt.datetime | None = None
    next_due: dt.datetime | None = None
    failure_class: str | None = None
    message: str | None = None
    moved_to: str | None = None
    consecutive_failures: int | None = None
    is_retired: bool | None = None
    closed_until: dt.datetime | None = None

    def format_notes(self) -> str:
        """Return the remarks about the feed, such as its error, as one line for people."""
        is_waiting = self.status == FeedStatus.WAITING
        until = f"{self.closed_until:%Y-%m-%d %H:%M}" if is_waiting else ""
        conditions = {
            f"{self.failure_class}: {self.message}": self.failure_class,
            f"moved to {self.moved_to}": self.moved_to,
            f"failed {self.consecutive_failures} times in a row before": self.consecutive_failures,
            "retired by an earlier run": self.is_retired,
            f"wants to be left alone until {until}": until,
        }
        return "; ".join(note for note, condition in conditions.items() if condition)


def check_feeds(
    feeds: Sequence[Feed], state: State, *, fetching: FetchOptions, limits: LimitOptions
) -> list[FeedCheck]:
    """Request each feed once, except those whose servers asked for no further request yet.

    Args:
        feeds: the feeds.
        state: what earlier runs know about feeds and hosts.
        fetching: how requests are sent.
        limits: the limits of time and memory per feed.

    Returns:
        The checks, in the order of the feeds.
    """
    at, checks, progress = now(), dict[str, FeedCheck](), Progress("CheckFeeds")
    host_queues = defaultdict[Host, list[tuple[Feed, Request]]](list)
    files: list[Feed] = []
    for feed in feeds:
        known = state.feeds.get(feed.url)
        if known and known.closed_until and known.closed_until > at:
            checks[feed.url] = _make_check(feed, known, None, at)
        elif is_web_url(feed.url):
            url = known.url if known else feed.url
            host_queues[host_of(url)].append((feed, Request(url)))
        else:
            files.append(feed)
    with Fetcher(fetching) as fetcher, DocumentReader(limits) as reader:
        fetcher.remember(state.hosts)
        stream = ResponseStream[Feed](fetcher)
        for queue in host_queues.values():
            stream.add(queue)
        for feed in files:
            facts = reader.read_file(feed, fetching.http.max_fetch_bytes)
            checks[feed.url] = _make_check(feed, state.feeds.get(feed.url), facts, at)
            progress.add(1)
        for feed, result in stream.remaining():
            response = None if isinstance(result, ItemError) else result
            facts = result if isinstance(result, ItemError) else reader.read_feed(result)
            known = state.feeds.get(feed.url)
            checks[feed.url] = _make_check(feed, known, facts, at, response)
            progress.add(1)
    return [checks[feed.url] for feed in feeds]


def _make_check(
    feed: Feed,
    known: FeedState | None,
    result: FeedFacts | ItemError | None,
    at: dt.datetime,
    response: Response | None = None,
) -> FeedCheck:
    """Return the check of a feed.

    Args:
        feed: the feed.
        known: its state from earlier runs, if any.
        result: the summary of the feed, or an error; None if it was not requested.
        at: the time of the check, UTC.
        response: the response, if there was one.
    """
    error = result if isinstance(result, ItemError) else None
    facts = result if isinstance(result, FeedFacts) else None
    status = FeedStatus.WAITING
    if facts:
        status = FeedStatus.OK if facts.entries else FeedStatus.EMPTY
    elif error:
        is_gone = error.http_status == HTTPStatus.GONE
        status = FeedStatus.RETIRED if is_gone else FeedStatus.FAILED
    due = (
        schedule_next_fetch(facts.published, facts.hints, at, random.Random(feed.url))
        if facts
        else None
    )
    known_move = known.url if known and known.url != feed.url else None
    return FeedCheck(
        feed_url=feed.url,
        status=status.value,
        http_status=response.status if response else error.http_status if error else None,
        title=facts.title if facts else None,
        entries=facts.entries if facts else None,
        last_entry=facts.published[0] if facts and facts.published else None,
        next_due=(known.next_due if known else None) or due,
        failure_class=error.error_type if error else None,
        message=clean_line(error.message) if error else None,
        moved_to=(response.moved_to if response else None) or known_move,
        consecutive_failures=known.failures if known else None,
        is_retired=known.retired if known else None,
        closed_until=known.closed_until if known else None,
    )
