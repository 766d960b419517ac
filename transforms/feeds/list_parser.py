"""The parser of feed lists: plain text, tables and OPML, with the mistakes that such lists have."""

import csv
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from lxml import etree

from transforms.core.errors import UsageError
from transforms.core.urls import UrlError, is_web_url, web_url
from transforms.extraction.charset import decode_page
from transforms.extraction.cleaning import clean_html
from transforms.extraction.content_sniffing import detect_binary_kind
from transforms.feeds.feed_urls import FEED_SCHEMES, is_feed_like_url, remove_feed_scheme

_LOG = logging.getLogger("newsbeam.feeds")

_HEAD_BYTES: Final = 2000
_MAX_SHOWN: Final = 80
_ENTRY_COUNT: Final = re.compile(r"(?:^|, )\d+ entr(?:y|ies)$")
_COMMENT: Final = re.compile(r"\s#")
_BULLET: Final = re.compile(r"(?:[-*+•]|\d{1,4}[.)])\s+(?:\[[ xX]\]\s+)?")
_ADDRESS: Final = re.compile(
    rf"(?<![\w.-])(?:(?:{FEED_SCHEMES}:(?://)?)?(?i:https?)://|{FEED_SCHEMES}://|(?i:www\.))"
    r"(?:(?!\]\()[^\s\"<>,;|]|[,;|](?![\s\"',;|]|$|(?i:https?|feed):))+"
)
_CELL: Final = re.compile(r"[,|](?=[^\W\d_a-z])|;")  # a capital letter begins a title
_ANY_CELL: Final = re.compile(r"[,;|]")
_TITLE: Final = re.compile(r'\[([^\[\]]+)\]\(|"([^"]+)"|(\w[^",;|\t]*)')
_PUNCTUATION: Final = " ,\t-–—*•:[](){}<>'`"
_DELIMITERS: Final = ",;\t"
_ADDRESS_NAMES: Final = ("xmlurl", "feedurl", "rssurl", "feed", "rss", "atom", "url", "link")
_TITLE_NAMES: Final = ("title", "name", "text")
_OUTLINE: Final = re.compile(r"<outline\b", re.IGNORECASE)
_FEED_ATTRIBUTES: Final = ("xmlurl", "feedurl", "rssurl")
_FEED_TYPES: Final = frozenset({"rss", "atom", "rdf", "feed"})


class ListedFeed(NamedTuple):
    """A feed in a list: its address or path, and its title if the list has one."""

    url: str
    title: str | None = None


_Line: TypeAlias = tuple[int, ListedFeed | UrlError]
"""The number of a line, and an entry in it or what is wrong with it."""


def parse_feed_list(data: bytes, name: str, base: str) -> list[ListedFeed]:
    """Return the feeds of a list, which is OPML, a table or plain text.

    In a plain list, the comment after a feed is its title; a number of entries at its end is
    dropped. A line that has no feed is reported and left out.

    Args:
        data: the list.
        name: its name for messages.
        base: the URL or the folder that relative entries start from; empty if none.

    Raises:
        UsageError: if the list is not text.

    >>> parse_feed_list(b"https://a.example/feed  # News, 12 entries", "feeds.txt", "")
    [ListedFeed(url='https://a.example/feed', title='News')]
    """
    kind = detect_binary_kind(data)
    if kind:
        raise UsageError(f"the feed list {name} is {kind}")
    text = _decode(data)
    feeds = []
    for number, entry in _read_outlines(text) if is_opml(data) else _read_lines(text, base):
        try:
            if isinstance(entry, UrlError):
                raise entry
            url = _resolve_feed(entry.url, base)
        except UrlError as error:
            _LOG.warning("%s:%d is left out: %s", name, number, error)
            continue
        title = entry.title if entry.title not in (entry.url, url) else None
        feeds.append(ListedFeed(url, title or None))
    return feeds


def is_opml(data: bytes) -> bool:
    """Return whether a document is OPML."""
    head = data[:_HEAD_BYTES].replace(b"\0", b"").lower()
    return b"<opml" in head or b"<outline" in head


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")  # not decode_page, which may change titles such as "Â¡"
    except UnicodeDecodeError:
        return decode_page(data).removeprefix("\ufeff")


def _read_outlines(text: str) -> Iterator[_Line]:
    """Yield the entries of an OPML document.

    Each outline is parsed alone, so that a mistake in one affects no other. HTML parsers pass over
    what XML parsers stop at, and expand no entity that a document declares.
    """
    parser = etree.HTMLParser(encoding="utf-8", no_network=True)
    head, *outlines = _OUTLINE.split(_remove_comments(clean_html(text)))
    number = 1 + head.count("\n")
    for outline in outlines:
        root = etree.fromstring(f"<outline{outline}".encode(), parser)
        element = None if root is None else root.find(".//outline")
        attributes = {} if element is None else dict(element.attrib)
        entry = _read_attributes({str(name): str(value) for name, value in attributes.items()})
        if entry is not None:
            yield number, entry
        elif ">" not in outline or any(f"{a}=" in outline.lower() for a in _FEED_ATTRIBUTES):
            yield number, UrlError(f"broken outline: {outline.strip()[:_MAX_SHOWN]!r}")
        number += outline.count("\n")


def _remove_comments(text: str) -> str:
    """Return markup without comments, with the same number of lines."""
    first, *rest = text.split("<!--")
    parts = [first]
    for part in rest:
        comment, end, markup = part.partition("-->")
        parts += ("\n" * comment.count("\n"), markup) if end else (comment,)
    return "".join(parts)


