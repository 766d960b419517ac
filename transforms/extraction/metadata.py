"""The metadata of a page that an article needs, read by the functions of trafilatura."""

import contextlib

from htmldate import find_date
from lxml.html import HtmlElement
from trafilatura.metadata import (
    META_URL,
    examine_meta,
    extract_author,
    extract_meta_json,
    extract_sitename,
    extract_title,
    extract_url,
)
from trafilatura.settings import Document, set_date_params


def read_metadata(tree: HtmlElement, url: str | None) -> Document:
    """Read the title, the byline, the date and the site name of a page.

    ``trafilatura.extract_metadata`` finds the same values, but it also searches all links of the
    page for categories, tags and a licence, which takes longer than all of this.

    Args:
        tree: the page; it is not changed.
        url: its address, which may have the date.
    """
    document = examine_meta(tree)
    if document.author and " " not in document.author:
        document.author = None
    with contextlib.suppress(Exception):  # JSON-LD may be nested in any way
        extract_meta_json(tree, document)
    document.title = document.title or extract_title(tree)
    document.author = document.author or extract_author(tree)
    document.url = document.url or extract_url(tree, url)
    document.date = find_date(tree, url=document.url, **set_date_params())
    document.sitename = _name_site(document.sitename or extract_sitename(tree), document.url)
    document.clean_and_trim()
    return document


def _name_site(name: str | None, url: str | None) -> str | None:
    """Return a name as trafilatura writes it; that of the host if there is none."""
    if name:
        name = name.lstrip("@")
        return name if "." in name or name[:1].isupper() else name.title()
    host = META_URL.match(url or "")
    return host[1] if host else None
