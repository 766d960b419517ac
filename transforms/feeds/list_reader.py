"""The reader of feed lists: plain text, OPML and single feeds, from files and from the web."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from transforms.core.elements import Feed
from transforms.core.errors import ItemError, UsageError
from transforms.core.urls import UrlError, is_web_url, web_url
from transforms.extraction.content_sniffing import strip_start
from transforms.feeds.feed_urls import remove_feed_scheme
from transforms.feeds.list_parser import ListedFeed, is_opml, parse_feed_list
from transforms.fetching.fetcher import Fetcher
from transforms.fetching.http_messages import Request
from transforms.fetching.options import FetchOptions
from transforms.storage.paths import is_local

_LIST_ENDINGS: Final = (".opml", ".txt", ".lst", ".csv", ".tsv")


def read_feed_lists(names: Sequence[str], options: FetchOptions) -> list[Feed]:
    """Return the feeds of all lists as elements, each once; see :func:`read_listed_feeds`.

    Raises:
        UsageError: if a file or list cannot be read, or there is no feed in any.
    """
    listed = read_listed_feeds(names, options)
    return [Feed(url=feed.url, position=i) for i, feed in enumerate(listed)]


def read_listed_feeds(names: Sequence[str], options: FetchOptions) -> list[ListedFeed]:
    """Return the feeds of all lists in order, each once, with the first title it has in them.

    Args:
        names: URLs, or files of any Beam file system. A file is a list (see
            :func:`~transforms.feeds.list_parser.parse_feed_list`) or a feed. A URL is a list if
            its path has the ending of one, and otherwise a feed.
        options: how to fetch lists from the web.

    Raises:
        UsageError: if a file or list cannot be read, or there is no feed in any.
    """
    titles: dict[str, str | None] = {}
    for name in names:
        for url, title in _read_list(name, options):
            titles[url] = titles.get(url) or title
    if not titles:
        raise UsageError(f"no feed in {', '.join(names)}")
    return [ListedFeed(url, title) for url, title in titles.items()]


def _read_list(name: str, options: FetchOptions) -> list[ListedFeed]:
    """Return the feeds that a name stands for.

    Raises:
        UsageError: if the file or list cannot be read.
    """
    name = remove_feed_scheme(name)
    if name.startswith("//"):
        name = f"http:{name}"
    if not is_web_url(name):
        data = _read_file(name)
        feed, base = str(Path(name)) if is_local(name) else name, str(Path(name).parent)
    elif urlsplit(name).path.lower().endswith(_LIST_ENDINGS):
        data = _fetch_list(name, options)
        feed = base = name
    else:
        try:
            return [ListedFeed(web_url(name))]
        except UrlError as error:
            raise UsageError(str(error)) from error
    if strip_start(data)[:1] in (b"<", b"{") and not is_opml(data):
        return [ListedFeed(feed)]
    return parse_feed_list(data, name, base)


def _fetch_list(url: str, options: FetchOptions) -> bytes:
    # The user gave this very address, as in a browser; robots.txt is for crawling.
    without_robots = replace(options, politeness=replace(options.politeness, robots="none"))
    with Fetcher(without_robots) as fetcher:
        (response,) = fetcher.fetch([Request(url)])
    if isinstance(response, ItemError):
        raise UsageError(f"cannot read the feed list {url}: {response.message}")
    return response.body


def _read_file(name: str) -> bytes:
    try:
        if is_local(name):
            return Path(name).read_bytes()
        from transforms.storage.filesystems import read_bytes  # only now, since it loads Beam

        return read_bytes(name)
    except OSError as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read the feed list {name}: {reason}") from error
