"""The forms of feed URLs: what they look like, and schemes such as ``feed:``. Imports no Beam."""

import re
from typing import Final
from urllib.parse import urlsplit

FEED_SCHEMES: Final = r"(?i:feed|rss|itpc|pcast|podcast)"
"""A pattern of the schemes with which sites ask feed readers to subscribe."""
_FEED_SCHEME: Final = re.compile(rf"{FEED_SCHEMES}:(?://)?(?P<rest>.*)", re.DOTALL)
_FEED_HOST: Final = re.compile(r"(?:feeds?|rss)\d?\.")
_FEED_PATH: Final = re.compile(
    r"/(?:feeds?|rss\w{0,20}|atom)(?:[/.]|$)|\.(?:rss|atom|rdf)(?:/|$)"
    r"|(?:feed|rss|atom)\d?\.(?:xml|json|php|aspx?)$|/index\.xml$",
    re.IGNORECASE,
)
_FEED_QUERY: Final = re.compile(
    r"(?:^|&)(?:feed|format|type|output|alt)=(?:feed|rss2?|atom|rdf)(?:&|$)", re.IGNORECASE
)


def remove_feed_scheme(link: str) -> str:
    """Return a link without ``feed:``; it starts with ``//`` if no other scheme is left.

    >>> [remove_feed_scheme(f"feed:{end}") for end in ("https://a.example/", "//a.example/")]
    ['https://a.example/', '//a.example/']
    """
    match = _FEED_SCHEME.match(link)
    if match is None:
        return link
    rest = match["rest"]
    is_complete = rest.lower().startswith(("http:", "https:"))
    return rest if is_complete else f"//{rest.lstrip('/')}"


def is_feed_like_url(url: str) -> bool:
    """Return whether a URL looks like that of a feed.

    >>> [is_feed_like_url(f"https://a.example{end}") for end in ("/news.rss", "/?feed=rss2")]
    [True, True]
    >>> is_feed_like_url("https://a.example/feedback")
    False
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(
        _FEED_PATH.search(parts.path)
        or _FEED_QUERY.search(parts.query)
        or _FEED_HOST.match(parts.hostname or "")
    )
