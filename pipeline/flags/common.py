"""Flags that several commands have."""

import argparse
import datetime as dt
import uuid
from typing import Final

from transforms.core.options import require

EPILOG: Final = (
    "Beam's own flags (--runner, --project, --temp_location, ...) pass through. "
    "Exit codes: 0 done, 1 the run failed, 2 wrong usage, 3 done but beyond the "
    "dead-letter threshold."
)
"""The end of every command's help."""


def add_max_dead_letter_ratio(
    parser: argparse.ArgumentParser, condition: str, *other_names: str
) -> None:
    """Add ``--max_dead_letter_ratio`` to a parser.

    Args:
        parser: the parser of a command.
        condition: when the command exits with 3, such as "more of the feeds than this failed".
        *other_names: names of the flag that say more than its first one.
    """
    parser.add_argument(
        *other_names,
        "--max_dead_letter_ratio",
        dest="max_dead_letter_ratio",
        type=float,
        default=0.5,
        metavar="RATIO",
        help=f"exit with 3 if {condition} (default 0.5)",
    )


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """Add ``--max_dead_letter_ratio`` and ``--run_id`` to a parser."""
    add_max_dead_letter_ratio(parser, "more of the inputs than this are dead letters")
    parser.add_argument(
        "--run_id", default=None, help="id of the run (default: its time and a random part)"
    )


def add_feeds_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--feeds`` to a parser."""
    parser.add_argument(
        "--feeds", nargs="+", required=True, metavar="FILE_OR_URL", help="feed lists or feeds"
    )


def add_taxonomy_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--taxonomy`` to a parser."""
    parser.add_argument(
        "--taxonomy", metavar="FILE", help="YAML taxonomy (default: the shipped one)"
    )


def make_run_id(args: argparse.Namespace) -> str:
    """Return the id of the run: ``--run_id``, or else the time and a random part.

    Raises:
        UsageError: ``--run_id`` has characters other than letters, digits, ``-`` and ``_``.
    """
    timestamp = dt.datetime.now(dt.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    run_id = str(args.run_id or f"{timestamp}-{uuid.uuid4().hex[:8]}")
    message = "--run_id: letters, digits, - and _"
    require(run_id.replace("-", "").replace("_", "").isalnum(), message)
    return run_id
