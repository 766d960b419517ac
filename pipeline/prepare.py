"""What is done before a job is built: options are checked, folders held, lists and state read."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners import PipelineRunner, create_runner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.graph import IngestJob
from pipeline.runners.dataflow import (
    check_dataflow_options,
    check_feeds_are_on_the_web,
    is_dataflow,
)
from transforms.analyse_articles import AnalysisOptions
from transforms.core.clock import now
from transforms.core.elements import Entry, Feed, Run
from transforms.core.errors import UsageError
from transforms.core.isolation import LimitOptions
from transforms.core.options import flag, require
from transforms.feeds.list_reader import read_feed_lists
from transforms.fetching.fetcher import FetchOptions
from transforms.language.entities.gazetteer import GazetteerError, chosen_gazetteer
from transforms.language.model_check import ModelError, check_model
from transforms.language.topics.taxonomy import TaxonomyError, load_taxonomy
from transforms.sinks.commit import staging_folder
from transforms.state.retries import entry_to_retry
from transforms.state.state import State
from transforms.state.store import StateHandle, StateStore
from transforms.storage.filesystems import check_filesystem, is_local
from transforms.storage.locks import FolderLock


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


@dataclass(frozen=True)
class JobRequest:
    """A job as it is asked for."""

    feeds: Sequence[str]
    output: str
    state: str | None
    formats: Sequence[str]
    taxonomy: str | None
    run_id: str
    options: IngestOptions
    beam_options: PipelineOptions

    @property
    def is_template(self) -> bool:
        """Whether it is to be started elsewhere, by nobody who waits for it."""
        return bool(self.beam_options.get_all_options().get("template_location"))


@dataclass(frozen=True)
class PreparedJob:
    """All that a job is built from, with its folders held.

    ``job`` has all feeds that are listed, and the entries of earlier runs that are due; ``known``
    is the state as it is in ``store``.
    """

    job: IngestJob
    runner: PipelineRunner
    store: StateStore
    known: State
    holds: tuple[FolderLock, ...]


@contextmanager
def prepared(wanted: JobRequest, *, is_streaming: bool = False) -> Iterator[PreparedJob]:
    """Prepare a job, which holds its folders while the context lasts.

    Raises:
        UsageError: an input cannot be read, or a folder cannot be written or is held.
    """
    options, beam_options = wanted.options, wanted.beam_options
    FileSystems.set_options(beam_options)  # as Beam does in workers, and here with the pipeline
    run = Run(run_id=wanted.run_id, started_at=now(), is_streaming=is_streaming)
    try:
        taxonomy = load_taxonomy(wanted.taxonomy) if wanted.taxonomy is not None else None
        gazetteer = chosen_gazetteer(options.analysis.gazetteer)
        check_model(options.analysis.model)
    except (TaxonomyError, GazetteerError, ModelError) as error:
        raise UsageError(str(error)) from error
    runner = runner_of(beam_options)
    check_filesystem(wanted.output)
    folder = wanted.state or str(FileSystems.join(wanted.output, ".state"))
    check_filesystem(folder)
    elsewhere = is_dataflow(runner)
    if elsewhere:
        folders = {"output": wanted.output, "state": folder}
        check_dataflow_options(beam_options, folders, options.analysis.model)
    for each in (wanted.output, folder) if wanted.is_template else ():
        require(not is_local(each), f"workers elsewhere cannot reach the folder {each}")
    store, wait_sec = StateStore(folder, wanted.output), options.run.wait_for_run_sec
    with (
        store.locked(wait_sec=wait_sec) as held_state,
        staging_folder(wanted.output, wanted.run_id, wait_sec=wait_sec) as staging,
    ):
        feeds = read_feed_lists(wanted.feeds, options.fetching)
        if elsewhere:
            check_feeds_are_on_the_web(feeds)
        handle = StateHandle(folder)
        known = handle.adopt(store.load())
        job = IngestJob(
            run=run,
            feeds=feeds,
            retries=due_retries(known, feeds, run.started_at),
            state=handle,
            fetching=options.fetching,
            limits=options.limits,
            analysis=options.analysis,
            taxonomy=taxonomy,
            gazetteer=gazetteer,
            staging=staging.folder,
            formats=wanted.formats,
        )
        yield PreparedJob(job, runner, store, known, (held_state, staging.lock))


def due_retries(state: State, feeds: Sequence[Feed], at: dt.datetime) -> list[Entry]:
    """The entries of these feeds that failed in earlier runs and are to be tried again."""
    listed = {feed.url for feed in feeds}
    failed = (f for f in state.failed.values() if f.feed_url in listed and not f.waits("", at))
    return sorted(map(entry_to_retry, failed), key=lambda entry: entry.key)


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
