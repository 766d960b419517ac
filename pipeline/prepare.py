"""The preparation of a job: check options, lock folders, and read feed lists and state."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.runners import PipelineRunner, create_runner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.graph import IngestJob
from pipeline.options import IngestOptions
from pipeline.runners.dataflow import (
    check_dataflow_options,
    check_feeds_are_on_the_web,
    is_dataflow,
)
from transforms.core.clock import now
from transforms.core.elements import Entry, Feed, Run
from transforms.core.errors import UsageError
from transforms.core.options import require
from transforms.feeds.list_reader import read_feed_lists
from transforms.language.entities.gazetteer import GazetteerError, choose_gazetteer
from transforms.language.model_check import ModelError, check_model
from transforms.language.topics.taxonomy_file import TaxonomyError, load_taxonomy
from transforms.sinks.commit import staging_folder
from transforms.state.loaded_state import State
from transforms.state.retries import entry_to_retry
from transforms.state.store import StateHandle, StateStore
from transforms.storage.filesystems import check_filesystem
from transforms.storage.locks import FolderLock
from transforms.storage.paths import is_local


@dataclass(frozen=True)
class JobRequest:
    """A job as the command line asks for it.

    Attributes:
        feeds: the files and URLs of feed lists and feeds.
        output: the output folder.
        state: the state folder; None for ``.state`` in the output folder.
        formats: the file formats of the records.
        taxonomy: the file of the taxonomy; None for the shipped one.
        run_id: the id of the run.
        options: Newsbeam's options.
        beam_options: Beam's options.
    """

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
        """True if the program only launches the job and does not wait for its end."""
        return bool(self.beam_options.get_all_options().get("template_location"))


@dataclass(frozen=True)
class PreparedJob:
    """A job that is ready to be built, with its folders locked.

    Attributes:
        job: the input of the graph. It has all listed feeds, due or not.
        runner: the runner.
        store: the state folder.
        state: the state as loaded from the store.
        locks: the locks of the state folder and the output folder.
    """

    job: IngestJob
    runner: PipelineRunner
    store: StateStore
    state: State
    locks: tuple[FolderLock, ...]


@contextmanager
def prepare_job(request: JobRequest, *, is_streaming: bool = False) -> Iterator[PreparedJob]:
    """Prepare a job, and lock its folders while the context lasts.

    Raises:
        UsageError: an option is wrong, an input cannot be read, or a folder cannot be written or
            is locked by another run.
    """
    options, beam_options = request.options, request.beam_options
    # On this machine, Beam sets these only when the pipeline is made, which is too late.
    FileSystems.set_options(beam_options)
    run = Run(run_id=request.run_id, started_at=now(), is_streaming=is_streaming)
    try:
        taxonomy = load_taxonomy(request.taxonomy) if request.taxonomy is not None else None
        gazetteer = choose_gazetteer(options.analysis.gazetteer)
        check_model(options.analysis.model)
    except (TaxonomyError, GazetteerError, ModelError) as error:
        raise UsageError(str(error)) from error
    runner = make_runner(beam_options)
    check_filesystem(request.output)
    state_folder = request.state or str(FileSystems.join(request.output, ".state"))
    check_filesystem(state_folder)
    if is_dataflow(runner):
        folders = {"output": request.output, "state": state_folder}
        check_dataflow_options(beam_options, folders, options.analysis.model)
    for folder in (request.output, state_folder) if request.is_template else ():
        require(not is_local(folder), f"workers elsewhere cannot reach the folder {folder}")
    store, wait_sec = StateStore(state_folder, request.output), options.run.wait_for_run_sec
    with (
        store.locked(wait_sec=wait_sec) as state_lock,
        staging_folder(request.output, request.run_id, wait_sec=wait_sec) as staging,
    ):
        feeds = read_feed_lists(request.feeds, options.fetching)
        if is_dataflow(runner):
            check_feeds_are_on_the_web(feeds)
        handle = StateHandle(state_folder)
        state = handle.adopt(store.load())
        job = IngestJob(
            run=run,
            feeds=feeds,
            retries=list_due_retries(state, feeds, run.started_at),
            state=handle,
            fetching=options.fetching,
            limits=options.limits,
            processes=options.workers.count(is_alone=_runs_in_one_process(runner, beam_options)),
            analysis=options.analysis,
            taxonomy=taxonomy,
            gazetteer=gazetteer,
            staging=staging.folder,
            formats=request.formats,
        )
        yield PreparedJob(job, runner, store, state, (state_lock, staging.lock))


def _runs_in_one_process(runner: PipelineRunner, options: PipelineOptions) -> bool:
    direct = options.view_as(DirectOptions)
    return isinstance(runner, FnApiRunner) and direct.direct_num_workers == 1


def list_due_retries(state: State, feeds: Sequence[Feed], at: dt.datetime) -> list[Entry]:
    """Return the entries of these feeds that failed in earlier runs and are due again."""
    urls = {feed.url for feed in feeds}
    failed = (f for f in state.failed.values() if f.feed_url in urls and not f.waits("", at))
    return sorted(map(entry_to_retry, failed), key=lambda entry: entry.key)


_JOB_SERVERS: Final[dict[str, str]] = {
    "PortableRunner": "",
    "FlinkRunner": "flink_job_server_jar",
    "SparkRunner": "spark_job_server_jar",
    "PrismRunner": "prism_location",
}
"""Each runner that needs a job server, and the flag that starts one; empty if there is none."""


def make_runner(options: PipelineOptions) -> PipelineRunner:
    """Return the runner that ``--runner`` names; the embedded one for DirectRunner and by default.

    Beam's own DirectRunner may start another runner, or look for one to download, depending on the
    network. The records must not depend on the network. For the same reason, a runner that needs a
    job server needs a flag that names it: Beam would download one that it assumes to fit.

    Raises:
        UsageError: there is no such runner, or no flag names its job server.
    """
    flags = options.get_all_options()
    name = flags.get("runner")
    if name in (None, "DirectRunner", "FnApiRunner"):
        return FnApiRunner()
    try:
        runner = create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise UsageError(f"--runner: {error}") from error
    server_flag = _JOB_SERVERS.get(type(runner).__name__)
    if server_flag is not None and not flags.get("job_endpoint") and not flags.get(server_flag):
        text = f"--runner={name} needs --job_endpoint=HOST:PORT of a job server"
        text += f", or --{server_flag} to start one" if server_flag else ""
        raise UsageError(f"{text}; see docs/engines.md")
    return runner
