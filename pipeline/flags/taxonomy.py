"""The flags of ``taxonomy``."""

import argparse
from pathlib import Path

from pipeline.flags.common import add_taxonomy_flag
from transforms.core.isolated_process import LimitOptions
from transforms.core.options import add_flags
from transforms.fetching.options import HttpOptions, PolitenessOptions


def add_taxonomy_actions(parser: argparse.ArgumentParser, *, epilog: str | None) -> None:
    """Add the actions and their flags to the parser of ``taxonomy``."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def add_action(name: str, text: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(
            name, help=text, description=text, epilog=epilog, allow_abbrev=False
        )
        sub.set_defaults(command=f"pipeline.commands.taxonomy:{name}", max_dead_letter_ratio=1.0)
        return sub

    sub = add_action("check", "List the parts of a taxonomy that may not work as intended.")
    sub.add_argument("file", nargs="?", metavar="FILE", help="YAML taxonomy (default: shipped)")
    sub.add_argument("--strict", action="store_true", help="exit with 1 if there are warnings")
    sub.add_argument(
        "--overlaps",
        action="store_true",
        help="list topics of different families that have many phrases in common",
    )
    sub.add_argument(
        "--texts",
        type=Path,
        metavar="FILE",
        help="JSON lines (.jsonl or .jsonl.gz) with text and optionally title: list the phrases "
        "that never count as evidence in them, and how often each topic occurs",
    )

    sub = add_action("explain", "Explain why a text has its topics and not others.")
    source = sub.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", metavar="TEXT", help="the text, or - for standard input")
    source.add_argument("--file", type=Path, metavar="FILE", help="file with the text, in UTF-8")
    source.add_argument("--url", metavar="URL", help="page to fetch and extract as ingest does")
    sub.add_argument("--title", metavar="TITLE", help="the title (default: none, or the page's)")
    sub.add_argument(
        "--topic", metavar="ID", help="explain only this topic, even if the text does not have it"
    )
    sub.add_argument("--json", action="store_true", help="one JSON object with every match")
    add_taxonomy_flag(sub)
    add_flags(HttpOptions, sub, "fetching")
    add_flags(PolitenessOptions, sub, "politeness")
    add_flags(LimitOptions, sub, "limits")

    sub = add_action("suggest", "Suggest phrases for a topic from labelled articles.")
    sub.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="*.jsonl or *.jsonl.gz with topic (the label), title, text and source (the outlet)",
    )
    sub.add_argument("--topic", required=True, metavar="ID", help="topic to suggest phrases for")
    sub.add_argument(
        "--label",
        nargs="+",
        default=(),
        metavar="LABEL",
        help="labels that stand for the topic (default: its id)",
    )
    sub.add_argument(
        "--most", type=int, default=40, metavar="N", help="maximum number of phrases (default 40)"
    )
    add_taxonomy_flag(sub)
