"""Content sniffing: what kind of document bytes are, whatever their Content-Type says."""

import codecs
from typing import Final

_KINDS: Final = (
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n", "an image"),
    (b"GIF8", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"OggS", "a sound or video"),
    (b"ID3", "a sound"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_TEXT_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)
_WIDE_MARKUP: Final = (b"\x00<", b"<\x00", b"\x00\x00\x00<")
_HEAD_BYTES: Final = 1024


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
    if body[4:12] in (b"ftypisom", b"ftypmp42", b"ftypavif") or (
        body[:4] == b"RIFF" and body[8:12] in (b"WEBP", b"AVI ", b"WAVE")
    ):
        return "an image, a sound or a video"
    head = body[:_HEAD_BYTES]
    is_wide = head.startswith(_TEXT_MARKS + _WIDE_MARKUP)
    return "binary data" if head.count(0) * 20 > len(head) and not is_wide else None


def strip_start(body: bytes) -> bytes:
    """Return a document without a UTF-8 byte order mark and white space at its start."""
    return body.lstrip(codecs.BOM_UTF8 + b" \t\r\n")
