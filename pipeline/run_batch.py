"""One batch run: build the graph, run it, make its records visible, and sum it up."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import apache_beam as beam

from pipeline.finalize import FinalizeOnWorker, LoadDatabases, RunFinalizer
from pipeline.graph import IngestJob, build
from pipeline.prepare import JobRequest, prepare_job
from pipeline.summary import Summary, read_stage_counts, summarise
from transforms.core.elements import Feed, FeedStatus
from transforms.sinks.duckdb import write_views
from transforms.state.loaded_state import State
from transforms.storage.locks import FolderLock
from transforms.storage.paths import is_local


def run_batch(request: JobRequest, load: LoadDatabases) -> Summary | None:
    """Run the job once.

    Args:
        request: the job.
        load: loads databases on a worker at the end of a job that is started as a template.

    Returns:
        The summary; None for a template, whose end this program does not wait for.

    Raises:
        UsageError: see :func:`pipeline.prepare.prepare_job`.
    """
    options, output = request.options.run, request.output
    with prepare_job(request) as prepared:
        job, state = prepared.job, prepared.state
        due, skipped = select_due_feeds(
            job.feeds, state, job.run.started_at, only_due=options.only_due_feeds
        )
        finalizer = RunFinalizer(
            job.run, output, job.staging, len(job.feeds), skipped, len(job.retries)
        )
        job = replace(job, feeds=due)
        if not due and not job.retries and not request.is_template:
            # Commit nothing, since polling makes many such runs.
            return _summarise_idle_run(finalizer)
        pipeline = beam.Pipeline(runner=prepared.runner, options=request.beam_options)
        if request.is_template:
            _launch(pipeline, job, finalizer, prepared.locks, options.max_run_sec, load)
            return None
        summary, state_lines = _run(pipeline, job, finalizer, prepared.locks)
        prepared.store.add(job.run.run_id, state_lines)
        for line in state_lines:
            state.apply(line)
        prepared.store.compact(state)
        if is_local(output):
            write_views(Path(output))
    return summary


def _run(
    pipeline: beam.Pipeline, job: IngestJob, finalizer: RunFinalizer, locks: Sequence[FolderLock]
) -> tuple[Summary, list[str]]:
    """Run the graph and commit the run; return its summary and the lines of its state changes."""
    build(pipeline, job)
    result = pipeline.run()
    result.wait_until_finish()

    def check_locks() -> None:
        for lock in locks:
            lock.check()

    return finalizer.finalize(read_stage_counts(result), check_locks)


def _launch(
    pipeline: beam.Pipeline,
    job: IngestJob,
    finalizer: RunFinalizer,
    locks: Sequence[FolderLock],
    max_run_sec: float,
    load: LoadDatabases,
) -> None:
    """Launch the job, and hand its finalization and its leases over to its workers."""
    finalize = FinalizeOnWorker(finalizer, [lock.lease for lock in locks], load)
    _ = build(pipeline, job) | "Conclude" >> beam.ParDo(finalize)
    pipeline.run()
    for lock in locks:
        lock.hand_over(max_run_sec)


def _summarise_idle_run(finalizer: RunFinalizer) -> Summary:
    """Return the summary of a run that had nothing to fetch."""
    return summarise(
        run=finalizer.run,
        feeds=finalizer.feeds,
        skipped=finalizer.skipped,
        retries=0,
        stages={},
        files=(),
        outcomes=(),
        health=(),
        dead_letters=(),
        output=finalizer.output,
    )


def select_due_feeds(
    feeds: Sequence[Feed], state: State, at: dt.datetime, *, only_due: bool
) -> tuple[list[Feed], Counter[str]]:
    """Select the feeds to request.

    Args:
        feeds: the listed feeds.
        state: what earlier runs know about them.
        at: the time of the run, UTC.
        only_due: whether to skip feeds that need not be requested yet by their schedule. Feeds that
            are retired or asked for no further request are skipped in any case.

    Returns:
        The feeds to request, and the number of the others by :class:`FeedStatus`.
    """
    due, skipped = [], Counter[str]()
    for feed in feeds:
        known = state.feeds.get(feed.url)
        if known is None:
            due.append(feed)
        elif known.retired:
            skipped[FeedStatus.RETIRED] += 1
        elif known.closed_until and known.closed_until > at:
            skipped[FeedStatus.WAITING] += 1
        elif only_due and known.next_due and known.next_due > at:
            skipped[FeedStatus.NOT_DUE] += 1
        else:
            due.append(feed)
    return due, skipped
