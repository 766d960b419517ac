"""Checks of feeds: each is requested once, and nothing is written."""

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

from pipeline.commands.failure_causes import explain_error
from pipeline.commands.feed_documents import DocumentReader
from pipeline.commands.feed_search import FoundFeed, find_feeds_of_pages, make_found_feed
from transforms.core.clock import now
from transforms.core.elements import Feed, FeedStatus, Host
from transforms.core.errors import ItemError
from transforms.core.isolated_process import LimitOptions
from transforms.core.progress import Progress
from transforms.core.urls import host_of, is_web_url
from transforms.feeds.discovery import FeedFacts
from transforms.feeds.schedule import schedule_next_fetch
from transforms.fetching.fetcher import Fetcher, ResponseStream
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.options import FetchOptions
from transforms.state.loaded_state import State
from transforms.state.records import FeedState

UNKNOWN: Final = "unknown"
"""The status of a feed that is not requested and that the state does not know."""


@dataclass(frozen=True)
class FeedCheck:
    """The result of checking a feed. The attributes are the keys of ``feeds check --json``.

    Attributes:
        feed_url: the address as listed.
        status: a :class:`FeedStatus`: OK, EMPTY, FAILED, RETIRED (the server answered 410),
            WAITING (not requested, since the server asked for no further request yet), or
            :data:`UNKNOWN` (not requested, and not in the state).
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
        last_attempt: the time of the last request of a run, by the state, UTC.
        last_success: the same if it succeeded; None if it failed, as the state does not say
            when an earlier one succeeded.
        page_feeds: the feeds to which the document links, if it is a page and no feed.
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
    last_attempt: dt.datetime | None = None
    last_success: dt.datetime | None = None
    page_feeds: list[str] = field(default_factory=list)
    is_truncated: bool = False

    def format_notes(self) -> str:
        """Return the remarks about the feed, such as its error, as one line for people."""
        is_waiting = self.status == FeedStatus.WAITING
        until = f"{self.closed_until:%Y-%m-%d %H:%M}" if is_waiting else ""
        conditions = {
            f"{self.failure_class}: {self.message}": self.failure_class,
            f"the page has the feeds {', '.join(self.page_feeds)}": self.page_feeds,
            f"the feed ends early, after {self.entries} entries": self.is_truncated,
            f"moved to {self.moved_to}": self.moved_to,
            f"failures in a row before: {self.consecutive_failures}": self.consecutive_failures,
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
    pages, results = dict[str, Response](), dict[str, FoundFeed | ItemError]()
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
            if response and isinstance(facts, FeedFacts):
                results[feed.url] = make_found_feed(feed.url, response, facts)
            elif isinstance(facts, ItemError):
                results[feed.url] = facts
                if response and facts.error_type == "NotAFeed":
                    pages[feed.url] = response
            progress.add(1)
        for url, feeds_of_page in find_feeds_of_pages(pages, results, fetcher, reader).items():
            checks[url] = replace(checks[url], page_feeds=feeds_of_page)
    return [checks[feed.url] for feed in feeds]


def check_history(feeds: Sequence[Feed], state: State) -> list[FeedCheck]:
    """Return what the state says about each feed, in their order; nothing is requested."""
    return [_make_past_check(feed, state.feeds.get(feed.url), now()) for feed in feeds]


def _make_past_check(feed: Feed, known: FeedState | None, at: dt.datetime) -> FeedCheck:
    if known is None:
        return FeedCheck(feed.url, UNKNOWN)
    is_waiting = known.closed_until is not None and known.closed_until > at
    status = FeedStatus.WAITING if is_waiting else FeedStatus.OK
    if known.failures:
        status = FeedStatus.RETIRED if known.retired else FeedStatus.FAILED
    check = _make_check(feed, known, None, at)
    error = ItemError(known.failure_class, "") if known.failure_class else None
    return replace(
        check,
        status=status.value,
        last_entry=known.published[0] if known.published else None,
        failure_class=known.failure_class,
        message=explain_error(error, known.url) if error else None,
    )


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
        is_truncated=facts.is_truncated if facts else False,
        entries=facts.entries if facts else None,
        last_entry=facts.published[0] if facts and facts.published else None,
        next_due=(known.next_due if known else None) or due,
        failure_class=error.error_type if error else None,
        message=explain_error(error, known.url if known else feed.url) if error else None,
        moved_to=(response.moved_to if response else None) or known_move,
        consecutive_failures=known.failures if known else None,
        is_retired=known.retired if known else None,
        closed_until=known.closed_until if known else None,
        last_attempt=known.at if known else None,
        last_success=known.at if known and not known.failures else None,
    )
