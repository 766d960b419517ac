"""The check that a response can be the page of an article."""

from typing import Final

from transforms.core.errors import ItemError
from transforms.extraction.content_sniffing import detect_binary_kind
from transforms.fetching.http_messages import Response

_HTML_TYPES: Final = frozenset({"", "text/html", "application/xhtml+xml", "text/plain"})


def check_page(response: Response) -> ItemError | None:
    """Return the reason why a response cannot be an article's page, or None."""
    if response.media_type not in _HTML_TYPES:
        return ItemError("NotHtml", f"the page is {response.media_type}")
    if not response.body.strip():
        return ItemError("EmptyPage", "the page is empty")
    kind = detect_binary_kind(response.body)
    if kind:
        return ItemError("NotHtml", f"the page is {kind}, whatever its content type says")
    return None
