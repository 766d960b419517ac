"""One bounded HTTP request: deadlines, byte caps, no private address, no cookies."""

import asyncio
import ipaddress
import socket
import string
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final
from urllib.parse import quote

import aiohttp
from aiohttp.abc import ResolveResult

from transforms.core.errors import ItemError
from transforms.core.options import flag, require
from transforms.core.version import VERSION
from transforms.fetching.address_guard import Network, PrivateAddress, guarded_sockets, may_reach

PRODUCT: Final = "newsbeam"
_EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
_REPEATED: Final = frozenset({"x-robots-tag"})
"""Headers of which each has a meaning of its own; the others' last one counts."""
_HEADER_BYTES: Final = 16_384
_CHUNK: Final = 1 << 16
_ZLIB_BITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}


@dataclass(frozen=True)
class HttpOptions:
    """How the web is asked."""

    user_agent: str | None = flag(
        "User-Agent header in full (default: newsbeam, its version and the contact)", default=None
    )
    contact: str | None = flag(
        "a mail or web address by which a site can reach you, sent with every request",
        default=None,
        metavar="ADDRESS",
    )
    fetch_timeout_sec: float = flag(
        "seconds that one request may take in all", default=30.0, type=float, metavar="SECONDS"
    )
    connect_timeout_sec: float = flag(
        "seconds that finding and reaching a server may take",
        default=10.0,
        type=float,
        metavar="SECONDS",
    )
    max_fetch_bytes: int = flag(
        "most bytes of one response, as sent and after decompression",
        default=10_000_000,
        type=int,
        metavar="BYTES",
    )
    fetch_concurrency: int = flag("requests at a time", default=64, type=int, metavar="N")
    fetch_attempts: int = flag(
        "tries for a request that fails for now (no connection, 429, 5xx)",
        default=2,
        type=int,
        metavar="N",
    )
    allow_private_networks: Sequence[str] | None = flag(
        "let requests reach private addresses: those of the networks named, or all",
        default=None,
        nargs="*",
        metavar="NETWORK",
    )

    def __post_init__(self) -> None:
        require(self.fetch_timeout_sec > 0, "--fetch_timeout_sec must be above 0")
        require(self.connect_timeout_sec > 0, "--connect_timeout_sec must be above 0")
        require(self.max_fetch_bytes > 0, "--max_fetch_bytes must be above 0")
        require(self.fetch_concurrency > 0, "--fetch_concurrency must be above 0")
        require(self.fetch_attempts > 0, "--fetch_attempts must be above 0")
        for name in ("user_agent", "contact"):
            text = getattr(self, name) or "x"
            require(text.isprintable() and text.isascii(), f"--{name}: printable ASCII only")
        for network in self.allow_private_networks or ():
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                require(False, f"--allow_private_networks: {error}")

    def allowed_networks(self) -> tuple[Network, ...]:
        """The private networks that may be reached."""
        if self.allow_private_networks is None:
            return ()
        return tuple(map(ipaddress.ip_network, self.allow_private_networks or _EVERYWHERE))

    def agent(self) -> str:
        """The User-Agent header.

        >>> HttpOptions(contact="desk@example.org").agent()
        'newsbeam/0.1.0 (feed reader; desk@example.org)'
        """
        about = f"feed reader; {self.contact}" if self.contact else "feed reader"
        return self.user_agent or f"{PRODUCT}/{VERSION} ({about})"


@dataclass(frozen=True)
class Response:
    """An answer in full.

    Header names are in lower case; a repeated ``x-robots-tag`` has a line for each.
    ``moved_to`` is where the address has moved for good, if it has (301 and 308 alone led there).
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    moved_to: str | None = None

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty if not stated."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class HttpClient:
    """Connections that are guarded, and one request at a time over any of them."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        allowed = options.allowed_networks()
        connector = aiohttp.TCPConnector(
            limit=0,  # who calls bounds how many there are
            resolver=_PublicResolver(allowed),
            socket_factory=guarded_sockets(allowed),
            use_dns_cache=False,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers={"User-Agent": options.agent(), "Accept-Encoding": "gzip, deflate"},
            timeout=aiohttp.ClientTimeout(
                total=options.fetch_timeout_sec, connect=options.connect_timeout_sec
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=[_ask_once],
            auto_decompress=False,
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
            trust_env=False,
        )

    async def __aenter__(self) -> "HttpClient":
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, url: str, headers: Mapping[str, str], *, first_bytes: int = 0) -> Response:
        """The answer to one request. Redirects are answers like any other.

        With ``first_bytes``, so many of the body are enough; without, a body beyond the limit
        is lost.

        Raises:
            ItemError: there was no answer, or not within the limits; ``temporary`` says whether
                another try may do better.
        """
        limit = first_bytes or self._options.max_fetch_bytes
        started = time.monotonic()
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
                body = await _read(answer, limit, cut=first_bytes > 0)
                found = {name.lower(): value for name, value in answer.headers.items()}
                for name in _REPEATED & found.keys():
                    found[name] = "\n".join(answer.headers.getall(name))
                return Response(url, answer.status, found, body, time.monotonic() - started)
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
            private = _cause(error, PrivateAddress)
            if private is not None:
                raise ItemError("PrivateAddress", str(private)) from error
            message = str(error) or type(error).__name__
            raise ItemError(type(error).__name__, message, temporary=True) from error


