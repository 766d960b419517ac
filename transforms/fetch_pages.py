"""Fetch the pages of entries."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import apache_beam as beam

from transforms.core.clock import now
from transforms.core.elements import Entry, FetchedPage, Host, ResponseHeader, Run
from transforms.core.errors import ItemError
from transforms.core.stage import CompositeTransform, SideOutput, StageOutput
from transforms.core.urls import host_of
from transforms.fetching.fetcher_handle import FetcherHandle
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.page_check import check_page
from transforms.fetching.request_stage import RequestStage, apply_request_stage
from transforms.state.retries import MAX_ATTEMPTS, fail_entry

_OPT_OUT_HEADERS: Final = ("x-robots-tag", "tdm-reservation")


@dataclass
class FetchPages(CompositeTransform[beam.PCollection[Entry], StageOutput[FetchedPage]]):
    """Fetches the pages of entries, one request at a time per host."""

    run: Run
    fetcher: FetcherHandle

    def expand(self, entries: beam.PCollection[Entry]) -> StageOutput[FetchedPage]:
        hosts = (
            entries
            | "KeyByHost" >> beam.Map(_key_by_host).with_output_types(tuple[Host, Entry])
            | "GroupByHost" >> beam.GroupByKey()
        )
        return apply_request_stage(hosts, PageFetching(self.run), self.fetcher, FetchedPage)


def _key_by_host(entry: Entry) -> tuple[Host, Entry]:
    return host_of(entry.link), entry


@dataclass
class PageFetching(RequestStage[Entry, FetchedPage]):
    """The stage that fetches pages, and falls back on the feed's own text if there is one."""

    name = "FetchPages"

    run: Run

    def source(self, element: Entry) -> str:
        return element.link

    def fail(self, element: Entry, error: Exception) -> Iterator[SideOutput]:
        yield from super().fail(element, error)
        yield from fail_entry(element, error)

    def request(self, element: Entry) -> Request | None:
        return None if element.shares_link else Request(element.link, is_page=True)

    def on_response(
        self, element: Entry, response: Response | None
    ) -> Iterator[FetchedPage | SideOutput]:
        if response is None:
            yield _feed_text(element)
            return
        problem = check_page(response)
        if problem is not None:
            yield from self.on_error(element, problem)
            return
        yield FetchedPage(
            entry=element,
            url=response.url,
            html=response.body,
            content_type=response.headers.get("content-type", ""),
            fetched_at=now(),
            headers=[
                ResponseHeader(name, response.headers[name])
                for name in _OPT_OUT_HEADERS
                if name in response.headers
            ],
        )

    def on_error(self, element: Entry, error: ItemError) -> Iterator[FetchedPage | SideOutput]:
        """Yield the entry with the feed's own text if there is one and no retry is due."""
        is_retried = error.temporary and element.attempts + 1 < MAX_ATTEMPTS[True]
        if element.content and not is_retried:
            yield _feed_text(element)
        else:
            yield from self.fail(element, error)


def _feed_text(entry: Entry) -> FetchedPage:
    """Return an entry whose page was not fetched, so that the feed's own text is used."""
    return FetchedPage(entry, entry.link, None, "", now(), [])
