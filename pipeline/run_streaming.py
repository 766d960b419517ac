"""A streaming job: started on an engine, and watched until a signal ends it."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    GoogleCloudOptions,
    PipelineOptions,
    StandardOptions,
)
from apache_beam.runners.runner import PipelineResult, PipelineState

from pipeline.errors import StreamEndedError
from pipeline.options import StreamOptions
from pipeline.prepare import JobRequest, prepare_job
from pipeline.runners.flink import FlinkError, FlinkStreamOptions, cancel_jobs
from pipeline.signals import stop_event_on_signals
from pipeline.streaming_graph import build_stream
from transforms.core.options import require
from transforms.sinks.duckdb import write_views
from transforms.storage.paths import is_local

_LOCAL_RUNNERS: Final = (None, "DirectRunner", "FnApiRunner", "SwitchingDirectRunner")
_POLL_SECONDS: Final = 2.0
_HOST_BUDGET_SECONDS: Final = 3600.0
"""A streaming job has no end, so here the limits of a host per run apply per hour."""

_MAX_END_POLLS: Final = 60


def run_streaming(
    request: JobRequest, streaming: StreamOptions, load: Callable[[], None] | None = None
) -> None:
    """Run the job as a stream until SIGTERM or SIGINT, which cancel it.

    Args:
        request: the job.
        streaming: the options of the stream.
        load: loads databases. It is called after about every micro-batch, and at the end.

    Raises:
        UsageError: the runner cannot stream, or see :func:`pipeline.prepare.prepare_job`.
        StreamEndedError: the job ended without a signal, or did not end after one.
    """
    options = request.beam_options
    _check_runner(options, streaming)
    message = (
        "--streaming does not work with --template_location: this program locks the output for "
        "as long as the stream runs"
    )
    require(not request.is_template, message)
    options.view_as(StandardOptions).streaming = True
    options.view_as(FlinkStreamOptions).finish_bundle_before_checkpointing = True
    with prepare_job(request, is_streaming=True) as prepared:
        prepared.store.compact(prepared.state)
        fetching = replace(prepared.job.fetching, budget_sec=_HOST_BUDGET_SECONDS)
        job = replace(prepared.job, fetching=fetching)
        cloud_options = options.view_as(GoogleCloudOptions)
        default_name = f"newsbeam-{request.run_id}".lower().replace("_", "-")
        cloud_options.job_name = cloud_options.job_name or default_name
        pipeline = beam.Pipeline(runner=prepared.runner, options=options)
        build_stream(pipeline, job, streaming, request.output)
        with stop_event_on_signals() as stop:
            result = pipeline.run()
            while not _wait_for_stop(stop, result, streaming.window_sec):
                _publish(request.output, load)
            _end(result, options)
        _publish(request.output, load)


def _publish(output: str, load: Callable[[], None] | None) -> None:
    """Update DuckDB's views and the databases to the records in the output."""
    if is_local(output):
        write_views(Path(output))
    if load is not None:
        load()


def _check_runner(options: PipelineOptions, streaming: StreamOptions) -> None:
    flags = options.get_all_options()
    name = flags.get("runner")
    require(
        name not in _LOCAL_RUNNERS and flags.get("job_endpoint") != "embed",
        "--streaming needs an engine with timers, such as --runner=FlinkRunner or DataflowRunner; "
        "on one machine use --poll_interval_sec, which repeats batch runs",
    )
    for flag in ("pubsub_feeds", "pubsub_records"):
        require(
            getattr(streaming, flag) is None or name == "DataflowRunner",
            f"--{flag} needs --runner=DataflowRunner, the only runner that supports Pub/Sub here",
        )


def _wait_for_stop(stop: threading.Event, result: PipelineResult, seconds: float) -> bool:
    """Wait for the stop event for at most ``seconds``, and return whether it was set.

    Raises:
        StreamEndedError: the job has ended without it.
    """
    deadline = time.monotonic() + seconds
    while not stop.wait(_POLL_SECONDS):
        state = result.state
        if PipelineState.is_terminal(state):
            reason = _find_reason(result, state)
            raise StreamEndedError(f"the job has ended on its engine: {reason}")
        if time.monotonic() > deadline:
            return False
    return True


def _end(result: PipelineResult, options: PipelineOptions) -> None:
    """Cancel the job and wait for its end, since workers may still write a micro-batch."""
    master = options.view_as(FlinkRunnerOptions).flink_master
    if ":" in master:
        try:
            cancel_jobs(master, options.view_as(GoogleCloudOptions).job_name)
        except FlinkError as error:
            raise StreamEndedError(str(error)) from error
    else:
        result.cancel()
    for _ in range(_MAX_END_POLLS):
        if PipelineState.is_terminal(result.state):
            return
        time.sleep(_POLL_SECONDS)
    raise StreamEndedError("the job was cancelled, but has not ended on its engine")


def _find_reason(result: PipelineResult, state: str) -> str:
    try:
        result.wait_until_finish()
    except RuntimeError as error:
        return str(error)
    return state
