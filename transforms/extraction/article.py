"""Extraction of an article from a page or from a feed's own text, with trafilatura.

Imports no Beam. Only the functions that extract load trafilatura and the language detector: the
process that runs the graph imports this module, but leaves the extraction to its child.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from lxml import etree
from lxml.html import HtmlElement

from transforms.core.errors import ItemError
from transforms.core.urls import UrlError, web_url
from transforms.extraction.charset import decode_page
from transforms.extraction.cleaning import clean_html, clean_text
from transforms.extraction.markup_limits import check_markup
from transforms.extraction.opt_outs import read_opt_outs

_MAX_METAS: Final = 1000
_XML_DECLARATION: Final = re.compile(r"<\?xml[^>]*>", re.IGNORECASE)
_MIN_LETTERS_FOR_LANGUAGE: Final = 60


@dataclass(frozen=True)
class Extraction:
    """The article of a page.

    Attributes:
        authors: the names of its byline.
        published_at: the time of publication, UTC; midnight if the page has only a date.
        text: the paragraphs, one per line.
        canonical_url: the canonical link of the page, if it has a plausible one.
        language: the ISO 639-1 code; None if unknown.
        truncated_or_paywalled: whether the page says that it is not free to read.
        noindex, tdm_reserved: see :func:`~transforms.extraction.opt_outs.read_opt_outs`.
        modified_at: the time of the last change that the page states, UTC.
        summary: the description in the page's head; may be empty.
        tags: the keywords of the page.
    """

    title: str
    authors: list[str]
    published_at: dt.datetime | None
    text: str
    canonical_url: str | None
    language: str | None
    site_name: str | None
    truncated_or_paywalled: bool
    noindex: bool = False
    tdm_reserved: bool = False
    modified_at: dt.datetime | None = None
    summary: str = ""
    image_url: str | None = None
    section: str | None = None
    tags: list[str] = field(default_factory=list)


def extract_page(
    body: bytes | str | None,
    *,
    url: str | None,
    content_type: str = "",
    headers: Mapping[str, str] | None = None,
    fragment: str | None = None,
) -> tuple[Extraction, str]:
    """Extract the article of a page or, if that fails, of the feed's own text.

    Args:
        body: the page, as bytes or as text; None if it was not fetched.
        url: its address, for relative links.
        content_type: its Content-Type header, which may state the encoding.
        headers: the headers of the response, for opt-outs; names are in lower case.
        fragment: the text in HTML that the feed has for the entry, if any.

    Returns:
        The article, and the method: ``trafilatura`` or ``feed_content``.

    Raises:
        ItemError: if neither has a text; the message is about the page.
    """
    problem = ItemError("NoText", "no article text was found in the page")
    if body is not None:
        try:
            check_markup(body.encode("utf-8", "replace") if isinstance(body, str) else body)
            html = body if isinstance(body, str) else decode_page(body, content_type)
            article = extract_article(html, url=url, headers=headers)
            if article is not None:
                return article, "trafilatura"
        except ItemError as error:
            problem = error
    article = extract_fragment(fragment, url=url) if fragment else None
    if article is None:
        raise problem
    return article, "feed_content"


def extract_article(
    html: str, *, url: str | None = None, headers: Mapping[str, str] | None = None
) -> Extraction | None:
    """Extract the article of a page.

    Args:
        html: the page.
        url: its address, for relative links.
        headers: the headers of the response, for opt-outs; names are in lower case.

    Returns:
        The article, or None if the page has no text.
    """
    from transforms.extraction.body import extract_text
    from transforms.extraction.html_tree import parse_html
    from transforms.extraction.metadata import read_metadata
    from transforms.extraction.paywall import is_truncated

    html = clean_html(_remove_xml_declaration(html))
    tree = parse_html(html)
    if tree is None:
        return None
    canonical = _find_canonical_url(tree, url)
    noindex, tdm_reserved = read_opt_outs(headers or {}, _read_metas(tree))
    lang = str(tree.get("lang") or "")[:2].lower()
    try:
        metadata = read_metadata(tree, url)
        text = extract_text(tree, url=url, title=metadata.title)
    except (TypeError, ValueError):  # references to control characters; lxml rejects these in text
        return None
    if not text:
        return None
    return Extraction(
        title=metadata.title,
        authors=metadata.authors,
        published_at=metadata.published_at,
        text=text,
        canonical_url=canonical,
        language=detect_language(text) or lang or None,
        site_name=metadata.site_name or None,
        truncated_or_paywalled=metadata.is_paywalled or is_truncated(text, metadata.article_body),
        noindex=noindex,
        tdm_reserved=tdm_reserved,
        modified_at=metadata.modified_at,
        summary=metadata.summary,
        image_url=metadata.image_url,
        section=metadata.section,
        tags=metadata.tags,
    )


def extract_fragment(html: str, *, url: str | None) -> Extraction | None:
    """Extract the article of a feed's own text, which has no title and no authors.

    Returns:
        The article, or None if the fragment has no text.
    """
    article = extract_article(f"<html><body><article>{html}</article></body></html>", url=url)
    text = article.text if article else clean_text(_strip_tags(html))
    if not text:
        return None
    return Extraction("", [], None, text, None, detect_language(text), None, False)


def detect_language(text: str) -> str | None:
    """Return the ISO 639-1 code of the language of a text; None if the text is too short."""
    if sum(map(str.isalpha, text[:500])) < _MIN_LETTERS_FOR_LANGUAGE:
        return None
    import py3langid

    return str(py3langid.classify(text[:3000])[0])


def _remove_xml_declaration(html: str) -> str:
    """Return a page without its first XML declaration and the white space before that."""
    declaration = _XML_DECLARATION.search(html)
    if declaration is None:
        return html
    return html[: declaration.start()].rstrip() + html[declaration.end() :]


def _read_metas(tree: HtmlElement) -> dict[str, str]:
    metas = islice(tree.iterfind(".//meta[@name]"), _MAX_METAS)
    return {str(m.get("name")).strip().lower(): str(m.get("content") or "") for m in metas}


def _find_canonical_url(tree: HtmlElement, url: str | None) -> str | None:
    """Return the canonical link of a page, unless it is invalid or wrongly the front page."""
    for link in tree.iterfind(".//link[@rel='canonical']"):
        try:
            canonical = web_url(link.get("href") or "", url or "")
        except UrlError:
            return None  # the caller uses the fetched address instead
        is_front = urlsplit(canonical).path in ("", "/") and not urlsplit(canonical).query
        return None if is_front and url and urlsplit(url).path not in ("", "/") else canonical
    return None


def _strip_tags(html: str) -> str:
    return "\n".join(map(str, etree.HTML(f"<div>{html}</div>").itertext()))
