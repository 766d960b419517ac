import gzip
import sys
import zlib
from collections.abc import Callable

import brotli
import pytest

from transforms.core.errors import ItemError
from transforms.fetching.body_decompression import decompress_body

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PAGE = "<html><p>The “pier” is closed until spring.</p></html>".encode() * 20


def deflate(data: bytes) -> bytes:
    return zlib.compress(data)


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


def unchanged(data: bytes) -> bytes:
    return data


def decompress(
    body: bytes, header: str = "", limit: int = 1_000_000, *, cut: bool = False
) -> bytes:
    return decompress_body(body, header, limit, cut=cut)


def error_of(body: bytes, header: str = "", limit: int = 1_000_000) -> tuple[str, bool]:
    with pytest.raises(ItemError) as raised:
        decompress(body, header, limit)
    return raised.value.error_type, raised.value.temporary


COMPRESSIONS = [
    ("gzip", gzip.compress),
    ("br", brotli.compress),
    ("zstd", zstd.compress),
    ("deflate", deflate),
    ("deflate", raw_deflate),
]


@pytest.mark.parametrize(("coding", "compress"), COMPRESSIONS)
@pytest.mark.parametrize(
    "header",
    [
        "{}",
        "{}, identity",
        "utf-8,{}",
        "{},aws-chunked",
        "{}, {}",
        "X-{} {}",
        "{},,none",
        "gzip, {}",
    ],
)
def test_announced_codings_are_undone(
    coding: str, compress: Callable[[bytes], bytes], header: str
) -> None:
    header = header.format(coding.upper(), coding)
    assert decompress(compress(PAGE), header) == PAGE


@pytest.mark.parametrize(
    "header",
    [
        "",
        "identity",
        "none",
        "None",
        "utf-8",
        "UTF-8",
        "text/html",
        "binary",
        "aws-chunked",
        "gzip",
        "x-gzip",
        "br",
        "zstd",
        "deflate",
        "gzip; br",
        "compress",
        "dcb",
        "\x00",
        "7bit",
    ],
)
@pytest.mark.parametrize(
    "body", [PAGE, b"", b"\n", "<p>“x”".encode("utf-16"), b"{}", b"User-agent: *"]
)
def test_a_body_that_is_not_compressed_is_read_whatever_is_announced(
    body: bytes, header: str
) -> None:
    assert decompress(body, header) == body


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
@pytest.mark.parametrize("header", ["", "identity", "br", "deflate", "utf-8"])
def test_data_with_a_magic_number_needs_no_header(
    compress: Callable[[bytes], bytes], header: str
) -> None:
    assert decompress(compress(PAGE), header) == PAGE
    assert decompress(compress(compress(PAGE)), header) == PAGE


@pytest.mark.parametrize(("inner", "first"), COMPRESSIONS)
@pytest.mark.parametrize(("outer", "second"), COMPRESSIONS)
def test_several_codings_are_undone_in_order(
    inner: str,
    first: Callable[[bytes], bytes],
    outer: str,
    second: Callable[[bytes], bytes],
) -> None:
    assert decompress(second(first(PAGE)), f"{inner}, {outer}") == PAGE


def test_no_more_than_four_layers_are_undone() -> None:
    body = PAGE
    for _ in range(4):
        body = gzip.compress(body)
    assert decompress(body, "gzip") == PAGE
    assert error_of(gzip.compress(body)) == ("BadEncoding", False)


@pytest.mark.parametrize(("coding", "compress"), COMPRESSIONS)
def test_the_output_is_limited(coding: str, compress: Callable[[bytes], bytes]) -> None:
    bomb = compress(bytes(5_000_000))
    assert error_of(bomb, coding) == ("TooLarge", False)
    assert decompress(bomb, coding, 1000, cut=True) == bytes(1000)
    assert decompress(compress(b"x" * 1000), coding, 1000) == b"x" * 1000
    assert error_of(compress(compress(bytes(5_000_000))), f"{coding}, {coding}")[0] == "TooLarge"


@pytest.mark.parametrize(("coding", "compress"), COMPRESSIONS[:4])
def test_an_answer_that_is_cut_off_is_tried_again(
    coding: str, compress: Callable[[bytes], bytes]
) -> None:
    assert error_of(compress(PAGE)[:-3], coding) == ("BadEncoding", True)


def test_a_body_that_was_cut_on_purpose_is_read_as_far_as_it_goes() -> None:
    sent = gzip.compress(bytes(range(256)), 0)[:100]
    assert decompress(sent, "gzip", 100, cut=True).startswith(bytes(range(50)))


@pytest.mark.parametrize(("coding", "compress"), COMPRESSIONS)
def test_damaged_data_is_an_error(coding: str, compress: Callable[[bytes], bytes]) -> None:
    damaged = compress(PAGE)[:6] + b"\x07\xff\x00\x55" * 50
    assert error_of(damaged, coding)[0] == "BadEncoding"


def test_binary_data_in_an_unknown_coding_is_named() -> None:
    assert error_of(b"\x1f\x9d\x90\x00\x01", "compress") == ("UnknownEncoding", False)


@pytest.mark.parametrize(("coding", "compress"), [COMPRESSIONS[0], COMPRESSIONS[2]])
def test_a_file_may_have_several_members_but_not_endlessly_many(
    coding: str, compress: Callable[[bytes], bytes]
) -> None:
    half = len(PAGE) // 2
    members = compress(PAGE[:half]) + compress(PAGE[half:])
    assert decompress(members, coding) == PAGE
    assert decompress(members + b"\0\0\0", coding) == PAGE
    assert decompress(members + b"\n<!-- cached -->", coding) == PAGE
    assert error_of(compress(b"") * 1000, coding) == ("BadEncoding", False)
