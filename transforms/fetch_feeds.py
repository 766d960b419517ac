"""Fetch feeds over HTTP and from files."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import apache_beam as beam

from transforms.core.elements import Feed, FeedDocument, FeedReport, FeedStatus, Host, Run
from transforms.core.errors import ItemError
from transforms.core.stage import CompositeTransform, SideOutput, StageOutput
from transforms.core.urls import host_of, is_web_url
from transforms.extraction.content_sniffing import detect_binary_kind
from transforms.feeds.feed_file import read_feed_file
from transforms.feeds.schedule import parse_max_age
from transforms.fetching.fetcher_handle import FetcherHandle
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.request_stage import RequestStage, apply_request_stage
from transforms.state.records import FeedState
from transforms.state.store import StateHandle

_GONE: Final = 410
_NOT_MODIFIED: Final = 304


@dataclass
class FetchFeeds(CompositeTransform[beam.PCollection[Feed], StageOutput[FeedDocument]]):
    """Fetches feeds, one request at a time per host. An unchanged feed yields no document."""

    run: Run
    fetcher: FetcherHandle
    state: StateHandle
    max_bytes: int

    def expand(self, feeds: beam.PCollection[Feed]) -> StageOutput[FeedDocument]:
        hosts = (
            feeds
            | "KeyByHost" >> beam.Map(_key_by_host).with_output_types(tuple[Host, Feed])
            | "GroupByHost" >> beam.GroupByKey()
        )
        stage = FeedFetching(self.run, self.state, self.max_bytes)
        return apply_request_stage(hosts, stage, self.fetcher, FeedDocument)


def _key_by_host(feed: Feed) -> tuple[Host, Feed]:
    return feed_host(feed.url), feed


def feed_host(feed_url: str) -> Host:
    """Return the host in whose queue a feed is requested. For a file, return its path."""
    return host_of(feed_url) if is_web_url(feed_url) else feed_url


@dataclass
class FeedFetching(RequestStage[Feed, FeedDocument]):
    """The stage that fetches feeds. Validators of the last run make requests conditional."""

    name = "FetchFeeds"

    run: Run
    state: StateHandle
    max_bytes: int

    def source(self, element: Feed) -> str:
        return element.url

    def fail(self, element: Feed, error: Exception) -> Iterator[SideOutput]:
        yield from super().fail(element, error)
        failure = ItemError.from_exception(error)
        yield FeedReport(
            element.url,
            FeedStatus.RETIRED if failure.http_status == _GONE else FeedStatus.FAILED,
            failure.http_status,
            error_type=failure.error_type,
            closed_until=failure.not_before,
        )

    def request(self, element: Feed) -> Request | None:
        return feed_request(element, self.state.value.feeds.get(element.url))

    def on_response(
        self, element: Feed, response: Response | None
    ) -> Iterator[FeedDocument | SideOutput]:
        if response is None:
            yield read_feed_file(element, self.max_bytes)
        elif response.status == _NOT_MODIFIED:
            yield _unchanged(element, response)
        else:
            yield _document(element, response)


def feed_request(feed: Feed, known: FeedState | None) -> Request | None:
    """Return the request for a feed, conditional if its state has validators; None for a file."""
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


def _document(feed: Feed, response: Response) -> FeedDocument:
    kind = detect_binary_kind(response.body)
    if kind:
        raise ItemError("NotAFeed", f"not a feed but {kind}")
    return FeedDocument(
        feed_url=feed.url,
        position=feed.position,
        url=response.url,
        status=response.status,
        content_type=response.headers.get("content-type", ""),
        body=response.body,
        seconds=response.seconds,
        etag=response.headers.get("etag"),
        last_modified=response.headers.get("last-modified"),
        moved_to=response.moved_to,
        max_age_sec=parse_max_age(response.headers.get("cache-control", "")),
    )


def _unchanged(feed: Feed, response: Response) -> FeedReport:
    return FeedReport(
        feed.url,
        FeedStatus.UNCHANGED,
        response.status,
        seconds=response.seconds,
        url=response.url,
        moved_to=response.moved_to,
        etag=response.headers.get("etag"),
        last_modified=response.headers.get("last-modified"),
        min_interval_sec=parse_max_age(response.headers.get("cache-control", "")),
    )
