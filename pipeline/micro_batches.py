"""The records of a stream become visible a window of time after the other, each as a small run.

What stages yield is packed, and gathers in the state of one place, which makes a run of it at the
end of a window. After a worker died the runner goes back to a checkpoint and gives again what it
gave since, in other windows, though it may be visible already. Such records are known by their
ids, which are in the runs that were shown since the checkpoint, and are left out.
"""

import base64
import datetime as dt
import json
import uuid
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import pyarrow.parquet as pq
from apache_beam.io.filesystems import FileSystems

from pipeline.summary import Summary, summarise
from schemas import RECORDS, Article, DeadLetter, FeedHealth, Record, Story
from schemas.ids import story_id_of
from schemas.jsonable import from_json, to_line
from transforms.core.clock import now
from transforms.core.elements import Entry, FeedReport, Outcome, Run
from transforms.feed_health import feed_health
from transforms.group_stories import (
    EarlierStories,
    group_copies,
    sketch_article,
    sketch_text,
)
from transforms.sinks.commit import commit
from transforms.sinks.write_records import WrittenFile, partition_of, write_file
from transforms.state.records import FailedEntry, FeedState, StateChange
from transforms.storage.filesystems import atomic_file, create_folder, open_file, remove_folder
from transforms.storage.runs import is_committed, list_run_names, read_committed_run

T = TypeVar("T")

_MOST_FIRSTS: Final = 2000
_GIVEN_AGAIN: Final = dt.timedelta(days=3)
_TIME: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Progress:
    """What the end of a window has to know of those before.

    ``last`` is the run shown last, ``again`` are the runs that were shown since a checkpoint
    that the stream has gone back to. ``firsts`` are the first articles of the latest stories;
    ``counts`` the outcomes, by feed, that no report of the feed has taken up yet.
    """

    last: str = ""
    again: list[str] = field(default_factory=list)
    firsts: dict[str, str] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    on_the_way: int = 0


@dataclass
class _Contents:
    """What a window holds; ``retries`` are entries that earlier runs left to be tried again."""

    records: list[Record] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    reports: list[FeedReport] = field(default_factory=list)
    changes: list[StateChange] = field(default_factory=list)
    retries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class MicroBatchWriter:
    """Where a stream's windows go. ``staging`` is the stream's own folder of that kind."""

    run: Run
    output: str
    staging: str
    formats: Sequence[str]

    def show(self, packs: Iterable[bytes], before: Progress) -> tuple[Summary | None, Progress]:
        """Make a run of what is packed, and show it. None if one of this second is there already.

        Raises:
            OSError, BeamIOError: a file cannot be read or written.
        """
        window = Run(f"{self.run.run_id}-{now():{_TIME}}", now())
        if is_committed(self.output, window.run_id):
            return None, before
        again = self._shown_since(before)
        contents = _unpack(packs)
        records = [*_not_in(contents.records, _Shown.of(self.output, again))]
        records, firsts = _with_stories(records, before.firsts, window)
        health, counts = _health(contents, before.counts, window)
        records = [replace(record, run_id=window.run_id) for record in (*records, *health)]
        staging = FileSystems.join(FileSystems.split(self.staging)[0], window.run_id)
        create_folder(staging, f"the output folder {self.output}")
        written = [*self._write(staging, records)]
        retries = len(contents.retries) + _retries(contents.changes)
        summary = summarise(
            run=window,
            left={},
            retries=retries,
            feeds=len(health),
            stages={},
            files=written,
            outcomes=contents.outcomes,
            health=health,
            dead_letters=[r for r in records if isinstance(r, DeadLetter)],
            output=self.output,
        )
        on_the_way = before.on_the_way + summary.entries - sum(summary.outcomes.values())
        summary = replace(summary, on_the_way=on_the_way, adds_up=on_the_way >= 0)
        learnt = sorted(change.line for change in contents.changes)
        self._write_head(window.run_id)
        commit(self.output, staging, written, learnt, summary.to_json())
        remove_folder(staging)
        return summary, Progress(window.run_id, again, firsts, counts, on_the_way)

    def _shown_since(self, before: Progress) -> list[str]:
        """The runs shown since the checkpoint that the stream has gone back to, if it has.

        They are kept for as long as entries of that time may be tried again.
        """
        again = set(before.again)
        if self._read_head() != before.last:
            stream, since = _split(before.last)
            for run_id in list_run_names(self.output):
                name, time = _split(run_id)
                is_later = name in (stream, self.run.run_id) and time > since
                if is_later and is_committed(self.output, run_id):
                    again.add(run_id)
        oldest = f"{now() - _GIVEN_AGAIN:{_TIME}}"
        return sorted(run_id for run_id in again if _split(run_id)[1] > oldest)

    @property
    def _head(self) -> str:
        return str(FileSystems.join(self.staging, "head"))

    def _read_head(self) -> str:
        """The run that was about to be shown last, by whatever try."""
        if not FileSystems.exists(self._head):
            return ""
        with open_file(self._head) as file:
            return str(file.read(), "utf-8")

    def _write_head(self, run_id: str) -> None:
        with atomic_file(self._head) as file:
            file.write(run_id.encode())

    def _write(self, staging: str, records: Sequence[Record]) -> Iterator[WrittenFile]:
        partitions = defaultdict[str, list[Record]](list)
        for record in records:
            partitions[partition_of(record)].append(record)
        for partition, rows in sorted(partitions.items()):
            rows.sort(key=_key)
            for name in self.formats:
                path = FileSystems.join(staging, name, partition, f"{uuid.uuid4().hex}.{name}")
                write_file(path, rows, name)
                yield WrittenFile(path, partition, name, len(rows), _key(rows[0]))


