"""Which feeds to read: plain lists, OPML, single feeds, from files and from the web."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from lxml import etree

from transforms.core.elements import Feed
from transforms.core.errors import ItemError, UsageError
from transforms.core.urls import UrlError, web_url
from transforms.fetching.fetcher import Fetcher, FetchOptions
from transforms.fetching.http_messages import Request
from transforms.storage.filesystems import is_local, read_bytes

_LIST_ENDINGS = (".opml", ".txt", ".lst")
_COUNT: Final = re.compile(r"(?:^|, )\d+ entr(?:y|ies)$")


class ListedFeed(NamedTuple):
    """A feed, and the title that its list gives it, if it does."""

    url: str
    title: str | None = None


def read_feed_lists(names: Sequence[str], options: FetchOptions) -> list[Feed]:
    """The feeds of all lists in order, each once; see :func:`read_listed_feeds`.

    Raises:
        UsageError: a file or list cannot be read, or a line of it is no feed.
    """
    listed = read_listed_feeds(names, options)
    return [Feed(url=feed.url, position=i) for i, feed in enumerate(listed)]


def read_listed_feeds(names: Sequence[str], options: FetchOptions) -> list[ListedFeed]:
    """The feeds of all lists in order, each once, with the first title that it has.

    A name is a URL or a file of any Beam file system: a plain list (one feed a line, ``#`` starts
    a comment), OPML, or a feed. A URL counts as a list if its path ends in .opml, .txt or .lst.

    Raises:
        UsageError: a file or list cannot be read, or a line of it is no feed.
    """
    found: dict[str, str | None] = {}
    for name in names:
        for url, title in _expand(name, options):
            found[url] = found.get(url) or title
    if not found:
        raise UsageError(f"no feed in {', '.join(names)}")
    return [ListedFeed(url, title) for url, title in found.items()]


def _expand(name: str, options: FetchOptions) -> list[ListedFeed]:
    if is_web(name):
        if not urlsplit(name).path.lower().endswith(_LIST_ENDINGS):
            return [ListedFeed(_feed(name, name, ""))]
        # Its reader named this very address, as in a browser: robots.txt is about crawling.
        asked = replace(options, hosts=replace(options.hosts, robots="none"))
        with Fetcher(asked) as fetcher:
            (answer,) = fetcher.fetch([Request(name)])
        if isinstance(answer, ItemError):
            raise UsageError(f"cannot read the feed list {name}: {answer.message}")
        return parse_feed_list(answer.body, name, name)
    data = _read(name)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"{") and b"<opml" not in data[:2000]:
        return [ListedFeed(str(Path(name)) if is_local(name) else name)]
    return parse_feed_list(data, name, str(Path(name).parent))


def _read(name: str) -> bytes:
    try:
        return read_bytes(name)
    except OSError as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read the feed list {name}: {reason}") from error


def parse_feed_list(data: bytes, name: str, base: str) -> list[ListedFeed]:
    """The feeds of a plain list or an OPML document.

    In a plain list the comment behind a feed is its title, without the number of entries that
    may end it.

    Raises:
        UsageError: it names the line that is no feed.

    >>> parse_feed_list(b"https://a.example/feed  # News, 12 entries", "feeds.txt", "")
    [ListedFeed(url='https://a.example/feed', title='News')]
    """
    if b"<opml" in data[:2000]:
        return _parse_opml(data, name, base)
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"the feed list {name} is not UTF-8 text") from error
    feeds = []
    for number, line in enumerate(lines, 1):
        entry, _, comment = (part.strip() for part in line.partition(" #"))
        if entry and not entry.startswith("#"):
            title = _COUNT.sub("", comment)
            feeds.append(ListedFeed(_feed(entry, f"{name}:{number}", base), title or None))
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
            url = _feed(str(entry), f"{name}:{outline.sourceline}", base)
            feeds.append(ListedFeed(url, title if title not in (entry, url) else None))
    return feeds


def _feed(entry: str, where: str, base: str) -> str:
    if "://" in entry or not base or is_web(base):
        try:
            return web_url(entry, base)
        except UrlError as error:
            raise UsageError(f"{where}: {error}") from error
    path = Path(base) / entry
    if not path.is_file():
        raise UsageError(f"{where}: neither a web address nor a file: {entry!r}")
    return str(path)


def is_web(name: str) -> bool:
    """Whether a feed or list is one of the web rather than a file."""
    return name.lower().startswith(("http://", "https://"))
