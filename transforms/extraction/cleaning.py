"""Text as it may enter a record: no control characters, no broken Unicode."""

import re
from typing import Final

_LINE_ENDS: Final = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_NO_HTML: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff]")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")
_SPACES: Final = re.compile(r"[^\S\n]+")
_BREAKS: Final = re.compile(r" ?\n[\s]*")


def clean_html(html: str) -> str:
    """A page as a parser may have it: a NUL would end it, a lone surrogate could not be read."""
    return _SURROGATES.sub("\ufffd", _NO_HTML.sub("", html))


def clean_text(text: str) -> str:
    r"""A text of paragraphs: one newline between them, single spaces within.

    >>> clean_text(" One\x00 two. \r\n\r\n Three\ud800. ")
    'One two.\nThree\ufffd.'
    """
    text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))
    text = _SURROGATES.sub("\ufffd", text)
    return _BREAKS.sub("\n", _SPACES.sub(" ", text)).strip()


def clean_line(text: str | None) -> str:
    r"""A title or name: one line.

    >>> clean_line("Senate\n race  tightens ")
    'Senate race tightens'
    """
    return clean_text(text or "").replace("\n", " ")
