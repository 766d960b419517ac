"""feedparser with corrections: functions around methods that its two parsers share.

Importing this module applies them. feedparser has no other way to change how it reads elements.
"""

import contextlib
import re
import sys
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import feedparser
from feedparser.mixin import _FeedParserMixin as Parser

_REFERENCE: Final = re.compile(rb"&#(\d{1,9}|[xX][0-9a-fA-F]{1,9});?")

_init = Parser.__init__
_start_item = Parser._start_item
_start_link = Parser._start_link
_end_guid = Parser._end_guid
_resolve_uri = Parser.resolve_uri
_end_content = Parser._end_content
_sync_author_detail = Parser._sync_author_detail
_end_media_description = Parser._end_media_description


def parse_xml(body: bytes, url: str, content_type: str) -> Any:
    """Return what feedparser reads of a feed.

    Beside feedparser's own keys, an entry has ``captions``, a content ``is_summary``, an author
    ``as_written``, and a link ``nested``.
    """
    body = _REFERENCE.sub(_repair_reference, body)
    headers = {"content-location": url}
    if content_type:
        headers["content-type"] = content_type
    try:
        return feedparser.parse(body, response_headers=headers)
    except (UnicodeError, LookupError):  # the feed names a Python codec that is no charset
        headers["content-type"] = "application/xml; charset=utf-8"
        return feedparser.parse(body, response_headers=headers)


def _repair_reference(reference: re.Match[bytes]) -> bytes:
    """Return a valid character reference, since feedparser fails on an invalid one."""
    digits = reference[1]
    code = int(digits[1:], 16) if digits[:1] in b"xX" else int(digits)
    return b"&#xFFFD;" if 0xD800 <= code <= 0xDFFF or code > sys.maxunicode else reference[0]


def _init_with_document_url(parser: Any) -> None:
    parser.document_url = parser.baseuri
    parser.item_depth = 0
    parser.is_reading_id = False
    _init(parser)


def _start_item_with_depth(parser: Any, attributes: dict[str, Any]) -> None:
    parser.item_depth = parser.depth
    _start_item(parser, attributes)


def _start_link_with_depth(parser: Any, attributes: dict[str, Any]) -> None:
    """Mark a link in another element of the item, which is not the item's own."""
    attributes["nested"] = parser.depth > parser.item_depth + 1
    _start_link(parser, attributes)


def _end_guid_by_document_url(parser: Any) -> None:
    """Leave ids as they are: by them, entries are known from run to run."""
    parser.is_reading_id = True
    try:
        _end_guid(parser)
    finally:
        parser.is_reading_id = False


def _resolve_by_channel_link(parser: Any, uri: str) -> str:
    """Resolve a link of an item by the channel's link, if the feed is RSS or that is elsewhere.

    Without xml:base, RSS does not say what links are relative to: most often, to the site. A feed
    on the host of a feed service has links that are relative to its site, whatever its format.
    """
    if parser.inentry and not parser.is_reading_id and parser.baseuri == parser.document_url:
        uri = uri.strip().strip("\"'")
        with contextlib.suppress(ValueError):  # if the channel's link is no address
            channel, document = map(
                urlsplit, (parser.feeddata.get("link") or "", parser.document_url)
            )
            if uri.partition("/")[0] in {channel.netloc, document.netloc} - {""}:
                uri = f"{document.scheme or 'https'}://{uri}"  # an address without its scheme
            elif channel.netloc and (
                channel.netloc != document.netloc or parser.version.startswith("rss")
            ):
                uri = urljoin(channel.geturl(), uri)
    return str(_resolve_uri(parser, uri))


def _keep_author(parser: Any, key: str = "author") -> None:
    """Keep the author as written: feedparser cuts addresses of long top-level domains in two."""
    context = parser._get_context()
    people = context.get(f"{key}s")
    if people and not people[-1] and context.get(key):
        people[-1]["as_written"] = context[key]
        return
    _sync_author_detail(parser, key)


def _end_content_of_summary(parser: Any) -> None:
    """Mark a second description or summary, which feedparser takes for the full text."""
    is_summary = parser._summaryKey == "content"
    _end_content(parser)
    if is_summary:
        _last_content(parser)["is_summary"] = True


def _end_media_description_as_caption(parser: Any) -> None:
    """Mark the caption of a picture, which feedparser takes for the text of the item."""
    _end_media_description(parser)
    context = parser._get_context()
    caption = _last_content(parser).get("value") or context.get("summary") or ""
    context.setdefault("captions", []).append(caption)


def _last_content(parser: Any) -> dict[str, Any]:
    """Return the last content element so far; of the feed itself, it may be another element."""
    contents = parser._get_context().get("content")
    return contents[-1] if contents and isinstance(contents, list) else {}


Parser.__init__ = _init_with_document_url
Parser._start_item = Parser._start_entry = _start_item_with_depth
Parser._start_link = _start_link_with_depth
Parser._end_guid = Parser._end_id = _end_guid_by_document_url
Parser.resolve_uri = _resolve_by_channel_link
Parser._end_content = _end_content_of_summary
Parser._sync_author_detail = _keep_author
Parser._end_media_description = _end_media_description_as_caption
