"""The canonical link of a page: a claim about its address, which is often wrong.

Templates name the section page, the front page, ``/undefined`` or one story in all pages; embeds
and syndicated reports name another site. So a claim counts only if something else supports it: the
address that the page was fetched from, or its title. Imports no Beam.
"""

import re
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from lxml.html import HtmlElement

from transforms.core.urls import UrlError, canonical_url, web_url

_MAX_LINKS: Final = 50
_HOST_VARIANTS: Final = frozenset({"www", "m", "mobile", "amp", "touch", "edition", "beta"})
"""The first labels of hosts that show the same site in another form."""
_PATH_VARIANTS: Final = frozenset({"amp", "m", "mobile", "print", "index"})
"""The parts of paths that show the same page in another form."""
_EXTENSION: Final = re.compile(r"\.(?:amp|html?|php|aspx?|jsp|xhtml)\b", re.IGNORECASE)
_TOKEN: Final = re.compile(r"[^\W_]+")
_MIN_SHARED: Final = 0.5
"""The minimum share of the tokens of the shorter slug that both slugs have."""


class ClaimedAddress(NamedTuple):
    """The address of a page, after a look at its canonical link.

    Attributes:
        url: the canonical URL.
        is_certain: whether the URL is a form of the address that the page was fetched from, so
            that pages which share it are the same article, whatever their texts.
    """

    url: str
    is_certain: bool


def find_canonical_link(tree: HtmlElement, url: str | None) -> str | None:
    """Return the canonical link in the head of a page as an absolute URL.

    Returns:
        None if there is none, if it is no web address, or if the head has several different ones.
    """
    links = islice(tree.iterfind("./head/link[@rel]"), _MAX_LINKS)
    canonical = [str(e.get("href") or "") for e in links if _is_canonical(str(e.get("rel")))]
    try:
        urls = {web_url(link, url or "") for link in canonical}
    except UrlError:
        return None  # the caller uses the fetched address instead
    return urls.pop() if len(urls) == 1 else None


def _is_canonical(rel: str) -> bool:
    return "canonical" in rel.lower().split()


def resolve_address(claim: str | None, url: str, title: str) -> ClaimedAddress:
    """Decide whether the canonical link of a page is believed.

    Args:
        claim: the canonical link, if there is one.
        url: the address that the page was fetched from.
        title: the title of the page.

    Returns:
        The claimed address if it is a form of the fetched address, or if its last part has the
        words of the fetched address or of the title. Otherwise the fetched address.

    >>> resolve_address("https://a.example/news/", "https://a.example/news/pier", "Pier closed").url
    'https://a.example/news/pier'
    >>> resolve_address("https://a.example/pier-shut", "https://a.example/?p=7", "Pier shut").url
    'https://a.example/pier-shut'
    """
    own = canonical_url(url)
    try:
        claimed = canonical_url(claim) if claim else own
    except UrlError:
        claimed = own
    if claimed == own:
        return ClaimedAddress(own, is_certain=True)
    if not _is_same_site(claimed, own):
        return ClaimedAddress(own, is_certain=True)
    own_path, claimed_path = _read_path(own), _read_path(claimed)
    if own_path == claimed_path and _read_ids(own) == _read_ids(claimed):
        return ClaimedAddress(claimed, is_certain=True)
    if not claimed_path and not _read_ids(claimed):
        return ClaimedAddress(own, is_certain=True)  # the front page
    if _names_the_page(claimed, own, title):
        return ClaimedAddress(claimed, is_certain=False)
    return ClaimedAddress(own, is_certain=True)


def _is_same_site(a: str, b: str) -> bool:
    """Return whether two URLs are on the same host, or one host is a subdomain of the other."""
    hosts = [_read_host(a), _read_host(b)]
    shorter, longer = sorted(hosts, key=len)
    return shorter == longer or ("." in shorter and longer.endswith(f".{shorter}"))


def _read_host(url: str) -> str:
    """Return host and port, without the labels of another form of the same site."""
    labels = urlsplit(url).netloc.lower().split(".")
    while len(labels) > 2 and labels[0] in _HOST_VARIANTS:
        del labels[0]
    return ".".join(labels)


def _read_path(url: str) -> list[str]:
    """Return the parts of a path, without extensions and parts of another form of the page."""
    path = _EXTENSION.sub("", unquote(urlsplit(url).path))
    return [part for part in path.lower().split("/") if part and part not in _PATH_VARIANTS]


def _read_ids(url: str) -> set[str]:
    """Return the values with digits in the query and route of a URL: they may name an article."""
    parts = urlsplit(url)
    values = [value for _, value in parse_qsl(parts.query, max_num_fields=1000)]
    return {value for value in (*values, parts.fragment) if any(map(str.isdigit, value))}


def _names_the_page(claimed: str, own: str, title: str) -> bool:
    """Return whether the last part of a claimed path has the words of the page's address or title.

    A claim for a part of the fetched path names the section of the page. If both addresses have
    numbers and no number in common, they name two pages.
    """
    own_path, claimed_path = _read_path(own), _read_path(claimed)
    is_section = own_path[: len(claimed_path)] == claimed_path and len(claimed_path) < len(own_path)
    if is_section or not claimed_path:
        return False
    slug = _tokens(claimed_path[-1])
    names = _tokens(own_path[-1] if own_path else "")
    ids = _read_ids(own)
    numbers, own_numbers = (
        {token for token in tokens if token.isdigit()}
        for tokens in (slug | _read_ids(claimed), names | ids)
    )
    if numbers and own_numbers and not numbers & own_numbers:
        return False
    if ids & (_tokens(claimed) | _read_ids(claimed)):
        return True
    if ids:
        names = set()  # the page is one of many at its path: only its title can support the claim
    words = _tokens(title)
    return _share(slug, names, minimum=1) or _share(slug, words, minimum=2)


def _tokens(text: str) -> set[str]:
    return {match[0] for match in islice(_TOKEN.finditer(text.lower()), 200)}


def _share(slug: set[str], names: set[str], *, minimum: int) -> bool:
    shared, shorter = len(slug & names), min(len(slug), len(names))
    return shared >= max(minimum, _MIN_SHARED * shorter) and shorter > 0
