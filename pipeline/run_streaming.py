"""The main job as a stream: started on an engine, waited for until it is told to end."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, Final

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    GoogleCloudOptions,
    PipelineOptions,
    StandardOptions,
)
from apache_beam.runners.runner import PipelineState

from pipeline.prepare import JobRequest, prepared
from pipeline.runners.flink import FlinkError, end_jobs
from pipeline.runners.flink_options import FlinkStreamOptions
from pipeline.streaming_graph import StreamOptions, build_stream
from transforms.core.options import require
from transforms.sinks.duckdb import write_views
from transforms.storage.filesystems import is_local

_LOCAL_RUNNERS: Final = (None, "DirectRunner", "FnApiRunner", "SwitchingDirectRunner")
_LOOK_SECONDS: Final = 2.0
_SHARE_SECONDS: Final = 3600.0
"""A host's share of a run is its share of an hour in a stream, which has no runs."""
_MOST_LOOKS: Final = 60


class StreamEndedError(Exception):
    """A stream that should go on has ended, or one that should end has not."""


def stream(
    wanted: JobRequest, streaming: StreamOptions, meanwhile: Callable[[], None] | None = None
) -> None:
    """Run the main job until SIGTERM or SIGINT, which cancel it.

    ``meanwhile`` is called about every window, and once more at the end, to do something with
    what is visible.

    Raises:
        UsageError: an input cannot be read, a folder cannot be written or is held, or the runner
            is no streaming runner.
        StreamEndedError: the job has ended by itself, or not ended when it was told to.
    """
    options = wanted.beam_options
    _check_runner(options.get_all_options(), streaming)
    message = "--streaming is not for --template_location: nobody would hold the output meanwhile"
    require(not wanted.is_template, message)
    options.view_as(StandardOptions).streaming = True
    options.view_as(FlinkStreamOptions).finish_bundle_before_checkpointing = True
    with prepared(wanted, is_streaming=True) as ready:
        ready.store.compact(ready.known)
        fetching = replace(ready.job.fetching, share_sec=_SHARE_SECONDS)
        job = replace(ready.job, fetching=fetching)
        named = options.view_as(GoogleCloudOptions)
        name = f"newsbeam-{wanted.run_id}".lower().replace("_", "-")
        named.job_name = named.job_name or name
        pipeline = beam.Pipeline(runner=ready.runner, options=options)
        build_stream(pipeline, job, streaming, wanted.output)
        with _told_to_end() as told:
            result = pipeline.run()
            while not _is_told(told, result, streaming.window_sec):
                _use(wanted.output, meanwhile)
            _end(result, options)
        _use(wanted.output, meanwhile)


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
