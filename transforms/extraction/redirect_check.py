"""The check whether a redirect led to the article or to another page. Imports no Beam."""

import re
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from transforms.extraction.entry_agreement import Agreement

_MIN_SHARED_ON_FRONT_PAGE: Final = 0.5
"""The front page may have the first paragraph of a story, but not half of it."""
_VARIANT_PART: Final = re.compile(
    r"(?:index|default|amp|print|rss|feed|comments?|all|m|mobile)(?:\.\w{2,5})?$|\d{1,2}$", re.I
)
"""Last parts of paths that show a page in another form: for printing, or its second half."""
_MOBILE_PART: Final = re.compile(r"(?:amp|m|mobile)$", re.IGNORECASE)
_EXTENSION: Final = re.compile(r"\.(?:html?|php|aspx?|jsp|amp)$", re.IGNORECASE)
_HOME_PART: Final = re.compile(r"(?:index|default|home)(?:\.\w{2,5})?$", re.IGNORECASE)
_LANGUAGE: Final = re.compile(r"[a-z]{2}(?:[-_][a-z]{2})?$", re.IGNORECASE)
_INDEX_PART: Final = re.compile(
    r"(?:tags?|topics?|categor(?:y|ies)|sections?|search|authors?|archives?|error|404|home|login)"
    r"(?:\.\w{2,5})?$",
    re.IGNORECASE,
)
"""Parts of the addresses of lists of articles, wherever they are in a path."""
_LIST_PART: Final = re.compile(
    r"(?:news|latest|local|sports?|politics|world|business|opinion|culture|entertainment|tech|health"
    r"|lifestyle|national|international|nachrichten|politik|actualites?|noticias|notizie)"
    r"(?:\.\w{2,5})?$",
    re.IGNORECASE,
)
"""Names of sections, which end the address of a list and begin those of articles."""
_ID_PARAMETER: Final = re.compile(r"(?:^|&)(?:\w*id|p|n|a|story|article|post)=", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?:19|20)\d\d$")
_MIN_SLUG_LETTERS: Final = 4
_MIN_SLUG_WORDS: Final = 2
_YEAR_DIGITS: Final = 4
_SLUG: Final = re.compile(r"\d|-")
_WORD: Final = re.compile(r"\w+")


def find_other_page(requested_url: str, final_url: str, agreement: Agreement) -> str | None:
    """Return what kind of page a redirect led to, or None if it may be the article.

    Args:
        requested_url: the address that the feed lists.
        final_url: the address that answered.
        agreement: how far the page agrees with its entry.
    """
    requested, final = urlsplit(requested_url), urlsplit(final_url)
    if requested._replace(scheme="", fragment="") == final._replace(scheme="", fragment=""):
        return None
    requested_parts, parts = _path_parts(requested.path), _path_parts(final.path)
    is_same_host = requested.netloc.removeprefix("www.") == final.netloc.removeprefix("www.")
    if _has_parameter(final, requested) and not agreement.has_title:
        return "a step before the article, with the address of the article in its own"
    is_page_requested = bool(requested_parts) or _has_id(requested)
    if not is_page_requested or (requested_parts == parts and (parts or _has_id(final))):
        return None
    is_whole = agreement.shared_text >= _MIN_SHARED_ON_FRONT_PAGE
    if not parts and not _has_id(final):
        return None if is_whole or (agreement.has_title and not is_same_host) else "the front page"
    if agreement.has_title or is_whole or not parts:
        return None
    if any(map(_INDEX_PART.match, parts)) and not any(map(_INDEX_PART.match, requested_parts)):
        return f"a list of articles: {final.path[:200]}"
    if _LIST_PART.match(parts[-1]) or _YEAR.match(parts[-1]):
        return f"a list of articles: {final.path[:200]}"
    if parts == requested_parts[: len(parts)] and len(parts) < len(requested_parts):
        is_archive = all(part.isdigit() and len(part) <= _YEAR_DIGITS for part in parts)
        is_other = is_archive or not _SLUG.search(parts[-1])
        return f"one above the listed address: {final.path[:200]}" if is_other else None
    if agreement.is_confirmed or _has_id(final) or not (is_same_host and requested_parts):
        return None
    words, other_words = (
        {word for word in _tokens(part) if len(word) >= _MIN_SLUG_LETTERS}
        for part in (requested_parts[-1], parts[-1])
    )
    if min(len(words), len(other_words)) >= _MIN_SLUG_WORDS and not words & other_words:
        return f"another one: {final.path[:200]}"
    return None


def _tokens(part: str) -> set[str]:
    return set(_WORD.findall(part.lower().replace("_", "-")))


def _has_parameter(final: SplitResult, requested: SplitResult) -> bool:
    """Return whether a parameter of the final address is the requested address, or its path."""
    values = {value for _, value in parse_qsl(final.query, max_num_fields=1000)}
    return requested.geturl() in values or (len(requested.path) > 1 and requested.path in values)


def _has_id(parts: SplitResult) -> bool:
    """Return whether the query or the route of an address may name an article."""
    return bool(_ID_PARAMETER.search(parts.query)) or any(map(str.isdigit, parts.fragment))


def _path_parts(path: str) -> list[str]:
    """Return the parts of a path, without those for a language or a form of the page (AMP)."""
    parts = [_EXTENSION.sub("", part) for part in path.split("/") if part]
    if len(parts) > 1 and _MOBILE_PART.match(parts[0]):
        parts = parts[1:]
    if parts and _LANGUAGE.match(parts[0]) and (len(parts) > 1 or len(parts[0]) != 2):
        parts = parts[1:]
    elif len(parts) == 1 and _LANGUAGE.match(parts[0]):
        return []
    while len(parts) > 1 and _VARIANT_PART.match(parts[-1]):
        parts.pop()
    return [] if len(parts) == 1 and _HOME_PART.match(parts[0]) else parts