def _split(run_id: str) -> tuple[str, str]:
    """The stream of a window's run, and the time of the window."""
    stream, _, time = run_id.rpartition("-")
    return stream, time


def pack(elements: Iterable[Any]) -> bytes:
    """Elements of a stream as bytes: records, and what says how inputs ended."""
    lines = (f'["{type(each).__name__}",{to_line(each)}]\n' for each in elements)
    return zlib.compress("".join(lines).encode(), 1)


def _unpack(packs: Iterable[bytes]) -> _Contents:
    contents = _Contents()
    lists: dict[type, list[Any]] = {
        Outcome: contents.outcomes,
        FeedReport: contents.reports,
        StateChange: contents.changes,
        Entry: contents.retries,
    }
    by_name = {kind.__name__: (kind, into) for kind, into in lists.items()}
    by_name |= {kind.__name__: (kind, contents.records) for kind in RECORDS}
    for data in packs:
        for line in zlib.decompress(data).decode().split("\n")[:-1]:
            name, row = json.loads(line)
            kind, into = by_name[name]
            into.append(from_json(kind, row))
    return contents


@dataclass(frozen=True)
class _Shown:
    """The ids of articles and of dead letters that some runs hold."""

    articles: set[str]
    dead_letters: set[str]

    @classmethod
    def of(cls, output: str, runs: Iterable[str]) -> "_Shown":
        shown = cls(set(), set())
        for run_id in runs:
            run = read_committed_run(output, run_id)
            for kind, ids in ((Article, shown.articles), (DeadLetter, shown.dead_letters)):
                for path in run.files.get(kind.TABLE, ()):
                    ids |= _column(path, kind.KEY)
        return shown


def _column(path: str, name: str) -> set[str]:
    with open_file(path) as file:
        if path.endswith(".parquet"):
            table = pq.read_table(file, columns=[name])
            return set(table.column(name).to_pylist())
        return {str(json.loads(line)[name]) for line in file.read().splitlines()}


def _not_in(records: Iterable[Record], shown: _Shown) -> Iterator[Record]:
    for record in records:
        if isinstance(record, DeadLetter):
            is_new = record.dead_letter_id not in shown.dead_letters
        else:
            is_new = getattr(record, Article.KEY) not in shown.articles
        if is_new:
            yield record


def _with_stories(
    records: Sequence[Record], before: dict[str, str], window: Run
) -> tuple[list[Record], dict[str, str]]:
    """The records, with stories; a copy of an earlier one takes its id. And the latest firsts."""
    articles = {r.article_id: r for r in records if isinstance(r, Article)}
    sketches = {i: sketch_article(a, sketch_text(a.text)) for i, a in articles.items()}
    earlier = EarlierStories({i: base64.b64decode(text) for i, text in before.items()})
    stories, story_of, firsts = list[Story](), dict[str, str](), dict(before)
    for story in group_copies(sketches.values(), window):
        first = story.first_seen_article
        known = earlier.first_of(sketches[first])
        story_of |= dict.fromkeys(story.members, story_id_of(known or first))
        if known is None:
            stories.append(story)
            firsts[first] = base64.b64encode(sketches[first].hashes).decode()
    found: list[Record] = [
        replace(r, story_id=story_of[r.article_id]) if isinstance(r, Article) else r
        for r in records
    ]
    latest = [(i, text) for i, text in firsts.items() if text][-_MOST_FIRSTS:]
    return [*found, *stories], dict(latest)


def _health(
    contents: _Contents, before: dict[str, dict[str, int]], window: Run
) -> tuple[list[FeedHealth], dict[str, dict[str, int]]]:
    """The health of the feeds that were asked, and what has ended of the entries of others."""
    counts = defaultdict[str, Counter[str]](Counter, {k: Counter(v) for k, v in before.items()})
    for outcome in contents.outcomes:
        counts[outcome.feed_url][outcome.kind] += 1
    reports = defaultdict[str, list[FeedReport]](list)
    for report in contents.reports:
        reports[report.feed_url].append(report)
    states = {s.feed_url: s for s in sorted(_changed(contents, "feed", FeedState), key=_at)}
    health = []
    for url, some in reports.items():
        if url in states:
            report = replace(some[-1], entries=sum(r.entries for r in some))
            health.append(feed_health(report, counts.pop(url, {}), states[url], window))
    return health, {url: dict(kinds) for url, kinds in counts.items()}


def _at(state: FeedState) -> Any:
    return state.at


def _changed(contents: _Contents, name: str, kind: type[T]) -> Iterator[T]:
    for change in contents.changes:
        if change.line.startswith(f'["{name}"'):
            yield from_json(kind, json.loads(change.line)[1])


def _retries(changes: Iterable[StateChange]) -> int:
    """How many of the entries that failed will be tried again, and end again."""
    failed = _changed(_Contents(changes=[*changes]), "failed", FailedEntry)
    return sum(entry.not_before is not None for entry in failed)


def _key(record: Record) -> str:
    return str(getattr(record, record.KEY))
