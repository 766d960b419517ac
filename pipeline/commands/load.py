"""``load``: load the runs of an output folder into databases that lack them."""

import argparse

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.commands.output import print_line
from pipeline.load_databases import add_database_flags, load_missing_runs, open_databases
from transforms.core.options import require
from transforms.storage.runs import list_committed_runs


def add_load_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``load`` to its parser."""
    parser.add_argument("--output", required=True, metavar="DIR", help="output folder of ingest")
    add_database_flags(parser)
    parser.set_defaults(command=load, max_dead_letter_ratio=1.0)


def load(args: argparse.Namespace, options: PipelineOptions) -> float:
    """Load the missing runs, and return 0.

    Raises:
        UsageError: no database is named, or the output has no runs.
        LoadError: a database lacks runs that are in the output.
    """
    FileSystems.set_options(options)
    databases = open_databases(args)
    require(bool(databases), "name a database: --postgres DSN or --bigquery PROJECT.DATASET")
    require(bool(list_committed_runs(args.output)), f"there are no runs in {args.output}")
    for line in load_missing_runs(args.output, databases):
        print_line(line)
    return 0.0
