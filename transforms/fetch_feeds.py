"""Fetch feeds over HTTP and from files."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import apache_beam as beam

from transforms.core.elements import Feed, FeedDocument, FeedReport, Run
from transforms.core.errors import ItemError
from transforms.core.stage import CompositeTransform, StageOutput, run_stage
from transforms.core.urls import host_of, is_web_url
from transforms.extraction.content_sniffing import detect_binary_kind
from transforms.feeds.schedule import parse_max_age
from transforms.fetching.fetcher import FetcherHandle, FetchStage
from transforms.fetching.http_messages import Request, Response
from transforms.state.records import FeedState
from transforms.state.store import StateHandle

_GONE: Final = 410


class FetchFeeds(CompositeTransform):
    """Feeds to their documents, one lane a host. A feed that has not changed has none."""

    def __init__(
        self, run: Run, fetcher: FetcherHandle, state: StateHandle, max_bytes: int
    ) -> None:
        super().__init__()
        self.stage = _FetchFeeds(run, fetcher, state, max_bytes)

    def expand(self, feeds: beam.PCollection) -> StageOutput:
        lanes = (
            feeds
            | "Key" >> beam.Map(_lane).with_output_types(tuple[str, Feed])
            | "PendingResponses" >> beam.GroupByKey()
        )
        return run_stage(lanes, self.stage, FeedDocument)


def _lane(feed: Feed) -> tuple[str, Feed]:
    return lane_of(feed.url), feed


def lane_of(feed_url: str) -> str:
    """The host whose lane a feed is asked in; a file has one of its own."""
    return host_of(feed_url) if is_web_url(feed_url) else feed_url


class _FetchFeeds(FetchStage):
    name = "FetchFeeds"

    def __init__(
        self, run: Run, fetcher: FetcherHandle, state: StateHandle, max_bytes: int
    ) -> None:
        super().__init__(run, fetcher)
        self._state_handle = state
        self._max_bytes = max_bytes

    def setup(self) -> None:
        super().setup()
        self.feeds = self._state_handle.get().feeds

    def source(self, element: Feed) -> str:
        return element.url

    def ending(self, element: Feed, error: Exception) -> Iterator[FeedReport]:
        lost = (
            error if isinstance(error, ItemError) else ItemError(type(error).__name__, str(error))
        )
        yield FeedReport(
            element.url,
            "retired" if lost.http_status == _GONE else "failed",
            lost.http_status,
            error_type=lost.error_type,
            closed_until=lost.not_before,
        )

    def request(self, element: Feed) -> Request | None:
        return feed_request(element, self.feeds.get(element.url))

    def answered(self, element: Feed, answer: Response | None) -> Iterable[Any]:
        if answer is None:
            return [read_feed_file(element, self._max_bytes)]
        if answer.status == 304:
            return [_unchanged(element, answer)]
        kind = detect_binary_kind(answer.body)
        if kind:
            raise ItemError("NotAFeed", f"not a feed but {kind}")
        return [
            FeedDocument(
                feed_url=element.url,
                position=element.position,
                url=answer.url,
                status=answer.status,
                content_type=answer.headers.get("content-type", ""),
                body=answer.body,
                seconds=answer.seconds,
                etag=answer.headers.get("etag"),
                last_modified=answer.headers.get("last-modified"),
                moved_to=answer.moved_to,
                max_age_sec=parse_max_age(answer.headers.get("cache-control", "")),
            )
        ]


def feed_request(feed: Feed, known: FeedState | None) -> Request | None:
    """What to ask for a feed, given what is known of it; nothing if it is a file."""
    if not is_web_url(feed.url):
        return None
    if known is None:
        return Request(feed.url)
    return Request(
        known.url,
        etag=known.etag,
        last_modified=known.last_modified,
        validated_url=known.validated_url,
    )


def _unchanged(feed: Feed, answer: Response) -> FeedReport:
    return FeedReport(
        feed.url,
        "unchanged",
        answer.status,
        seconds=answer.seconds,
        url=answer.url,
        moved_to=answer.moved_to,
        etag=answer.headers.get("etag"),
        last_modified=answer.headers.get("last-modified"),
        hold_sec=parse_max_age(answer.headers.get("cache-control", "")),
    )


def read_feed_file(feed: Feed, max_bytes: int) -> FeedDocument:
    """The document of a feed that is a file.

    Raises:
        OSError: it cannot be read.
        ItemError: it is larger than max_bytes.
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
