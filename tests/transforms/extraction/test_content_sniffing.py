import pytest

from transforms.extraction.content_sniffing import detect_binary_kind


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"%PDF-1.4 ...", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "an image"),
        (b"PK\x03\x04...", "a ZIP archive"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"\0\0\0 ftypmp42....", "an image, a sound or a video"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "an image, a sound or a video"),
        (b"text" + b"\0" * 200, "binary data"),
        (b"<rss>", None),
        ("\ufeff<rss/>".encode("utf-16-le"), None),
        ("<rss version='2.0'>".encode("utf-16-be"), None),
        ("<html>".encode("utf-32-le"), None),
        (b"a NUL\0 in a long text" + b" of words" * 50, None),
        (b"", None),
    ],
)
def test_kinds_of_binary_documents(body: bytes, kind: str | None) -> None:
    assert detect_binary_kind(body) == kind
