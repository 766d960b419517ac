"""Parsing of a page into the tree that trafilatura reads.

``trafilatura.load_html`` does the same, but slower: it looks the Python class of every element up
in Python, and it searches the whole page for characters that :func:`clean_html` has removed.
"""

from typing import Final

import lxml.html
import trafilatura
from lxml import etree
from lxml.html import HtmlElement
from trafilatura.utils import is_dubious_html, repair_faulty_html

# The options of trafilatura's own parser that change a tree below its root.
_PARSER: Final = etree.HTMLParser(
    collect_ids=False,
    encoding="utf-8",
    remove_comments=True,
    remove_pis=True,
)
# All elements get one class, without a look-up by name. The classes of lxml.html for forms and
# inputs have methods that nobody calls here.
_PARSER.set_element_class_lookup(etree.ElementDefaultClassLookup(element=HtmlElement))
_HEAD_CHARACTERS: Final = 4096
"""``repair_faulty_html`` changes the first line and nothing after this many characters."""


def parse_html(html: str) -> HtmlElement | None:
    """Parse a page that :func:`~transforms.extraction.cleaning.clean_html` has cleaned.

    Returns:
        The tree that ``trafilatura.load_html`` returns, or None if that returns None.
    """
    beginning = html[:50].lower()
    head_end = html.find("\n", _HEAD_CHARACTERS) + 1 or len(html)
    repaired = repair_faulty_html(html[:head_end], beginning) + html[head_end:].replace("\f", "")
    try:
        tree = lxml.html.fromstring(repaired, parser=_PARSER)
    except (ValueError, etree.LxmlError):
        return trafilatura.load_html(html)
    if len(tree) >= (2 if is_dubious_html(beginning) else 1):
        return tree
    return trafilatura.load_html(html)  # which parses again, or rejects what is hardly HTML
