"""Drop the entries and articles that a streaming job, or a run before it, has already handled.

The decisions are those of :mod:`transforms.drop_duplicates`. A batch run looks entries and
articles up in the state folder. A streaming job also stores them in Beam state, per key, until no
feed has listed them for a lifetime.
"""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import apache_beam as beam
from apache_beam.coders import StrUtf8Coder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer

from schemas.ids import first_version_id, link_key
from schemas.jsonable import from_json, to_line
from transforms.core.clock import now
from transforms.core.counters import StageCounters
from transforms.core.elements import Entry, ExtractedArticle, LineageId, Outcome
from transforms.core.stage import CompositeTransform, StageOutput, apply_do_fn, tag
from transforms.drop_duplicates import (
    ArticleDeduplication,
    EntryDeduplication,
    EntryHistory,
    classify_articles,
    classify_entry,
    entry_history,
    known_article,
)
from transforms.state.records import KnownArticle, KnownEntry, StateChange
from transforms.state.store import StateHandle

T = TypeVar("T")

_MEMORY = ReadModifyWriteStateSpec("memory", StrUtf8Coder())
_FORGET = TimerSpec("forget", TimeDomain.REAL_TIME)
_RENEWALS: Final = 10
"""The maximum number of times per lifetime that a value is rewritten to prolong its lifetime."""


@dataclass
class DropKnownEntries(CompositeTransform[beam.PCollection[Entry], StageOutput[Entry]]):
    """Yields each entry that must be fetched, once. ``lifetime``: see :class:`_KeyMemory`."""

    state: StateHandle
    lifetime: dt.timedelta

    def expand(self, entries: beam.PCollection[Entry]) -> StageOutput[Entry]:
        keyed = tuple[str, Entry]
        aliases = entries | "KeyByAlias" >> beam.Map(
            lambda entry: (entry.alias or link_key(entry.key), entry)
        ).with_output_types(keyed)
        first_link = beam.ParDo(_FirstLink(self.lifetime)).with_output_types(keyed)
        links = aliases | "FirstLink" >> first_link
        outputs: StageOutput[Entry] = apply_do_fn(
            links, _DropKnownEntries(self.state, self.lifetime), Entry
        )
        return outputs


@dataclass
class DropKnownArticles(
    CompositeTransform[beam.PCollection[ExtractedArticle], StageOutput[ExtractedArticle]]
):
    """Yields each article that is new or a new version, once."""

    state: StateHandle
    lifetime: dt.timedelta

    def expand(self, articles: beam.PCollection[ExtractedArticle]) -> StageOutput[ExtractedArticle]:
        keyed = beam.Map(lambda e: (e.article.lineage_id, e)).with_output_types(
            tuple[LineageId, ExtractedArticle]
        )
        outputs: StageOutput[ExtractedArticle] = apply_do_fn(
            articles | "Key" >> keyed,
            _DropKnownArticles(self.state, self.lifetime),
            ExtractedArticle,
        )
        return outputs


class _KeyMemory(beam.DoFn):
    """A DoFn that stores a value per key, and forgets it when it was not used for a lifetime."""

    def __init__(self, lifetime: dt.timedelta) -> None:
        self.lifetime = lifetime

    @staticmethod
    def read(memory: Any, value_type: type[T]) -> tuple[T | None, dt.datetime | None]:
        """Return the value of the key, and the time at which it was last written."""
        text = memory.read()
        if text is None:
            return None, None
        written, data = json.loads(text)
        at = dt.datetime.fromtimestamp(written, dt.timezone.utc)
        return (data if value_type is str else from_json(value_type, data)), at

    def write(self, memory: Any, forget: Any, value: Any) -> None:
        """Write the value of the key, and restart its lifetime."""
        at = now()
        data = json.dumps(value) if isinstance(value, str) else to_line(value)
        memory.write(f"[{at.timestamp():.0f},{data}]")
        forget.set((at + self.lifetime).timestamp())

    def is_old(self, written: dt.datetime | None) -> bool:
        """Return whether a value that is in use must be rewritten, to prolong its lifetime."""
        return written is not None and now() - written > self.lifetime / _RENEWALS

    @on_timer(_FORGET)
    def on_forget(self, memory: Any = beam.DoFn.StateParam(_MEMORY)) -> None:
        """Forget a value that nothing has used for its lifetime."""
        memory.clear()


