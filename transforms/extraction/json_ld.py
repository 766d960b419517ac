"""The article of a page among its JSON-LD objects: https://schema.org/Article."""

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from transforms.extraction.cleaning import clean_line

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]

ARTICLE_TYPES: Final = frozenset(
    {
        *("article", "newsarticle", "report", "techarticle", "blogposting", "liveblogposting"),
        *("advertisercontentarticle", "analysisnewsarticle", "askpublicnewsarticle"),
        *("backgroundnewsarticle", "opinionnewsarticle", "reportagenewsarticle"),
        *("reviewnewsarticle", "satiricalarticle", "scholarlyarticle", "medicalscholarlyarticle"),
        *("socialmediaposting", "discussionforumposting"),
    }
)
_PAGE_TYPES: Final = frozenset({"webpage", "itempage", "newswebpage"})
_SITE_TYPES: Final = frozenset({"website", "newsmediaorganization", "organization"})
_CONTAINERS: Final = ("@graph", "mainEntity", "mainEntityOfPage")
_MAX_SCRIPTS: Final = 100
_MAX_OBJECTS: Final = 2000
_MAX_VALUES: Final = 200
_MAX_SALVAGED_CHARACTERS: Final = 100_000
_MAX_TEXT_CHARACTERS: Final = 5000
_MIN_SHARED_WORDS: Final = 0.5
"""The share of the words of the shorter of two headlines that makes them the same story's."""
_WRAPPING: Final = re.compile(
    r"\A\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)|"
    r"(?:-->|//\s*\]\]>|/\*\s*\]\]>\s*\*/|\]\]>|;)\s*\Z"
)
_TRAILING_COMMA: Final = re.compile(r",(?=\s{0,100}[\]}])")
_SALVAGED: Final = re.compile(
    r'"(@type|headline|datePublished|dateModified|isAccessibleForFree)"\s{0,9}:\s{0,9}'
    r'(?:"((?:[^"\\]|\\.){1,500})"|(false)\b)'
)
_SALVAGED_AUTHOR: Final = re.compile(
    r'"author"\s{0,9}:[^"\]}]{0,99}"(?:@type"\s{0,9}:\s{0,9}"Person"\s{0,9},\s{0,9}")?'
    r'(?:name"\s{0,9}:\s{0,9}")?([^"\\@]{3,100})"'
)
_TAG: Final = re.compile(r"<[^<>]{0,1000}>")
_TYPE_PREFIX: Final = re.compile(r"^.*[/#:]", re.DOTALL)
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True)
class JsonLdArticle:
    """The article as the JSON-LD of a page describes it. Missing values are empty or None.

    Attributes:
        published, modified: the times, as written.
        authors: the names of persons, as written; one may be a whole byline.
        is_free: whether the article is free to read.
        article_body: its text, which may be longer than that on the page.
        site_name: the name of the publisher or of the site.
    """

    headline: str = ""
    published: str = ""
    modified: str = ""
    authors: list[str] = field(default_factory=list)
    section: str = ""
    keywords: list[str] = field(default_factory=list)
    image: str = ""
    description: str = ""
    is_free: bool | None = None
    article_body: str | None = None
    site_name: str = ""


def read_json_ld(
    tree: HtmlElement, urls: Iterable[str | None] = (), titles: Iterable[str] = ()
) -> JsonLdArticle:
    """Read the JSON-LD of a page, without the videos, comments and other stories in it.

    Args:
        tree: the page.
        urls: the addresses of the page.
        titles: the titles of the page. If the scripts have several articles, the one with
            the address or the headline of the page is read.
    """
    objects = list(islice(_iterate_objects(tree), _MAX_OBJECTS))
    by_id = {str(item["@id"]): item for item in objects if "@id" in item and len(item) > 1}
    article = _choose_article(objects, {*map(_make_key, urls)} - {""}, list(titles))
    pages = [item for item in objects if _has_type(item, _PAGE_TYPES)]
    sites = [item for item in objects if _has_type(item, _SITE_TYPES)]
    publisher = _resolve(article.get("publisher"), by_id)
    site_names = (_read_name(item) for item in [publisher, *sites])
    return JsonLdArticle(
        headline=to_line(article.get("headline") or article.get("name")),
        published=to_line(article.get("datePublished")),
        modified=to_line(article.get("dateModified")),
        authors=_read_authors(article, by_id),
        section=next(iter(_read_names(article.get("articleSection"))), ""),
        keywords=_read_names(article.get("keywords")),
        image=_read_image(_resolve(article.get("image"), by_id)),
        description=to_line(article.get("description")),
        is_free=_read_access([article, *pages]),
        article_body=_to_text(article.get("articleBody")),
        site_name=next(filter(None, site_names), ""),
    )


