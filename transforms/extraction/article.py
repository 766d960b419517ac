"""Extract an article from a page or a fragment, with trafilatura. Imports no Beam."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

import py3langid
import trafilatura
from lxml import etree
from w3lib.encoding import html_to_unicode

from transforms.core.clock import parse_iso_time
from transforms.core.errors import ItemError
from transforms.core.urls import UrlError, web_url
from transforms.extraction.cleaning import clean_html, clean_line, clean_text
from transforms.extraction.json_ld import repair_json_ld
from transforms.extraction.markup_limits import check_markup
from transforms.extraction.opt_outs import read_opt_outs

_MAX_METAS: Final = 1000
_PAYWALL: Final = re.compile(r'"isAccessibleForFree"\s*:\s*"?false', re.IGNORECASE)
_JSON_LD_DATE: Final = re.compile(r'"datePublished"\s*:\s*"([^"]{10,40})"')
_META_DATE: Final = re.compile(
    r"<meta[^>]{0,100}article:published_time[^>]{0,100}content=[\"']([^\"']{10,40})", re.IGNORECASE
)
_TIME_ELEMENT: Final = re.compile(
    r"<time\b[^>]{0,200}\bdatetime=[\"']?([^\"'>]{16,40})", re.IGNORECASE
)
_XML_DECLARATION: Final = re.compile(r"\s*<\?xml[^>]*>", re.IGNORECASE)
_TITLE_SEPARATOR: Final = re.compile(r"(\s[|–—·-]\s)")
_NO_LETTERS: Final = re.compile(r"[\W_]|^the\b")
_MIN_LETTERS_FOR_LANGUAGE: Final = 60


@dataclass(frozen=True)
class Extraction:
    """What a page says of itself. ``published_at`` is UTC; a day without time is midnight."""

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


def extract_page(
    body: bytes | str | None,
    *,
    url: str | None,
    content_type: str = "",
    headers: Mapping[str, str] | None = None,
    fragment: str | None = None,
) -> tuple[Extraction, str]:
    """The article of a page or, failing that, of the feed's own text; and by which method.

    Raises:
        ItemError: there is no text in either, or the page is made to be hard to read.
    """
    problem = ItemError("NoText", "no article text was found in the page")
    if body is not None:
        try:
            check_markup(body.encode("utf-8", "replace") if isinstance(body, str) else body)
            html = body if isinstance(body, str) else decode_page(body, content_type)
            found = extract_article(html, url=url, headers=headers)
            if found is not None:
                return found, "trafilatura"
        except ItemError as lost:
            problem = lost
    found = extract_fragment(fragment, url=url) if fragment else None
    if found is None:
        raise problem
    return found, "feed_content"


def decode_page(body: bytes, content_type: str = "") -> str:
    """A page's text by its byte order mark, HTTP header or own declaration, else UTF-8 if it is.

    >>> decode_page(b"<p>caf\\xe9</p>", "text/html; charset=latin-1")
    '<p>café</p>'
    """
    try:
        return html_to_unicode(content_type or None, body, auto_detect_fun=_guess_encoding)[1]
    except (UnicodeError, LookupError):  # what it names is a codec of Python's, but no charset
        return body.decode(_guess_encoding(body), "replace")


def _guess_encoding(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def extract_article(
    html: str, *, url: str | None = None, headers: Mapping[str, str] | None = None
) -> Extraction | None:
    """The article of a page, or None if no text is found in it."""
    html = clean_html(_XML_DECLARATION.sub("", html, count=1))
    tree = trafilatura.load_html(html)
    if tree is None:
        return None
    canonical = _canonical_link(tree, url)
    noindex, reserved = read_opt_outs(headers or {}, _metas(tree))
    lang = str(tree.get("lang") or "")[:2].lower()
    repair_json_ld(tree)
    found = trafilatura.bare_extraction(
        tree, url=url, with_metadata=True, include_comments=False, deduplicate=False
    )
    site_name = clean_line(getattr(found, "sitename", None))
    title = _without_site_name(clean_line(getattr(found, "title", None)), site_name)
    text = clean_text(getattr(found, "text", None) or "").removeprefix(f"{title}\n")
    if not text:
        return None
    return Extraction(
        title=title,
        authors=_names(getattr(found, "author", None)),
        published_at=_page_time(html, getattr(found, "date", None)),
        text=text,
        canonical_url=canonical,
        language=detect_language(text) or lang or None,
        site_name=site_name or None,
        truncated_or_paywalled=bool(_PAYWALL.search(html)),
        noindex=noindex,
        tdm_reserved=reserved,
    )


def extract_fragment(html: str, *, url: str | None) -> Extraction | None:
    """The article of a feed's own full text, or None if there is none."""
    found = extract_article(f"<html><body><article>{html}</article></body></html>", url=url)
    text = found.text if found else clean_text(_plain(html))
    if not text:
        return None
    return Extraction("", [], None, text, None, detect_language(text), None, False)


def detect_language(text: str) -> str | None:
    """ISO 639-1 code of a text's language; None if there is too little to tell."""
    if sum(map(str.isalpha, text[:500])) < _MIN_LETTERS_FOR_LANGUAGE:
        return None
    return str(py3langid.classify(text[:3000])[0])


def _metas(tree: Any) -> dict[str, str]:
    metas = islice(tree.iterfind(".//meta[@name]"), _MAX_METAS)
    return {str(m.get("name")).strip().lower(): str(m.get("content") or "") for m in metas}


def _canonical_link(tree: Any, url: str | None) -> str | None:
    """The page's own canonical link, unless it is none or names the front page by mistake."""
    for link in tree.iterfind(".//link[@rel='canonical']"):
        try:
            canonical = web_url(link.get("href") or "", url or "")
        except UrlError:
            return None  # the address that was fetched serves instead
        is_front = urlsplit(canonical).path in ("", "/") and not urlsplit(canonical).query
        return None if is_front and url and urlsplit(url).path not in ("", "/") else canonical
    return None


def _without_site_name(title: str, site_name: str) -> str:
    """A title without the outlet's name behind its last bar or dash."""
    parts = _TITLE_SEPARATOR.split(title)
    ending, name = (_NO_LETTERS.sub("", text.lower()) for text in (parts[-1], site_name))
    if len(parts) < 3 or not (name and ending):
        return title
    is_name = ending.startswith(name) or name.startswith(ending)
    return "".join(parts[:-2]) if is_name else title


def _names(author: str | None) -> list[str]:
    return [clean_line(name) for name in (author or "").split(";") if name.strip()]


def _page_time(html: str, day: str | None) -> dt.datetime | None:
    """The time that the page states for machines, else the day that htmldate found.

    The day is refined by the first time element that lies in it as written.
    """
    stated = _JSON_LD_DATE.search(html) or _META_DATE.search(html)
    time = parse_iso_time(stated[1]) if stated else None
    if time is None and day:
        within = (m[1] for m in _TIME_ELEMENT.finditer(html) if m[1].startswith(day))
        time = next(filter(None, map(parse_iso_time, within)), None)
    return time or parse_iso_time(day or "")


def _plain(html: str) -> str:
    return "\n".join(map(str, etree.HTML(f"<div>{html}</div>").itertext()))
