"""Which feeds to read: plain lists, OPML, single feeds, from files and from the web."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree

from schemas.rows import row
from transforms.fetching import Fetcher, FetchOptions
from transforms.hosts import Request
from transforms.lost import Lost
from transforms.options import UsageError
from transforms.urls import UrlError, web_url

_LIST_ENDINGS = (".opml", ".txt", ".lst")


@row
@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as listed: a web address or the path of a file."""

    url: str
    position: int


def read_feed_lists(names: Sequence[str], options: FetchOptions) -> list[Feed]:
    """The feeds of all lists in order, each once.

    A name is a URL or a file: a plain list (one feed a line, ``#`` starts a comment), OPML,
    or a feed. A URL counts as a list if its path ends in .opml, .txt or .lst.

    Raises:
        UsageError: a file or list cannot be read, or a line of it is no feed.
    """
    found: dict[str, None] = {}
    for name in names:
        found.update(dict.fromkeys(_expand(name, options)))
    if not found:
        raise UsageError(f"no feed in {', '.join(names)}")
    return [Feed(url=url, position=i) for i, url in enumerate(found)]


def _expand(name: str, options: FetchOptions) -> list[str]:
    if name.lower().startswith(("http://", "https://")):
        if not urlsplit(name).path.lower().endswith(_LIST_ENDINGS):
            return [_feed(name, name, "")]
        # Its reader named this very address, as in a browser: robots.txt is about crawling.
        asked = replace(options, hosts=replace(options.hosts, robots="none"))
        with Fetcher(asked) as fetcher:
            (answer,) = fetcher.fetch([Request(name)])
        if isinstance(answer, Lost):
            raise UsageError(f"cannot read the feed list {name}: {answer.message}")
        return parse_feed_list(answer.body, name, name)
    path = Path(name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the feed list {name}: {error.strerror}") from error
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"{") and b"<opml" not in data[:2000]:
        return [str(path)]
    return parse_feed_list(data, name, str(path.parent))


def parse_feed_list(data: bytes, name: str, base: str) -> list[str]:
    """The feeds of a plain list or an OPML document.

    Raises:
        UsageError: it names the line that is no feed.
    """
    if b"<opml" in data[:2000]:
        return _parse_opml(data, name, base)
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"the feed list {name} is not UTF-8 text") from error
    feeds = []
    for number, line in enumerate(lines, 1):
        entry = line.split(" #")[0].strip()
        if entry and not entry.startswith("#"):
            feeds.append(_feed(entry, f"{name}:{number}", base))
    return feeds


def _parse_opml(data: bytes, name: str, base: str) -> list[str]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise UsageError(f"the OPML file {name} is not well-formed: {error}") from error
    return [
        _feed(str(outline.get("xmlUrl")), f"{name}:{outline.sourceline}", base)
        for outline in root.iter("outline")
        if outline.get("xmlUrl")
    ]


def _feed(entry: str, where: str, base: str) -> str:
    if "://" in entry or not base or base.startswith(("http://", "https://")):
        try:
            return web_url(entry, base)
        except UrlError as error:
            raise UsageError(f"{where}: {error}") from error
    path = Path(base) / entry
    if not path.is_file():
        raise UsageError(f"{where}: neither a web address nor a file: {entry!r}")
    return str(path)
