import pytest

from transforms.extraction.content_sniffing import detect_binary_kind, has_text_bytes, is_html


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"%PDF-1.4 ...", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "an image"),
        (b"PK\x03\x04...", "a ZIP archive"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"\0\0\0 ftypmp42....", "an image, a sound or a video"),
        (b"\0\0\0\x1cftypiso5....", "an image, a sound or a video"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "an image, a sound or a video"),
        (b"\x1a\x45\xdf\xa3", "a sound or video"),
        (b"wOF2", "a font"),
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


PAGE = "<p>The pier is closed.</p></body></html>"


@pytest.mark.parametrize(
    "start",
    [
        "<!DOCTYPE html>",
        "\ufeff \r\n<!doctype  HTML public>",
        "<html lang='en'>",
        "<?xml version='1.0' encoding='utf-8'?>\n<?xml-stylesheet x?><html xmlns='x'>",
        "<!-- cached - at 9 --><!-- -- -->\n<HTML>",
        "<meta charset=utf-8>",
        "<h1>Pier</h1>",
        "<br />\n<b>Warning</b>",
        "",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_html_is_known_by_its_beginning(start: str, encoding: str) -> None:
    assert is_html((start + PAGE).encode(encoding))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"The pier is closed.",
        b"<?xml version='1.0'?><rss><channel>",
        b"<!-- a feed --><feed xmlns='http://www.w3.org/2005/Atom'>",
        b"<htmlx>",
        b"<bold>",
        b'{"html": "<p>"}',
        b"<svg xmlns='x'><a>",
        b"<!--" * 5000,
        b"<!---->" * 5000 + b"<rss>",
        b" " * 100_000 + b"<",
    ],
)
def test_other_documents_are_no_html(body: bytes) -> None:
    assert not is_html(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Dear “reader”\n\x1b".encode(), True),
        ("“x”".encode("utf-16"), True),
        (b"caf\xe9\t\x0c", True),
        (b"", True),
        (b"a\0b", False),
        (b"\x1f\x8b\x08", False),
    ],
)
def test_binary_bytes(body: bytes, expected: bool) -> None:
    assert has_text_bytes(body) is expected
