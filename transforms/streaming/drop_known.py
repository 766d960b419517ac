"""Entries and articles that a stream has had, or a run before it, are dropped.

What is decided is what a run decides; what is remembered is in the stream's state, a key each,
for as long as it lives, above the state folder as it was when the stream was started.
"""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, TypeVar

import apache_beam as beam
from apache_beam.coders import StrUtf8Coder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer

from schemas.ids import first_version_id, link_key
from schemas.jsonable import from_json, to_line
from transforms.core.clock import now
from transforms.core.elements import Entry, ExtractedArticle, Outcome, Run
from transforms.core.stage import CompositeTransform, Stage, StageOutput, run_stage
from transforms.drop_duplicates import (
    EntryHistory,
    classify_articles,
    classify_entry,
    known_article,
    remembered,
)
from transforms.state.records import KnownArticle, KnownEntry, StateChange
from transforms.state.store import StateHandle

T = TypeVar("T")

_MEMORY = ReadModifyWriteStateSpec("memory", StrUtf8Coder())
_FORGET = TimerSpec("forget", TimeDomain.REAL_TIME)
_RENEWED: Final = 10
"""A memory that is used lives longer, which is noted so many times in its life."""


class DropKnownEntries(CompositeTransform):
    """Entries to those worth fetching, each once."""

    def __init__(self, run: Run, state: StateHandle, life: dt.timedelta) -> None:
        super().__init__()
        self.first = _FirstLink(life)
        self.stage = _DropKnownEntries(run, state, life)

    def expand(self, entries: beam.PCollection) -> StageOutput:
        keyed = tuple[str, Entry]
        own = entries | "KeyOwn" >> beam.Map(
            lambda e: (e.alias or link_key(e.key), e)
        ).with_output_types(keyed)
        links = own | "FirstLink" >> beam.ParDo(self.first).with_output_types(keyed)
        return run_stage(links, self.stage, Entry)


class _Memory(beam.DoFn):
    """What a stage remembers of a key, until nothing has asked for it for its whole life."""

    def __init__(self, life: dt.timedelta) -> None:
        self.life = life

    @staticmethod
    def read(memory: Any, kind: type[T]) -> tuple[T | None, dt.datetime | None]:
        """What is remembered, and when that was last noted."""
        text = memory.read()
        if text is None:
            return None, None
        noted, data = json.loads(text)
        at = dt.datetime.fromtimestamp(noted, dt.timezone.utc)
        return (data if kind is str else from_json(kind, data)), at

    def write(self, memory: Any, forget: Any, value: Any) -> None:
        """Remember something from now on."""
        at = now()
        data = json.dumps(value) if isinstance(value, str) else to_line(value)
        memory.write(f"[{at.timestamp():.0f},{data}]")
        forget.set((at + self.life).timestamp())

    def is_old(self, noted: dt.datetime | None) -> bool:
        """Whether a memory that is used now is to be noted again."""
        return noted is not None and now() - noted > self.life / _RENEWED

    @on_timer(_FORGET)
    def on_forget(self, memory: Any = beam.DoFn.StateParam(_MEMORY)) -> None:
        """Forget what nothing has asked for."""
        memory.clear()


class _FirstLink(_Memory):
    """The key of each entry: that of the first link that its own id had within its feed."""

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
        first, noted = self.read(memory, str)
        if first is None or self.is_old(noted):
            self.write(memory, forget, first or entry.key)
        if first is not None and first != entry.key:
            entry = replace(entry, lineage=first_version_id(first))
        yield link_key(first or entry.key), entry


class _DropKnownEntries(Stage, _Memory):
    name = "DropDuplicateEntries"

    def __init__(self, run: Run, state: StateHandle, life: dt.timedelta) -> None:
        Stage.__init__(self, run)
        _Memory.__init__(self, life)
        self._handle = state

    def setup(self) -> None:
        self.state = self._handle.get()

    def process(
        self,
        element: tuple[str, Entry],
        memory: Any = beam.DoFn.StateParam(_MEMORY),
        forget: Any = beam.DoFn.TimerParam(_FORGET),
    ) -> Iterator[Any]:
        key, entry = element
        self.count(1)
        before, noted = self._before(entry, memory)
        for output in classify_entry(entry, before, now()):
            if isinstance(output, Entry):
                lineage = before.known.lineage if before.known else ""
                after = KnownEntry(key, now(), entry.fingerprint, lineage)
                self.write(memory, forget, after)
            elif isinstance(output, Outcome) and before.known and self.is_old(noted):
                self.write(memory, forget, before.known)
            elif isinstance(output, StateChange) and before.known:  # how its feed has it
                after = replace(before.known, at=now(), fingerprint=entry.fingerprint)
                self.write(memory, forget, after)
            yield self.tagged(output)

    def _before(self, entry: Entry, memory: Any) -> tuple[EntryHistory, dt.datetime | None]:
        known, noted = self.read(memory, KnownEntry)
        if known is not None and not entry.attempts:
            return EntryHistory(known), noted
        return remembered(self.state, entry), None


class DropKnownArticles(CompositeTransform):
    """Articles to those that are new or of a new version, each once."""

    def __init__(self, run: Run, state: StateHandle, life: dt.timedelta) -> None:
        super().__init__()
        self.stage = _DropKnownArticles(run, state, life)

    def expand(self, articles: beam.PCollection) -> StageOutput:
        keyed = tuple[str, ExtractedArticle]
        lineages = articles | "Key" >> beam.Map(
            lambda e: (e.article.lineage_id, e)
        ).with_output_types(keyed)
        return run_stage(lineages, self.stage, ExtractedArticle)


class _DropKnownArticles(Stage, _Memory):
    name = "DropDuplicateArticles"

    def __init__(self, run: Run, state: StateHandle, life: dt.timedelta) -> None:
        Stage.__init__(self, run)
        _Memory.__init__(self, life)
        self._handle = state

    def setup(self) -> None:
        self.state = self._handle.get()

    def process(
        self,
        element: tuple[str, ExtractedArticle],
        memory: Any = beam.DoFn.StateParam(_MEMORY),
        forget: Any = beam.DoFn.TimerParam(_FORGET),
    ) -> Iterator[Any]:
        lineage, extracted = element
        self.count(1)
        last, noted = self.read(memory, KnownArticle)
        if last is None:
            last = self.state.article(lineage)
        elif self.is_old(noted):
            self.write(memory, forget, last)
        for output in classify_articles(lineage, [extracted], last):
            if isinstance(output, ExtractedArticle):
                self.write(memory, forget, known_article(output.article))
            yield self.tagged(output)
