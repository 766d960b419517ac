"""Write feed lists, plain and as OPML, so that they can be read again."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from lxml import etree

from transforms.core.errors import UsageError
from transforms.core.urls import is_web_url
from transforms.extraction.cleaning import clean_line
from transforms.feeds.list_reader import ListedFeed


def format_plain_list(feeds: Iterable[ListedFeed]) -> bytes:
    """A plain list in UTF-8, titles as comments.

    Raises:
        UsageError: a feed's path cannot stand in a plain list.
    """
    return "".join(f"{format_list_line(feed)}\n" for feed in feeds).encode()


def format_list_line(feed: ListedFeed, entries: int | None = None) -> str:
    r"""A feed's line of a plain list, without the line's end; its number of entries, if given.

    Raises:
        UsageError: the feed's path cannot stand in a plain list.

    >>> format_list_line(ListedFeed("https://a.example/feed", "Harbour\n news"), 12)
    'https://a.example/feed # Harbour news, 12 entries'
    """
    url = feed.url
    is_one_line = url.splitlines() == [url] and url == url.strip()
    if not is_one_line or url.startswith("#") or " #" in url or not _is_text(url):
        raise UsageError(f"a plain list cannot name {url!r}")
    counted = "" if entries is None else f"{entries} {'entry' if entries == 1 else 'entries'}"
    comment = ", ".join(filter(None, (clean_line(feed.title), counted)))
    return f"{url} # {comment}" if comment else url


def format_opml(feeds: Iterable[ListedFeed], *, title: str = "Feeds") -> bytes:
    """An OPML 2.0 document in UTF-8. A feed without title shows its address instead.

    Raises:
        UsageError: a feed's path cannot stand in XML.
    """
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = clean_line(title)
    body = etree.SubElement(root, "body")
    for feed in feeds:
        name = clean_line(feed.title)
        names = {"text": name, "title": name} if name else {"text": feed.url}
        try:
            etree.SubElement(body, "outline", {"type": "rss", **names, "xmlUrl": feed.url})
        except ValueError as error:
            raise UsageError(f"OPML cannot name {feed.url!r}") from error
    etree.indent(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def relocate_feed_files(feeds: Sequence[ListedFeed], folder: Path | None) -> list[ListedFeed]:
    """The feeds for a list in a folder; None if nobody knows where it will be read.

    A list's relative paths are read from its own folder. So files below that get such a path,
    and all others their absolute one.

    >>> relocate_feed_files([ListedFeed("/news/feeds/a.xml"), ListedFeed("/b.xml")], Path("/news"))
    [ListedFeed(url='feeds/a.xml', title=None), ListedFeed(url='/b.xml', title=None)]
    """
    home = folder.absolute() if folder else None
    return [feed if is_web_url(feed.url) else _placed(feed, home) for feed in feeds]


def _placed(feed: ListedFeed, home: Path | None) -> ListedFeed:
    path = Path(feed.url).absolute()
    if home is not None and path.is_relative_to(home):
        path = path.relative_to(home)
    return feed._replace(url=str(path))


def _is_text(path: str) -> bool:
    """Whether a path is text: names of files may be any bytes."""
    return not any("\ud800" <= character <= "\udfff" for character in path)
