"""One run of the main job: build the graph, run it, make its records visible, sum it up."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import apache_beam as beam

from pipeline.finalize import FinalizeOnWorker, LoadDatabases, RunFinalizer
from pipeline.graph import IngestJob, build
from pipeline.prepare import JobRequest, prepared
from pipeline.summary import Summary, stage_counts, summarise
from transforms.core.elements import Feed
from transforms.sinks.duckdb import write_views
from transforms.state.state import State
from transforms.storage.filesystems import is_local
from transforms.storage.locks import FolderLock


def ingest(wanted: JobRequest, fill: LoadDatabases) -> Summary | None:
    """Run the main job once.

    None is returned of a job that is started elsewhere, for which nobody waits; at its end a
    worker fills databases by ``fill``.

    Raises:
        UsageError: an input cannot be read, or a folder cannot be written or is held.
    """
    options, output = wanted.options.run, wanted.output
    with prepared(wanted) as ready:
        job, known = ready.job, ready.known
        at, listed = job.run.started_at, job.feeds
        due, left = split_due(listed, known, at, only_due=options.only_due_feeds)
        job = replace(job, feeds=due)
        conclusion = RunFinalizer(job.run, output, job.staging, len(listed), left, len(job.retries))
        if not due and not job.retries and not wanted.is_template:
            return _nothing(conclusion)  # nothing is to be seen of such a run: there are many
        pipeline = beam.Pipeline(runner=ready.runner, options=wanted.beam_options)
        if wanted.is_template:
            _start(pipeline, job, conclusion, ready.holds, options.max_run_sec, fill)
            return None
        summary, learnt = _run(pipeline, job, conclusion, ready.holds)
        ready.store.add(job.run.run_id, learnt)
        for line in learnt:
            known.apply(line)
        ready.store.compact(known)
        if is_local(output):
            write_views(Path(output))
    return summary


def _run(
    pipeline: beam.Pipeline, job: IngestJob, conclusion: RunFinalizer, holds: Sequence[FolderLock]
) -> tuple[Summary, list[str]]:
    build(pipeline, job)
    result = pipeline.run()
    result.wait_until_finish()

    def check() -> None:
        for held in holds:
            held.check()

    return conclusion.finalize(stage_counts(result), check)


def _start(
    pipeline: beam.Pipeline,
    job: IngestJob,
    conclusion: RunFinalizer,
    holds: Sequence[FolderLock],
    max_run_sec: float,
    fill: LoadDatabases,
) -> None:
    """Hand the run over to workers elsewhere, with its end and what it holds."""
    end = FinalizeOnWorker(conclusion, [held.lease for held in holds], fill)
    _ = build(pipeline, job) | "Conclude" >> beam.ParDo(end)
    pipeline.run()
    for held in holds:
        held.hand_over(max_run_sec)


def _nothing(conclusion: RunFinalizer) -> Summary:
    return summarise(
        run=conclusion.run,
        feeds=conclusion.feeds,
        left=conclusion.skipped,
        retries=0,
        stages={},
        files=(),
        outcomes=(),
        health=(),
        dead_letters=(),
        output=conclusion.output,
    )


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
