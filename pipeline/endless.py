"""The main job as a stream: started on an engine, waited for until it is told to end."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, Final

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    GoogleCloudOptions,
    PipelineOptions,
    StandardOptions,
)
from apache_beam.runners.runner import PipelineState

from pipeline.dataflow import is_dataflow, prepare_dataflow, require_feeds_of_the_web
from pipeline.engine_options import FlinkStreamOptions
from pipeline.flink_jobs import FlinkError, end_jobs
from pipeline.graph import Ingest
from pipeline.ingest import IngestOptions, due_retries, runner_of
from pipeline.stream import StreamOptions, build_stream
from transforms.feed_list import read_feed_lists
from transforms.folders import check_folder, is_local
from transforms.language.gazetteer import GazetteerError, chosen_gazetteer
from transforms.language.installed import ModelError, check_model
from transforms.language.taxonomy import TaxonomyError, load_taxonomy
from transforms.options import UsageError, require
from transforms.sinks.commit import staging_of
from transforms.sinks.duckdb import write_views
from transforms.sinks.state_files import StateHandle, StateStore
from transforms.stage import Run
from transforms.times import now

_LOCAL_RUNNERS: Final = (None, "DirectRunner", "FnApiRunner", "SwitchingDirectRunner")
_LOOK_SECONDS: Final = 2.0
_SHARE_SECONDS: Final = 3600.0
"""A host's share of a run is its share of an hour in a stream, which has no runs."""
_MOST_LOOKS: Final = 60


class StreamEndedError(Exception):
    """A stream that should go on has ended, or one that should end has not."""


def stream(
    *,
    feeds: Sequence[str],
    output: str,
    state: str | None,
    formats: Sequence[str],
    taxonomy: str | None,
    run_id: str,
    options: IngestOptions,
    streaming: StreamOptions,
    beam_options: PipelineOptions,
    meanwhile: Callable[[], None] | None = None,
) -> bool:
    """Run the main job until SIGTERM or SIGINT, which cancel it.

    ``meanwhile`` is called about every window, and once more at the end, to do something with
    what is visible.

    False is returned of a job that is started elsewhere, for which nobody waits.

    Raises:
        UsageError: an input cannot be read, a folder cannot be written or is held, or the runner
            is no streaming runner.
        StreamEndedError: the job has ended by itself, or not ended when it was told to.
    """
    _check_runner(beam_options.get_all_options(), streaming)
    runner = runner_of(beam_options)
    beam_options.view_as(StandardOptions).streaming = True
    beam_options.view_as(FlinkStreamOptions).finish_bundle_before_checkpointing = True
    FileSystems.set_options(beam_options)  # as Beam does in workers, and here with the pipeline
    run = Run(run_id=run_id, started_at=now(), endless=True)
    try:
        topics = load_taxonomy(taxonomy) if taxonomy is not None else None
        gazetteer = chosen_gazetteer(options.analysis.gazetteer)
        check_model(options.analysis.model)
    except (TaxonomyError, GazetteerError, ModelError) as error:
        raise UsageError(str(error)) from error
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
        store.held(wait_sec=wait_sec),
        staging_of(output, run_id, wait_sec=wait_sec) as staging,
    ):
        listed = read_feed_lists(feeds, options.fetching)
        if elsewhere:
            require_feeds_of_the_web(listed)
        known = store.load()
        store.compact(known)
        job = Ingest(
            run=run,
            feeds=listed,
            retries=due_retries(known, listed, run.started_at),
            state=StateHandle(folder),
            fetching=replace(options.fetching, share_sec=_SHARE_SECONDS),
            limits=options.limits,
            analysis=options.analysis,
            taxonomy=topics,
            gazetteer=gazetteer,
            staging=staging.folder,
            formats=formats,
        )
        named = beam_options.view_as(GoogleCloudOptions)
        named.job_name = named.job_name or f"newsbeam-{run_id}".lower().replace("_", "-")
        pipeline = beam.Pipeline(runner=runner, options=beam_options)
        build_stream(pipeline, job, streaming, output)
        if template:
            pipeline.run()
            return False
        with _told_to_end() as told:
            result = pipeline.run()
            while not _is_told(told, result, streaming.window_sec):
                _use(output, meanwhile)
            _end(result, beam_options)
        _use(output, meanwhile)
    return True


def _use(output: str, meanwhile: Callable[[], None] | None) -> None:
    if is_local(output):
        write_views(Path(output))
    if meanwhile is not None:
        meanwhile()


def _check_runner(given: Mapping[str, Any], streaming: StreamOptions) -> None:
    name = given.get("runner")
    require(
        name not in _LOCAL_RUNNERS and given.get("job_endpoint") != "embed",
        "--streaming needs an engine with timers, such as --runner=FlinkRunner or DataflowRunner; "
        "on one machine use --poll_interval_sec, which runs again and again",
    )
    for flag in ("pubsub_feeds", "pubsub_records"):
        require(
            getattr(streaming, flag) is None or name == "DataflowRunner",
            f"--{flag} needs --runner=DataflowRunner, which has Pub/Sub; no other engine is "
            "supported",
        )


def _is_told(told: threading.Event, result: Any, seconds: float) -> bool:
    """Whether the job is told to end within so many seconds.

    Raises:
        StreamEndedError: it has ended by itself.
    """
    deadline = time.monotonic() + seconds
    while not told.wait(_LOOK_SECONDS):
        state = result.state
        if PipelineState.is_terminal(state):
            raise StreamEndedError(f"the job has ended on its engine: {_reason(result, state)}")
        if time.monotonic() > deadline:
            return False
    return True


def _end(result: Any, options: PipelineOptions) -> None:
    """End the job, and wait for that, as workers may still be at a window."""
    master = options.view_as(FlinkRunnerOptions).flink_master
    if ":" in master:
        try:
            end_jobs(master, options.view_as(GoogleCloudOptions).job_name)
        except FlinkError as error:
            raise StreamEndedError(str(error)) from error
    else:
        result.cancel()
    for _ in range(_MOST_LOOKS):
        if PipelineState.is_terminal(result.state):
            return
        time.sleep(_LOOK_SECONDS)
    raise StreamEndedError("the job was told to end and has not")


def _reason(result: Any, state: str) -> str:
    try:
        result.wait_until_finish()
    except RuntimeError as error:
        return str(error)
    return state


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    told = threading.Event()

    def tell(_signal: int, _frame: FrameType | None) -> None:
        told.set()

    before = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
