"""``feeds``: check feeds, find the feeds of sites, convert feed lists. It writes no state."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pipeline.commands.feed_checks import FeedCheck, check_feeds, check_history
from pipeline.commands.feed_search import FoundFeed, find_feeds
from pipeline.commands.output import print_message, write_output
from pipeline.commands.progress import show_progress
from pipeline.process_setup import silence_import_warnings
from schemas.jsonable import to_line
from transforms.core.elements import FeedStatus
from transforms.core.errors import UsageError
from transforms.core.isolated_process import LimitOptions
from transforms.core.options import from_flags, require
from transforms.core.urls import UrlError, is_web_url
from transforms.extraction.cleaning import clean_line
from transforms.feeds.discovery import parse_site_url
from transforms.feeds.list_parser import ListedFeed
from transforms.feeds.list_reader import read_feed_lists, read_listed_feeds
from transforms.feeds.list_writer import (
    format_list_line,
    format_opml,
    format_plain_list,
    relocate_feed_files,
)
from transforms.fetching.options import fetch_options
from transforms.state.loaded_state import State
from transforms.storage.paths import is_local

_MAX_URL_WIDTH: Final = 60


def check(args: argparse.Namespace) -> float:
    """Check feeds, print the result, and return the share that failed.

    Raises:
        UsageError: a list or the state folder cannot be read, or ``--offline`` has no state.
    """
    require(bool(args.state) or not args.offline, "--offline needs --state")
    fetching = fetch_options(args)
    limits = from_flags(LimitOptions, args)
    state = State()
    if args.state or not all(is_web_url(name) or is_local(name) for name in args.feeds):
        with silence_import_warnings():  # only now, since these load Beam
            from pipeline.beam_flags import set_filesystem_options
            from pipeline.commands.feed_state import read_feed_state
        set_filesystem_options(args.beam_flags)
        state = read_feed_state(args.state) if args.state else state
    feeds = read_feed_lists(args.feeds, fetching)
    if args.offline:
        checks = check_history(feeds, state)
    else:
        with show_progress():
            checks = check_feeds(feeds, state, fetching=fetching, limits=limits)
    if args.json:
        write_output("".join(f"{to_line(check)}\n" for check in checks))
    else:
        write_output(_format_table(checks, is_history=args.offline))
    failed = (FeedStatus.FAILED, FeedStatus.RETIRED)
    return sum(check.status in failed for check in checks) / len(checks)


def _format_table(checks: Sequence[FeedCheck], *, is_history: bool) -> str:
    """Return a table for people: one row per feed, and the number of feeds by status."""
    width = min(_MAX_URL_WIDTH, max(len(check.feed_url) for check in checks))
    header = ("entries", "last entry (UTC)", "next due (UTC)")
    if is_history:
        header = ("failures", "last request (UTC)", "next due (UTC)")
    rows = [("status", *header, "feed", "notes")]
    rows += [_format_cells(check, is_history=is_history) for check in checks]
    lines = [
        f"{status:<8}{count:>9}  {last:<20}{due:<18}{feed:<{width}}  {notes}".rstrip()
        for status, count, last, due, feed, notes in rows
    ]
    counts = Counter(check.status for check in checks)
    terms = " + ".join(f"{count} {status}" for status, count in counts.most_common())
    return "\n".join([*lines, "", f"feeds: {len(checks)} = {terms}", ""])


def _format_cells(check: FeedCheck, *, is_history: bool) -> tuple[str, str, str, str, str, str]:
    count = check.consecutive_failures if is_history else check.entries
    last, due = (
        f"{time:%Y-%m-%d %H:%M}" if time else "-"
        for time in (check.last_attempt if is_history else check.last_entry, check.next_due)
    )
    number = "-" if count is None else str(count)
    return check.status, number, last, due, clean_line(check.feed_url), check.format_notes()


def find(args: argparse.Namespace) -> float:
    """Find the feeds of sites, print a list of them, and return the share of sites without one.

    Raises:
        UsageError: an address is invalid.
    """
    try:
        sites = list(dict.fromkeys(map(parse_site_url, args.sites)))
    except UrlError as error:
        raise UsageError(str(error)) from error
    limits = from_flags(LimitOptions, args)
    with show_progress():
        searches = find_feeds(sites, fetching=fetch_options(args), limits=limits)
    feeds: dict[str, FoundFeed] = {}
    for feed in (feed for search in searches for feed in search.feeds):
        feeds.setdefault(feed.final_url, feed)
    for feed in feeds.values():
        write_output(
            format_list_line(ListedFeed(feed.url, feed.facts.title), feed.facts.entries) + "\n"
        )
    failed = [search for search in searches if not search.feeds]
    for search in failed:
        print_message(f"no feed found at {search.site}: {search.explain_failure()}")
    return len(failed) / len(searches)


def convert(args: argparse.Namespace) -> float:
    """Merge feed lists into one list, and return 0.

    Raises:
        UsageError: a list cannot be read, or the result cannot be written.
    """
    feeds = read_listed_feeds(args.lists, fetch_options(args))
    feeds = relocate_feed_files(feeds, args.output.parent if args.output else None)
    data = format_opml(feeds) if args.to == "opml" else format_plain_list(feeds)
    if args.output:
        _write_atomically(args.output, data)
    else:
        write_output(data)
    return 0.0


def _write_atomically(target: Path, data: bytes) -> None:
    """Write a file so that it appears complete or not at all.

    Raises:
        UsageError: the file cannot be written.
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