def _read_attributes(attributes: dict[str, str]) -> ListedFeed | UrlError | None:
    """Return the entry of an outline, or what is wrong with it; None for a group of outlines."""
    title = attributes.get("title") or attributes.get("text")
    url = attributes.get("url", "").strip()
    feed_urls = [attributes.get(name, "").strip() for name in _FEED_ATTRIBUTES]
    if attributes.get("type", "").lower() in _FEED_TYPES or is_feed_like_url(url):
        feed_urls.append(url)
    feed_url = next(filter(None, feed_urls), None)
    if feed_url:
        return ListedFeed(feed_url, title)
    page = url or attributes.get("htmlurl", "").strip()
    message = f"{page[:_MAX_SHOWN]} is a page and no feed; `feeds find` finds the feeds of a page"
    return UrlError(message) if page else None


def _read_lines(text: str, base: str) -> Iterator[_Line]:
    """Yield the entries of a plain list, or of a table if its first line names the columns."""
    table: _Table | None = None
    is_first = True
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("#") or not re.search(r"\w", line):
            continue
        if is_first and not _ADDRESS.search(line):
            table = _Table.from_header(line)
            if table:
                continue
        is_first = False
        for entry in [table.read_row(line)] if table else _split_line(line, base):
            yield number, entry


class _Table(NamedTuple):
    """A table of feeds, such as CSV: its delimiter and the positions of its columns."""

    delimiter: str
    address: int
    title: int | None

    @classmethod
    def from_header(cls, line: str) -> "_Table | None":
        """Return the table that a line is the header of, if it is one."""
        for delimiter in _DELIMITERS:
            names = [re.sub(r"[\W_]", "", cell).lower() for cell in _split_row(line, delimiter)]
            address = next((name for name in _ADDRESS_NAMES if name in names), None)
            title = next((name for name in _TITLE_NAMES if name in names), None)
            if address and len(names) > 1:
                position = names.index(title) if title else None
                return cls(delimiter, names.index(address), position)
        return None

    def read_row(self, line: str) -> ListedFeed | UrlError:
        """Return the feed of a row, or what is wrong with the row."""
        cells = dict(enumerate(map(str.strip, _split_row(line, self.delimiter))))
        address = cells.get(self.address)
        if not address:
            return UrlError(f"no address in {line[:_MAX_SHOWN]!r}")
        return ListedFeed(address, None if self.title is None else cells.get(self.title))


def _split_row(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _split_line(line: str, base: str) -> Iterator[ListedFeed | UrlError]:
    """Yield the entries of a line: its addresses, or else the file that it names."""
    entry, *comments = _COMMENT.split(line, maxsplit=1)
    comment = _ENTRY_COUNT.sub("", comments[0].strip()) if comments else ""
    bare = _BULLET.sub("", entry, count=1)
    addresses, others, end = list[str](), list[str](), 0
    for match in _ADDRESS.finditer(bare):
        others.append(bare[end : match.start()])
        is_cell = others[-1].rstrip().endswith((",", ";", "|"))
        addresses.append(_trim_address(match[0], is_cell=is_cell))
        end = match.start() + len(addresses[-1])
    if not addresses:
        if not _is_file(Path(base) / entry):
            entry = bare.rstrip(",;").strip("\"'`<> \t")
        yield ListedFeed(entry.strip(), comment)
        return
    title = comment or _find_title("".join([*others, bare[end:]]))
    feed_like = list(filter(is_feed_like_url, addresses))
    for address in feed_like or addresses:  # a page beside its feed is no feed
        yield ListedFeed(address, title)


def _trim_address(address: str, *, is_cell: bool = False) -> str:
    """Return an address without the marks that enclose it, and without a title after a comma.

    Args:
        address: the address and what follows it.
        is_cell: whether it is a cell after others in its row, so that a comma ends it.

    >>> [_trim_address(f"https://a.example/{end}") for end in ("feed,News;en", "0,15,Law,0.xml")]
    ['https://a.example/feed', 'https://a.example/0,15,Law,0.xml']
    """
    start = max(map(address.rfind, "/.=?&"))
    cell = (_ANY_CELL if is_cell else _CELL).search(address, start)
    address = (address[: cell.start()] if cell else address).rstrip(".,;:!'`")
    return address if "(" in address else address.rstrip(")")


def _find_title(text: str) -> str | None:
    """Return the title in what a line has besides addresses."""
    match = _TITLE.search(text)
    title = "".join(filter(None, match.groups())).strip(_PUNCTUATION) if match else ""
    return title if title.lower() not in _ADDRESS_NAMES else None


def _resolve_feed(entry: str, base: str) -> str:
    """Return the URL or the path of an entry.

    Raises:
        UrlError: if it is neither.
    """
    link = remove_feed_scheme(entry)
    if link.startswith("//"):
        link = f"http:{link}"
    elif link.lower().startswith("www."):
        link = f"https://{link}"
    if "://" in link or not base:
        return web_url(link)
    if is_web_url(base):
        if not re.fullmatch(r"\S*[/.?]\S*", link):
            raise UrlError(f"not a web address: {entry[:_MAX_SHOWN]!r}")
        return web_url(link, base)
    path = Path(base) / entry
    if not _is_file(path):
        raise UrlError(f"neither a web address nor a file: {entry[:_MAX_SHOWN]!r}")
    return str(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is too long
        return False
