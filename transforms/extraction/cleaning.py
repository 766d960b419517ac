"""Cleaning of text for records: no control characters, no invalid Unicode, single spaces."""

import re
from typing import Final

_LINE_ENDS: Final = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_CONTROLS_OF_HTML: Final = bytes([*range(0x09), 0x0B, *range(0x0E, 0x20), 0x7F])
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")
_SPACES: Final = re.compile(r"[^\S\n]+")
_BREAKS: Final = re.compile(r" ?\n[\s]*")


def clean_html(html: str) -> str:
    """Return a page that lxml can parse: a NUL would end it, a lone surrogate cannot be encoded."""
    try:
        encoded = html.encode()
    except UnicodeEncodeError:
        html = _SURROGATES.sub("\ufffd", html)
        encoded = html.encode()
    # A regular expression over the text would take four times as long.
    cleaned = encoded.translate(None, _CONTROLS_OF_HTML)
    if len(cleaned) < len(encoded):
        html = cleaned.decode()
    return html.replace("\ufffe", "").replace("\uffff", "")


def clean_text(text: str) -> str:
    r"""Return a text with one newline between paragraphs, and single spaces within them.

    >>> clean_text(" One\x00 two. \r\n\r\n Three\ud800. ")
    'One two.\nThree\ufffd.'
    """
    text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))
    text = _SURROGATES.sub("\ufffd", text)
    return _BREAKS.sub("\n", _SPACES.sub(" ", text)).strip()


def clean_line(text: str | None) -> str:
    r"""Return a title or a name as one line; empty for None.

    >>> clean_line("Senate\n race  tightens ")
    'Senate race tightens'
    """
    return clean_text(text or "").replace("\n", " ")
