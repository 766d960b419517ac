"""The metadata of the article of a page: JSON-LD first, then ``<meta>``, then its markup."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from lxml.html import HtmlElement
from trafilatura.htmlprocessing import prune_unwanted_nodes
from trafilatura.metadata import extract_sitename, extract_title, extract_url
from trafilatura.xpaths import AUTHOR_DISCARD_XPATHS, AUTHOR_XPATHS

from transforms.core.urls import UrlError, web_url
from transforms.extraction.bylines import clean_names, clean_organisations
from transforms.extraction.cleaning import clean_line
from transforms.extraction.dates import find_times, is_in_comment, read_lines_below_headline
from transforms.extraction.json_ld import JsonLdArticle, read_json_ld, share_words
from transforms.extraction.metas import Metas, find_first, read_metas
from transforms.extraction.paywall import is_paywalled
from transforms.extraction.titles import is_cut, is_site_name, strip_site_name

MAX_TAGS: Final = 50
_TITLES: Final = (
    *("og:title", "headline", "parsely-title", "sailthru.title", "dc.title", "dcterms.title"),
    *("citation_title", "rbtitle", "title", "twitter:title"),
)
_SITE_NAMES: Final = ("og:site_name", "publisher", "dc.publisher", "application-name")
_AUTHORS: Final = (
    *("article:author", "article:author_name", "author", "authors", "byl", "byline"),
    *("parsely-author", "sailthru.author", "og:author", "og:article:author", "dc.creator"),
    *("dc:creator", "dcterms.creator", "citation_author", "creator", "cxenseparse:author"),
    *("dcsext.author", "rbauthors", "shareaholic:article_author_name"),
)
_SUMMARIES: Final = (
    *("og:description", "description", "twitter:description", "sailthru.description"),
    *("dc.description", "dcterms.description"),
)
_IMAGES: Final = (
    *("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src"),
    *("thumbnail", "image"),
)
_SECTIONS: Final = (
    *("article:section", "og:section", "og:article:section", "parsely-section"),
    *("cxenseparse:section", "prism.section", "section"),
)
_NO_SECTIONS: Final = frozenset({"uncategorized", "uncategorised", "tags", "none", "null"})
_TAGS: Final = ("news_keywords", "keywords", "parsely-tags", "sailthru.tags")
_TAG_SEPARATOR: Final = re.compile(r"[,;|]")
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{20,}|\d+", re.IGNORECASE)
_MAX_TAG_LENGTH: Final = 80
_MAX_HEADLINES: Final = 5
_MAX_BYLINE: Final = 200
_MAX_BYLINES: Final = 10
_NO_BYLINE: Final = re.compile(r"\b(?:image|photo|photograph|picture|video)s?\b", re.IGNORECASE)
_BYLINE: Final = re.compile(
    r"(?:(?:Written|Reported|Posted|Story|WRITTEN) )?(?:[Bb]y|BY)(?: [^\W\d_a-z]|:|$)"
)
_OPEN_END: Final = re.compile(r"(?:\bby:?|[,&…]|\band|\b\d)$", re.IGNORECASE)
_DOMAIN: Final = re.compile(r"[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True)
class PageMetadata:
    """The metadata of an article; empty or None where the page has none.

    Attributes:
        authors: the names of persons or, without any, of those that the page names instead.
        site_name: the name of the outlet; that of the host if there is none.
        published_at, modified_at: see :func:`~transforms.extraction.dates.find_times`.
        section: the first section that the page names.
        is_paywalled: whether the page says that the article is not free to read.
        article_body: the text that the JSON-LD has of the article.
    """

    title: str
    authors: list[str]
    site_name: str
    published_at: dt.datetime | None
    modified_at: dt.datetime | None
    summary: str
    image_url: str | None
    section: str | None
    tags: list[str]
    is_paywalled: bool
    article_body: str | None


def read_metadata(tree: HtmlElement, url: str | None) -> PageMetadata:
    """Read the metadata of the article of a page.

    Args:
        tree: the page; it is not changed.
        url: its address.
    """
    metas = read_metas(tree)
    headings = islice(tree.iter("h1"), _MAX_HEADLINES)
    headlines = [text for h1 in headings if (text := clean_line(h1.text_content()[:1000]))]
    stated = find_first(metas, *_TITLES)
    page_url = extract_url(tree, url)
    titles = [stated, *headlines, clean_line(tree.findtext(".//head/title"))]
    article = read_json_ld(tree, [url, page_url, find_first(metas, "og:url")], titles)
    published_at, modified_at = find_times(article, metas, tree, page_url)
    host = _get_host(url or page_url)
    site_name = _find_site_name(article, metas, tree) or host
    handles = metas.get("twitter:site", [])
    names = [site_name, article.site_name, *handles, host, _get_label(host)]
    return PageMetadata(
        title=_find_title(stated, article.headline, headlines, tree, names),
        authors=_find_authors(article, metas, tree, site_name),
        site_name=site_name,
        published_at=published_at,
        modified_at=modified_at,
        summary=find_first(metas, *_SUMMARIES) or article.description,
        image_url=_find_image(article, metas, url or page_url),
        section=_find_section(article, metas),
        tags=_find_tags(article, metas),
        is_paywalled=is_paywalled(article, metas),
        article_body=article.article_body,
    )


def _find_title(
    stated: str, headline: str, headlines: list[str], tree: HtmlElement, site_names: list[str]
) -> str:
    """Return the first title that is not just the name of the site, without that name.

    Args:
        stated: the title of the ``<meta>`` elements.
        headline: that of the JSON-LD, which may be of another story.
        headlines: those of the page itself.
        tree: the page.
        site_names: the names of the site and its host.
    """
    if headlines and not any(share_words(headline, text) for text in headlines):
        headline = ""
    known = [stated, headline, *headlines]
    full = next((text for text in known[1:] if is_cut(stated, text)), "")
    title = ""
    for title in filter(None, (full, stated, headline, clean_line(extract_title(tree)))):
        stripped = strip_site_name(title, site_names, known[1:])
        if not is_site_name(stripped, site_names):
            return stripped
    return stated or title


def _get_host(url: str | None) -> str:
    """Return the host of a URL, with its port if it states one."""
    try:
        return urlsplit(url or "").netloc.rpartition("@")[2].lower().removeprefix("www.")
    except ValueError:
        return ""


def _get_label(host: str) -> str:
    """Return the label of a host that most likely names the site: the longest."""
    return max(host.split("."), key=len)


def _find_site_name(article: JsonLdArticle, metas: Metas, tree: HtmlElement) -> str:
    names = [*metas.get("og:site_name", ()), article.site_name]
    names += [find_first(metas, *_SITE_NAMES[1:]), *metas.get("twitter:site", ())]
    stripped = (name.strip().lstrip("@") for name in names if "://" not in name)
    name = next(filter(None, stripped), "")
    if not name and _DOMAIN.fullmatch(clean_line(extract_sitename(tree))):
        name = clean_line(extract_sitename(tree))
    # as trafilatura writes it
    return name if "." in name or name[:1].isupper() else name.title()


def _find_authors(
    article: JsonLdArticle, metas: Metas, tree: HtmlElement, site_name: str
) -> list[str]:
    """Return the authors of the first source that names any.

    JSON-LD may list an agency or a desk beside persons. The outlet itself is an author only if
    nobody else is.
    """

    def leave_out_site(names: list[str]) -> list[str]:
        return [name for name in names if not is_site_name(name, [site_name])]

    if persons := leave_out_site(clean_names(article.authors)):
        others = [name for name in article.authors if not clean_names([name])]
        return persons + leave_out_site(clean_organisations(others))
    sources = [article.authors, *(metas.get(key, []) for key in _AUTHORS)]
    for clean in (clean_names, clean_organisations):
        for source in sources:
            if names := leave_out_site(clean(source)):
                return names
    bylines = list(_find_bylines(tree))
    for byline in bylines:
        # A single word in the markup is more often a label than a name.
        names = [name for name in clean_names(byline) if " " in name or not name.isascii()]
        if names := leave_out_site(names):
            return names
    marked = [line for byline in bylines for line in byline if _BYLINE.match(line)]
    return next(filter(None, map(clean_organisations, [*sources, marked])), [])


def _find_bylines(tree: HtmlElement) -> Iterator[list[str]]:
    """Yield what may be the byline in the markup of a page, the likeliest first.

    Each is the text of an element, with those of the like elements beside it, or lines "By ..."
    after the headline.
    """
    pruned = prune_unwanted_nodes(deepcopy(tree), AUTHOR_DISCARD_XPATHS)
    for position, expression in enumerate(AUTHOR_XPATHS):
        if position == 1:  # the other expressions are less specific
            yield from _read_byline_lines(read_lines_below_headline(tree))
        results = expression(pruned)
        for element in results[:_MAX_BYLINES] if isinstance(results, list) else ():
            if not isinstance(element, HtmlElement) or is_in_comment(element):
                continue
            text = clean_line(" ".join(element.itertext()))
            if 2 < len(text) < _MAX_BYLINE and not _NO_BYLINE.search(text):
                parent = element.getparent()
                beside = islice(() if parent is None else parent, _MAX_BYLINES)
                alike = [other for other in beside if other.attrib == element.attrib]
                yield [clean_line(" ".join(other.itertext())) for other in alike] or [text]


def _read_byline_lines(lines: list[str]) -> Iterator[list[str]]:
    """Yield the lines "By ...", with those that continue the list of names.

    >>> list(_read_byline_lines(["By", "Dana Whitlock", "and", "Omar Reyes", "Share"]))
    [['By Dana Whitlock and Omar Reyes']]
    """
    for position, line in enumerate(lines):
        if not _BYLINE.match(line):
            continue
        byline = line
        for following in lines[position + 1 : position + 1 + _MAX_BYLINES]:
            if not (_OPEN_END.search(byline) or _OPEN_END.fullmatch(following)):
                break
            byline += f" {following}"
        yield [byline]


def _find_image(article: JsonLdArticle, metas: Metas, url: str | None) -> str | None:
    for image in [*(metas[key][0] for key in _IMAGES if key in metas), article.image]:
        try:
            if image:
                return web_url(image, url or "")
        except UrlError:
            continue
    return None


def _find_section(article: JsonLdArticle, metas: Metas) -> str | None:
    sections = [article.section, *(metas[key][0] for key in _SECTIONS if key in metas)]
    return next((name for name in sections if name and name.lower() not in _NO_SECTIONS), None)


def _find_tags(article: JsonLdArticle, metas: Metas) -> list[str]:
    """Return the keywords of a page, once each: those of JSON-LD, ``article:tag`` and keywords."""
    lists = [article.keywords, metas.get("article:tag", [])]
    # Several values are a list; a single one may be a list in one string.
    split = (tags if len(tags) > 1 else _split_tags(tags) for tags in lists)
    rest = (_split_tags(metas.get(key, ())) for key in _TAGS)
    tags: dict[str, str] = {}
    for tag in (tag.strip(" \"'[]#") for source in [*split, *rest] for tag in source):
        if tag and len(tag) <= _MAX_TAG_LENGTH and not _ID.fullmatch(tag):
            tags.setdefault(tag.lower(), tag)
    return list(tags.values())[:MAX_TAGS]


def _split_tags(values: Iterable[str]) -> list[str]:
    return [tag for value in values for tag in _TAG_SEPARATOR.split(value)]
