"""The check that a response can be the page of an article."""

from typing import Final

from transforms.core.errors import ItemError
from transforms.extraction.content_sniffing import detect_binary_kind, is_html
from transforms.fetching.http_messages import Response

_TYPES_OF_PAGES: Final = frozenset({"", "*/*", "text/plain", "unknown/unknown"})


def check_page(response: Response) -> ItemError | None:
    """Return the reason why a response cannot be an article's page, or None.

    Content types are often wrong, so a page of any type is one if its bytes are HTML.
    """
    body, media_type = response.body, response.media_type
    if not body.strip():
        return ItemError("EmptyPage", "the page is empty")
    kind = detect_binary_kind(body)
    if kind:
        return ItemError("NotHtml", f"the page is {kind}, whatever its content type says")
    if "htm" in media_type or media_type in _TYPES_OF_PAGES or is_html(body):
        return None
    return ItemError("NotHtml", f"the page is {media_type}")
