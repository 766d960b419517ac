"""The HTTP client: one request with time and size limits, no private address, no cookie jar."""

import asyncio
import socket
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, TypeVar

import aiohttp
from aiohttp.abc import ResolveResult

from transforms.core.errors import ItemError
from transforms.fetching.body_decompression import (
    ACCEPT_ENCODING,
    decompress_body,
    read_body,
)
from transforms.fetching.http_messages import Response
from transforms.fetching.options import HttpOptions
from transforms.fetching.private_address_guard import (
    Network,
    PrivateAddress,
    guard_sockets,
    is_reachable,
)

_JOINED_HEADERS: Final = frozenset({"set-cookie", "x-robots-tag"})
"""Headers whose repetitions add up; of other repeated headers, the last one counts."""
_MAX_HEADER_BYTES: Final = 16_384

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
            headers={"User-Agent": options.agent(), "Accept-Encoding": ACCEPT_ENCODING},
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
                body = await read_body(response, limit, cut=first_bytes > 0)
                if response.status == 200:  # no other body is used
                    encodings = ", ".join(response.headers.getall("Content-Encoding", ()))
                    body = decompress_body(body, encodings, limit, cut=first_bytes > 0)
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


def _find_cause(error: BaseException | None, kind: type[E]) -> E | None:
    """Return the first error of a kind among an error and its causes."""
    while error is not None and not isinstance(error, kind):
        error = getattr(error, "os_error", None) or error.__cause__ or error.__context__
    return error
