"""Beam's own flags, which pass through every command. Loads Beam, which takes a second."""

import argparse
from collections.abc import Sequence

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.flags.parser import FlagParser
from pipeline.runners.flink import FlinkStreamOptions
from transforms.core.errors import UsageError


def build_beam_parser() -> argparse.ArgumentParser:
    """Return the parser of Beam's own flags and of the flags for Beam's Flink job server."""
    parser = FlagParser(prog="newsbeam", allow_abbrev=False, add_help=False)
    for group in PipelineOptions.__subclasses__():
        if group.__module__.startswith("apache_beam.") or group is FlinkStreamOptions:
            group._add_argparse_args(parser)
    return parser


def check_beam_flags(flags: Sequence[str]) -> None:
    """Check that the flags that are not Newsbeam's are Beam's.

    Raises:
        UsageError: a flag is not Beam's.
    """
    _, unknown = build_beam_parser().parse_known_args(flags)
    if unknown:
        raise UsageError(f"unknown flag or argument {unknown[0]!r}; see newsbeam --help")


def set_filesystem_options(flags: Sequence[str]) -> None:
    """Let Beam's file systems use Beam's flags. Each command that uses no graph must call this."""
    FileSystems.set_options(PipelineOptions(flags))
