"""The reading of feeds and pages in a child process, for the ``feeds`` commands."""

import functools
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from transforms.core.elements import Feed
from transforms.core.errors import ItemError
from transforms.core.isolated_process import IsolatedWorker, LimitOptions
from transforms.extraction.document_worker import load_document_parsers
from transforms.feeds.discovery import FeedFacts, read_feed_facts, read_site
from transforms.feeds.feed_file import read_feed_file
from transforms.feeds.schedule import parse_max_age
from transforms.fetching.http_messages import Response

T = TypeVar("T")

SiteFacts: TypeAlias = FeedFacts | list[str]
"""The summary of a feed, or the URLs of the possible feeds of a page."""


class DocumentReader:
    """A reader of feeds and pages within limits of time and memory.

    Any error is returned as an :class:`ItemError`, so that it costs one feed or site and no other.
    """

    def __init__(self, limits: LimitOptions) -> None:
        self._worker: IsolatedWorker[Callable[[], Any], Any] = IsolatedWorker(
            load_document_parsers, limits, name="reading"
        )

    def __enter__(self) -> "DocumentReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.close()

    def read_file(self, feed: Feed, max_bytes: int) -> FeedFacts | ItemError:
        """Read a feed that is a file of at most ``max_bytes``."""

        def read() -> FeedFacts:
            document = read_feed_file(feed, max_bytes)
            return self._run(functools.partial(read_feed_facts, document.body, url=document.url))

        return _catch(read)

    def read_feed(self, response: Response) -> FeedFacts | ItemError:
        """Read the feed in a response."""
        max_age_sec = parse_max_age(response.headers.get("cache-control", ""))
        return self._read_response(read_feed_facts, response, max_age_sec=max_age_sec)

    def read_site(self, response: Response) -> SiteFacts | ItemError:
        """Read the feed or page in a response."""
        return self._read_response(read_site, response)

    def _read_response(
        self, read: Callable[..., T], response: Response, **arguments: Any
    ) -> T | ItemError:
        content_type = response.headers.get("content-type", "")
        bound = functools.partial(
            read, response.body, url=response.url, content_type=content_type, **arguments
        )
        return _catch(lambda: self._run(bound))

    def _run(self, read: Callable[[], T]) -> T:
        result: T = self._worker(read)
        return result


def _catch(read: Callable[[], T]) -> T | ItemError:
    try:
        return read()
    except Exception as error:  # any error costs this document and no other
        return ItemError.from_exception(error)