class _FirstLink(_KeyMemory):
    """Keys each entry by the first link that its feed gave for the entry's id."""

    def process(
        self,
        element: tuple[str, Entry],
        memory: Any = beam.DoFn.StateParam(_MEMORY),
        forget: Any = beam.DoFn.TimerParam(_FORGET),
    ) -> Iterator[tuple[str, Entry]]:
        entry = element[1]
        if entry.alias is None:
            yield link_key(entry.key), entry
            return
        first, written = self.read(memory, str)
        if first is None or self.is_old(written):
            self.write(memory, forget, first or entry.key)
        if first is not None and first != entry.key:
            entry = replace(entry, lineage=first_version_id(first))
        yield link_key(first or entry.key), entry


class _KnownMemory(_KeyMemory):
    """A :class:`_KeyMemory` that falls back on the state folder for keys without a value."""

    def __init__(self, state: StateHandle, lifetime: dt.timedelta, stage: str) -> None:
        super().__init__(lifetime)
        self.state = state
        self.counters = StageCounters(stage)

    def setup(self) -> None:
        self.state.open()

    def teardown(self) -> None:
        self.state.close()

    def count_and_tag(self, output: Any) -> Any:
        """Return an output, counted, and tagged if it is a side output."""
        self.counters.count_output(output)
        return tag(output)


class _DropKnownEntries(_KnownMemory):
    def __init__(self, state: StateHandle, lifetime: dt.timedelta) -> None:
        super().__init__(state, lifetime, EntryDeduplication.name)

    def process(
        self,
        element: tuple[str, Entry],
        memory: Any = beam.DoFn.StateParam(_MEMORY),
        forget: Any = beam.DoFn.TimerParam(_FORGET),
    ) -> Iterator[Any]:
        key, entry = element
        self.counters.count_inputs(1)
        history, written = self._history(entry, memory)
        for output in classify_entry(entry, history, now()):
            if isinstance(output, Entry):
                lineage = history.known.lineage if history.known else ""
                known = KnownEntry(key, now(), entry.fingerprint, lineage)
                self.write(memory, forget, known)
            elif isinstance(output, Outcome) and history.known and self.is_old(written):
                self.write(memory, forget, history.known)
            elif isinstance(output, StateChange) and output.entry is not None:
                known = replace(output.entry, at=now())
                self.write(memory, forget, known)
            yield self.count_and_tag(output)

    def _history(self, entry: Entry, memory: Any) -> tuple[EntryHistory, dt.datetime | None]:
        known, written = self.read(memory, KnownEntry)
        if known is not None and not entry.attempts:
            return EntryHistory(known), written
        return entry_history(self.state.value, entry), None


class _DropKnownArticles(_KnownMemory):
    def __init__(self, state: StateHandle, lifetime: dt.timedelta) -> None:
        super().__init__(state, lifetime, ArticleDeduplication.name)

    def process(
        self,
        element: tuple[LineageId, ExtractedArticle],
        memory: Any = beam.DoFn.StateParam(_MEMORY),
        forget: Any = beam.DoFn.TimerParam(_FORGET),
    ) -> Iterator[Any]:
        lineage, extracted = element
        self.counters.count_inputs(1)
        last, written = self.read(memory, KnownArticle)
        if last is None:
            last = self.state.value.article(lineage)
        elif self.is_old(written):
            self.write(memory, forget, last)

        def find_last(other: LineageId) -> KnownArticle | None:
            return last if other == lineage else self.state.value.article(other)

        for output in classify_articles(lineage, [extracted], find_last):
            if isinstance(output, ExtractedArticle) and output.article.lineage_id == lineage:
                self.write(memory, forget, known_article(output.article))
            yield self.count_and_tag(output)
