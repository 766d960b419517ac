"""Repair of JSON-LD metadata, which trafilatura cannot parse in every page.

trafilatura cleans a script as one text: it unescapes entities, and strips what looks like markup.
If that breaks the JSON, it searches the text with regular expressions that take quadratic time (a
live blog of 840,000 characters took 1.2 s). So this module cleans the values of long scripts one
by one beforehand; then the cleaning of trafilatura changes nothing. From the updates of a live
blog, which can be a megabyte, it drops all that neither trafilatura nor htmldate reads.
"""

import html
import json
import re
from typing import Any, Final

from lxml.html import HtmlElement

_MIN_LONG_SCRIPT_CHARACTERS: Final = 20_000
_SCRIPTS: Final = './/script[@type="application/ld+json" or @type="application/settings+json"]'
_READ_IN_UPDATES: Final = {
    *("@type", "articleSection", "author", "datePublished", "headline", "publisher"),
    *("name", "alternateName", "legalName", "givenName", "additionalName", "familyName"),
}
"""The keys that ``trafilatura.json_metadata`` and ``htmldate.extractors`` read."""
_TAG: Final = re.compile(r"<[^<>]{0,1000}>")
_ESCAPES: Final = re.compile(r"[\\\x00-\x1f]+")
_REFERENCE: Final = re.compile(r"&(?=#?\w+;)")


def repair_json_ld(tree: HtmlElement) -> None:
    """Clean the values of the long scripts of a tree in place; cut those that are not JSON."""
    for script in tree.xpath(_SCRIPTS):
        if len(script.text or "") > _MIN_LONG_SCRIPT_CHARACTERS:
            script.text = _repair(script.text)


def _repair(text: str) -> str:
    try:
        return json.dumps(_clean(json.loads(text, strict=False)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text[:_MIN_LONG_SCRIPT_CHARACTERS]


def _clean(value: Any, in_updates: bool = False) -> Any:
    if isinstance(value, dict):
        return {
            key: _clean(child, in_updates or key == "liveBlogUpdate")
            for key, child in value.items()
            if not in_updates or key in _READ_IN_UPDATES or _has_objects(child)
        }
    if isinstance(value, list):
        return [_clean(child, in_updates) for child in value]
    if isinstance(value, str):
        plain = _ESCAPES.sub(" ", _TAG.sub("", html.unescape(value)))
        return _REFERENCE.sub("& ", plain)  # else trafilatura would unescape it again
    return value


def _has_objects(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and dict in map(type, value))
