"""The HTTP client: one request with time and size limits, no private address, no cookies."""

import asyncio
import socket
import time
import zlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, TypeVar

import aiohttp
from aiohttp.abc import ResolveResult

from transforms.core.errors import ItemError
from transforms.fetching.http_messages import Response
from transforms.fetching.options import HttpOptions
from transforms.fetching.private_address_guard import (
    Network,
    PrivateAddress,
    guard_sockets,
    is_reachable,
)

_JOINED_HEADERS: Final = frozenset({"x-robots-tag"})
"""Headers whose repetitions add up; of other repeated headers, the last one counts."""
_MAX_HEADER_BYTES: Final = 16_384
_CHUNK_BYTES: Final = 1 << 16
_GZIP_BITS: Final = 31
_DEFLATE_BITS: Final = 15
_RAW_DEFLATE_BITS: Final = -15
_ZLIB_BITS: Final = {"gzip": _GZIP_BITS, "x-gzip": _GZIP_BITS, "deflate": _DEFLATE_BITS}

E = TypeVar("E", bound=BaseException)


class HttpClient:
    """A client that sends GET requests over guarded connections.

    It neither retries, nor follows redirects, nor limits the number of requests: see
    :class:`~transforms.fetching.polite_client.PoliteClient`.
    """

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        allowed = options.allowed_networks()
        connector = aiohttp.TCPConnector(
            limit=0,  # the caller limits the number of connections
            resolver=_PublicResolver(allowed),
            socket_factory=guard_sockets(allowed),
            use_dns_cache=False,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers={"User-Agent": options.agent(), "Accept-Encoding": "gzip, deflate"},
            timeout=aiohttp.ClientTimeout(
                total=options.fetch_timeout_sec, connect=options.connect_timeout_sec
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=[_send_once],
            auto_decompress=False,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
            trust_env=False,
        )

    async def __aenter__(self) -> "HttpClient":
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, url: str, headers: Mapping[str, str], *, first_bytes: int = 0) -> Response:
        """Send a GET request and return its response, which may be a redirect.

        Args:
            url: the address.
            headers: the headers besides those of every request.
            first_bytes: the number of bytes to read of the body; the rest is dropped. 0 reads all.

        Raises:
            ItemError: if there is no response, or not within the limits of time and size. It
                is ``temporary`` if another attempt may succeed.
        """
        limit = first_bytes or self._options.max_fetch_bytes
        started = time.monotonic()
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                body = await _read_body(response, limit, cut=first_bytes > 0)
                received = {name.lower(): value for name, value in response.headers.items()}
                for name in _JOINED_HEADERS & received.keys():
                    received[name] = "\n".join(response.headers.getall(name))
                return Response(url, response.status, received, body, time.monotonic() - started)
        except PrivateAddress as error:
            raise ItemError("PrivateAddress", str(error)) from error
        except asyncio.TimeoutError as error:
            message = f"no full answer within {self._options.fetch_timeout_sec:g} seconds"
            if isinstance(error, aiohttp.ConnectionTimeoutError):
                message = f"no connection within {self._options.connect_timeout_sec:g} seconds"
            raise ItemError("Timeout", message, temporary=True) from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise ItemError(
                "InvalidUrl", f"not an address that can be asked: {url[:200]}"
            ) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            private = _find_cause(error, PrivateAddress)
            if private is not None:
                raise ItemError("PrivateAddress", str(private)) from error
            message = str(error) or type(error).__name__
            raise ItemError(type(error).__name__, message, temporary=True) from error


class _PublicResolver(aiohttp.ThreadedResolver):
    """A resolver that drops private addresses.

    A host that has only private addresses fails with an error that says so. This is no
    protection: the guard is in the sockets, as a host that is an IP address is never looked up.
    """

    def __init__(self, allowed: Sequence[Network]) -> None:
        super().__init__()
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        results = await super().resolve(host, port, family)
        permitted = [result for result in results if is_reachable(result["host"], self._allowed)]
        if results and not permitted:
            raise PrivateAddress(results[0]["host"])
        return permitted


async def _send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from its own immediate retry after a server closed the connection."""
    try:
        return await handler(request)
    except aiohttp.ServerDisconnectedError as error:
        message = "the server hung up before it had answered"
        raise ItemError("ServerDisconnectedError", message, temporary=True) from error
    except aiohttp.ClientConnectorError:
        raise
    except aiohttp.ClientOSError as error:
        raise ItemError(type(error).__name__, str(error), temporary=True) from error


async def _read_body(response: aiohttp.ClientResponse, limit: int, *, cut: bool) -> bytes:
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
        """Whether the data is complete. Raw deflate data need not mark its end."""
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


def _find_cause(error: BaseException | None, kind: type[E]) -> E | None:
    """Return the first error of a kind among an error and its causes."""
    while error is not None and not isinstance(error, kind):
        error = getattr(error, "os_error", None) or error.__cause__ or error.__context__
    return error
