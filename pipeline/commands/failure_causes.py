"""The causes of failed requests in plain words, for people who look at feeds."""

import re
from collections.abc import Mapping
from typing import Final

from transforms.core.errors import ItemError
from transforms.core.urls import host_of, is_web_url
from transforms.extraction.cleaning import clean_line

_NO_SECURE_CONNECTION: Final = "no secure connection with {host}: its certificate is not valid"
_HUNG_UP: Final = "the server at {host} ended the connection before it had answered"
_STATUSES: Final[Mapping[str, str]] = {
    "Http401": "the server asks for a password (401)",
    "Http403": "the server refuses access (403)",
    "Http404": "the server has no such page (404)",
    "Http410": "the server says that the page is gone for good (410)",
    "Http429": "the server asks for fewer requests (429)",
    "Http500": "the server has a fault (500); try again later",
    "Http502": "the server cannot be reached behind its gateway (502); try again later",
    "Http503": "the server is overloaded or under maintenance (503); try again later",
    "Http504": "the server is too slow for its gateway (504); try again later",
}
_CAUSES: Final[Mapping[str, str]] = {
    **_STATUSES,
    "ClientConnectorError": "no server answers at {host}",
    "ClientConnectorDNSError": "no server answers at {host}: there is no host of this name",
    "ClientConnectorSSLError": "no secure connection with {host}: it does not offer TLS",
    "ClientConnectorCertificateError": _NO_SECURE_CONNECTION,
    "PrivateAddress": (
        "{host} is on a private network; allow it with --allow_private_networks and its network"
    ),
    "ClientOSError": _HUNG_UP,
    "ClientPayloadError": _HUNG_UP,
    "ServerDisconnectedError": _HUNG_UP,
}
"""The causes by error type; other errors have a message in plain words already."""
_PAST_CAUSES: Final[Mapping[str, str]] = {
    "NotAFeed": "the document was no feed",
    "RobotsDenied": "robots.txt does not allow the address",
    "RobotsUnreachable": "robots.txt could not be read",
    "Timeout": "no full answer in time",
    "TooLarge": "the answer was too large",
}
"""The causes of errors of which only the error type is known."""
_CONNECTION: Final = re.compile(r"connect to host (\S+?)(?::80|:443)? ")


def explain_error(error: ItemError, url: str) -> str:
    """Return the cause of an error as one line.

    Args:
        error: the error of a request; its message may be empty.
        url: the address that was requested.

    >>> explain_error(ItemError("Http404", "the server answered 404"), "https://a.example/feed")
    'the server has no such page (404)'
    >>> explain_error(ItemError("ClientConnectorError", ""), "http://a.example:81/feed")
    'no server answers at a.example:81'
    """
    connection = _CONNECTION.search(error.message)
    host = connection[1] if connection else host_of(url) if is_web_url(url) else url
    cause = _CAUSES.get(error.error_type) or error.message or _PAST_CAUSES.get(error.error_type)
    if error.error_type == "PrivateAddress" and error.message:
        host = error.message.partition(" ")[0]
    return clean_line((cause or "").replace("{host}", host))
