"""Measurement of the state's cost per article and per feed."""

import datetime as dt
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.ids import stable_id
from schemas.jsonable import to_line
from transforms.state.file_format import write_state_file
from transforms.state.loaded_state import State, format_line
from transforms.state.records import FeedState, KnownArticle, KnownEntry
from transforms.state.store import StateStore

_ARTICLES_PER_FEED: Final = 10
_AT: Final = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


@dataclass(frozen=True)
class StateCosts:
    """Bytes per item, and seconds of processor time that a process takes to read it.

    ``row`` is an article in a snapshot, with the two entries by which it is known, in bytes of
    disk. ``change`` is an article that is newer than the snapshot, and ``feed`` a feed, in bytes of
    memory. ``stream_bytes`` is the size of an article in the state of a streaming run.
    """

    row_bytes: float
    row_seconds: float
    change_bytes: float
    change_seconds: float
    feed_bytes: float
    feed_seconds: float
    stream_bytes: float


def measure_state_costs(articles: int) -> StateCosts:
    """Measure the costs. Call it early: memory that the process freed before would be reused.

    Args:
        articles: number of articles in the state.
    """
    changes = list(_make_changes(articles))
    feeds = [
        format_line(_make_feed_state(number)) for number in range(articles // _ARTICLES_PER_FEED)
    ]
    state = State()
    feed_bytes, feed_seconds = _measure_cost(lambda: _apply(state, feeds))
    change_bytes, change_seconds = _measure_cost(lambda: _apply(state, changes))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "snapshot-1.state")
        write_state_file(str(path), [], [], state.tables)
        row_bytes = path.stat().st_size
        started = time.process_time()
        loaded = StateStore(name).load()
        row_seconds = time.process_time() - started
        assert len(loaded) == len(state) == 2 * articles
    return StateCosts(
        row_bytes=row_bytes / articles,
        row_seconds=row_seconds / articles,
        change_bytes=change_bytes / articles,
        change_seconds=change_seconds / articles,
        feed_bytes=feed_bytes / len(feeds),
        feed_seconds=feed_seconds / len(feeds),
        stream_bytes=sum(len(to_line(record)) + len(record.lineage) for record in _make_records(0)),
    )


def _make_changes(articles: int) -> Iterator[str]:
    for number in range(articles):
        yield from (format_line(record) for record in _make_records(number))


def _make_records(number: int) -> tuple[KnownArticle, KnownEntry, KnownEntry]:
    lineage = stable_id("article", number)
    link, own = (
        KnownEntry(stable_id(kind, number), _AT, "cd" * 8, lineage) for kind in ("link", "id")
    )
    return KnownArticle(lineage, _AT, 1, "ab" * 16, True), link, own


def _make_feed_state(number: int) -> FeedState:
    url = f"https://news.example/section/{number}/feed.xml"
    published = [_AT - dt.timedelta(minutes=minutes) for minutes in range(10)]
    return FeedState(url, _AT, url, f'"{number}"', next_due=_AT, published=published)


def _apply(state: State, lines: list[str]) -> None:
    for line in lines:
        state.apply(line)


def _measure_cost(work: Callable[[], object]) -> tuple[int, float]:
    """Return the memory that the work takes, in bytes, and its seconds of processor time."""
    before, started = _read_resident_bytes(), time.process_time()
    work()
    seconds = time.process_time() - started
    return _read_resident_bytes() - before, seconds


def _read_resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()
