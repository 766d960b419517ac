"""Read and decompress the body of a response within a limit of bytes, as zip bombs demand."""

import re
import sys
import zlib
from collections.abc import Callable
from typing import Final, Protocol

import aiohttp
import brotli

from transforms.core.errors import ItemError
from transforms.extraction.content_sniffing import has_text_bytes, strip_start

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ACCEPT_ENCODING: Final = "gzip, deflate, br, zstd"

_CHUNK_BYTES: Final = 1 << 16
_MAX_LAYERS: Final = 4
"""The maximum number of content codings that are undone, one after the other."""
_MAX_MEMBERS: Final = 256
"""The maximum number of members of a gzip or zstd file: each costs a copy of what follows it."""
_ZSTD_OPTIONS: Final[dict[int, int]] = {zstd.DecompressionParameter.window_log_max: 23}
"""Windows of at most 8 MiB, the most that RFC 9659 allows."""

_MAGIC_NUMBERS: Final = {"gzip": b"\x1f\x8b\x08", "zstd": b"\x28\xb5\x2f\xfd"}
_WITHOUT_MAGIC: Final = frozenset({"br", "deflate"})
_STARTS_OF_TEXTS: Final = (b"", b"<", b"{")
"""The beginnings of HTML, XML and JSON. Such a text may be valid deflate data by chance."""
_UNSUPPORTED: Final = frozenset(
    {"bzip2", "compress", "dcb", "dcz", "exi", "lzma", "pack200-gzip", "sdch", "x-compress", "xz"}
)

# The window bits of zlib: they say which header the data has.
_GZIP_BITS: Final = 31
_ZLIB_BITS: Final = 15
_RAW_DEFLATE_BITS: Final = -15


async def read_body(response: aiohttp.ClientResponse, limit: int, *, cut: bool) -> bytes:
    """Return the body as it was sent; if it is longer than the limit, cut it or fail.

    Raises:
        ItemError: if the body is too large.
    """
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > limit:
            break
    return _apply_limit(bytes(body), limit, cut=cut)


def decompress_body(body: bytes, header: str, limit: int, *, cut: bool) -> bytes:
    """Return a body without its content codings.

    aiohttp does not decompress: it cannot limit the size of the output, and it fails if the header
    is wrong, as it often is. Gzip and zstd data is known by its magic number, whatever the header
    says. The header is believed about Brotli and deflate, which have none, unless the body is a
    text. Names that are no compression (``utf-8``, ``none``, ``aws-chunked``) mean nothing.

    Args:
        body: the body as it was sent.
        header: the value of Content-Encoding; empty if there is none.
        limit: the maximum number of bytes to return.
        cut: whether to cut what is longer instead of failing. The body may have been cut too.

    Raises:
        ItemError: if the body is too large, damaged, or compressed too many times.
    """
    names = re.split(r"[\s,;]+", header.lower())
    announced = [name for name in names if name in _WITHOUT_MAGIC]
    is_complete = not cut or len(body) < limit
    for _ in range(_MAX_LAYERS + 1):
        coding = _detect_coding(body) or (announced.pop() if announced else None)
        if coding is None:
            break
        if has_text_bytes(body) and strip_start(body)[:1] in _STARTS_OF_TEXTS:
            continue
        try:
            data, has_ended = _decompress(body, coding, limit)
        except (zlib.error, zstd.ZstdError, brotli.error) as error:
            if has_text_bytes(body):
                continue
            message = f"the {coding} answer cannot be decompressed: {error}"
            raise ItemError("BadEncoding", message) from error
        if not has_ended and is_complete and len(data) <= limit:
            raise ItemError("BadEncoding", f"the {coding} answer is cut off", temporary=True)
        body = _apply_limit(data, limit, cut=cut)
    else:
        raise ItemError("BadEncoding", f"the answer is compressed more than {_MAX_LAYERS} times")
    if not _UNSUPPORTED.isdisjoint(names) and not has_text_bytes(body):
        raise ItemError("UnknownEncoding", f"the answer is encoded as {header[:80]}")
    return body


def _apply_limit(body: bytes, limit: int, *, cut: bool) -> bytes:
    if len(body) > limit and not cut:
        raise ItemError("TooLarge", f"more than {limit} bytes")
    return body[:limit]


def _detect_coding(body: bytes) -> str | None:
    for coding, magic in _MAGIC_NUMBERS.items():
        if body.startswith(magic):
            return coding
    return None


class _Decompressor(Protocol):
    """The interface of the decompressors in Python's library."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _BrotliDecompressor:
    unused_data = b""

    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    @property
    def eof(self) -> bool:
        return bool(self._decoder.is_finished())

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return bytes(self._decoder.process(data, output_buffer_limit=max_length))


_DECOMPRESSORS: Final[dict[str, Callable[[], _Decompressor]]] = {
    "gzip": lambda: zlib.decompressobj(_GZIP_BITS),
    "zstd": lambda: zstd.ZstdDecompressor(options=_ZSTD_OPTIONS),
    "br": _BrotliDecompressor,
    "deflate": lambda: zlib.decompressobj(_ZLIB_BITS),
    "raw deflate": lambda: zlib.decompressobj(_RAW_DEFLATE_BITS),
}


def _decompress(body: bytes, coding: str, limit: int) -> tuple[bytes, bool]:
    """Undo one coding.

    Returns:
        The data, or its beginning if that is longer than the limit, and whether it is complete.
    """
    out = bytearray()
    for _ in range(_MAX_MEMBERS):
        decompressor = _DECOMPRESSORS[coding]()
        try:
            out += decompressor.decompress(body, limit + 1 - len(out))
        except zlib.error:
            if coding != "deflate":
                raise
            # Many servers send "deflate" without the zlib header (RFC 9110, 8.4.1.2). Its end
            # need not be marked.
            return _decompress(body, "raw deflate", limit)[0], True
        if len(out) > limit or not decompressor.eof:
            return bytes(out), decompressor.eof
        body = decompressor.unused_data.lstrip(b"\0")
        if _detect_coding(body) != coding:  # Browsers ignore what follows the last member, too.
            return bytes(out), True
    raise ItemError("BadEncoding", f"the {coding} answer has more than {_MAX_MEMBERS} members")
