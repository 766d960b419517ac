"""Micro-batches: the records of a stream become visible at intervals, each time as a small run.

The outputs of the stages are packed and gathered in Beam state under one key. When an interval
ends, they are written as a run. After a failure the engine goes back to a checkpoint and replays
the elements since then, in other batches, although their records may be visible already. Records
whose ids are in the runs committed since the checkpoint are therefore dropped.
"""

import base64
import datetime as dt
import json
import uuid
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from apache_beam.io.filesystems import FileSystems

from pipeline.summary import Summary, summarise
from schemas import RECORDS, Article, DeadLetter, FeedHealth, Record, Story
from schemas.ids import story_id_of
from schemas.jsonable import from_json, to_line
from transforms.core.clock import now
from transforms.core.elements import Entry, FeedReport, Outcome, Run
from transforms.feed_health import feed_health
from transforms.sinks.commit import commit
from transforms.sinks.write_records import WrittenFile, partition_of, write_file
from transforms.state.loaded_state import format_line
from transforms.state.records import StateChange
from transforms.storage.filesystems import atomic_file, create_folder, open_file, remove_folder
from transforms.storage.record_files import read_rows
from transforms.storage.runs import is_committed, list_run_names, read_committed_run
from transforms.story_similarity import (
    EarlierStories,
    group_copies,
    sketch_article,
    sketch_text,
)

StreamElement: TypeAlias = Record | Outcome | FeedReport | StateChange | Entry

_MAX_FIRST_ARTICLES: Final = 2000
_MAX_REPLAY: Final = dt.timedelta(days=3)
_TIME: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class StreamProgress:
    """The progress of a streaming job, which each micro-batch passes to the next one.

    Attributes:
        last_run: the id of the run that was written last.
        replayed_runs: the ids of the runs committed since a checkpoint that the stream went back
            to.
        first_articles: the first articles of the latest stories, with their sketches in base 64.
        outcomes: the outcomes, by feed and kind, that no report of the feed has counted yet.
        on_the_way: the number of entries that have no outcome yet.
    """

    last_run: str = ""
    replayed_runs: list[str] = field(default_factory=list)
    first_articles: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)
    on_the_way: int = 0


@dataclass
class _Batch:
    """The elements of a micro-batch. ``retries`` are failed entries of earlier runs."""

    records: list[Record] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    reports: list[FeedReport] = field(default_factory=list)
    changes: list[StateChange] = field(default_factory=list)
    retries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class MicroBatchWriter:
    """Writes micro-batches as runs.

    Attributes:
        run: the streaming job.
        output: the output folder.
        staging: the job's staging folder. The staging folders of the runs are its siblings.
        formats: the file formats of the records.
    """

    run: Run
    output: str
    staging: str
    formats: Sequence[str]

    def write(
        self, packs: Iterable[bytes], progress: StreamProgress
    ) -> tuple[Summary | None, StreamProgress]:
        """Write the elements in the packs as a run, and commit it.

        Returns:
            The summary of the run and the new progress. The summary is None if there is already
            a run of this second; write the packs later then.

        Raises:
            OSError, BeamIOError: a file cannot be read or written.
        """
        run = Run(f"{self.run.run_id}-{now():{_TIME}}", now())
        if is_committed(self.output, run.run_id):
            return None, progress
        replayed = self._find_replayed_runs(progress)
        batch = _unpack(packs)
        records = [*_drop_committed(batch.records, _CommittedIds.read(self.output, replayed))]
        records, first_articles = _assign_stories(records, progress.first_articles, run)
        health, outcomes = _make_health(batch, progress.outcomes, run)
        records = [replace(record, run_id=run.run_id) for record in (*records, *health)]
        staging = FileSystems.join(FileSystems.split(self.staging)[0], run.run_id)
        create_folder(staging, f"the output folder {self.output}")
        written = [*self._write_files(staging, records)]
        summary = summarise(
            run=run,
            skipped={},
            retries=len(batch.retries) + _count_retries(batch.changes),
            feeds=len(health),
            stages={},
            files=written,
            outcomes=batch.outcomes,
            health=health,
            dead_letters=[r for r in records if isinstance(r, DeadLetter)],
            output=self.output,
        )
        on_the_way = progress.on_the_way + summary.entries - sum(summary.outcomes.values())
        summary = replace(summary, on_the_way=on_the_way, adds_up=on_the_way >= 0)
        state_lines = sorted(format_line(change.record) for change in batch.changes)
        self._write_head(run.run_id)
        commit(self.output, staging, written, state_lines, summary.to_json())
        remove_folder(staging)
        progress = StreamProgress(run.run_id, replayed, first_articles, outcomes, on_the_way)
        return summary, progress

    def _find_replayed_runs(self, progress: StreamProgress) -> list[str]:
        """Return the runs committed since the checkpoint that the stream went back to, if any.

        They are remembered for as long as their entries may be replayed.
        """
        replayed = set(progress.replayed_runs)
        if self._read_head() != progress.last_run:
            stream, since = _split_run_id(progress.last_run)
            for run_id in list_run_names(self.output):
                name, time = _split_run_id(run_id)
                is_later = name in (stream, self.run.run_id) and time > since
                if is_later and is_committed(self.output, run_id):
                    replayed.add(run_id)
        oldest = f"{now() - _MAX_REPLAY:{_TIME}}"
        return sorted(run_id for run_id in replayed if _split_run_id(run_id)[1] > oldest)

    @property
    def _head(self) -> str:
        return str(FileSystems.join(self.staging, "head"))

    def _read_head(self) -> str:
        """Return the id of the run that any attempt was last about to commit."""
        if not FileSystems.exists(self._head):
            return ""
        with open_file(self._head) as file:
            return str(file.read(), "utf-8")

    def _write_head(self, run_id: str) -> None:
        with atomic_file(self._head) as file:
            file.write(run_id.encode())

    def _write_files(self, staging: str, records: Sequence[Record]) -> Iterator[WrittenFile]:
        partitions = defaultdict[str, list[Record]](list)
        for record in records:
            partitions[partition_of(record)].append(record)
        for partition, rows in sorted(partitions.items()):
            rows.sort(key=_key)
            for name in self.formats:
                path = FileSystems.join(staging, name, partition, f"{uuid.uuid4().hex}.{name}")
                write_file(path, rows, name)
                yield WrittenFile(path, partition, name, len(rows), _key(rows[0]))


