"""What a page says of itself as JSON-LD, so that trafilatura can read it.

It cleans a script as one text: it unescapes and strips what looks like markup or an escape. Where
that breaks the JSON, it searches the text with expressions whose time grows with its square (a live
blog of 840,000 characters took 1.2 s). So of long scripts the values are cleaned one by one before.
"""

import html
import json
import re
from typing import Any, Final

from lxml.html import HtmlElement

_LONG: Final = 20_000
_SCRIPTS: Final = './/script[@type="application/ld+json" or @type="application/settings+json"]'
_TAG: Final = re.compile(r"<[^<>]{0,1000}>")
_BREAKING: Final = re.compile(r"[\\\x00-\x1f]+")
_REFERENCE: Final = re.compile(r"&(?=#?\w+;)")


def repair_json_ld(tree: HtmlElement) -> None:
    """Clean the values of a tree's long scripts, and cut those that are no JSON, in place."""
    for script in tree.xpath(_SCRIPTS):
        if len(script.text or "") > _LONG:
            script.text = _mended(script.text)


def _mended(text: str) -> str:
    try:
        return json.dumps(_clean(json.loads(text, strict=False)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text[:_LONG]


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _clean(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, str):
        plain = _BREAKING.sub(" ", _TAG.sub("", html.unescape(value)))
        return _REFERENCE.sub("& ", plain)  # or it would be taken for one again
    return value
