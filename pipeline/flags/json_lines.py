"""The flags of the commands over JSON lines, ``analyze`` and ``extract``."""

import argparse
from pathlib import Path

from pipeline.flags.common import add_run_flags, add_taxonomy_flag
from transforms.core.isolated_process import LimitOptions, WorkerOptions
from transforms.core.options import add_flags
from transforms.language.options import AnalysisOptions


def add_analyze_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``analyze`` to its parser."""
    add_run_flags(parser)
    _add_file_flags(parser)
    add_taxonomy_flag(parser)
    add_flags(LimitOptions, parser, "limits")
    add_flags(WorkerOptions, parser, "workers")
    add_flags(AnalysisOptions, parser, "analysis")
    parser.set_defaults(command="pipeline.commands.analyze:analyze")


def add_extract_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``extract`` to its parser."""
    add_run_flags(parser)
    _add_file_flags(parser)
    add_flags(LimitOptions, parser, "limits")
    add_flags(WorkerOptions, parser, "workers")
    parser.set_defaults(command="pipeline.commands.extract:extract")


def _add_file_flags(parser: argparse.ArgumentParser) -> None:
    """Add ``--input`` and ``--output`` to the parser of a command over JSON lines."""
    parser.add_argument("--input", required=True, type=Path, metavar="FILE", help="JSON lines")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="JSON lines")
