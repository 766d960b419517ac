"""The command line: assembles the commands, parses flags, and turns results into exit codes.

Beam's own flags pass through every command.
"""

import argparse
from typing import Final, NoReturn

from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.commands.analyze import add_analyze_flags
from pipeline.commands.common_flags import EPILOG
from pipeline.commands.error_report import report_error
from pipeline.commands.extract import add_extract_flags
from pipeline.commands.feeds import add_feed_actions
from pipeline.commands.ingest import add_ingest_flags
from pipeline.commands.load import add_load_flags
from pipeline.commands.output import print_message
from pipeline.commands.taxonomy import add_taxonomy_actions
from pipeline.runners.flink import FlinkStreamOptions
from pipeline.signals import raise_on_interrupt
from transforms.core.errors import UsageError
from transforms.core.options import require

_COMMANDS: Final = (
    (
        "ingest",
        "Fetch feeds and write their articles, entities, quotes and topics.",
        add_ingest_flags,
    ),
    ("load", "Load the runs of an output folder into databases that lack them.", add_load_flags),
    ("analyze", "Analyse texts: one JSON object with id and text per line.", add_analyze_flags),
    (
        "extract",
        "Extract articles from pages: one JSON object with id and path or html per line.",
        add_extract_flags,
    ),
)
"""The name, the help text and the flags of each command without actions."""

_GROUPS: Final = (
    ("feeds", "Check feeds, find the feeds of sites, convert feed lists.", add_feed_actions),
    (
        "taxonomy",
        "Check a taxonomy, explain the topics of a text, suggest phrases for a topic.",
        add_taxonomy_actions,
    ),
)
"""The name, the help text and the actions of each command with actions."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def run_command(argv: list[str]) -> int:
    """Parse the flags, run the command, and return the exit code. Errors are reported on stderr."""
    try:
        with raise_on_interrupt():
            args, rest = build_parser().parse_known_args(argv)
            options = _parse_beam_options(rest)
            require(0 <= args.max_dead_letter_ratio <= 1, "--max_dead_letter_ratio is from 0 to 1")
            ratio = float(args.command(args, options))
    except UsageError as error:
        report_error(error)
        return 2
    except KeyboardInterrupt:
        print_message("interrupted; the run committed no records")
        return 1
    except Exception as error:
        report_error(error)
        return 1
    if ratio > args.max_dead_letter_ratio:
        limit = args.max_dead_letter_ratio
        print_message(f"done, but {ratio:.0%} of the inputs failed (over {limit:.0%})")
        return 3
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands and their flags.

    Each command sets ``command``, a function from the flags and Beam's options to the share of
    inputs that failed, and ``max_dead_letter_ratio``.
    """
    parser = _Parser(
        prog="newsbeam",
        description="Turns news feeds into records of who said what about which topic.",
        epilog=EPILOG,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, text, add_command_flags in _COMMANDS:
        add_command_flags(
            commands.add_parser(
                name, help=text, description=text, epilog=EPILOG, allow_abbrev=False
            )
        )
    for name, text, add_actions in _GROUPS:
        group = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        add_actions(group, epilog=EPILOG)
    return parser


def build_beam_parser() -> argparse.ArgumentParser:
    """Return the parser of Beam's own flags and of the flags for Beam's Flink job server."""
    parser = _Parser(prog="newsbeam", allow_abbrev=False, add_help=False)
    for group in PipelineOptions.__subclasses__():
        if group.__module__.startswith("apache_beam.") or group is FlinkStreamOptions:
            group._add_argparse_args(parser)
    return parser


def _parse_beam_options(rest: list[str]) -> PipelineOptions:
    """Return Beam's options from the flags that are not Newsbeam's.

    Raises:
        UsageError: a flag is not Beam's either.
    """
    _, unknown = build_beam_parser().parse_known_args(rest)
    if unknown:
        raise UsageError(f"unknown flag or argument {unknown[0]!r}; see newsbeam --help")
    return PipelineOptions(rest)
