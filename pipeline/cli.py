"""The commands and their flags. Beam's own flags pass through every one of them."""

import argparse
import datetime as dt
import sys
import traceback
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.commands.feeds import add_feed_actions
from pipeline.commands.jsonl import analyze_lines, extract_lines
from pipeline.commands.progress import progress
from pipeline.commands.taxonomy import WarningsError, add_taxonomy_actions
from pipeline.databases import (
    LoadError,
    LoadOnWorker,
    add_database_flags,
    load_after_run,
    load_missing_runs,
    open_databases,
)
from pipeline.prepare import IngestOptions, JobRequest, RunOptions
from pipeline.run_batch import ingest
from pipeline.run_loop import raise_on_interrupt, run_repeatedly
from pipeline.run_streaming import StreamEndedError, stream
from pipeline.runners.flink_options import FlinkStreamOptions
from pipeline.streaming_graph import StreamOptions
from pipeline.summary import NotAccountedForError
from transforms.analyse_articles import AnalysisOptions
from transforms.core.errors import UsageError
from transforms.core.isolation import LimitOptions
from transforms.core.options import add_flags, from_flags, require
from transforms.fetching.fetcher import fetch_options
from transforms.fetching.options import HttpOptions, PolitenessOptions
from transforms.sinks.bigquery.options import BigQueryOptions
from transforms.sinks.databases import Database
from transforms.sinks.write_records import FORMATS
from transforms.storage.runs import list_committed_runs

_FOR_USERS: Final = (
    UsageError,
    NotAccountedForError,
    LoadError,
    StreamEndedError,
    WarningsError,
)
_EXPECTED: Final = (UsageError, LoadError, KeyboardInterrupt)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def run_command(argv: list[str]) -> int:
    """Parse and run; every way a run can end is an exit code."""
    try:
        with raise_on_interrupt():
            args, rest = command_parser().parse_known_args(argv)
            options = _beam_options(rest)
            require(0 <= args.max_dead_letter_ratio <= 1, "--max_dead_letter_ratio is from 0 to 1")
            ratio = float(args.command(args, options))
    except UsageError as error:
        _report(error)
        return 2
    except KeyboardInterrupt:
        print("newsbeam: interrupted; nothing of the run is visible", file=sys.stderr)  # noqa: T201
        return 1
    except Exception as error:
        _report(error)
        return 1
    if ratio > args.max_dead_letter_ratio:
        limit = args.max_dead_letter_ratio
        message = f"newsbeam: done, but {ratio:.0%} of the inputs failed (over {limit:.0%})"
        print(message, file=sys.stderr)  # noqa: T201
        return 3
    return 0


