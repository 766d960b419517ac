"""The texts, the picture and the tags of an entry, whatever the format of its feed."""

import html
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from w3lib.html import replace_entities

from transforms.core.urls import UrlError, web_url
from transforms.extraction.cleaning import clean_html, clean_line

MAX_LINE_LENGTH: Final = 2000
MAX_CONTENT_LENGTH: Final = 2_000_000
_MAX_SUMMARY_LENGTH: Final = 1000
_MAX_READ_LENGTH: Final = 100_000
_MAX_TAGS: Final = 50
_MAX_TAG_LENGTH: Final = 100
_MAX_IMAGES: Final = 20

# Excerpts that publishing systems make have 55 words or fewer, and edited teasers hardly more.
_MIN_WORDS_OF_FULL_TEXT: Final = 100
_WORD: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]{1,2}|[^\W\u3040-\u30ff\u3400-\u9fff]+")
_TEASER_ENDING: Final = re.compile(
    r"(?:…|\.\.\.|\[…\]|(?:read|continue|see|learn|find out) (?:more|reading|on))\W*$",
    re.IGNORECASE,
)
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>|<!--[^<>]*-->")
_MARKUP: Final = re.compile(
    r"</?(?:a|b|blockquote|br|div|em|figure|h[1-6]|i|img|li|ol|p|section|span|strong|table|ul)\b"
    r"[^<>]*>",
    re.IGNORECASE,
)
_BLOCK: Final = re.compile(
    r"</?(?:blockquote|br|div|fig\w+|h[1-6r]|li|ol|p|section|t[dhr]|table|ul)\b[^<>]*>",
    re.IGNORECASE,
)
_IMAGE: Final = re.compile(r"<img\b([^<>]*)>", re.IGNORECASE)
_SOURCE: Final = re.compile(r"""\bsrc\s*=\s*["']([^"'<>]{1,2000})["']""", re.IGNORECASE)
_PIXEL: Final = re.compile(r"""\b(?:width|height)\s*=\s*["']?[01]\b""", re.IGNORECASE)
_IMAGE_NAME: Final = re.compile(r"\.(?:avif|gif|jpe?g|png|webp)(?:$|[?#])", re.IGNORECASE)


def to_line(text: str) -> str:
    """Return a title or an id as one line of bounded length."""
    return clean_line(text[: 4 * MAX_LINE_LENGTH])[:MAX_LINE_LENGTH]


def to_html(text: str, *, is_plain: bool) -> str:
    """Return a text as HTML.

    Args:
        text: the text. If it has markup, it is HTML whatever the feed says.
        is_plain: whether the feed says that it is plain text.
    """
    text = text[:MAX_CONTENT_LENGTH]
    if _MARKUP.search(text):
        return text
    lines = (html.escape(text, quote=False) if is_plain else text).splitlines()
    return "".join(f"<p>{line.strip()}</p>\n" for line in lines if line.strip())


def to_plain_text(markup: str) -> str:
    """Return the text of HTML as one line, up to a bounded length."""
    text = _TAG.sub("", _BLOCK.sub(" ", markup[:_MAX_READ_LENGTH]))
    return clean_line(replace_entities(text))


def choose_full_text(content: str, summary: str) -> str | None:
    """Return the full text of an entry in HTML; None if its feed has only a summary.

    Args:
        content: the element for the full text, in HTML; may be empty.
        summary: the element for the summary, in HTML. It holds the full text if it is longer, has
            at least 100 words, and does not end like a teaser.
    """
    if summary != content:
        text = to_plain_text(summary)
        words = islice(_WORD.finditer(text), _MIN_WORDS_OF_FULL_TEXT)
        is_full = sum(1 for _ in words) == _MIN_WORDS_OF_FULL_TEXT
        if is_full and not _TEASER_ENDING.search(text[-40:]) and len(text) > len(content):
            content = summary
    return clean_html(content[:MAX_CONTENT_LENGTH]) or None


def shorten_summary(markup: str) -> str:
    """Return a summary as plain text on one line, cut after a word if it is long."""
    text = to_plain_text(markup)
    if len(text) <= _MAX_SUMMARY_LENGTH:
        return text
    return text[:_MAX_SUMMARY_LENGTH].rpartition(" ")[0].rstrip(" ,;:.") + "…"


def choose_image(urls: Iterable[str], *texts: str, base: str) -> str | None:
    """Return the address of an entry's picture.

    Args:
        urls: the addresses that the feed gives for it, the best first.
        texts: the entry's texts in HTML. The first picture in them counts if there is no address.
        base: the address of the feed, for relative addresses.
    """
    for url in islice((*islice(urls, _MAX_IMAGES), *_find_images(texts)), 2 * _MAX_IMAGES):
        try:
            if url.strip() and len(url) <= MAX_LINE_LENGTH:
                return web_url(html.unescape(url), base)
        except UrlError:
            pass  # such as a "data:" URL
    return None


def is_image(media_type: str, url: str) -> bool:
    """Return whether the media type, or else the address, is that of a picture."""
    return media_type.startswith("image/") or (not media_type and bool(_IMAGE_NAME.search(url)))


def _find_images(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for image in islice(_IMAGE.finditer(text[:_MAX_READ_LENGTH]), _MAX_IMAGES):
            source = _SOURCE.search(image[1])
            if source and not _PIXEL.search(image[1]):
                yield source[1]


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return the tags once each, however they are capitalised."""
    lines = (clean_line(replace_entities(tag[: 4 * _MAX_TAG_LENGTH])) for tag in tags)
    unique: dict[str, str] = {}
    for line in islice(lines, 10 * _MAX_TAGS):
        if 0 < len(line) <= _MAX_TAG_LENGTH:
            unique.setdefault(line.casefold(), line)
    return list(unique.values())[:_MAX_TAGS]
