"""Ask feeds how they are, and sites where their feeds are. Changes no state."""

import datetime as dt
import functools
import logging
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

from apache_beam.io.filesystems import FileSystems

from transforms.core.clock import now
from transforms.core.counters import Progress
from transforms.core.elements import Feed
from transforms.core.errors import ItemError, UsageError
from transforms.core.isolation import IsolatedWorker, LimitOptions
from transforms.core.options import require
from transforms.core.urls import host_of, is_web_url
from transforms.extraction.cleaning import clean_line
from transforms.extraction.document_worker import load_document_parsers
from transforms.feeds.discovery import FeedFacts, list_usual_feed_urls, read_feed_facts, read_site
from transforms.feeds.schedule import parse_max_age, schedule_next_fetch
from transforms.fetch_feeds import read_feed_file
from transforms.fetching.fetcher import Fetcher, FetchOptions, ResponseStream
from transforms.fetching.http_messages import Request, Response
from transforms.state.records import FeedState
from transforms.state.state import State
from transforms.state.state_files import DamagedStateError, read_state_file
from transforms.storage.filesystems import (
    check_filesystem,
    folder_exists,
    list_names,
    quiet_usage_errors,
)

T = TypeVar("T")
Read = IsolatedWorker[Callable[[], Any], Any]

_LOG = logging.getLogger("newsbeam.state")
_GONE: Final = 410
_NOT_HERE: Final = frozenset({404, _GONE})
_STATE_KINDS: Final = ('["feed"', '["host"')