def _split_run_id(run_id: str) -> tuple[str, str]:
    """Return the stream's id and the time of the micro-batch."""
    stream, _, time = run_id.rpartition("-")
    return stream, time


def pack(elements: Iterable[StreamElement]) -> bytes:
    """Return elements of a stream as compressed JSON lines of their types and values."""
    lines = (f'["{type(element).__name__}",{to_line(element)}]\n' for element in elements)
    return zlib.compress("".join(lines).encode(), 1)


def _unpack(packs: Iterable[bytes]) -> _Batch:
    batch = _Batch()
    lists: dict[type, list[Any]] = {
        Outcome: batch.outcomes,
        FeedReport: batch.reports,
        StateChange: batch.changes,
        Entry: batch.retries,
        **dict.fromkeys(RECORDS, batch.records),
    }
    by_name = {element_type.__name__: element_type for element_type in lists}
    for data in packs:
        for line in zlib.decompress(data).decode().split("\n")[:-1]:
            name, value = json.loads(line)
            element_type = by_name[name]
            lists[element_type].append(from_json(element_type, value))
    return batch


@dataclass(frozen=True)
class _CommittedIds:
    """The ids of the articles and of the dead letters that some runs hold."""

    articles: set[str]
    dead_letters: set[str]

    @classmethod
    def read(cls, output: str, run_ids: Iterable[str]) -> "_CommittedIds":
        """Read the ids from the files of the runs."""
        committed = cls(set(), set())
        for run_id in run_ids:
            run = read_committed_run(output, run_id)
            for record, ids in (
                (Article, committed.articles),
                (DeadLetter, committed.dead_letters),
            ):
                for path in run.files.get(record.TABLE, ()):
                    ids |= {row[record.KEY] for row in read_rows(path, record, [record.KEY])}
        return committed


def _drop_committed(records: Iterable[Record], committed: _CommittedIds) -> Iterator[Record]:
    for record in records:
        if isinstance(record, DeadLetter):
            is_new = record.dead_letter_id not in committed.dead_letters
        else:
            is_new = getattr(record, Article.KEY) not in committed.articles
        if is_new:
            yield record


def _assign_stories(
    records: Sequence[Record], first_articles: dict[str, str], run: Run
) -> tuple[list[Record], dict[str, str]]:
    """Group the articles into stories; a copy of an earlier article joins its story.

    Returns:
        The records with the stories, and the first articles of the latest stories.
    """
    articles = {r.article_id: r for r in records if isinstance(r, Article)}
    sketches = {i: sketch_article(a, sketch_text(a.text)) for i, a in articles.items()}
    earlier = EarlierStories({i: base64.b64decode(text) for i, text in first_articles.items()})
    stories, story_ids, firsts = list[Story](), dict[str, str](), dict(first_articles)
    for story in group_copies(sketches.values(), run):
        first = story.first_seen_article
        known = earlier.find_first(sketches[first])
        story_ids |= dict.fromkeys(story.members, story_id_of(known or first))
        if known is None:
            stories.append(story)
            firsts[first] = base64.b64encode(sketches[first].hashes).decode()
    assigned: list[Record] = [
        replace(r, story_id=story_ids[r.article_id]) if isinstance(r, Article) else r
        for r in records
    ]
    latest = [(i, text) for i, text in firsts.items() if text][-_MAX_FIRST_ARTICLES:]
    return [*assigned, *stories], dict(latest)


def _make_health(
    batch: _Batch, earlier: dict[str, dict[str, int]], run: Run
) -> tuple[list[FeedHealth], dict[str, dict[str, int]]]:
    """Return the health of the feeds that were requested, and the outcomes of other feeds."""
    counts = defaultdict[str, Counter[str]](Counter, {k: Counter(v) for k, v in earlier.items()})
    for outcome in batch.outcomes:
        counts[outcome.feed_url][outcome.kind] += 1
    reports = defaultdict[str, list[FeedReport]](list)
    for report in batch.reports:
        reports[report.feed_url].append(report)
    feeds = [change.feed for change in batch.changes if change.feed is not None]
    states = {state.feed_url: state for state in sorted(feeds, key=lambda state: state.at)}
    health = []
    for url, feed_reports in reports.items():
        if url in states:
            entries = sum(report.entries for report in feed_reports)
            report = replace(feed_reports[-1], entries=entries)
            health.append(feed_health(report, counts.pop(url, {}), states[url], run))
    return health, {url: dict(kinds) for url, kinds in counts.items()}


def _count_retries(changes: Iterable[StateChange]) -> int:
    """Return how many failed entries will be retried: each will have another outcome."""
    return sum(c.failed is not None and c.failed.not_before is not None for c in changes)


def _key(record: Record) -> str:
    return str(getattr(record, record.KEY))
