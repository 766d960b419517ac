"""``feeds``: check feeds, find the feeds of sites, convert lists of feeds. Changes no state."""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.commands.feed_checks import Checked, Found, check_feeds, find_feeds, read_state
from pipeline.commands.output import print_message, write_output
from pipeline.commands.progress import progress
from schemas.jsonable import to_line
from transforms.core.errors import UsageError
from transforms.core.isolation import LimitOptions
from transforms.core.options import add_flags, from_flags, require
from transforms.core.urls import UrlError
from transforms.extraction.cleaning import clean_line
from transforms.feeds.discovery import parse_site_url
from transforms.feeds.list_reader import ListedFeed, read_feed_lists, read_listed_feeds
from transforms.feeds.list_writer import (
    format_list_line,
    format_opml,
    format_plain_list,
    relocate_feed_files,
)
from transforms.fetching.fetcher import fetch_options
from transforms.fetching.options import HttpOptions, PolitenessOptions
from transforms.state.state import State

_WIDEST: Final = 60


def add_feed_actions(parser: argparse.ArgumentParser, *, epilog: str | None) -> None:
    """Add the actions and their flags to the parser of ``feeds``."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def action(name: str, run: Callable[..., float], text: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(
            name, help=text, description=text, epilog=epilog, allow_abbrev=False
        )
        sub.set_defaults(command=run)
        add_flags(HttpOptions, sub, "fetching")
        add_flags(PolitenessOptions, sub, "politeness")
        return sub

    def reads(sub: argparse.ArgumentParser, what: str) -> None:
        add_flags(LimitOptions, sub, "limits")
        sub.add_argument(
            "--max_dead_letter_ratio",
            type=float,
            default=0.5,
            metavar="RATIO",
            help=f"exit with 3 if more of the {what} than this failed (default 0.5)",
        )

    sub = action("check", _check, "Fetch feeds once and say how each is. Writes nothing.")
    sub.add_argument(
        "--feeds", nargs="+", required=True, metavar="FILE_OR_URL", help="feed lists or feeds"
    )
    sub.add_argument(
        "--state", metavar="DIR", help="what runs remember of the feeds; it is only read"
    )
    sub.add_argument("--json", action="store_true", help="a JSON object a feed and line")
    reads(sub, "feeds")

    sub = action("find", _find, "Find the feeds of sites or pages, as a list that --feeds takes.")
    sub.add_argument("sites", nargs="+", metavar="SITE", help="address of a site or page")
    reads(sub, "sites")

    sub = action("convert", _convert, "Write feed lists, plain or OPML, as one of either kind.")
    sub.add_argument("lists", nargs="+", metavar="FILE_OR_URL", help="feed lists or feeds")
    sub.add_argument("--to", required=True, choices=("opml", "list"), help="kind of the result")
    sub.add_argument(
        "--output", type=Path, metavar="FILE", help="where it is written (default: stdout)"
    )
    sub.set_defaults(max_dead_letter_ratio=1.0)


def _check(args: argparse.Namespace, options: PipelineOptions) -> float:
    FileSystems.set_options(options)
    fetching = fetch_options(args)
    limits = from_flags(LimitOptions, args)
    state = read_state(args.state) if args.state else State()
    feeds = read_feed_lists(args.feeds, fetching)
    with progress():
        checked = check_feeds(feeds, state, fetching=fetching, limits=limits)
    if args.json:
        write_output("".join(f"{to_line(row)}\n" for row in checked))
    else:
        write_output(table(checked))
    return sum(row.status in ("failed", "retired") for row in checked) / len(checked)


def table(checked: Sequence[Checked]) -> str:
    """The checked feeds for people: a row each, and their number by status."""
    width = min(_WIDEST, max(len(row.feed_url) for row in checked))
    names = ("status", "entries", "last entry (UTC)", "next due (UTC)", "feed")
    rows = [(*names, "notes"), *map(_cells, checked)]
    lines = [
        f"{status:<8}{entries:>8}  {last:<18}{due:<18}{feed:<{width}}  {notes}".rstrip()
        for status, entries, last, due, feed, notes in rows
    ]
    counts = Counter(row.status for row in checked)
    summed = " + ".join(f"{count} {status}" for status, count in counts.most_common())
    return "\n".join([*lines, "", f"feeds: {len(checked)} = {summed}", ""])


def _cells(row: Checked) -> tuple[str, ...]:
    times = (f"{t:%Y-%m-%d %H:%M}" if t else "-" for t in (row.last_entry, row.next_due))
    entries = "-" if row.entries is None else str(row.entries)
    return (row.status, entries, *times, clean_line(row.feed_url), row.notes())


def _find(args: argparse.Namespace, _options: PipelineOptions) -> float:
    try:
        sites = list(dict.fromkeys(map(parse_site_url, args.sites)))
    except UrlError as error:
        raise UsageError(str(error)) from error
    limits = from_flags(LimitOptions, args)
    with progress():
        searches = find_feeds(sites, fetching=fetch_options(args), limits=limits)
    feeds: dict[str, Found] = {}
    for feed in (feed for search in searches for feed in search.feeds):
        feeds.setdefault(feed.read_from, feed)
    for feed in feeds.values():
        write_output(
            format_list_line(ListedFeed(feed.url, feed.facts.title), feed.facts.entries) + "\n"
        )
    failed = [search for search in searches if not search.feeds]
    for search in failed:
        print_message(f"no feed found at {search.site}: {search.why_none()}")
    return len(failed) / len(searches)


def _convert(args: argparse.Namespace, _options: PipelineOptions) -> float:
    feeds = read_listed_feeds(args.lists, fetch_options(args))
    feeds = relocate_feed_files(feeds, args.output.parent if args.output else None)
    data = format_opml(feeds) if args.to == "opml" else format_plain_list(feeds)
    if args.output:
        _write_whole(args.output, data)
    else:
        write_output(data)
    return 0.0


def _write_whole(target: Path, data: bytes) -> None:
    """Write a file, which is there whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    require(bool(target.name), f"--output names no file: {target}")
    part = target.with_name(f"{target.name}.part")
    try:
        try:
            part.write_bytes(data)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
