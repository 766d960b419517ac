"""The limits of markup, checked in one pass over the bytes, before a parser sees them."""

import re
from typing import Final

from transforms.core.errors import ItemError

MAX_TAGS: Final = 200_000
MAX_ATTRIBUTES: Final = 1_000
_TAG: Final = re.compile(rb"<[a-zA-Z/][^<>]*")
_ATTRIBUTE: Final = re.compile(rb"""[\s"'][^\s=<>"']+\s*=\s*(?:"[^"]*"|'[^']*')?""")
_LONG_TAG_BYTES: Final = 4 * MAX_ATTRIBUTES  # the attributes of shorter tags are not counted
_LONG_TAG: Final = re.compile(rb"<[a-zA-Z/][^<>]{%d,}" % (_LONG_TAG_BYTES - 1))


def check_markup(body: bytes) -> None:
    """Check that a document does not exceed the limits of tags, and of attributes per tag.

    Encodings that are no superset of ASCII (such as UTF-16) pass unchecked; for them, only the
    time limit of parsing holds.

    Raises:
        ItemError: if it exceeds a limit.
    """
    for match in _LONG_TAG.finditer(body):
        attributes = sum(1 for _ in _ATTRIBUTE.finditer(match[0]))
        if attributes > MAX_ATTRIBUTES:
            message = f"a tag has {attributes} attributes; {MAX_ATTRIBUTES} are read"
            raise ItemError("TooManyAttributes", message)
    if body.count(b"<") > MAX_TAGS:  # else there is no need to search for each
        tags = sum(1 for _ in _TAG.finditer(body))
        if tags > MAX_TAGS:
            raise ItemError("TooManyTags", f"{tags} tags; {MAX_TAGS} are read")
