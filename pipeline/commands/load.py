"""``load``: load the runs of an output folder into databases that lack them."""

import argparse

from pipeline.beam_flags import set_filesystem_options
from pipeline.commands.output import print_line
from pipeline.load_databases import load_missing_runs, open_databases
from transforms.core.options import require
from transforms.storage.runs import list_committed_runs


def load(args: argparse.Namespace) -> float:
    """Load the missing runs, and return 0.

    Raises:
        UsageError: no database is named, or the output has no runs.
        LoadError: a database lacks runs that are in the output.
    """
    set_filesystem_options(args.beam_flags)
    databases = open_databases(args)
    require(bool(databases), "name a database: --postgres DSN or --bigquery PROJECT.DATASET")
    require(bool(list_committed_runs(args.output)), f"there are no runs in {args.output}")
    for line in load_missing_runs(args.output, databases):
        print_line(line)
    return 0.0
