"""The command line: assembles the commands, parses flags, and turns results into exit codes."""

import argparse
import pkgutil
from typing import Final

from pipeline.commands.error_report import report_error
from pipeline.commands.output import print_message
from pipeline.flags.common import EPILOG
from pipeline.flags.feeds import add_feed_actions
from pipeline.flags.ingest import add_ingest_flags, add_load_flags
from pipeline.flags.json_lines import add_analyze_flags, add_extract_flags
from pipeline.flags.parser import FlagParser
from pipeline.flags.taxonomy import add_taxonomy_actions
from pipeline.process_setup import silence_import_warnings
from pipeline.signals import raise_on_interrupt
from transforms.core.errors import UsageError
from transforms.core.isolated_process import abort_workers
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


def run_command(argv: list[str]) -> int:
    """Parse the flags, run the command, and return the exit code. Errors are reported on stderr."""
    try:
        with raise_on_interrupt():
            args, rest = build_parser().parse_known_args(argv)
            args.beam_flags = rest
            with silence_import_warnings():
                if rest:
                    from pipeline.beam_flags import (
                        check_beam_flags,  # only now, since it loads Beam
                    )

                    check_beam_flags(rest)
                command = pkgutil.resolve_name(args.command)
            require(0 <= args.max_dead_letter_ratio <= 1, "--max_dead_letter_ratio is from 0 to 1")
            ratio = float(command(args))
    except UsageError as error:
        report_error(error)
        return 2
    except KeyboardInterrupt:
        abort_workers()
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

    Each command sets ``max_dead_letter_ratio`` and ``command``. The latter names a function as
    ``module:function``, so that only the libraries of the command that runs are loaded. It takes
    the flags, with Beam's as ``beam_flags``, and returns the share of inputs that failed.
    """
    parser = FlagParser(
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
