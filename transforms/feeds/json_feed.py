"""The parser of JSON Feed, version 1 and later: https://jsonfeed.org. Imports no Beam."""

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from transforms.core.errors import ItemError
from transforms.core.urls import is_web_url
from transforms.extraction.bylines import clean_names
from transforms.feeds.dates import parse_date
from transforms.feeds.entry_texts import (
    MAX_CONTENT_LENGTH,
    choose_full_text,
    choose_image,
    clean_tags,
    is_image,
    shorten_summary,
    to_html,
    to_line,
)
from transforms.feeds.parsed_feed import MAX_ENTRIES, ParsedFeed, RawEntry, make_fingerprint

_MAX_AUTHORS: Final = 100
_VERSION: Final = re.compile(
    r"(?:https?://(?:www\.)?jsonfeed\.org/version/)?\d(?:\.\d+)*/?", re.IGNORECASE
)
_ITEMS: Final = re.compile(r'"items"\s*:\s*\[')
_SEPARATOR: Final = re.compile(r"[\s,]*")
_DECODER: Final = json.JSONDecoder()


def parse_json_feed(body: bytes, *, url: str) -> ParsedFeed:
    """Parse a JSON Feed.

    Args:
        body: the document.
        url: its address, for relative links.

    Raises:
        ItemError: if the document is not a JSON Feed.
    """
    is_truncated = False
    try:
        try:
            data = json.loads(body)
        except json.JSONDecodeError as error:
            data = _read_truncated(error)
            is_truncated = True
    except (ValueError, RecursionError) as error:
        raise ItemError("NotAFeed", f"not a JSON Feed: {error}") from error
    version = _to_string(data.get("version"))
    if not version:
        raise ItemError("NotAFeed", "JSON, but no JSON Feed: its version is missing")
    if not _VERSION.fullmatch(version.strip()):
        raise ItemError("NotAFeed", f"JSON, but no JSON Feed: its version is {version[:80]!r}")
    items = data.get("items")
    if not isinstance(items, list):
        raise ItemError("NotAFeed", "not a JSON Feed: items is no list")
    items = [item for item in items if isinstance(item, dict)]
    if is_truncated and not items:
        raise ItemError("TruncatedFeed", "the feed ends early, before the end of its first entry")
    authors = clean_names(_read_authors(data))
    return ParsedFeed(
        title=to_line(_to_string(data.get("title"))) or None,
        language=to_line(_to_string(data.get("language"))) or None,
        entries=[_parse_item(item, authors, url) for item in items[:MAX_ENTRIES]],
        entry_count=len(items),
        is_truncated=is_truncated,
    )


def _read_truncated(error: json.JSONDecodeError) -> dict[str, Any]:
    """Return a feed up to its last complete item; raise the error if it is not truncated."""
    text = error.doc.rstrip()
    items = _ITEMS.search(text)
    is_at_end = error.pos >= len(text) or error.msg.startswith("Unterminated string")
    if items is None or not is_at_end:
        raise error
    data: dict[str, Any] = json.loads(text[: items.start()].rstrip().removesuffix(",") + "}")
    data["items"] = []
    position = items.end()
    with contextlib.suppress(ValueError):
        while separator := _SEPARATOR.match(text, position):
            item, position = _DECODER.raw_decode(text, separator.end())
            data["items"].append(item)
    return data


def _parse_item(item: dict[str, Any], feed_authors: list[str], url: str) -> RawEntry:
    published, modified = (item.get(name) for name in ("date_published", "date_modified"))
    entry_id = to_line(_to_string(item.get("id")))
    summary = to_html(_to_string(item.get("summary")), is_plain=True)
    markup = _to_string(item.get("content_html"))[:MAX_CONTENT_LENGTH]
    content = markup or to_html(_to_string(item.get("content_text")), is_plain=True)
    modified_at = parse_date(_to_string(modified))
    return RawEntry(
        entry_id=entry_id,
        link=_to_string(item.get("url"))
        or _to_string(item.get("external_url"))
        or (entry_id if is_web_url(entry_id) else ""),
        title=to_line(_to_string(item.get("title"))),
        authors=clean_names(_read_authors(item)) or feed_authors,
        published_at=parse_date(_to_string(published)) or modified_at,
        content=choose_full_text(content, summary),
        fingerprint=make_fingerprint(
            *(_to_hashed(item.get(name)) for name in ("title", "summary")),
            _to_hashed(item.get("content_html"))[:MAX_CONTENT_LENGTH]
            or _to_hashed(item.get("content_text")),
            _to_hashed(published),
            _to_hashed(modified),
        ),
        summary=shorten_summary(summary),
        image_url=choose_image(_find_images(item), content, base=url),
        tags=clean_tags(_to_string(tag) for tag in _to_list(item.get("tags"))),
        modified_at=modified_at,
        language=to_line(_to_string(item.get("language"))) or None,
    )


def _read_authors(item: dict[str, Any]) -> Iterator[str]:
    authors = _to_list(item.get("authors")) or _to_list(item.get("author"))
    for author in authors[:_MAX_AUTHORS]:
        yield _to_string(author.get("name") if isinstance(author, dict) else author)


def _find_images(item: dict[str, Any]) -> Iterator[str]:
    yield from (_to_string(item.get(name)) for name in ("image", "banner_image"))
    for attachment in _to_list(item.get("attachments")):
        if isinstance(attachment, dict):
            link = _to_string(attachment.get("url"))
            if is_image(_to_string(attachment.get("mime_type")), link):
                yield link


def _to_list(value: Any) -> list[Any]:
    """Return a list as it is; a single value, which some feeds give in its place, as a list."""
    return value if isinstance(value, list) else [value] if isinstance(value, (str, dict)) else []


def _to_string(value: Any) -> str:
    """Return a text or a number as a text; empty for anything else."""
    return (
        value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""
    )


def _to_hashed(value: Any) -> str:
    """Return the part of a fingerprint for a value. State folders hold them: never change it."""
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
