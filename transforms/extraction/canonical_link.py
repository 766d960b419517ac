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
_HOST_VARIANTS: Final = frozenset({"www", "m", "mobile", "amp", "touch"})
"""The first labels of hosts that show the same site in another form."""
_PRIVATE_LABELS: Final = frozenset({"staging", "stage", "dev", "test", "preview", "localhost"})
"""Labels of hosts that are not for readers."""
_LIST_PARTS: Final = frozenset(
    {"tag", "tags", "topic", "topics", "category", "categories", "section", "author", "search"}
)
_DATE: Final = re.compile(r"/((?:19|20)\d\d/\d{1,2}(?:/\d{1,2})?)(?=/)")
_ID_NAME: Final = re.compile(
    r"\w*id|p|post|story|article|title|slug|item|doc|news|name|page|n|t|a|key", re.IGNORECASE
)
"""The names of parameters that often say which article is meant."""
_PATH_VARIANTS: Final = frozenset({"amp", "m", "mobile", "print"})
"""The parts of paths that show the same page in another form."""
_EXTENSION: Final = re.compile(r"\.(?:amp|html?|php|aspx?|jsp|xhtml)\b", re.IGNORECASE)
_TOKEN: Final = re.compile(r"[^\W_]+")
_IS_SLUG: Final = re.compile(r"\d|-")
_MIN_SHARED_WORDS: Final = 2
_MIN_SHARED_PORTION: Final = 0.5


class ClaimedAddress(NamedTuple):
    """The address of a page, after a look at its canonical link.

    Attributes:
        url: the canonical URL.
        is_certain: whether it is a form of the fetched address. Pages that share a certain address
            are one article, even if their texts differ.
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
    """Return the address of a page: its canonical link if that is plausible.

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
    fetched = canonical_url(url)
    try:
        claimed = canonical_url(claim) if claim else fetched
    except UrlError:
        claimed = fetched
    fetched_path, claimed_path = _read_path(fetched), _read_path(claimed)
    dropped = _read_values(fetched) - _read_values(claimed)
    is_form = fetched_path == claimed_path and not any(map(_may_be_id, dropped))
    if claimed == fetched or not _is_same_site(claimed, fetched):
        return ClaimedAddress(fetched, is_certain=True)
    if is_form and (claimed_path or not dropped):
        is_certain = _read_host(fetched) == _read_host(claimed)
        return ClaimedAddress(claimed, is_certain)
    if claimed_path and _names_the_page(claimed, fetched, title):
        return ClaimedAddress(claimed, is_certain=False)
    return ClaimedAddress(fetched, is_certain=True)


def _is_same_site(claimed: str, fetched: str) -> bool:
    """Return whether two URLs are on the same host, or one host is a subdomain of the other."""
    hosts = [_read_host(claimed), _read_host(fetched)]
    if _PRIVATE_LABELS & set(hosts[0].split(".")) - set(hosts[1].split(".")):
        return False
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
    path = _EXTENSION.sub("", unquote(urlsplit(url).path)).lower()
    parts = [part for part in path.split("/") if part and part != "index"]
    others = [part for part in parts if part not in _PATH_VARIANTS]
    # "/news/print" is a form of "/news" only if "/news" can be an article.
    return others if others and _IS_SLUG.search(others[-1]) else parts


def _read_values(url: str) -> set[tuple[str, str]]:
    """Return the parameters of the query of a URL, and its route."""
    parts = urlsplit(url)
    route = [("route", parts.fragment)] if parts.fragment else []
    return {*parse_qsl(parts.query, max_num_fields=1000), *route}


def _may_be_id(parameter: tuple[str, str]) -> bool:
    """Return whether a parameter may say which article is meant."""
    name, value = parameter
    return value.isdigit() or bool(_ID_NAME.fullmatch(name)) or name == "route"


def _names_the_page(claimed: str, fetched: str, title: str) -> bool:
    """Return whether the last part of a claimed path has the words of the page's address or title.

    Return False if the claimed path is the beginning of the fetched one, which is a section, or if
    both addresses have dates or numbers and these differ.
    """
    fetched_path, claimed_path = _read_path(fetched), _read_path(claimed)
    is_section = fetched_path[: len(claimed_path)] == claimed_path and len(claimed_path) < len(
        fetched_path
    )
    if is_section or _LIST_PARTS & set(claimed_path) - set(fetched_path):
        return False
    dates = [match[1] if (match := _DATE.search(url)) else None for url in (claimed, fetched)]
    if None not in dates and dates[0] != dates[1]:
        return False
    slug = _tokens(claimed_path[-1])
    names = _tokens(fetched_path[-1] if fetched_path else "")
    ids = {value for name, value in _read_values(fetched) if _may_be_id((name, value))}
    if ids & (_tokens(claimed) | {value for _, value in _read_values(claimed)}):
        return True
    numbers, fetched_numbers = (
        {token for token in tokens if token.isdigit()} for tokens in (slug, names | ids)
    )
    if numbers and fetched_numbers and not numbers & fetched_numbers:
        return False
    if ids:
        names = set()  # the page is one of many at its path: only its title can support the claim
    is_same_slug = bool(fetched_path) and claimed_path[-1] == fetched_path[-1] and not ids
    has_number = any(len(number) > 3 for number in numbers & fetched_numbers)
    return (
        is_same_slug
        or has_number
        or _share_words(slug, names)
        or _share_words(slug, _tokens(title))
    )


def _tokens(text: str) -> set[str]:
    return {match[0] for match in islice(_TOKEN.finditer(text.lower()), 200)}


def _share_words(slug: set[str], names: set[str]) -> bool:
    """Return whether two words, and half of the words of the slug, are among the names."""
    return len(slug & names) >= max(_MIN_SHARED_WORDS, _MIN_SHARED_PORTION * len(slug))
