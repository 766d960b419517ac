"""Pages of a stream: fetched, extracted, and tried again when it is time, with their host."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam

from schemas.jsonable import from_json
from transforms.core.clock import now
from transforms.core.elements import Entry, ExtractedArticle, FetchedPage, Outcome
from transforms.core.errors import ItemError
from transforms.core.stage import CompositeTransform, Stage, StageOutput, run_stage
from transforms.core.urls import host_of
from transforms.fetching.fetcher import FetcherHandle, FetchStage
from transforms.fetching.http_messages import Request, Response
from transforms.parse_entries import failed_entry
from transforms.state.records import FailedEntry, StateChange
from transforms.streaming.host_queues import HostQueueStage, PendingResponsesHandle

_FAILED: Final = '["failed"'
_SOONEST: Final = dt.timedelta(minutes=1)
"""What was not asked for, as its host had had its share, is not tried again at once."""


@dataclass(frozen=True)
class QueuedPage:
    """An entry as its host's state has it."""

    entry: Entry
    due: dt.datetime | None

    @property
    def name(self) -> str:
        """Its canonical link."""
        return self.entry.key


class ReadPages(CompositeTransform):
    """Entries to extracted articles, by the same stages as in a run, one lane a host.

    Both are one step here, since an entry is tried again whichever of them fails.
    """

    def __init__(self, stages: tuple[FetchStage, Stage], fetcher: FetcherHandle) -> None:
        super().__init__()
        self.stage = _ReadPages(stages, PendingResponsesHandle(fetcher))

    def expand(self, entries: beam.PCollection) -> StageOutput:
        keyed = tuple[str, Entry]
        lanes = entries | "Key" >> beam.Map(lambda e: (host_of(e.link), e)).with_output_types(keyed)
        return run_stage(lanes, self.stage, ExtractedArticle)


class _ReadPages(HostQueueStage):
    item_type = QueuedPage

    def __init__(self, stages: tuple[FetchStage, Stage], lanes: PendingResponsesHandle) -> None:
        super().__init__(stages[0], lanes)
        self.extract = stages[1]

    def setup(self) -> None:
        super().setup()
        self.extract.setup()

    def teardown(self) -> None:
        super().teardown()
        self.extract.teardown()

    def start_bundle(self) -> None:
        self.extract.start_bundle()

    def finish_bundle(self) -> None:
        self.extract.finish_bundle()

    def inbox_item(self, element: Entry) -> QueuedPage:
        return QueuedPage(element, None)

    def arrived(
        self, items: dict[str, QueuedPage], item: QueuedPage, at: dt.datetime
    ) -> Iterator[Any]:
        before = items.get(item.name)
        if before is not None:  # its feed changed it while it waited
            yield self.fetch.tagged(Outcome(before.entry.feed_url, item.name, "duplicate", None))
        items[item.name] = QueuedPage(item.entry, at)

    def request(self, item: QueuedPage) -> Request:
        return Request(item.entry.link, is_page=True)

    def answered(
        self, items: dict[str, QueuedPage], item: QueuedPage, answer: Response | ItemError | None
    ) -> Iterator[Any]:
        for output in self._read(item.entry, answer):
            changed = output.value if isinstance(output, beam.pvalue.TaggedOutput) else None
            if isinstance(changed, StateChange) and changed.line.startswith(_FAILED):
                failed = from_json(FailedEntry, json.loads(changed.line)[1])
                if failed.not_before is not None:
                    due = max(failed.not_before, now() + _SOONEST)
                    items[item.name] = QueuedPage(failed_entry(failed), due)
            yield output

    def _read(self, entry: Entry, answer: Response | ItemError | None) -> Iterator[Any]:
        for output in self.fetch.outputs(entry, answer):
            if isinstance(output, FetchedPage):
                yield from self.extract.process(output)
            else:
                yield self.fetch.tagged(output)
