"""The flags of ``feeds``."""

import argparse
from pathlib import Path

from pipeline.flags.common import add_feeds_flag, add_max_dead_letter_ratio
from transforms.core.isolated_process import LimitOptions
from transforms.core.options import add_flags
from transforms.fetching.options import HttpOptions, PolitenessOptions


def add_feed_actions(parser: argparse.ArgumentParser, *, epilog: str | None) -> None:
    """Add the actions and their flags to the parser of ``feeds``."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def add_action(name: str, text: str) -> argparse.ArgumentParser:
        action = actions.add_parser(
            name, help=text, description=text, epilog=epilog, allow_abbrev=False
        )
        action.set_defaults(command=f"pipeline.commands.feeds:{name}")
        add_flags(HttpOptions, action, "fetching")
        add_flags(PolitenessOptions, action, "politeness")
        return action

    check = add_action("check", "Fetch feeds once and report the status of each. Writes nothing.")
    add_feeds_flag(check)
    check.add_argument(
        "--state", metavar="DIR", help="folder of what runs remember about the feeds; only read"
    )
    check.add_argument(
        "--offline", action="store_true", help="fetch nothing; report what --state remembers"
    )
    check.add_argument("--json", action="store_true", help="print JSON, one line per feed")
    add_flags(LimitOptions, check, "limits")
    add_max_dead_letter_ratio(check, "more of the feeds than this failed", "--fail_above")

    find = add_action("find", "Find the feeds of sites or pages, as a list that --feeds takes.")
    find.add_argument("sites", nargs="+", metavar="SITE", help="address of a site or page")
    add_flags(LimitOptions, find, "limits")
    add_max_dead_letter_ratio(find, "more of the sites than this failed", "--fail_above")

    convert = add_action(
        "convert", "Merge feed lists, plain or OPML, into one list of either format."
    )
    convert.add_argument("lists", nargs="+", metavar="FILE_OR_URL", help="feed lists or feeds")
    convert.add_argument(
        "--to", required=True, choices=("opml", "list"), help="format of the result"
    )
    convert.add_argument(
        "--output", type=Path, metavar="FILE", help="file to write (default: stdout)"
    )
    convert.set_defaults(max_dead_letter_ratio=1.0)