def command_parser() -> argparse.ArgumentParser:
    """The parser of all commands and their flags."""
    parser = _Parser(
        prog="newsbeam",
        description="Turns news feeds into records of who said what about which topic.",
        epilog="Beam's own flags (--runner, --project, --temp_location, ...) pass through. "
        "Exit codes: 0 done, 1 the run failed, 2 wrong usage, 3 done but beyond the "
        "dead-letter threshold.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, help_text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=help_text, description=help_text, epilog=parser.epilog, allow_abbrev=False
        )
        sub.add_argument(
            "--max_dead_letter_ratio",
            type=float,
            default=0.5,
            metavar="RATIO",
            help="exit with 3 if more of the inputs than this are dead letters (default 0.5)",
        )
        sub.add_argument("--run_id", default=None, help="id of the run (default: time and chance)")
        return sub

    sub = command("ingest", "Fetch feeds and write their articles, entities, quotes and topics.")
    sub.add_argument(
        "--feeds", nargs="+", required=True, metavar="FILE_OR_URL", help="feed lists or feeds"
    )
    sub.add_argument(
        "--output",
        required=True,
        metavar="DIR",
        help="output folder, of any of Beam's file systems (gs://, s3://, hdfs://)",
    )
    sub.add_argument(
        "--state",
        metavar="DIR",
        help="what runs remember of feeds, hosts and articles: a folder of any of Beam's file "
        "systems (default: .state in the output folder)",
    )
    sub.add_argument(
        "--poll_interval_sec",
        type=float,
        metavar="SECONDS",
        help="run again and again, so many seconds from start to start, until SIGTERM or SIGINT",
    )
    sub.add_argument(
        "--streaming",
        action="store_true",
        help="poll without end on an engine with timers (Flink, Dataflow), until SIGTERM or SIGINT",
    )
    sub.add_argument(
        "--formats", default="jsonl,parquet", help="jsonl, parquet or both (default both)"
    )
    sub.add_argument("--taxonomy", metavar="FILE", help="YAML taxonomy (default: the shipped one)")
    add_flags(RunOptions, sub, "run")
    add_flags(StreamOptions, sub, "streaming")
    add_flags(HttpOptions, sub, "fetching")
    add_flags(PolitenessOptions, sub, "politeness")
    add_flags(LimitOptions, sub, "limits")
    add_flags(AnalysisOptions, sub, "analysis")
    add_database_flags(sub)
    sub.set_defaults(command=_ingest)

    text = "Load the runs of an output folder into databases that lack them."
    sub = commands.add_parser(
        "load", help=text, description=text, epilog=parser.epilog, allow_abbrev=False
    )
    sub.add_argument("--output", required=True, metavar="DIR", help="output folder of ingest")
    add_database_flags(sub)
    sub.set_defaults(command=_load, max_dead_letter_ratio=1.0)

    sub = command("analyze", "Analyse texts: one JSON object with id and text a line.")
    _add_line_files(sub)
    sub.add_argument("--taxonomy", metavar="FILE", help="YAML taxonomy (default: the shipped one)")
    add_flags(LimitOptions, sub, "limits")
    add_flags(AnalysisOptions, sub, "analysis")
    sub.set_defaults(command=_analyze)

    sub = command(
        "extract", "Extract articles from pages: one JSON object with id and path or html."
    )
    _add_line_files(sub)
    add_flags(LimitOptions, sub, "limits")
    sub.set_defaults(command=_extract)

    text = "Check feeds, find the feeds of sites, convert feed lists."
    add_feed_actions(
        commands.add_parser("feeds", help=text, description=text, allow_abbrev=False),
        epilog=parser.epilog,
    )

    text = "Check a taxonomy, explain the topics of a text, suggest phrases for a topic."
    add_taxonomy_actions(
        commands.add_parser("taxonomy", help=text, description=text, allow_abbrev=False),
        epilog=parser.epilog,
    )
    return parser


