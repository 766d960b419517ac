"""Markup that is made to be hard to parse, found in one pass over its bytes."""

import re
from typing import Final

from transforms.core.errors import ItemError

MAX_TAGS: Final = 200_000
MAX_ATTRIBUTES: Final = 1_000
_TAG: Final = re.compile(rb"<[a-zA-Z/][^<>]*")
_ATTRIBUTE: Final = re.compile(rb"""[\s"'][^\s=<>"']+\s*=\s*(?:"[^"]*"|'[^']*')?""")
_LONG_TAG: Final = 4 * MAX_ATTRIBUTES


def check_markup(body: bytes) -> None:
    """See that a document has bounded numbers of tags, and of attributes in each.

    Encodings in which ASCII is not itself pass unseen; the time limit of parsing holds for them.

    Raises:
        ItemError: it has more.
    """
    if body.count(b"<") <= MAX_TAGS and not any(len(m[0]) > _LONG_TAG for m in _TAG.finditer(body)):
        return
    tags = 0
    for match in _TAG.finditer(body):
        tags += 1
        if len(match[0]) > _LONG_TAG:
            attributes = sum(1 for _ in _ATTRIBUTE.finditer(match[0]))
            if attributes > MAX_ATTRIBUTES:
                message = f"a tag has {attributes} attributes; {MAX_ATTRIBUTES} are read"
                raise ItemError("TooManyAttributes", message)
    if tags > MAX_TAGS:
        raise ItemError("TooManyTags", f"{tags} tags; {MAX_TAGS} are read")
