"""Fetch the pages of entries."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam

from schemas.rows import row
from transforms.entries import Entry
from transforms.http import HttpOptions, Response, fetch_all
from transforms.stage import Composite, Lost, Outcome, Run, Stage, StageOutput, run_stage
from transforms.times import now

BATCH_SIZE: Final = 32
_HTML_TYPES: Final = frozenset({"", "text/html", "application/xhtml+xml", "text/plain"})


@row
@dataclass(frozen=True, slots=True)
class Page:
    """An entry with its page; without HTML where only the feed's own text could be had."""

    entry: Entry
    url: str
    html: bytes | None
    content_type: str
    fetched_at: dt.datetime


class FetchPages(Composite):
    """Entries to pages."""

    def __init__(self, run: Run, http: HttpOptions) -> None:
        super().__init__()
        self.run = run
        self.http = http

    def expand(self, entries: beam.PCollection) -> StageOutput:
        batches = entries | "Batch" >> beam.BatchElements(
            min_batch_size=BATCH_SIZE, max_batch_size=BATCH_SIZE
        )
        return run_stage(batches, _FetchPages(self.run, self.http), Page)


class _FetchPages(Stage):
    name = "FetchPages"

    def __init__(self, run: Run, http: HttpOptions) -> None:
        super().__init__(run)
        self.http = http

    def source(self, element: Entry) -> str:
        return element.link

    def ending(self, element: Entry, error: Exception) -> Iterator[Outcome]:  # noqa: ARG002
        yield Outcome(element.feed_url, element.key, "dead_letter", None)

    def handle(self, element: list[Entry]) -> Iterator[Any]:
        answers = fetch_all([entry.link for entry in element], self.http)
        for entry, answer in zip(element, answers, strict=True):
            problem = answer if isinstance(answer, Lost) else check_page(answer)
            if problem is None:
                assert isinstance(answer, Response)
                content_type = answer.headers.get("content-type", "")
                yield Page(entry, answer.url, answer.body, content_type, now())
            elif entry.content:
                yield Page(entry, entry.link, None, "", now())
            else:
                yield from self.lost(entry, problem)


def check_page(answer: Response) -> Lost | None:
    """What is wrong with an answer that should be an article's page, if anything."""
    if answer.media_type not in _HTML_TYPES:
        return Lost("NotHtml", f"the page is {answer.media_type}")
    if not answer.body.strip():
        return Lost("EmptyPage", "the page is empty")
    if answer.body[:5] in (b"%PDF-", b"\x89PNG\r", b"GIF89") or answer.body[:3] == b"\xff\xd8\xff":
        return Lost("NotHtml", "the page is no HTML, whatever its content type says")
    return None
