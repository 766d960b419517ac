"""Titles of articles without the names of sites and sections that pages add to them."""

import re
from collections.abc import Iterable
from typing import Final

_SEPARATOR: Final = re.compile(r"(\s(?:::|[|–—·•*~»«›‹<>/-])\s|\s?::\s?|\s?\|\s?)")
_MAX_PARTS: Final = 20
_PREFIX_COLON: Final = re.compile(r"\s?:\s+")
_WORD: Final = re.compile(r"\w+")
_APOSTROPHE: Final = re.compile(r"['’`´]")
_MIN_HEADLINE_WORDS: Final = 3
_STRONG: Final = frozenset({"|", "::", "·", "•", "»", "«", "›", "‹"})
"""The separators that headlines themselves hardly have."""
_GENERIC_WORDS: Final = frozenset(
    {
        *("the", "news", "newspaper", "online", "website", "com", "co", "org", "net", "uk", "us"),
        *("www", "tv", "digital", "edition"),
    }
)
_SECTIONS: Final = frozenset(
    {
        *("analysis", "arts", "business", "climate", "comment", "culture", "education"),
        *("entertainment", "environment", "europe", "features", "finance", "football", "health"),
        *("home", "latest", "life", "lifestyle", "local", "money", "national", "opinion"),
        *("politics", "science", "society", "sport", "sports", "tech", "technology", "travel"),
        *("uk", "us", "usa", "video", "world", "africa", "asia", "australia", "canada"),
    }
)
_SECTION_WORDS: Final = frozenset({"and", "breaking", "headlines", "latest", "news", "top"})
"""Words beside the names of sections, or in place of them."""
_MAX_SECTIONS: Final = 2


def strip_site_name(title: str, site_names: Iterable[str], headlines: Iterable[str] = ()) -> str:
    """Return a title without the name of the site, at its start or its end, and its section.

    A name must be a whole part of the title: "The Hill" is not in "Poll tightens – Hillary ahead".

    Args:
        title: the title, on one line.
        site_names: the names of the site and its host.
        headlines: the headlines of the article. A title that goes on after one of them, and names
            the site there, ends with it.

    >>> strip_site_name("Levy put off | News | Harlow Courier", ["The Harlow Courier"])
    'Levy put off'
    """
    names = {_make_name_key(name) for name in site_names} - {()}
    pieces = _SEPARATOR.split(title)
    if len(pieces) > 2 * _MAX_PARTS:
        return title
    parts, separators = pieces[::2], [piece.strip() for piece in pieces[1::2]]
    is_name = [_make_name_key(part) in names for part in parts]
    start, end = 0, len(parts)
    for count in range(1, len(parts)):
        headline = "".join(pieces[: 2 * count - 1])
        if any(is_name[count:]) and _is_one_of(headline, headlines):
            end = count
            break
    while end - start > 1:
        had_name = is_name[0] or any(is_name[end:])
        is_empty = not parts[end - 1].strip()
        if (
            is_empty
            or is_name[end - 1]
            or _is_section(parts[end - 1], separators[end - 2], had_name)
        ):
            end -= 1
        elif is_name[start] or (start and _is_section(parts[start], separators[start], had_name)):
            start += 1
        else:
            break
    stripped = "".join(pieces[2 * start : 2 * end - 1]).strip()
    colon = _PREFIX_COLON.search(stripped)
    if colon and _make_name_key(stripped[: colon.start()]) in names and stripped[colon.end() :]:
        stripped = stripped[colon.end() :]
    return stripped or title


def is_site_name(title: str, site_names: Iterable[str]) -> bool:
    """Return whether a title is just a name of the site."""
    return _make_name_key(title) in map(_make_name_key, site_names)


def is_cut(title: str, headline: str) -> bool:
    """Return whether a title is the beginning of a headline, with an ellipsis.

    >>> is_cut("Levy put off as river...", "Levy put off as river rises")
    True
    """
    beginning = title.rstrip(".… ")
    is_marked = title.rstrip().endswith(("...", "…"))
    return is_marked and len(beginning) < len(headline) and headline.startswith(beginning)


def _make_name_key(name: str) -> tuple[str, ...]:
    """Return the distinctive words of a site's name: the same for "Mirror Online", "The Mirror"."""
    words = _WORD.findall(_APOSTROPHE.sub("", name.lower()))
    telling = "".join(word for word in words if word not in _GENERIC_WORDS)
    return (telling or "".join(words),) if words else ()


def _is_one_of(text: str, headlines: Iterable[str]) -> bool:
    words = _WORD.findall(text.lower())
    return len(words) >= _MIN_HEADLINE_WORDS and any(
        words == _WORD.findall(headline.lower()) for headline in headlines
    )


def _is_section(part: str, separator: str, had_name: bool) -> bool:
    """Return whether a part names a section; beside a mere dash, only if the site is named too."""
    words = [word for word in _WORD.findall(part.lower()) if word not in _SECTION_WORDS]
    is_known = len(words) <= _MAX_SECTIONS and _SECTIONS.issuperset(words)
    return is_known and any(map(str.isalpha, part)) and (had_name or separator in _STRONG)
