"""The cookies of one chain of redirects. Some sites redirect until a cookie comes back."""

from email.message import Message
from http.client import HTTPResponse
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import cast
from urllib.parse import urlsplit
from urllib.request import Request

from transforms.core.urls import origin_of
from transforms.fetching.http_messages import Response


class RedirectCookies:
    """A cookie jar that lives as long as one chain of redirects.

    Cookies are sent to the hosts that RFC 6265 allows. A cookie for a whole top-level domain
    (``com``, ``co.uk``) is sent to no host but its own.
    """

    def __init__(self) -> None:
        self._jar = CookieJar(
            _Policy(strict_domain=True, strict_ns_domain=_Policy.DomainStrictNonDomain)
        )

    def store(self, response: Response) -> bool:
        """Store the cookies that a response sets, and return whether it sets any."""
        message = Message()
        for value in response.headers.get("set-cookie", "").split("\n"):
            if value and value.isprintable():
                message["Set-Cookie"] = value
        if not message:
            return False
        self._jar.extract_cookies(cast(HTTPResponse, _Answer(message)), _to_request(response.url))
        return True

    def header(self, url: str) -> dict[str, str]:
        """Return the Cookie header of a request, if it has one."""
        request = _to_request(url)
        self._jar.add_cookie_header(request)
        value = request.get_header("Cookie")
        return {"Cookie": value} if value else {}


class _Policy(DefaultCookiePolicy):
    """The library's policy, except that a cookie of an IP address is for that address only."""

    def set_ok_domain(self, cookie: Cookie, request: Request) -> bool:
        is_address = cookie.domain.rpartition(".")[2].isdigit()
        if is_address and cookie.domain.lstrip(".") != urlsplit(request.full_url).hostname:
            return False
        return bool(super().set_ok_domain(cookie, request))


class _Answer:
    """The part of a response that :mod:`http.cookiejar` reads."""

    def __init__(self, headers: Message) -> None:
        self._headers = headers

    def info(self) -> Message:
        return self._headers


def _to_request(url: str) -> Request:
    return Request(origin_of(url) + urlsplit(url).path)
