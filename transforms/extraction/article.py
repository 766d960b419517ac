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

from lxml.html import HtmlElement

from transforms.core.errors import ItemError
from transforms.extraction.article_check import check_article
from transforms.extraction.canonical_link import find_canonical_link, resolve_address
from transforms.extraction.charset import decode_page
from transforms.extraction.cleaning import clean_html, clean_text
from transforms.extraction.entry_agreement import Agreement, ExpectedArticle
from transforms.extraction.markup_limits import check_markup
from transforms.extraction.opt_outs import read_opt_outs
from transforms.extraction.text_language import detect_language

_MAX_METAS: Final = 1000
_DECLARED_LANGUAGES: Final = (
    "//meta[@property='og:locale' or @http-equiv='content-language']/@content"
)
_XML_DECLARATION: Final = re.compile(r"<\?xml[^>]*>", re.IGNORECASE)


@dataclass(frozen=True)
class Extraction:
    """The article of a page.

    Attributes:
        authors: the names of its byline.
        published_at: the time of publication, UTC; midnight if the page has only a date.
        text: the paragraphs, one per line.
        canonical_url: the canonical URL of the page; None if its address is not known.
        is_address_certain: see :class:`~transforms.extraction.canonical_link.ClaimedAddress`.
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
    is_address_certain: bool = True


@dataclass(frozen=True)
class PageArticle:
    """The article of an entry, from its page or from the feed's own text.

    Attributes:
        method: ``trafilatura`` or ``feed_content``.
        agreement: how far the page agrees with its entry; None if they were not compared.
        rejection: why the page was not used, if it was fetched.
    """

    extraction: Extraction
    method: str
    agreement: Agreement | None = None
    rejection: ItemError | None = None


def extract_page(
    body: bytes | str | None,
    *,
    url: str | None,
    content_type: str = "",
    headers: Mapping[str, str] | None = None,
    expected: ExpectedArticle | None = None,
) -> PageArticle:
    """Extract the article of a page or, if that fails, of the feed's own text.

    Args:
        body: the page, as bytes or as text; None if it was not fetched.
        url: its address, for relative links.
        content_type: its Content-Type header, which may state the encoding.
        headers: the headers of the response, for opt-outs; names are in lower case.
        expected: what the feed says of the article, if the page is that of an entry.

    Raises:
        ItemError: if neither the page nor the feed has the article; the message says what is wrong
            with the page.
    """
    problem = ItemError("NoText", "no article text was found in the page")
    feed_language = expected.language if expected else None
    if body is not None:
        try:
            check_markup(body.encode("utf-8", "replace") if isinstance(body, str) else body)
            html = body if isinstance(body, str) else decode_page(body, content_type)
            article = extract_article(html, url=url, headers=headers, feed_language=feed_language)
            if article is not None:
                agreement = check_article(article.title, article.text, url=url, expected=expected)
                return PageArticle(article, "trafilatura", agreement)
        except ItemError as error:
            problem = error
    fragment = expected.content if expected else None
    article = extract_fragment(fragment, url=url, language=feed_language) if fragment else None
    if article is None:
        raise problem
    return PageArticle(article, "feed_content", rejection=problem if body is not None else None)


def extract_article(
    html: str,
    *,
    url: str | None = None,
    headers: Mapping[str, str] | None = None,
    feed_language: str | None = None,
) -> Extraction | None:
    """Extract the article of a page.

    Args:
        html: the page.
        url: its address, for relative links.
        headers: the headers of the response, for opt-outs; names are in lower case.
        feed_language: the language that the feed declares, if there is a feed.

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
    claim = find_canonical_link(tree, url)
    declared = [tree.get("lang"), *tree.xpath(_DECLARED_LANGUAGES), feed_language]
    noindex, tdm_reserved = read_opt_outs(headers or {}, _read_metas(tree))
    try:
        metadata = read_metadata(tree, url)
        text = extract_text(tree, url=url, title=metadata.title)
    except (TypeError, ValueError):  # references to control characters; lxml rejects these in text
        return None
    shows_teaser = is_truncated(text, metadata.article_body)
    if shows_teaser and metadata.article_body:
        text = clean_text(metadata.article_body)
    if not text:
        return None
    address = resolve_address(claim, url, metadata.title) if url else None
    return Extraction(
        title=metadata.title,
        authors=metadata.authors,
        published_at=metadata.published_at,
        text=text,
        canonical_url=address.url if address else claim,
        language=detect_language(text, declared),
        site_name=metadata.site_name or None,
        truncated_or_paywalled=metadata.is_paywalled or shows_teaser,
        noindex=noindex,
        tdm_reserved=tdm_reserved,
        modified_at=metadata.modified_at,
        summary=metadata.summary,
        image_url=metadata.image_url,
        section=metadata.section,
        tags=metadata.tags,
        is_address_certain=address is None or address.is_certain,
    )


def extract_fragment(
    html: str, *, url: str | None, language: str | None = None
) -> Extraction | None:
    """Extract the article of a feed's own text, which has no title and no authors.

    Args:
        html: the text in HTML.
        url: the address of the entry, for relative links.
        language: the language that the feed declares.

    Returns:
        The article, or None if the fragment has no text.
    """
    from transforms.extraction.body import read_blocks

    article = extract_article(f"<html><body><article>{html}</article></body></html>", url=url)
    text = article.text if article else read_blocks(clean_html(html))
    if not text:
        return None
    return Extraction("", [], None, text, None, detect_language(text, [language]), None, False)


def _remove_xml_declaration(html: str) -> str:
    """Return a page without its first XML declaration and the white space before that."""
    declaration = _XML_DECLARATION.search(html)
    if declaration is None:
        return html
    return html[: declaration.start()].rstrip() + html[declaration.end() :]


def _read_metas(tree: HtmlElement) -> dict[str, str]:
    metas = islice(tree.iterfind(".//meta[@name]"), _MAX_METAS)
    return {str(m.get("name")).strip().lower(): str(m.get("content") or "") for m in metas}
