"""One run of the main job: build the graph, run it, make its records visible, sum it up."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners import PipelineRunner, create_runner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.conclusion import ConcludeOnWorker, Conclusion, Fill
from pipeline.dataflow import is_dataflow, prepare_dataflow, require_feeds_of_the_web
from pipeline.graph import Ingest, build
from pipeline.summary import Summary, stage_counts, summarise
from transforms.analysis import AnalysisOptions
from transforms.entries import Entry, failed_entry
from transforms.feed_list import Feed, read_feed_lists
from transforms.fetching import FetchOptions
from transforms.folders import check_folder, is_local
from transforms.isolation import LimitOptions
from transforms.language.gazetteer import GazetteerError, chosen_gazetteer
from transforms.language.installed import ModelError, check_model
from transforms.language.taxonomy import TaxonomyError, load_taxonomy
from transforms.locks import Hold
from transforms.options import UsageError, flag, require
from transforms.sinks.commit import staging_of
from transforms.sinks.duckdb import write_views
from transforms.sinks.state_files import StateHandle, StateStore
from transforms.stage import Run
from transforms.state import State
from transforms.times import now


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

    max_run_sec: float = flag(
        "seconds after which another run may take the place of one that was started as a template "
        "and has not ended: workers that died cannot say so",
        default=6 * 3600.0,
        type=float,
        metavar="SECONDS",
    )

    def __post_init__(self) -> None:
        require(self.wait_for_run_sec >= 0, "--wait_for_run_sec must not be below 0")
        require(self.max_run_sec > 0, "--max_run_sec must be above 0")


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
    output: str,
    state: str | None,
    formats: Sequence[str],
    taxonomy: str | None,
    run_id: str,
    options: IngestOptions,
    beam_options: PipelineOptions,
    fill: Fill,
) -> Summary | None:
    """Run the main job once.

    None is returned of a job that is started elsewhere, for which nobody waits; at its end a
    worker fills databases by ``fill``.

    Raises:
        UsageError: an input cannot be read, or a folder cannot be written or is held.
    """
    FileSystems.set_options(beam_options)  # as Beam does in workers, and here with the pipeline
    run = Run(run_id=run_id, started_at=now())
    try:
        topics = load_taxonomy(taxonomy) if taxonomy is not None else None
        gazetteer = chosen_gazetteer(options.analysis.gazetteer)
        check_model(options.analysis.model)
    except (TaxonomyError, GazetteerError, ModelError) as error:
        raise UsageError(str(error)) from error
    runner = runner_of(beam_options)
    check_folder(output)
    folder = state or str(FileSystems.join(output, ".state"))
    check_folder(folder)
    elsewhere = is_dataflow(runner)
    if elsewhere:
        folders = {"output": output, "state": folder}
        prepare_dataflow(beam_options, folders, options.analysis.model)
    template = bool(beam_options.get_all_options().get("template_location"))
    for each in (output, folder) if template else ():
        require(not is_local(each), f"workers elsewhere cannot reach the folder {each}")
    store, wait_sec = StateStore(folder, output), options.run.wait_for_run_sec
    with (
        store.held(wait_sec=wait_sec) as held_state,
        staging_of(output, run_id, wait_sec=wait_sec) as staging,
    ):
        listed = read_feed_lists(feeds, options.fetching)
        if elsewhere:
            require_feeds_of_the_web(listed)
        handle = StateHandle(folder)
        known = handle.adopt(store.load())
        due, left = split_due(listed, known, run.started_at, only_due=options.run.only_due_feeds)
        retries = due_retries(known, listed, run.started_at)
        conclusion = Conclusion(run, output, staging.folder, len(listed), left, len(retries))
        if not due and not retries and not template:
            return _nothing(conclusion)  # nothing is to be seen of such a run: there are many
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
            staging=staging.folder,
            formats=formats,
        )
        pipeline = beam.Pipeline(runner=runner, options=beam_options)
        holds = (held_state, staging.held)
        if template:
            _start(pipeline, job, conclusion, holds, options.run.max_run_sec, fill)
            return None
        summary, learnt = _run(pipeline, job, conclusion, holds)
        store.add(run_id, learnt)
        for line in learnt:
            known.apply(line)
        store.compact(known)
        if is_local(output):
            write_views(Path(output))
    return summary


def _run(
    pipeline: beam.Pipeline, job: Ingest, conclusion: Conclusion, holds: Sequence[Hold]
) -> tuple[Summary, list[str]]:
    build(pipeline, job)
    result = pipeline.run()
    result.wait_until_finish()

    def check() -> None:
        for held in holds:
            held.check()

    return conclusion.conclude(stage_counts(result), check)


def _start(
    pipeline: beam.Pipeline,
    job: Ingest,
    conclusion: Conclusion,
    holds: Sequence[Hold],
    max_run_sec: float,
    fill: Fill,
) -> None:
    """Hand the run over to workers elsewhere, with its end and what it holds."""
    end = ConcludeOnWorker(conclusion, [held.lease for held in holds], fill)
    _ = build(pipeline, job) | "Conclude" >> beam.ParDo(end)
    pipeline.run()
    for held in holds:
        held.hand_over(max_run_sec)


def _nothing(conclusion: Conclusion) -> Summary:
    return summarise(
        run=conclusion.run,
        feeds=conclusion.feeds,
        left=conclusion.left,
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


def due_retries(state: State, feeds: Sequence[Feed], at: dt.datetime) -> list[Entry]:
    """The entries of these feeds that failed in earlier runs and are to be tried again."""
    listed = {feed.url for feed in feeds}
    failed = (f for f in state.failed.values() if f.feed_url in listed and not f.waits("", at))
    return sorted(map(failed_entry, failed), key=lambda entry: entry.key)


_JOB_SERVERS: Final[dict[str, str]] = {
    "PortableRunner": "",
    "FlinkRunner": "flink_job_server_jar",
    "SparkRunner": "spark_job_server_jar",
    "PrismRunner": "prism_location",
}
"""Runners that need a job server, and the flag that names a program to start as one, if any."""


def runner_of(options: PipelineOptions) -> PipelineRunner:
    """The embedded in-process runner for DirectRunner and no runner; else the one named.

    Beam's own DirectRunner may start another runner, or look for one to download, depending
    on the network; the records must not. For the same reason a runner that needs a job server
    must be told which: Beam would download one that it takes to fit.

    Raises:
        UsageError: there is no such runner, or it is not told where its job server is.
    """
    given = options.get_all_options()
    name = given.get("runner")
    if name in (None, "DirectRunner", "FnApiRunner"):
        return FnApiRunner()
    try:
        runner = create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise UsageError(f"--runner: {error}") from error
    program = _JOB_SERVERS.get(type(runner).__name__)
    if program is not None and not given.get("job_endpoint") and not given.get(program):
        text = f"--runner={name} needs --job_endpoint=HOST:PORT of a job server"
        text += f", or --{program} to start one" if program else ""
        raise UsageError(f"{text}; see docs/engines.md")
    return runner
