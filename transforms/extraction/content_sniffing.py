"""Content sniffing: what kind of document bytes are, whatever their Content-Type says."""

import codecs
import re
from typing import Final

_KINDS: Final = (
    (b"%PDF-", "a PDF document"),
    (b"%!PS-Adobe-", "a PostScript document"),
    (b"\x89PNG\r\n", "an image"),
    (b"GIF8", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"II*\0", "an image"),
    (b"MM\0*", "an image"),
    (b"\0\0\1\0", "an image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"OggS", "a sound or video"),
    (b"\x1a\x45\xdf\xa3", "a sound or video"),
    (b"\0\0\1\xba", "a video"),
    (b"FLV\1", "a video"),
    (b"MThd", "a sound"),
    (b"fLaC", "a sound"),
    (b"\xff\xfb", "a sound"),
    (b"ID3", "a sound"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_TEXT_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)
WIDE_MARKUP: Final = {
    b"<\0\0\0": "utf-32-le",
    b"\0\0\0<": "utf-32-be",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}
"""How a document in a wide charset begins if it has no byte order mark."""
_TEXT_STARTS: Final = (*_TEXT_MARKS, *WIDE_MARKUP)
_HEAD_BYTES: Final = 1024
_HTML_HEAD_BYTES: Final = 8192

_BINARY_BYTES: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_HTML_START: Final = re.compile(
    rb"(?:\s|<!--(?:[^-]|-(?!->))*-->|<\?[^>]*>)*<(?:!doctype\s+html|html|head|body|title|meta|link"
    rb"|base|script|style|noscript|iframe|h[1-6]|div|p|br|b|a|font|center|table|span|img|header|nav"
    rb"|main|section|article|ul)[\s/>]",
    re.IGNORECASE,
)
"""The tags of the WHATWG MIME Sniffing Standard, 7.1, and some more that real pages begin with."""


def detect_binary_kind(body: bytes) -> str | None:
    """Return the kind of a binary document, for people; None if it may be text.

    >>> detect_binary_kind(b"%PDF-1.7"), detect_binary_kind(b"<rss/>")
    ('a PDF document', None)
    >>> detect_binary_kind(b"a\\0b\\0\\0\\0")
    'binary data'
    """
    for magic, kind in _KINDS:
        if body.startswith(magic):
            return kind
    if body[4:8] == b"ftyp" or (body[:4] == b"RIFF" and body[8:12] in (b"WEBP", b"AVI ", b"WAVE")):
        return "an image, a sound or a video"
    head = body[:_HEAD_BYTES]
    is_wide = head.startswith(_TEXT_STARTS)
    return "binary data" if head.count(0) * 20 > len(head) and not is_wide else None


def strip_start(body: bytes) -> bytes:
    """Return a document without a UTF-8 byte order mark and white space at its start."""
    return body.lstrip(codecs.BOM_UTF8 + b" \t\r\n")


def has_text_bytes(body: bytes) -> bool:
    """Return whether the start of a document has no byte that only binary data has.

    The bytes are those of the WHATWG MIME Sniffing Standard, section 3.
    """
    head = body[:_HEAD_BYTES]
    return head.startswith(_TEXT_STARTS) or not _BINARY_BYTES.search(head)


def is_html(body: bytes) -> bool:
    """Return whether a document begins as an HTML page does.

    >>> is_html(b"<?xml version='1.0'?><!-- x --><html lang='en'>"), is_html(b"<?xml?><rss>")
    (True, False)
    """
    head = body[:_HTML_HEAD_BYTES].translate(None, b"\0")  # UTF-16 has NULs between the letters
    return _HTML_START.match(head.lstrip(b"".join(_TEXT_MARKS))) is not None
