"""The reader of feed lists: plain text, OPML and single feeds, from files and from the web."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from lxml import etree

from transforms.core.elements import Feed
from transforms.core.errors import ItemError, UsageError
from transforms.core.urls import UrlError, is_web_url, web_url
from transforms.extraction.content_sniffing import strip_start
from transforms.fetching.fetcher import Fetcher
from transforms.fetching.http_messages import Request
from transforms.fetching.options import FetchOptions
from transforms.storage.paths import is_local

_LIST_ENDINGS: Final = (".opml", ".txt", ".lst")
_HEAD_BYTES: Final = 2000
_ENTRY_COUNT: Final = re.compile(r"(?:^|, )\d+ entr(?:y|ies)$")


class ListedFeed(NamedTuple):
    """A feed in a list: its address or path, and its title if the list has one."""

    url: str
    title: str | None = None


def read_feed_lists(names: Sequence[str], options: FetchOptions) -> list[Feed]:
    """Return the feeds of all lists as elements, each once; see :func:`read_listed_feeds`.

    Raises:
        UsageError: if a file or list cannot be read, or a line of it is not a feed.
    """
    listed = read_listed_feeds(names, options)
    return [Feed(url=feed.url, position=i) for i, feed in enumerate(listed)]


def read_listed_feeds(names: Sequence[str], options: FetchOptions) -> list[ListedFeed]:
    """Return the feeds of all lists in order, each once, with the first title it has in them.

    Args:
        names: URLs, or files of any Beam file system. A file is a plain list (one feed per line;
            ``#`` starts a comment), OPML, or a feed. A URL is a list if its path ends in .opml,
            .txt or .lst, and otherwise a feed.
        options: how to fetch lists from the web.

    Raises:
        UsageError: if a file or list cannot be read, or a line of it is not a feed.
    """
    titles: dict[str, str | None] = {}
    for name in names:
        for url, title in _read_list(name, options):
            titles[url] = titles.get(url) or title
    if not titles:
        raise UsageError(f"no feed in {', '.join(names)}")
    return [ListedFeed(url, title) for url, title in titles.items()]


def _read_list(name: str, options: FetchOptions) -> list[ListedFeed]:
    if is_web_url(name):
        if not urlsplit(name).path.lower().endswith(_LIST_ENDINGS):
            return [ListedFeed(_resolve_feed(name, name, ""))]
        # The user gave this very address, as in a browser; robots.txt is for crawling.
        without_robots = replace(options, politeness=replace(options.politeness, robots="none"))
        with Fetcher(without_robots) as fetcher:
            (response,) = fetcher.fetch([Request(name)])
        if isinstance(response, ItemError):
            raise UsageError(f"cannot read the feed list {name}: {response.message}")
        return parse_feed_list(response.body, name, name)
    data = _read_file(name)
    if strip_start(data)[:1] in (b"<", b"{") and not _is_opml(data):
        return [ListedFeed(str(Path(name)) if is_local(name) else name)]
    return parse_feed_list(data, name, str(Path(name).parent))


def _read_file(name: str) -> bytes:
    try:
        if is_local(name):
            return Path(name).read_bytes()
        from transforms.storage.filesystems import read_bytes  # only now, since it loads Beam

        return read_bytes(name)
    except OSError as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read the feed list {name}: {reason}") from error


def parse_feed_list(data: bytes, name: str, base: str) -> list[ListedFeed]:
    """Return the feeds of a plain list or an OPML document.

    In a plain list, the comment after a feed is its title; a number of entries at its end is
    dropped.

    Args:
        data: the list.
        name: its name for error messages.
        base: the URL or the folder that relative entries start from; empty if none.

    Raises:
        UsageError: if the list cannot be parsed, or a line is not a feed; it names the line.

    >>> parse_feed_list(b"https://a.example/feed  # News, 12 entries", "feeds.txt", "")
    [ListedFeed(url='https://a.example/feed', title='News')]
    """
    if _is_opml(data):
        return _parse_opml(data, name, base)
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"the feed list {name} is not UTF-8 text") from error
    feeds = []
    for number, line in enumerate(lines, 1):
        entry, _, comment = (part.strip() for part in line.partition(" #"))
        if entry and not entry.startswith("#"):
            title = _ENTRY_COUNT.sub("", comment)
            url = _resolve_feed(entry, f"{name}:{number}", base)
            feeds.append(ListedFeed(url, title or None))
    return feeds


def _parse_opml(data: bytes, name: str, base: str) -> list[ListedFeed]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise UsageError(f"the OPML file {name} is not well-formed: {error}") from error
    feeds = []
    for outline in root.iter("outline"):
        entry, title = outline.get("xmlUrl"), outline.get("title") or outline.get("text")
        if entry:
            url = _resolve_feed(str(entry), f"{name}:{outline.sourceline}", base)
            feeds.append(ListedFeed(url, title if title not in (entry, url) else None))
    return feeds


def _is_opml(data: bytes) -> bool:
    return b"<opml" in data[:_HEAD_BYTES]


def _resolve_feed(entry: str, position: str, base: str) -> str:
    """Return the URL or the path of an entry; the position in the list is for errors."""
    if "://" in entry or not base or is_web_url(base):
        try:
            return web_url(entry, base)
        except UrlError as error:
            raise UsageError(f"{position}: {error}") from error
    path = Path(base) / entry
    if not path.is_file():
        raise UsageError(f"{position}: neither a web address nor a file: {entry!r}")
    return str(path)
