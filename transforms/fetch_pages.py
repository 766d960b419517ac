"""Fetch the pages of entries."""

from collections.abc import Iterator
from typing import Any, Final

import apache_beam as beam

from transforms.core.clock import now
from transforms.core.elements import Entry, FetchedPage, ResponseHeader, Run
from transforms.core.errors import ItemError
from transforms.core.stage import CompositeTransform, Ending, StageOutput, run_stage
from transforms.core.urls import host_of
from transforms.extraction.content_sniffing import detect_binary_kind
from transforms.fetching.fetcher import FetcherHandle, FetchStage
from transforms.fetching.http_messages import Request, Response
from transforms.parse_entries import entry_failed
from transforms.state.records import MAX_ATTEMPTS

_HTML_TYPES: Final = frozenset({"", "text/html", "application/xhtml+xml", "text/plain"})
_OPT_OUT_HEADERS: Final = ("x-robots-tag", "tdm-reservation")


class FetchPages(CompositeTransform):
    """Entries to pages, one lane a host."""

    def __init__(self, run: Run, fetcher: FetcherHandle) -> None:
        super().__init__()
        self.stage = _FetchPages(run, fetcher)

    def expand(self, entries: beam.PCollection) -> StageOutput:
        lanes = (
            entries
            | "Key" >> beam.Map(lambda e: (host_of(e.link), e)).with_output_types(tuple[str, Entry])
            | "PendingResponses" >> beam.GroupByKey()
        )
        return run_stage(lanes, self.stage, FetchedPage)


class _FetchPages(FetchStage):
    name = "FetchPages"

    def source(self, element: Entry) -> str:
        return element.link

    def ending(self, element: Entry, error: Exception) -> Iterator[Ending]:
        yield from entry_failed(element, error)

    def request(self, element: Entry) -> Request:
        return Request(element.link, is_page=True)

    def answered(self, element: Entry, answer: Response | None) -> Iterator[Any]:
        assert answer is not None
        problem = check_page(answer)
        if problem is not None:
            yield from self.unanswered(element, problem)
            return
        yield FetchedPage(
            entry=element,
            url=answer.url,
            html=answer.body,
            content_type=answer.headers.get("content-type", ""),
            fetched_at=now(),
            headers=[
                ResponseHeader(name, answer.headers[name])
                for name in _OPT_OUT_HEADERS
                if name in answer.headers
            ],
        )

    def unanswered(self, element: Entry, lost: ItemError) -> Iterator[Any]:
        """The feed's own text serves where the page is not to be had, now or after all tries."""
        waits = lost.temporary and element.attempts + 1 < MAX_ATTEMPTS[True]
        if element.content and not waits:
            yield FetchedPage(element, element.link, None, "", now(), [])
        else:
            yield from self.lost(element, lost)


def check_page(answer: Response) -> ItemError | None:
    """What is wrong with an answer that should be an article's page, if anything."""
    if answer.media_type not in _HTML_TYPES:
        return ItemError("NotHtml", f"the page is {answer.media_type}")
    if not answer.body.strip():
        return ItemError("EmptyPage", "the page is empty")
    kind = detect_binary_kind(answer.body)
    if kind:
        return ItemError("NotHtml", f"the page is {kind}, whatever its content type says")
    return None
