"""Pages that only lead to another: by a refresh in their head, or by a script."""

import re
from typing import Final

import lxml.html
from lxml import etree
from lxml.html import HtmlElement
from w3lib.html import get_base_url

from transforms.core.urls import UrlError, web_url
from transforms.extraction.charset import decode_page
from transforms.extraction.cleaning import clean_html
from transforms.extraction.content_sniffing import detect_binary_kind
from transforms.fetching.http_messages import Response

_MAX_BYTES: Final = 32_768
_MAX_TEXT: Final = 500
"""The maximum number of characters of text in a page whose refresh is followed."""
_MAX_DELAY_SECONDS: Final = 20
"""The maximum delay of a refresh that is followed. Pages to be read have a longer one."""
_MAX_SCRIPT: Final = 1000

_MAYBE_REFRESH: Final = re.compile(rb"http-equiv|location", re.IGNORECASE)
_REFRESH: Final = re.compile(
    r"\s*(\d+)[\d.]*[\s;,]+(?:url\s*=\s*)?(\S.*)", re.IGNORECASE | re.DOTALL
)
_HIDDEN: Final = ("script", "style", "title", "template")
_LOCATION: Final = re.compile(
    r"\blocation(?:\.href)?(?:\s*=\s*|\.(?:replace|assign)\(\s*)"
    r"(?:\"([^\"\n]+)\"|'([^'\n]+)')\s*\)?\s*(?:[;}\"',]|$)"
)
_DECISION: Final = re.compile(
    r"\b(?:if|switch|cookie|confirm|addEventListener|onclick)\b|\?\s*['\"]"
)
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))")


def find_refresh(response: Response) -> str | None:
    """Return the URL to which a page leads at once, if it has hardly any text of its own.

    It is that of ``<meta http-equiv="refresh">``, of the Refresh header, or of the page's only
    script if that does nothing but lead there.
    """
    body, header = response.body, response.headers.get("refresh")
    if len(body) > _MAX_BYTES or not (header or _MAYBE_REFRESH.search(body)):
        return None
    html = clean_html(decode_page(body, response.headers.get("content-type", "")))
    if detect_binary_kind(body) or "articleBody" in html:
        return None
    try:
        parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True)
        tree = lxml.html.document_fromstring(html.encode(), parser=parser)
    except etree.LxmlError:  # the page has no element
        return None
    refreshes = [header] if header else _read_refreshes(tree)
    target = _parse_refresh(refreshes[0]) if refreshes else _find_script_target(tree)
    etree.strip_elements(tree, *_HIDDEN, with_tail=False)
    if target is None or len(" ".join("".join(map(str, tree.itertext())).split())) > _MAX_TEXT:
        return None
    try:
        return web_url(target, get_base_url(html, response.url))
    except UrlError:
        return None


def _read_refreshes(tree: HtmlElement) -> list[str]:
    return [
        meta.get("content") or ""
        for meta in tree.iter("meta")
        if (meta.get("http-equiv") or "").strip().lower() == "refresh"
    ]


def _parse_refresh(content: str) -> str | None:
    """Return the link of a refresh, if it has one and leads there at once."""
    match = _REFRESH.match(content)
    if match is None or len(match[1]) > 9 or int(match[1]) > _MAX_DELAY_SECONDS:
        return None
    link: str = match[2]
    return link[1:].partition(link[0])[0] if link[0] in "\"'" else link.strip()


def _find_script_target(tree: HtmlElement) -> str | None:
    """Return the link to which the only script of a page leads without a condition, or None."""
    scripts = [script.text or "" for script in tree.iter("script")]
    if len(scripts) != 1 or len(scripts[0]) > _MAX_SCRIPT or _DECISION.search(scripts[0]):
        return None
    links = [match[1] or match[2] for match in _LOCATION.finditer(scripts[0].strip())]
    return _ESCAPE.sub(_unescape, links[0]) if len(links) == 1 else None


def _unescape(escaped: re.Match[str]) -> str:
    code = escaped[1] or escaped[2]
    return chr(int(code, 16)) if code else escaped[3]
