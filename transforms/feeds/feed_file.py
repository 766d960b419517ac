"""The reader of feeds that are files."""

import time
from pathlib import Path

from transforms.core.elements import Feed, FeedDocument
from transforms.core.errors import ItemError


def read_feed_file(feed: Feed, max_bytes: int) -> FeedDocument:
    """Return the document of a feed that is a file.

    Raises:
        OSError: it cannot be read.
        ItemError: it is larger than ``max_bytes``.
    """
    started = time.monotonic()
    with Path(feed.url).open("rb") as file:
        body = file.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise ItemError("TooLarge", f"more than {max_bytes} bytes")
    return FeedDocument(
        feed_url=feed.url,
        position=feed.position,
        url=feed.url,
        status=None,
        content_type="",
        body=body,
        seconds=time.monotonic() - started,
        etag=None,
        last_modified=None,
        moved_to=None,
        max_age_sec=0.0,
    )
