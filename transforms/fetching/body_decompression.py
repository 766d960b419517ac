"""Read and decompress the body of a response within a limit of bytes, as zip bombs demand."""

import zlib
from typing import Final

import aiohttp

from transforms.core.errors import ItemError

_CHUNK_BYTES: Final = 1 << 16

# The window bits of zlib: they say which header the data has.
_GZIP_BITS: Final = 31
_DEFLATE_BITS: Final = 15
_RAW_DEFLATE_BITS: Final = -15
_ZLIB_BITS: Final = {"gzip": _GZIP_BITS, "x-gzip": _GZIP_BITS, "deflate": _DEFLATE_BITS}


async def read_body(response: aiohttp.ClientResponse, limit: int, *, cut: bool) -> bytes:
    """Return the decompressed body; if it is longer than the limit, cut it or fail.

    aiohttp does not decompress, since a caller cannot limit the size of its output.

    Raises:
        ItemError: if the body is too large, before or after decompression, or damaged.
    """
    header = response.headers.get("Content-Encoding", "")
    encodings = header.lower().replace(" ", "").split(",")
    encoding = encodings[0] if encodings[0] not in ("", "identity") else ""
    if len(encodings) > 1 or (encoding and encoding not in _ZLIB_BITS):
        raise ItemError("UnknownEncoding", f"the answer is encoded as {','.join(encodings)[:80]}")
    decompressor = _Decompressor(encoding) if encoding else None
    body, received = bytearray(), 0
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        received += len(chunk)
        if decompressor is None:
            body += chunk
        else:
            body += decompressor.feed(chunk, limit + 1 - len(body))
        if max(received, len(body)) > limit:
            if cut:
                return bytes(body[:limit])
            raise ItemError("TooLarge", f"more than {limit} bytes")
    if decompressor is not None and received and not decompressor.has_ended:
        raise ItemError("BadEncoding", f"the {encoding} answer is cut off", temporary=True)
    return bytes(body)


class _Decompressor:
    """A decompressor of gzip or deflate that never returns more bytes than the caller allows."""

    def __init__(self, encoding: str) -> None:
        self._bits = _ZLIB_BITS[encoding]
        self._zlib = zlib.decompressobj(self._bits)
        self._has_started = False

    @property
    def has_ended(self) -> bool:
        """True if the data is complete. Raw deflate data need not mark its end."""
        return self._zlib.eof or self._bits == _RAW_DEFLATE_BITS

    def feed(self, data: bytes, max_bytes: int) -> bytes:
        """Decompress data; drop what is beyond the maximum of bytes to return."""
        out = bytearray()
        while data and len(out) < max_bytes:
            try:
                out += self._zlib.decompress(data, max_bytes - len(out))
            except zlib.error as error:
                if self._has_started or self._bits != _DEFLATE_BITS:
                    message = f"the answer cannot be decompressed: {error}"
                    raise ItemError("BadEncoding", message) from error
                # Many servers send "deflate" without the zlib header (RFC 9110, 8.4.1.2).
                self._bits = _RAW_DEFLATE_BITS
                self._zlib = zlib.decompressobj(self._bits)
                continue
            self._has_started = True
            data = b""
            if self._zlib.eof and self._bits == _GZIP_BITS:  # a gzip file may have several members
                data = self._zlib.unused_data.lstrip(b"\0")
                self._zlib = zlib.decompressobj(self._bits) if data else self._zlib
        return bytes(out)
