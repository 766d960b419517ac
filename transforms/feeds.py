"""Fetch feeds over HTTP and from files."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam

from schemas.rows import row
from transforms.feed_list import Feed
from transforms.http import HttpOptions, Response, fetch_all
from transforms.stage import Composite, FeedReport, Lost, Run, Stage, StageOutput, run_stage


@row
@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A feed's bytes as they came."""

    feed_url: str
    position: int
    url: str
    status: int | None
    content_type: str
    body: bytes
    seconds: float


class FetchFeeds(Composite):
    """Feeds to their documents."""

    def __init__(self, run: Run, http: HttpOptions) -> None:
        super().__init__()
        self.run = run
        self.http = http

    def expand(self, feeds: beam.PCollection) -> StageOutput:
        batches = feeds | "Batch" >> beam.BatchElements(min_batch_size=16, max_batch_size=16)
        return run_stage(batches, _FetchFeeds(self.run, self.http), FeedDocument)


class _FetchFeeds(Stage):
    name = "FetchFeeds"

    def __init__(self, run: Run, http: HttpOptions) -> None:
        super().__init__(run)
        self.http = http

    def source(self, element: Feed) -> str:
        return element.url

    def ending(self, element: Feed, error: Exception) -> Iterator[FeedReport]:
        status = error.http_status if isinstance(error, Lost) else None
        yield FeedReport(element.url, "failed", status, 0, 0, 0.0)

    def handle(self, element: list[Feed]) -> Iterator[Any]:
        remote = [feed.url for feed in element if _is_web(feed.url)]
        answers = dict(zip(remote, fetch_all(remote, self.http), strict=True))
        for feed in element:
            yield from self._document(feed, answers.get(feed.url))

    def _document(self, feed: Feed, answer: Response | Lost | None) -> Iterable[Any]:
        if isinstance(answer, Lost):
            return self.lost(feed, answer)
        if answer is None:
            try:
                return [read_feed_file(feed, self.http.max_fetch_bytes)]
            except (OSError, Lost) as error:
                return self.lost(feed, error)
        return [
            FeedDocument(
                feed_url=feed.url,
                position=feed.position,
                url=answer.url,
                status=answer.status,
                content_type=answer.headers.get("content-type", ""),
                body=answer.body,
                seconds=answer.seconds,
            )
        ]


def read_feed_file(feed: Feed, max_bytes: int) -> FeedDocument:
    """The document of a feed that is a file.

    Raises:
        OSError: it cannot be read.
        Lost: it is larger than max_bytes.
    """
    started = time.monotonic()
    with Path(feed.url).open("rb") as file:
        body = file.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise Lost("TooLarge", f"more than {max_bytes} bytes")
    return FeedDocument(
        feed_url=feed.url,
        position=feed.position,
        url=feed.url,
        status=None,
        content_type="",
        body=body,
        seconds=time.monotonic() - started,
    )


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))
