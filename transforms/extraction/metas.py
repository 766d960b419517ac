"""The ``<meta>`` elements of a page, and the microdata of its article."""

from itertools import islice
from typing import Final

from lxml.html import HtmlElement

from transforms.extraction.cleaning import clean_line
from transforms.extraction.json_ld import ARTICLE_TYPES

_MAX_METAS: Final = 1000
_MAX_CHARACTERS: Final = 5000
_STATEMENTS: Final = (
    "//meta | //*[@itemprop='datePublished' or @itemprop='dateModified'"
    " or @itemprop='isAccessibleForFree']"
)
_PAGE_TYPES: Final = frozenset({"", "webpage", "itempage", "creativework", "blog"})
_VALUES: Final = ("content", "datetime", "href")

Metas = dict[str, list[str]]


def read_metas(tree: HtmlElement) -> Metas:
    """Return the contents of the ``<meta>`` elements by property, name or itemprop.

    The keys are in lower case. Microdata of anything but the article, such as a comment, is
    left out.
    """
    metas: Metas = {}
    for element in islice(tree.xpath(_STATEMENTS), _MAX_METAS):
        itemprop = element.get("itemprop")
        key = element.get("property") or element.get("name") or itemprop
        value = next(filter(None, map(element.get, _VALUES)), None)
        if value is None and element.tag not in ("meta", "link"):
            value = element.text_content()
        content = clean_line((value or "")[:_MAX_CHARACTERS])
        if key and content and (itemprop is None or is_of_article(element)):
            for name in key.lower().split():
                metas.setdefault(name, []).append(content)
    return metas


def is_of_article(element: HtmlElement) -> bool:
    """Return whether the microdata of an element is about the article or the whole page."""
    scope = next((a for a in element.iterancestors() if a.get("itemscope") is not None), None)
    kind = (scope.get("itemtype") or "") if scope is not None else ""
    name = kind.rstrip("/").rpartition("/")[2].lower()
    return name in ARTICLE_TYPES or name in _PAGE_TYPES


def find_first(metas: Metas, *keys: str) -> str:
    """Return the first content of the first of the keys that the page has; empty if none."""
    return next((metas[key][0] for key in keys if key in metas), "")
