"""The canonical form of a URL, by which two links to one article are known as one.

Careful on purpose: only parameters that are known to say nothing but where the reader came
from are dropped, since a parameter too many costs a second fetch and one too few an article.
"""

import re
from typing import Final
from urllib.parse import urljoin, urlsplit

from w3lib.url import canonicalize_url, safe_url_string, url_query_cleaner

TRACKING_PARAMETERS: Final = re.compile(
    r"(utm_\w+|(fb|g|d|tw|y|ysc)clid|gclsrc|wbraid|gbraid|msclkid|igshid|mc_[ce]id|"
    r"_hs(enc|mi)|mkt_tok|oly_(anon|enc)_id|vero_(conv|id)|at_(medium|campaign|custom\d)|"
    r"cmpid|ocid|ftag|ns_(campaign|mchannel|source|linkname|fee)|xtor|__twitter_impression|"
    r"smid|partner|rss(_id)?|ref(errer|_src)?|s_cid|feed(name|type)|sr_share)",
    re.IGNORECASE,
)


class UrlError(ValueError):
    """A link that is no web address."""


def web_url(link: str, base: str = "") -> str:
    """The absolute http(s) URL of a link.

    Raises:
        UrlError: it is not one.

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
    """The URL without fragment, default port and tracking, its parameters in order.

    Raises:
        UrlError: it is no web address.

    >>> canonical_url("HTTP://Example.org:80/a?utm_source=x&id=3&fbclid=9#top")
    'http://example.org/a?id=3'
    """
    url = web_url(url)
    parts = urlsplit(url)
    names = {pair.split("=", 1)[0] for pair in parts.query.split("&") if pair}
    tracking = [name for name in names if TRACKING_PARAMETERS.fullmatch(name)]
    if tracking:
        url = url_query_cleaner(url, tracking, remove=True, unique=False)
    url = str(canonicalize_url(url))
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = {"http": 80, "https": 443}[parts.scheme]
    netloc = parts.netloc.rpartition("@")[2].lower()
    if parts.port == port:
        netloc = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=netloc).geturl()
