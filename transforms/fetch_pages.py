"""Fetch the pages of entries."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam

from schemas.coders import row
from transforms.core.clock import now
from transforms.core.errors import Lost
from transforms.core.stage import Composite, Ending, Run, StageOutput, run_stage
from transforms.extraction.content_sniffing import binary_kind
from transforms.fetching.client import Response
from transforms.fetching.fetcher import FetcherHandle, FetchStage
from transforms.fetching.politeness import Request, host_of
from transforms.parse_entries import Entry, entry_ends
from transforms.state.records import MAX_ATTEMPTS

_HTML_TYPES: Final = frozenset({"", "text/html", "application/xhtml+xml", "text/plain"})
_OPT_OUT_HEADERS: Final = ("x-robots-tag", "tdm-reservation")


@row
@dataclass(frozen=True, slots=True)
class Header:
    """A header of an answer; its name is in lower case."""

    name: str
    value: str


@row
@dataclass(frozen=True, slots=True)
class Page:
    """An entry with its page; without HTML where only the feed's own text could be had."""

    entry: Entry
    url: str
    html: bytes | None
    content_type: str
    fetched_at: dt.datetime
    headers: list[Header]


class FetchPages(Composite):
    """Entries to pages, one lane a host."""

    def __init__(self, run: Run, fetcher: FetcherHandle) -> None:
        super().__init__()
        self.stage = _FetchPages(run, fetcher)

    def expand(self, entries: beam.PCollection) -> StageOutput:
        lanes = (
            entries
            | "Key" >> beam.Map(lambda e: (host_of(e.link), e)).with_output_types(tuple[str, Entry])
            | "Lanes" >> beam.GroupByKey()
        )
        return run_stage(lanes, self.stage, Page)


class _FetchPages(FetchStage):
    name = "FetchPages"

    def source(self, element: Entry) -> str:
        return element.link

    def ending(self, element: Entry, error: Exception) -> Iterator[Ending]:
        yield from entry_ends(element, error)

    def request(self, element: Entry) -> Request:
        return Request(element.link, is_page=True)

    def answered(self, element: Entry, answer: Response | None) -> Iterator[Any]:
        assert answer is not None
        problem = check_page(answer)
        if problem is not None:
            yield from self.unanswered(element, problem)
            return
        yield Page(
            entry=element,
            url=answer.url,
            html=answer.body,
            content_type=answer.headers.get("content-type", ""),
            fetched_at=now(),
            headers=[
                Header(name, answer.headers[name])
                for name in _OPT_OUT_HEADERS
                if name in answer.headers
            ],
        )

    def unanswered(self, element: Entry, lost: Lost) -> Iterator[Any]:
        """The feed's own text serves where the page is not to be had, now or after all tries."""
        waits = lost.temporary and element.attempts + 1 < MAX_ATTEMPTS[True]
        if element.content and not waits:
            yield Page(element, element.link, None, "", now(), [])
        else:
            yield from self.lost(element, lost)


def check_page(answer: Response) -> Lost | None:
    """What is wrong with an answer that should be an article's page, if anything."""
    if answer.media_type not in _HTML_TYPES:
        return Lost("NotHtml", f"the page is {answer.media_type}")
    if not answer.body.strip():
        return Lost("EmptyPage", "the page is empty")
    kind = binary_kind(answer.body)
    if kind:
        return Lost("NotHtml", f"the page is {kind}, whatever its content type says")
    return None