class _PublicResolver(aiohttp.ThreadedResolver):
    """Leaves out what may not be reached, so that it is not mistaken for what does not answer.

    It is the sockets that keep requests away from there: an IP literal is not looked up at all.
    """

    def __init__(self, allowed: Sequence[Network]) -> None:
        super().__init__()
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        permitted = [one for one in found if may_reach(one["host"], self._allowed)]
        if found and not permitted:
            raise PrivateAddress(found[0]["host"])
        return permitted


async def _ask_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from asking again by itself, at once, where a server hangs up."""
    try:
        return await handler(request)
    except aiohttp.ServerDisconnectedError as error:
        message = "the server hung up before it had answered"
        raise ItemError("ServerDisconnectedError", message, temporary=True) from error
    except aiohttp.ClientConnectorError:
        raise
    except aiohttp.ClientOSError as error:
        raise ItemError(type(error).__name__, str(error), temporary=True) from error


async def _read(answer: aiohttp.ClientResponse, limit: int, *, cut: bool) -> bytes:
    """The decompressed body, or its beginning where it may be cut.

    Raises:
        ItemError: it is too large before or after decompression, or wrongly compressed.
    """
    encodings = answer.headers.get("Content-Encoding", "").lower().replace(" ", "").split(",")
    encoding = encodings[0] if encodings[0] not in ("", "identity") else ""
    if len(encodings) > 1 or (encoding and encoding not in _ZLIB_BITS):
        raise ItemError("UnknownEncoding", f"the answer is encoded as {','.join(encodings)[:80]}")
    decoder = _Inflate(encoding) if encoding else None
    body, sent = bytearray(), 0
    async for chunk in answer.content.iter_chunked(_CHUNK):
        sent += len(chunk)
        body += chunk if decoder is None else decoder.feed(chunk, limit + 1 - len(body))
        if max(sent, len(body)) > limit:
            if cut:
                return bytes(body[:limit])
            raise ItemError("TooLarge", f"more than {limit} bytes")
    if decoder is not None and sent and not decoder.ended:
        raise ItemError("BadEncoding", f"the {encoding} answer is cut off", temporary=True)
    return bytes(body)


class _Inflate:
    """A decompressor that never yields more than is asked for, whatever it is fed."""

    def __init__(self, encoding: str) -> None:
        self._bits = _ZLIB_BITS[encoding]
        self._inflate = zlib.decompressobj(self._bits)
        self._started = False

    @property
    def ended(self) -> bool:
        return self._inflate.eof or self._bits < 0  # a raw stream need not say where it ends

    def feed(self, data: bytes, most: int) -> bytes:
        out = bytearray()
        while data and len(out) < most:
            try:
                out += self._inflate.decompress(data, most - len(out))
            except zlib.error as error:
                if self._started or self._bits != 15:
                    message = f"the answer cannot be decompressed: {error}"
                    raise ItemError("BadEncoding", message) from error
                self._bits = -15  # "deflate" is often sent without its envelope
                self._inflate = zlib.decompressobj(self._bits)
                continue
            self._started = True
            data = b""
            if self._inflate.eof and self._bits == 31:  # gzip members follow one another
                data = self._inflate.unused_data.lstrip(b"\0")
                self._inflate = zlib.decompressobj(self._bits) if data else self._inflate
        return bytes(out)


def _cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    while error is not None and not isinstance(error, kind):
        error = getattr(error, "os_error", None) or error.__cause__ or error.__context__
    return error


def location(headers: Mapping[str, str]) -> str | None:
    """A Location header as a link: bytes beyond ASCII stand for themselves."""
    value = headers.get("location")
    if value is None:
        return None
    return quote(value.encode("utf-8", "surrogateescape"), safe=string.punctuation)
