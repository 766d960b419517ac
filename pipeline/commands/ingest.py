"""``ingest``: fetch feeds, and write their articles, entities, quotes and topics."""

import argparse
from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.commands.error_report import report_error
from pipeline.commands.output import print_line
from pipeline.commands.progress import show_progress
from pipeline.errors import LoadError, UnaccountedInputsError
from pipeline.flags.common import (
    make_run_id,
)
from pipeline.load_databases import (
    BigQueryLoader,
    load_after_run,
    open_databases,
)
from pipeline.options import IngestOptions, RunOptions, StreamOptions
from pipeline.prepare import JobRequest
from pipeline.run_batch import run_batch
from pipeline.run_loop import run_repeatedly
from pipeline.run_streaming import run_streaming
from transforms.core.isolated_process import LimitOptions, WorkerOptions
from transforms.core.options import from_flags, require
from transforms.fetching.options import fetch_options
from transforms.language.options import AnalysisOptions
from transforms.sinks.bigquery.options import BigQueryOptions
from transforms.sinks.databases import Database
from transforms.sinks.write_records import FORMATS


def ingest(args: argparse.Namespace) -> float:
    """Run the job once, repeatedly or as a stream.

    Args:
        args: the flags of ``ingest``, and Beam's as ``beam_flags``.

    Returns:
        The share of feeds and entries that failed; 0 for a job that runs elsewhere.

    Raises:
        UsageError: flags do not fit together, or an input or folder cannot be used.
        LoadError: a database lacks runs that are in the output.
        StreamEndedError: a streaming job ended without a signal, or did not end after one.
        UnaccountedInputsError: the counts of the run do not add up.
    """
    options = PipelineOptions(args.beam_flags)
    formats = [name for name in args.formats.split(",") if name]
    for name in formats:
        require(name in FORMATS, f"--formats: {name!r} is none of {', '.join(FORMATS)}")
    require(bool(formats), "--formats: name at least one")
    interval = args.poll_interval_sec
    require(interval is None or interval > 0, "--poll_interval_sec must be above 0")
    require(not (interval and args.run_id), "--run_id is for one run, not for --poll_interval_sec")
    is_template = bool(options.get_all_options().get("template_location"))
    require(
        not (interval and is_template),
        "--poll_interval_sec is for runs of this machine, not for --template_location",
    )
    message = "--poll_interval_sec is for bounded runs, not for --streaming"
    require(not (args.streaming and interval), message)
    databases = open_databases(args)
    if args.streaming:
        return _ingest_stream(args, formats, options, databases)
    if interval:
        return run_repeatedly(
            lambda: _ingest_once(args, formats, options, databases), interval, report_error
        )
    return _ingest_once(args, formats, options, databases)


def _ingest_once(
    args: argparse.Namespace,
    formats: list[str],
    options: PipelineOptions,
    databases: Sequence[Database],
) -> float:
    with show_progress():
        load_on_worker = BigQueryLoader(from_flags(BigQueryOptions, args))
        summary = run_batch(_make_request(args, formats, options), load_on_worker)
    if summary is None:
        print_line("the job is started elsewhere; nobody waits for its end")
    else:
        print_line(f"{summary.format_table()}\n\nrecords in {summary.output}")
    _load(args.output, databases)
    if summary is None:
        return 0.0
    if not summary.adds_up:
        raise UnaccountedInputsError("the inputs of the run do not add up: see its summary")
    return summary.dead_letter_ratio


def _ingest_stream(
    args: argparse.Namespace,
    formats: list[str],
    options: PipelineOptions,
    databases: Sequence[Database],
) -> float:
    def load() -> None:
        try:
            _load(args.output, databases)
        except LoadError as error:  # a later micro-batch tries again
            report_error(error)

    request = _make_request(args, formats, options)
    run_streaming(request, from_flags(StreamOptions, args), load if databases else None)
    print_line(f"the stream has ended; records in {args.output}")
    return 0.0


def _load(output: str, databases: Sequence[Database]) -> None:
    for line in load_after_run(output, databases):
        print_line(line)


def _make_request(
    args: argparse.Namespace, formats: list[str], options: PipelineOptions
) -> JobRequest:
    return JobRequest(
        feeds=args.feeds,
        output=args.output,
        state=args.state,
        formats=formats,
        taxonomy=args.taxonomy,
        run_id=make_run_id(args),
        options=IngestOptions(
            run=from_flags(RunOptions, args),
            fetching=fetch_options(args),
            limits=from_flags(LimitOptions, args),
            workers=from_flags(WorkerOptions, args),
            analysis=from_flags(AnalysisOptions, args),
        ),
        beam_options=options,
    )
