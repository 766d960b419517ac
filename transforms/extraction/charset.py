"""The charset of pages, by the evidence of their bytes rather than by what is declared."""

import codecs
import re
from contextlib import suppress
from typing import Final

from ftfy import fix_encoding
from w3lib.encoding import (
    html_body_declared_encoding,
    html_to_unicode,
    http_content_type_encoding,
    to_unicode,
)

from transforms.extraction.content_sniffing import WIDE_MARKUP

_WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_ISO_2022_ESCAPE: Final = b"\x1b$"
"""ISO-2022 writes Japanese, Korean and Chinese in ASCII bytes, so they are valid UTF-8."""

_CONTINUATIONS: Final = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
"""The continuation bytes of UTF-8 as Latin-1 or Windows-1252 reads them."""
_MAYBE_MOJIBAKE: Final = re.compile(
    rf"[\x80-\x9f]|â€|[Â-ß][{_CONTINUATIONS}]|[à-ï][{_CONTINUATIONS}]{{2}}|[ð-ô][{_CONTINUATIONS}]{{3}}"
)
_MAYBE_MOJIBAKE_BYTES: Final = (
    re.compile(rb"\xc2[\x80-\x9f]"),
    re.compile(rb"\xc3[\x82-\xb4][\xc2\xc5\xc6\xcb\xe2]"),
)
"""The same in UTF-8 bytes. This search is faster, and most texts have no match."""
_CUT_MARK: Final = re.compile(rf"â€(?![{_CONTINUATIONS}])\ufffd?")
_TEXT_OR_SIGN: Final = re.compile(r"([<>])")
_MAX_REPAIRED: Final = 3_000_000
"""The length of the longest page whose mojibake is repaired, in characters, since ftfy is slow."""

_MIN_FIT: Final = 20
"""A charset fits a page if at least this many characters are right for each one that is not."""


def decode_page(body: bytes, content_type: str = "") -> str:
    """Decode a page.

    A byte order mark of UTF-16 or UTF-32 decides. Otherwise the page is UTF-8 if most of its
    characters beyond ASCII are valid UTF-8: it may be damaged, or have parts in Windows-1252. Else
    the charset of the Content-Type header or of the page itself counts if it fits, and if none
    does, Windows-1252.

    >>> decode_page("<p>“café”</p>".encode(), "text/html; charset=latin-1")
    '<p>“café”</p>'
    >>> decode_page(b"<meta charset=utf-8><p>caf\\xe9</p>")
    '<meta charset=utf-8><p>café</p>'
    """
    return repair_mojibake(_decode(body, content_type))


def repair_mojibake(text: str) -> str:
    """Return a text or a page without mojibake: UTF-8 that was decoded as Windows-1252.

    >>> repair_mojibake("itâ€™s a cafÃ©"), repair_mojibake("CAFÉ’S")
    ('it’s a café', 'CAFÉ’S')
    """
    if text.isascii() or len(text) > _MAX_REPAIRED:
        return text
    encoded = text.encode("utf-8", "replace")
    if not any(pattern.search(encoded) for pattern in _MAYBE_MOJIBAKE_BYTES):
        return text
    parts = _TEXT_OR_SIGN.split(text)
    for number, part in enumerate(parts):
        if _MAYBE_MOJIBAKE.search(part):
            # Windows-1252 has no character for the last byte of ”, so it often got lost.
            parts[number] = fix_encoding(_CUT_MARK.sub("”", part))
    return "".join(parts)


def repair_utf8(body: bytes) -> bytes:
    """Return a document as valid UTF-8, or unchanged if it is in another charset.

    A feed needs it: one broken byte is enough for feedparser to read all of it as another charset.

    >>> repair_utf8("<p>“No” ".encode() + b"\\x85 no").decode()
    '<p>“No” … no'
    >>> repair_utf8(b"<p>\\x93No\\x94")
    b'<p>\\x93No\\x94'
    """
    text = _decode_utf8(body)
    return body if text is None else repair_mojibake(text).encode()


def _decode(body: bytes, content_type: str) -> str:
    if body.startswith(_WIDE_MARKS):
        return html_to_unicode(None, body)[1]
    for start, charset in WIDE_MARKUP.items():
        if body.startswith(start):
            return body.decode(charset, "replace")
    body = body.removeprefix(codecs.BOM_UTF8)
    text = _decode_utf8(body)
    if text is not None and _ISO_2022_ESCAPE not in body:
        return text
    for declared in (http_content_type_encoding(content_type), html_body_declared_encoding(body)):
        if declared and not declared.startswith("utf"):
            with suppress(UnicodeError, LookupError):  # a Python codec that is no charset
                decoded = to_unicode(body, declared)
                right, wrong = _count_characters(decoded)
                if right >= _MIN_FIT * wrong:
                    return decoded
    return body.decode("cp1252", "replace") if text is None else text


def _decode_utf8(body: bytes) -> str | None:
    """Decode bytes most of which are UTF-8; return None if most are not."""
    with suppress(UnicodeDecodeError):
        return body.decode()
    right, wrong = _count_characters(body.decode("utf-8", "replace"))
    return body.decode("utf-8", _ERRORS) if right >= wrong else None


def _count_characters(text: str) -> tuple[int, int]:
    """Return the number of characters beyond ASCII that could be decoded, and could not."""
    wrong = text.count("\ufffd")
    return len(text) - len(text.encode("ascii", "ignore")) - wrong, wrong


def _decode_lone_byte(error: UnicodeError) -> tuple[str, int]:
    """Decode a lone byte among ASCII characters as Windows-1252, and any others as U+FFFD."""
    assert isinstance(error, UnicodeDecodeError)
    start, end = error.start, error.end
    around = error.object[max(0, start - 1) : start] + error.object[end : end + 1]
    if end - start == 1 and around.isascii():
        return error.object[start:end].decode("cp1252", "replace"), end
    return "\ufffd", end


_ERRORS: Final = "newsbeam_lone_bytes"
codecs.register_error(_ERRORS, _decode_lone_byte)
