"""HTTP requests and responses, as the stages see them."""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Request:
    """A GET request, conditional if it has validators (RFC 9110, 13.1).

    Attributes:
        url: the address to fetch.
        is_page: whether it is for a page; feeds and robots.txt are no pages.
        etag: the value for If-None-Match.
        last_modified: the value for If-Modified-Since.
        validated_url: the address that the validators came from. They are sent to it alone.
    """

    url: str
    is_page: bool = False
    etag: str | None = None
    last_modified: str | None = None
    validated_url: str | None = None

    def headers(self, url: str) -> dict[str, str]:
        """Return the headers for an address that the request, or a redirect of it, goes to."""
        if url != self.validated_url:
            return {}
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value}


@dataclass(frozen=True)
class Response:
    r"""A complete response.

    Attributes:
        url: the address that it came from, after redirects.
        status: the HTTP status.
        headers: the headers; names are in lower case. Repetitions of ``x-robots-tag`` and
            ``set-cookie`` are joined by ``\n``. Of other repeated headers, the last one counts.
        body: the decompressed body.
        seconds: the duration of the request, redirects included.
        moved_to: the address that the requested one has moved to permanently, if any: the last
            one that only redirects with status 301 or 308 led to.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    moved_to: str | None = None

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty if there is none.

        Some servers separate the parameters by a space, or name the type twice.
        """
        header = self.headers.get("content-type", "").lower()
        return re.split(r"[\s;,]", header.strip(), maxsplit=1)[0]


def parse_location(headers: Mapping[str, str]) -> str | None:
    """Return the Location header as a link, with bytes beyond ASCII percent-encoded.

    >>> parse_location({"location": "/ä?x=1%20"})
    '/%C3%A4?x=1%20'
    """
    value = headers.get("location")
    if value is None:
        return None
    return quote(value.encode("utf-8", "surrogateescape"), safe=string.punctuation)