@dataclass(frozen=True)
class Checked:
    """How a feed is: ``status`` is ok, empty, failed, retired (410) or waiting (not asked).

    ``next_due`` is the state's, if it has one. ``consecutive_failures``, ``is_retired`` and
    ``closed_until`` are what it remembers of earlier runs; without it, the first two are null.
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

    def notes(self) -> str:
        """What there is to say besides the numbers."""
        until = f"{self.closed_until:%Y-%m-%d %H:%M}" if self.status == "waiting" else ""
        parts = {
            f"{self.failure_class}: {self.message}": self.failure_class,
            f"moved to {self.moved_to}": self.moved_to,
            f"failed {self.consecutive_failures} times in a row before": self.consecutive_failures,
            "retired by an earlier run": self.is_retired,
            f"wants to be left alone until {until}": until,
        }
        return "; ".join(text for text, holds in parts.items() if holds)


def read_state(folder: str) -> State:
    """What a state folder remembers of feeds and hosts. Reads only, and needs no lock.

    A file that is damaged is reported, and stays where it is. Files may be read in any order
    and overlap, as of two records of one thing the later counts.

    Raises:
        UsageError: there is no such folder, or it cannot be read.
    """
    check_filesystem(folder)
    with quiet_usage_errors(f"cannot read the state folder {folder}"):
        there = folder_exists(folder)
        names = [name for name in list_names(folder) if name.endswith(".state")]
    require(there, f"there is no state folder {folder}")
    if not names:
        _LOG.warning("nothing is remembered in %s yet", folder)
    state = State()
    for name in names:
        _apply(FileSystems.join(folder, name), state)
    return state


def _apply(path: str, state: State) -> None:
    try:
        for line in read_state_file(path).lines:
            if line.startswith(_STATE_KINDS):
                state.apply(line)
    except FileNotFoundError:
        _LOG.info("%s has gone since a run put all of it into a snapshot", path)
    except (DamagedStateError, ValueError, KeyError, TypeError) as error:
        _LOG.warning("the state file %s is damaged (%s); it is not used", path, error)
    except OSError as error:
        raise UsageError(f"cannot read the state file {path}: {error.strerror}") from error


def check_feeds(
    feeds: Sequence[Feed], state: State, *, fetching: FetchOptions, limits: LimitOptions
) -> list[Checked]:
    """Ask once for each feed, where it lives by now, but not while it wants to be left alone."""
    at, found, shown = now(), dict[str, Checked](), Progress("CheckFeeds")
    lanes, files = defaultdict[str, list[tuple[Feed, Request]]](list), list[Feed]()
    for feed in feeds:
        known = state.feeds.get(feed.url)
        if known and known.closed_until and known.closed_until > at:
            found[feed.url] = _checked(feed, known, None, at)
        elif is_web_url(feed.url):
            url = known.url if known else feed.url
            lanes[host_of(url)].append((feed, Request(url)))
        else:
            files.append(feed)
    with Fetcher(fetching) as fetcher, Read(load_document_parsers, limits, name="reading") as read:
        fetcher.remember(state.hosts)
        answers = ResponseStream[Feed](fetcher)
        for lane in lanes.values():
            answers.add(lane)
        for feed in files:
            facts = _tried(functools.partial(_file_facts, read, feed, fetching))
            found[feed.url] = _checked(feed, state.feeds.get(feed.url), facts, at)
            shown.add(1)
        for feed, answer in answers.remaining():
            facts = answer if isinstance(answer, ItemError) else _feed_of(read, answer)
            known = state.feeds.get(feed.url)
            response = answer if isinstance(answer, Response) else None
            found[feed.url] = _checked(feed, known, facts, at, response)
            shown.add(1)
    return [found[feed.url] for feed in feeds]


def _file_facts(read: Read, feed: Feed, fetching: FetchOptions) -> FeedFacts:
    document = read_feed_file(feed, fetching.http.max_fetch_bytes)
    facts: FeedFacts = read(functools.partial(read_feed_facts, document.body, url=document.url))
    return facts


def _checked(
    feed: Feed,
    known: FeedState | None,
    facts: FeedFacts | ItemError | None,
    at: dt.datetime,
    answer: Response | None = None,
) -> Checked:
    """How a feed is by what it said and what is known of it; without facts it was not asked."""
    lost = facts if isinstance(facts, ItemError) else None
    said = facts if isinstance(facts, FeedFacts) else None
    status = "waiting"
    if said:
        status = "ok" if said.entries else "empty"
    elif lost:
        status = "retired" if lost.http_status == _GONE else "failed"
    due = (
        schedule_next_fetch(said.published, said.hints, at, random.Random(feed.url))
        if said
        else None
    )
    moved = known.url if known and known.url != feed.url else None
    return Checked(
        feed_url=feed.url,
        status=status,
        http_status=answer.status if answer else lost.http_status if lost else None,
        title=said.title if said else None,
        entries=said.entries if said else None,
        last_entry=said.published[0] if said and said.published else None,
        next_due=(known.next_due if known else None) or due,
        failure_class=lost.error_type if lost else None,
        message=clean_line(lost.message) if lost else None,
        moved_to=(answer.moved_to if answer else None) or moved,
        consecutive_failures=known.failures if known else None,
        is_retired=known.retired if known else None,
        closed_until=known.closed_until if known else None,
    )


class Found(NamedTuple):
    """A feed: the address to list, the one that it was read from in the end, what it says."""

    url: str
    read_from: str
    facts: FeedFacts


@dataclass
class Search:
    """The search for the feeds of one site.

    ``results`` has the addresses tried in their order of rank, with None for those that are
    being asked; ``usual`` those to try next if there is no feed among them; ``problem`` what was
    wrong with the page itself.
    """

    site: str
    results: dict[str, Found | ItemError | None] = field(default_factory=dict)
    usual: list[str] = field(default_factory=list)
    problem: ItemError | None = None

    @property
    def feeds(self) -> list[Found]:
        """What has been found."""
        return [result for result in self.results.values() if isinstance(result, Found)]

    def is_done(self) -> bool:
        """Whether everything that was asked is answered."""
        return all(result is not None for result in self.results.values())

    def why_none(self) -> str:
        """The reason why no feed was found."""
        kinds = Counter(r.error_type for r in self.results.values() if isinstance(r, ItemError))
        counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        tried = f"none of {kinds.total()} addresses tried is a feed ({counted})" if kinds else ""
        return "; ".join(filter(None, (_why(self.problem) if self.problem else "", tried)))


def find_feeds(
    sites: Iterable[str], *, fetching: FetchOptions, limits: LimitOptions
) -> list[Search]:
    """Search each site: its page, what that leads to and, failing that, the usual addresses."""
    searches = [Search(site) for site in sites]
    with Fetcher(fetching) as fetcher, Read(load_document_parsers, limits, name="reading") as read:
        _Finder(ResponseStream(fetcher), read).run(searches)
    return searches


class _Finder:
    """Asks for pages and candidates; for each address once, whoever wants it."""

    def __init__(self, answers: ResponseStream[Any], read: Read) -> None:
        self._answers = answers
        self._read = read
        self._results: dict[str, Found | ItemError] = {}
        self._waiting: dict[str, list[Search]] = {}
        self._shown = Progress("FindFeeds")

    def run(self, searches: Iterable[Search]) -> None:
        """Search until there is nothing left to ask."""
        for search in searches:
            self._answers.add([(search, Request(search.site, is_page=True))])
        for wanted, answer in self._answers.remaining():
            self._shown.add(1)
            if isinstance(wanted, Search):
                self._opened(wanted, answer)
            else:
                self._tried(wanted, answer)

    def _opened(self, search: Search, answer: Response | ItemError) -> None:
        """Take the page of a site, and ask for what it leads to."""
        if isinstance(answer, ItemError):
            search.problem = answer
            search.usual = (
                list_usual_feed_urls(search.site) if answer.http_status in _NOT_HERE else []
            )
        else:
            site = _read_answer(self._read, read_site, answer)
            if isinstance(site, FeedFacts):
                search.results[search.site] = _found(search.site, answer, site)
                return
            search.problem = site if isinstance(site, ItemError) else None
            candidates = [] if isinstance(site, ItemError) else site
            for address in candidates:
                self._ask(search, address)
            search.usual = [a for a in list_usual_feed_urls(answer.url) if a not in candidates]
        self._go_on(search)

    def _tried(self, address: str, answer: Response | ItemError) -> None:
        """Take the answer of a candidate."""
        result: Found | ItemError
        if isinstance(answer, ItemError):
            result = answer
        else:
            facts = _feed_of(self._read, answer)
            result = facts if isinstance(facts, ItemError) else _found(address, answer, facts)
        self._results[address] = result
        for search in self._waiting.pop(address):
            search.results[address] = result
            self._go_on(search)

    def _ask(self, search: Search, address: str) -> None:
        search.results[address] = self._results.get(address)
        if search.results[address] is None:
            if address not in self._waiting:
                self._answers.add([(address, Request(address))])
            self._waiting.setdefault(address, []).append(search)

    def _go_on(self, search: Search) -> None:
        """Ask for the usual addresses, one at a time, while there is no feed."""
        while search.usual and search.is_done() and not search.feeds:
            self._ask(search, search.usual.pop(0))


def _found(address: str, answer: Response, facts: FeedFacts) -> Found:
    return Found(answer.moved_to or address, answer.url, facts)


def _read_answer(
    read: Read, work: Callable[..., T], answer: Response, **more: Any
) -> T | ItemError:
    """What the work makes of an answer, in the child."""
    content_type = answer.headers.get("content-type", "")
    bound = functools.partial(work, answer.body, url=answer.url, content_type=content_type, **more)
    found: T | ItemError = _tried(functools.partial(read, bound))
    return found


def _feed_of(read: Read, answer: Response) -> FeedFacts | ItemError:
    held = parse_max_age(answer.headers.get("cache-control", ""))
    return _read_answer(read, read_feed_facts, answer, max_age_sec=held)


def _tried(work: Callable[[], T]) -> T | ItemError:
    try:
        return work()
    except ItemError as lost:
        return lost
    except Exception as error:  # whatever it is, it costs this feed or site and no other
        kind = type(error).__name__
        return ItemError(kind, str(error) or kind)


def _why(lost: ItemError) -> str:
    return f"{lost.error_type}: {clean_line(lost.message)}"
