"""The writer of feed lists: plain text and OPML, as :mod:`transforms.feeds.list_reader` reads."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from lxml import etree

from transforms.core.errors import UsageError
from transforms.core.urls import is_web_url
from transforms.extraction.cleaning import clean_line
from transforms.feeds.list_parser import ListedFeed


def format_plain_list(feeds: Iterable[ListedFeed]) -> bytes:
    """Return a plain list in UTF-8, with titles as comments.

    Raises:
        UsageError: if a plain list cannot contain the path of a feed.
    """
    return "".join(f"{format_list_line(feed)}\n" for feed in feeds).encode()


def format_list_line(feed: ListedFeed, entries: int | None = None) -> str:
    r"""Return the line of a plain list for a feed, without line end.

    Args:
        feed: the feed; its title becomes a comment.
        entries: the number of its entries for the comment, if known.

    Raises:
        UsageError: if a plain list cannot contain the path of the feed.

    >>> format_list_line(ListedFeed("https://a.example/feed", "Harbour\n news"), 12)
    'https://a.example/feed # Harbour news, 12 entries'
    """
    url = feed.url
    is_one_line = url.splitlines() == [url] and url == url.strip()
    if not is_one_line or url.startswith("#") or " #" in url or not _is_text(url):
        raise UsageError(f"a plain list cannot contain {url!r}; rename the file")
    count = "" if entries is None else f"{entries} {'entry' if entries == 1 else 'entries'}"
    comment = ", ".join(filter(None, (clean_line(feed.title), count)))
    return f"{url} # {comment}" if comment else url


def format_opml(feeds: Iterable[ListedFeed], *, title: str = "Feeds") -> bytes:
    """Return an OPML 2.0 document in UTF-8; a feed without title has its address as text.

    Raises:
        UsageError: if XML cannot contain the path of a feed.
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
            raise UsageError(f"OPML cannot contain {feed.url!r}; rename the file") from error
    etree.indent(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def relocate_feed_files(feeds: Sequence[ListedFeed], folder: Path | None) -> list[ListedFeed]:
    """Return the feeds with paths of files that are valid in a list in another folder.

    Relative paths in a list start from the list's folder. So files below that folder get a
    relative path, and all others an absolute one.

    Args:
        feeds: the feeds; relative paths start from the working directory.
        folder: the folder of the list; None if it is not known.

    >>> relocate_feed_files([ListedFeed("/news/feeds/a.xml"), ListedFeed("/b.xml")], Path("/news"))
    [ListedFeed(url='feeds/a.xml', title=None), ListedFeed(url='/b.xml', title=None)]
    """
    root = folder.absolute() if folder else None
    return [feed if is_web_url(feed.url) else _relocate(feed, root) for feed in feeds]


def _relocate(feed: ListedFeed, root: Path | None) -> ListedFeed:
    path = Path(feed.url).absolute()
    if root is not None and path.is_relative_to(root):
        path = path.relative_to(root)
    return feed._replace(url=str(path))


def _is_text(path: str) -> bool:
    """Return whether a path is valid Unicode; names of files may be any bytes."""
    return not any("\ud800" <= character <= "\udfff" for character in path)
