"""URLs: check, resolve and normalise them, and find their host and origin.

Entries are the same if their canonical URLs are equal. Of the query parameters, only well-known
tracking parameters are removed. To remove too many would lose articles, since two articles would
then have the same URL. To remove too few merely costs a second fetch.
"""

import re
from typing import Final
from urllib.parse import urljoin, urlsplit

from w3lib.url import canonicalize_url, safe_url_string, url_query_cleaner

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

TRACKING_PARAMETERS: Final = re.compile(
    r"(utm_\w+|(fb|g|d|tw|y|ysc)clid|gclsrc|wbraid|gbraid|msclkid|igshid|mc_[ce]id|"
    r"_hs(enc|mi)|mkt_tok|oly_(anon|enc)_id|vero_(conv|id)|at_(medium|campaign|custom\d)|"
    r"cmpid|ocid|ftag|ns_(campaign|mchannel|source|linkname|fee)|xtor|__twitter_impression|"
    r"smid|partner|rss(_id)?|ref(errer|_src)?|s_cid|feed(name|type)|sr_share)",
    re.IGNORECASE,
)

_ROUTE_STARTS: Final = frozenset({"!", "/"})


class UrlError(ValueError):
    """The error for a link that is not a web address."""


def is_web_url(name: str) -> bool:
    """Return whether a feed or a feed list is named by a web address rather than a file path.

    >>> is_web_url("HTTPS://a.example/feed"), is_web_url("news/feed.xml")
    (True, False)
    """
    return name.lower().startswith(("http://", "https://"))


def host_of(url: str) -> str:
    """Return the host of a URL, which is the key of its host queue.

    The port is appended unless it is 80 or 443.

    >>> host_of("https://A.example:443/x"), host_of("http://a.example:8080/")
    ('a.example', 'a.example:8080')
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    return host if parts.port in (None, 80, 443) else f"{host}:{parts.port}"


def origin_of(url: str) -> str:
    """Return the origin of a URL: the scheme and the authority that one robots.txt is valid for.

    >>> origin_of("http://user@A.example:80/x"), origin_of("https://a.example:80/x")
    ('http://a.example', 'https://a.example:80')
    """
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme}://{netloc.removesuffix(f':{_DEFAULT_PORTS[parts.scheme]}')}"


def web_url(link: str, base: str = "") -> str:
    """Return the absolute http(s) URL of a link.

    Args:
        link: the link, absolute or relative to the base.
        base: the URL of the document that the link is in.

    Raises:
        UrlError: if the result is not an http(s) URL with a host.

    >>> web_url("../news/ä?x=1", "https://example.org/a/feed.xml")
    'https://example.org/news/%C3%A4?x=1'
    """
    try:
        url = safe_url_string(urljoin(base, link.strip()))
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # the port is parsed on access
    except ValueError as error:
        raise UrlError(f"not a web address: {link[:200]!r} ({error})") from error
    if parts.scheme not in ("http", "https") or not host:
        raise UrlError(f"not a web address: {link[:200]!r}")
    return url


def canonical_url(url: str) -> str:
    """Return the URL without fragment, user, default port and tracking parameters.

    The remaining query parameters are sorted alphabetically. A fragment that starts with ``!`` or
    ``/`` stays: it is the address of a page within an app.

    Raises:
        UrlError: if it is not a web address.

    >>> canonical_url("HTTP://Example.org:80/a?utm_source=x&id=3&fbclid=9#top")
    'http://example.org/a?id=3'
    """
    url = web_url(url)
    parts = urlsplit(url)
    names = {pair.split("=", 1)[0] for pair in parts.query.split("&") if pair}
    tracking = [name for name in names if TRACKING_PARAMETERS.fullmatch(name)]
    if tracking:
        url = url_query_cleaner(url, tracking, remove=True, unique=False)
    url = str(canonicalize_url(url, keep_fragments=parts.fragment[:1] in _ROUTE_STARTS))
    parts = urlsplit(url)
    host = parts.hostname or ""
    netloc = parts.netloc.rpartition("@")[2].lower()
    if parts.port == _DEFAULT_PORTS[parts.scheme]:
        netloc = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=netloc).geturl()
