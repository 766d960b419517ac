"""One run of the main job: build the graph, run it, make its records visible, sum it up."""

import datetime as dt
import json
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners import PipelineRunner, create_runner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.graph import Ingest, build
from pipeline.summary import Summary, stage_counts, summarise
from schemas import DeadLetter, FeedHealth
from schemas.jsonable import from_json, to_line
from transforms.analysis import AnalysisOptions
from transforms.entries import Entry, failed_entry
from transforms.feed_list import Feed, read_feed_lists
from transforms.fetching import FetchOptions
from transforms.isolation import LimitOptions
from transforms.language.gazetteer import GazetteerError, chosen_gazetteer
from transforms.language.installed import ModelError, check_model
from transforms.language.taxonomy import TaxonomyError, load_taxonomy
from transforms.locks import Check
from transforms.options import UsageError, flag, require
from transforms.sinks.commit import commit, staging_of
from transforms.sinks.duckdb import write_views
from transforms.sinks.files import WrittenFile
from transforms.sinks.state_files import StateHandle, StateStore
from transforms.stage import Outcome, Run
from transforms.state import State, StateChange
from transforms.times import now

T = TypeVar("T")


@dataclass(frozen=True)
class RunOptions:
    """Which feeds a run takes, and what it does where another one is under way."""

    only_due_feeds: bool = flag(
        "fetch only the feeds that are due by how often they publish and what they ask for",
        default=False,
        action="store_true",
    )
    wait_for_run_sec: float = flag(
        "seconds to wait for another run over the same state or output, before giving up",
        default=0.0,
        type=float,
        metavar="SECONDS",
    )

    def __post_init__(self) -> None:
        require(self.wait_for_run_sec >= 0, "--wait_for_run_sec must not be below 0")


@dataclass(frozen=True)
class IngestOptions:
    """All options of a run that are grouped beside what they are for."""

    run: RunOptions
    fetching: FetchOptions
    limits: LimitOptions
    analysis: AnalysisOptions


def ingest(
    *,
    feeds: Sequence[str],
    output: Path,
    state: str | None,
    formats: Sequence[str],
    taxonomy: str | None,
    run_id: str,
    options: IngestOptions,
    beam_options: PipelineOptions,
) -> Summary:
    """Run the main job once.

    Raises:
        UsageError: an input cannot be read, or a folder cannot be written or is held.
    """
    run = Run(run_id=run_id, started_at=now())
    try:
        topics = load_taxonomy(taxonomy) if taxonomy is not None else None
        gazetteer = chosen_gazetteer(options.analysis.gazetteer)
        check_model(options.analysis.model)
    except (TaxonomyError, GazetteerError, ModelError) as error:
        raise UsageError(str(error)) from error
    runner = runner_of(beam_options)
    folder = state or str(output / ".state")
    store, wait_sec = StateStore(folder, output), options.run.wait_for_run_sec
    with (
        store.held(wait_sec=wait_sec) as check,
        staging_of(output, run_id, wait_sec=wait_sec) as staging,
    ):
        listed = read_feed_lists(feeds, options.fetching)
        handle = StateHandle(folder)
        known = handle.adopt(store.load())
        due, left = split_due(listed, known, run.started_at, only_due=options.run.only_due_feeds)
        retries = due_retries(known, listed, run.started_at)
        if not due and not retries:  # nothing is to be seen of such a run, of which there are many
            return summarise(
                run=run,
                feeds=left.total(),
                left=left,
                retries=0,
                stages={},
                files=(),
                outcomes=(),
                health=(),
                dead_letters=(),
                output=str(output),
            )
        job = Ingest(
            run=run,
            feeds=due,
            retries=retries,
            state=handle,
            fetching=options.fetching,
            limits=options.limits,
            analysis=options.analysis,
            taxonomy=topics,
            gazetteer=gazetteer,
            staging=str(staging),
            formats=formats,
        )
        summary, learnt = _run(
            job, left, beam.Pipeline(runner=runner, options=beam_options), output, check
        )
        store.add(run_id, learnt)
        for line in learnt:
            known.apply(line)
        store.compact(known)
        write_views(output)
    return summary


def _run(
    job: Ingest, left: Counter[str], pipeline: beam.Pipeline, output: Path, check: Check
) -> tuple[Summary, list[str]]:
    staging = Path(job.staging)
    for name, collection in build(pipeline, job)._asdict().items():
        _ = collection | f"List_{name}" >> beam.ParDo(_Lines(str(staging / name)))
    result = pipeline.run()
    result.wait_until_finish()

    files = list(_read(staging / "files", WrittenFile))
    summary = summarise(
        run=job.run,
        left=left,
        retries=len(job.retries),
        feeds=len(job.feeds) + left.total(),
        stages=stage_counts(result),
        files=files,
        outcomes=_read(staging / "outcomes", Outcome),
        health=list(_read(staging / "feed_health", FeedHealth)),
        dead_letters=_read(staging / "dead_letters", DeadLetter),
        output=str(output),
    )
    learnt = sorted(c.line for c in _read(staging / "state_changes", StateChange))
    check()
    commit(output, staging, files, learnt, summary.to_json())
    return summary, learnt


def split_due(
    feeds: Sequence[Feed], state: State, at: dt.datetime, *, only_due: bool
) -> tuple[list[Feed], Counter[str]]:
    """The feeds to fetch at a time, and how many of the others are left alone for which reason."""
    due, left = [], Counter[str]()
    for feed in feeds:
        known = state.feeds.get(feed.url)
        if known is None:
            due.append(feed)
        elif known.retired:
            left["retired"] += 1
        elif known.closed_until and known.closed_until > at:
            left["waiting"] += 1
        elif only_due and known.next_due and known.next_due > at:
            left["not_due"] += 1
        else:
            due.append(feed)
    return due, left


def due_retries(state: State, feeds: Sequence[Feed], at: dt.datetime) -> list[Entry]:
    """The entries of these feeds that failed in earlier runs and are to be tried again."""
    listed = {feed.url for feed in feeds}
    failed = (f for f in state.failed.values() if f.feed_url in listed and not f.waits("", at))
    return sorted(map(failed_entry, failed), key=lambda entry: entry.key)


def runner_of(options: PipelineOptions) -> PipelineRunner:
    """The embedded in-process runner for DirectRunner and no runner; else the one named.

    Beam's own DirectRunner may start another runner, or look for one to download, depending
    on the network; the records must not.

    Raises:
        UsageError: there is no such runner.
    """
    name = options.get_all_options().get("runner")
    if name in (None, "DirectRunner", "FnApiRunner"):
        return FnApiRunner()
    try:
        return create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise UsageError(f"--runner: {error}") from error


class _Lines(beam.DoFn):
    """Write elements as JSON lines into a folder, a file a bundle."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def start_bundle(self) -> None:
        self._lines: list[str] = []

    def process(self, element: Any) -> None:
        self._lines.append(to_line(element) + "\n")

    def finish_bundle(self) -> None:
        folder = Path(self.folder)
        folder.mkdir(exist_ok=True)
        (folder / uuid.uuid4().hex).write_text("".join(self._lines), encoding="utf-8")


def _read(folder: Path, record: type[T]) -> Iterator[T]:
    for path in sorted(folder.glob("*")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield from_json(record, json.loads(line))