def _add_line_files(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--input", required=True, type=Path, metavar="FILE", help="JSON lines")
    sub.add_argument("--output", required=True, type=Path, metavar="FILE", help="JSON lines")


def beam_parser() -> argparse.ArgumentParser:
    """The parser of Beam's own flags."""
    parser = _Parser(prog="newsbeam", allow_abbrev=False, add_help=False)
    for group in PipelineOptions.__subclasses__():
        if group.__module__.startswith("apache_beam.") or group is FlinkStreamOptions:
            group._add_argparse_args(parser)
    return parser


def _beam_options(rest: list[str]) -> PipelineOptions:
    """Beam's options from the flags that are not ours.

    Raises:
        UsageError: a flag is not Beam's either.
    """
    _, unknown = beam_parser().parse_known_args(rest)
    if unknown:
        raise UsageError(f"unknown flag or argument {unknown[0]!r}; see newsbeam --help")
    return PipelineOptions(rest)


def _run_id(args: argparse.Namespace) -> str:
    stamp = dt.datetime.now(dt.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    run_id = str(args.run_id or f"{stamp}-{uuid.uuid4().hex[:8]}")
    require(
        run_id.replace("-", "").replace("_", "").isalnum(), "--run_id: letters, digits, - and _"
    )
    return run_id


def _ingest(args: argparse.Namespace, options: PipelineOptions) -> float:
    formats = [name for name in args.formats.split(",") if name]
    for name in formats:
        require(name in FORMATS, f"--formats: {name!r} is none of {', '.join(FORMATS)}")
    require(bool(formats), "--formats: name at least one")
    interval = args.poll_interval_sec
    require(interval is None or interval > 0, "--poll_interval_sec must be above 0")
    require(not (interval and args.run_id), "--run_id is for one run, not for --poll_interval_sec")
    elsewhere = options.get_all_options().get("template_location")
    require(
        not (interval and elsewhere),
        "--poll_interval_sec is for runs of this machine, not for --template_location",
    )
    message = "--poll_interval_sec is for bounded runs, not for --streaming"
    require(not (args.streaming and interval), message)
    databases = open_databases(args)
    if args.streaming:
        return _stream(args, formats, options, databases)
    if interval:
        return run_repeatedly(
            lambda: _ingest_once(args, formats, options, databases), interval, _report
        )
    return _ingest_once(args, formats, options, databases)


def _ingest_once(
    args: argparse.Namespace,
    formats: list[str],
    options: PipelineOptions,
    databases: Sequence[Database],
) -> float:
    with progress():
        fill = LoadOnWorker(from_flags(BigQueryOptions, args))
        summary = ingest(_wanted(args, formats, options), fill)
    if summary is None:
        print("the job is started elsewhere; nobody waits for its end", flush=True)  # noqa: T201
    else:
        print(f"{summary.table()}\n\nrecords in {summary.output}", flush=True)  # noqa: T201
    for line in load_after_run(args.output, databases):
        print(line, flush=True)  # noqa: T201
    if summary is None:
        return 0.0
    if not summary.adds_up:
        raise NotAccountedForError("the inputs of the run do not add up: see its summary")
    return summary.dead_letter_ratio


def _load(args: argparse.Namespace, options: PipelineOptions) -> float:
    FileSystems.set_options(options)
    databases = open_databases(args)
    require(bool(databases), "name a database: --postgres DSN or --bigquery PROJECT.DATASET")
    require(bool(list_committed_runs(args.output)), f"there are no runs in {args.output}")
    for line in load_missing_runs(args.output, databases):
        print(line, flush=True)  # noqa: T201
    return 0.0


def _stream(
    args: argparse.Namespace,
    formats: list[str],
    options: PipelineOptions,
    databases: Sequence[Database],
) -> float:
    def fill() -> None:
        try:
            for line in load_after_run(args.output, databases):
                print(line, flush=True)  # noqa: T201
        except LoadError as error:  # the next windows may do better
            _report(error)

    wanted = _wanted(args, formats, options)
    stream(wanted, from_flags(StreamOptions, args), fill if databases else None)
    print(f"the stream has ended; records in {args.output}", flush=True)  # noqa: T201
    return 0.0


def _wanted(args: argparse.Namespace, formats: list[str], options: PipelineOptions) -> JobRequest:
    return JobRequest(
        feeds=args.feeds,
        output=args.output,
        state=args.state,
        formats=formats,
        taxonomy=args.taxonomy,
        run_id=_run_id(args),
        options=IngestOptions(
            run=from_flags(RunOptions, args),
            fetching=fetch_options(args),
            limits=from_flags(LimitOptions, args),
            analysis=from_flags(AnalysisOptions, args),
        ),
        beam_options=options,
    )


def _report(error: Exception) -> None:
    if isinstance(error, _FOR_USERS):
        if isinstance(error, LoadError) and not isinstance(error.__cause__, _EXPECTED):
            traceback.print_exception(error.__cause__)
        print(f"newsbeam: {error}", file=sys.stderr)  # noqa: T201
        return
    traceback.print_exception(error)
    print("newsbeam: the run failed; nothing of it is visible", file=sys.stderr)  # noqa: T201


def _analyze(args: argparse.Namespace, _options: PipelineOptions) -> float:
    with progress():
        return analyze_lines(
            args.input,
            args.output,
            run_id=_run_id(args),
            taxonomy=args.taxonomy,
            options=from_flags(AnalysisOptions, args),
            limits=from_flags(LimitOptions, args),
        )


def _extract(args: argparse.Namespace, _options: PipelineOptions) -> float:
    with progress():
        return extract_lines(
            args.input,
            args.output,
            run_id=_run_id(args),
            limits=from_flags(LimitOptions, args),
        )