def to_line(value: JsonValue) -> str:
    """Return a string, or the first of several, as one line of plain text; empty for others."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return ""
    return clean_line(_TAG.sub("", html.unescape(value[:_MAX_TEXT_CHARACTERS])))


def states_false(value: JsonValue) -> bool:
    """Return whether a value is false, in any of the forms that pages write.

    >>> states_false("http://schema.org/False"), states_false("true")
    (True, False)
    """
    name = _TYPE_PREFIX.sub("", str(value)).strip().lower()
    return value is False or name in ("false", "no", "0")


def share_words(first: str, second: str) -> bool:
    """Return whether two headlines are likely of one story."""
    words, others = ({*_WORD.findall(text.lower())} for text in (first, second))
    shorter = min(len(words), len(others))
    return shorter > 0 and len(words & others) / shorter >= _MIN_SHARED_WORDS


def _iterate_objects(tree: HtmlElement) -> Iterator[JsonObject]:
    """Yield the objects of a page that are not parts of others, in their order."""
    for script in islice(tree.iterfind(".//script"), 10 * _MAX_SCRIPTS):
        if "ld+json" not in (script.get("type") or ""):
            continue
        pending = [_parse(script.text or "")]
        while pending:
            value = pending.pop()
            if isinstance(value, list):
                pending.extend(reversed(value))
            elif isinstance(value, dict):
                yield value
                pending.extend(value[key] for key in reversed(_CONTAINERS) if key in value)


def _parse(text: str) -> JsonValue:
    decoder = json.JSONDecoder(strict=False)
    text = _WRAPPING.sub("", text).strip()
    for candidate in (text, _TRAILING_COMMA.sub("", text)):
        try:
            value: JsonValue = decoder.raw_decode(candidate)[0]
            return value
        except (ValueError, RecursionError):
            continue
    return _salvage(text[:_MAX_SALVAGED_CHARACTERS])


def _salvage(text: str) -> JsonObject:
    """Return the values that can be found in a script that is not valid JSON."""
    found: JsonObject = {}
    for match in _SALVAGED.finditer(text):
        if match[1] == "@type" and not {match[2].lower()} & ARTICLE_TYPES:
            continue
        found.setdefault(match[1], match[2] or False)
    authors = _SALVAGED_AUTHOR.findall(text)
    return {**found, "author": authors[:1]} if authors else found


def _get_types(item: JsonObject) -> set[str]:
    types = item.get("@type")
    names = types if isinstance(types, list) else [types]
    return {_TYPE_PREFIX.sub("", name).lower() for name in names if isinstance(name, str)}


def _has_type(item: JsonObject, types: frozenset[str]) -> bool:
    return not types.isdisjoint(_get_types(item))


def _choose_article(objects: list[JsonObject], urls: set[str], titles: list[str]) -> JsonObject:
    """Return the article of a page, completed from objects with the same address or headline."""
    ranked: list[tuple[int, JsonObject]] = []
    for item in objects:
        if not _has_type(item, ARTICLE_TYPES):
            continue
        own_urls = {_make_key(url) for url in _read_urls(item)} - {""}
        has_url = bool(own_urls & urls)
        headline = to_line(item.get("headline") or item.get("name"))
        has_headline = any(share_words(headline, title) for title in titles)
        if not (has_url or has_headline) and own_urls and urls:
            continue  # another story
        ranked.append((2 * has_url + has_headline, item))
    best = max((rank for rank, _ in ranked), default=0)
    chosen = [item for rank, item in ranked if rank == best]
    article: JsonObject = {}
    for item in chosen if best else chosen[:1]:
        article = {**item, **article}
    return article


def _read_urls(item: JsonObject) -> Iterator[str]:
    for key in ("url", "mainEntityOfPage", "@id"):
        value = item.get(key)
        values = [value.get("@id"), value.get("url")] if isinstance(value, dict) else [value]
        yield from (text for text in values if isinstance(text, str) and "/" in text)


def _make_key(url: str | None) -> str:
    """Return the path of an address, for comparison; empty for a front page."""
    try:
        return urlsplit(url or "").path.rstrip("/").lower()
    except ValueError:
        return ""


def _resolve(value: JsonValue, by_id: dict[str, JsonObject]) -> JsonValue:
    """Return an object in full if the value only refers to it."""
    if isinstance(value, dict) and "@id" in value and not {"name", "url"} & {*value}:
        return by_id.get(str(value["@id"]), value)
    return value


def _read_authors(article: JsonObject, by_id: dict[str, JsonObject]) -> list[str]:
    value = article.get("author") or article.get("creator")
    names: list[str] = []
    for author in islice(value if isinstance(value, list) else [value], _MAX_VALUES):
        author = _resolve(author, by_id)
        if isinstance(author, dict):
            types = _get_types(author)
            if types and "person" not in types:
                continue
            parts = [to_line(author.get(key)) for key in ("givenName", "familyName")]
            names.extend(_read_names(author.get("name")) or [" ".join(parts).strip()])
        else:
            names.append(to_line(author))
    return [name for name in names if name and not name.startswith(("http:", "https:"))]


def _read_name(value: JsonValue) -> str:
    if isinstance(value, list):
        value = value[0] if value else None
    return to_line(value.get("name")) if isinstance(value, dict) else to_line(value)


def _read_names(value: JsonValue) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [name for name in map(_read_name, islice(values, _MAX_VALUES)) if name]


def _read_image(value: JsonValue) -> str:
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("url") or value.get("contentUrl") or value.get("@id")
    return to_line(value)


def _read_access(items: list[JsonObject]) -> bool | None:
    """Return whether an article is free to read, by the first object or part that says so."""
    for item in items:
        if item.get("isAccessibleForFree") not in (None, ""):
            return not states_false(item["isAccessibleForFree"])
        parts = item.get("hasPart")
        for part in islice(parts if isinstance(parts, list) else [parts], _MAX_VALUES):
            if isinstance(part, dict) and states_false(part.get("isAccessibleForFree")):
                return False
    return None


def _to_text(value: JsonValue) -> str | None:
    return html.unescape(value) if isinstance(value, str) and value.strip() else None
