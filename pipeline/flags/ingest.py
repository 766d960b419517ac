"""The flags of ``ingest`` and ``load``."""

import argparse

from pipeline.flags.common import add_feeds_flag, add_run_flags, add_taxonomy_flag
from pipeline.options import RunOptions, StreamOptions
from transforms.core.isolated_process import LimitOptions, WorkerOptions
from transforms.core.options import add_flags
from transforms.fetching.options import HttpOptions, PolitenessOptions
from transforms.language.options import AnalysisOptions
from transforms.sinks.bigquery.options import BigQueryOptions
from transforms.sinks.postgres.options import PostgresOptions


def add_ingest_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``ingest`` to its parser."""
    add_run_flags(parser)
    add_feeds_flag(parser)
    parser.add_argument(
        "--output",
        required=True,
        metavar="DIR",
        help="output folder, on any of Beam's file systems (gs://, s3://, hdfs://)",
    )
    parser.add_argument(
        "--state",
        metavar="DIR",
        help="folder of what runs remember about feeds, hosts and articles, on any of Beam's file "
        "systems (default: .state in the output folder)",
    )
    parser.add_argument(
        "--poll_interval_sec",
        type=float,
        metavar="SECONDS",
        help="repeat the run until SIGTERM or SIGINT, with this many seconds from start to start",
    )
    parser.add_argument(
        "--streaming",
        action="store_true",
        help="poll without end on an engine with timers (Flink, Dataflow), until SIGTERM or SIGINT",
    )
    parser.add_argument(
        "--formats", default="jsonl,parquet", help="jsonl, parquet or both (default both)"
    )
    add_taxonomy_flag(parser)
    add_flags(RunOptions, parser, "run")
    add_flags(StreamOptions, parser, "streaming")
    add_flags(HttpOptions, parser, "fetching")
    add_flags(PolitenessOptions, parser, "politeness")
    add_flags(LimitOptions, parser, "limits")
    add_flags(WorkerOptions, parser, "workers")
    add_flags(AnalysisOptions, parser, "analysis")
    add_database_flags(parser)
    parser.set_defaults(command="pipeline.commands.ingest:ingest")


def add_load_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``load`` to its parser."""
    parser.add_argument("--output", required=True, metavar="DIR", help="output folder of ingest")
    add_database_flags(parser)
    parser.set_defaults(command="pipeline.commands.load:load", max_dead_letter_ratio=1.0)


def add_database_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of every kind of database to a parser."""
    add_flags(PostgresOptions, parser, "PostgreSQL")
    add_flags(BigQueryOptions, parser, "BigQuery")
