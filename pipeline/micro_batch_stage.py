"""The stages of a stream that show its windows: packs are gathered, and shown by a timer."""

import dataclasses
import json
import logging
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.coders import BytesCoder, StrUtf8Coder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import (
    BagStateSpec,
    ReadModifyWriteStateSpec,
    TimerSpec,
    on_timer,
)
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.micro_batches import MicroBatchWriter, Progress, pack
from transforms.core.clock import now

_MOST_PACKED = 500
_LOG = logging.getLogger("newsbeam.run")


class PackElements(beam.PTransform):
    """Elements of any kind that windows hold to packs of them, for :class:`WriteMicroBatches`."""

    def expand(self, elements: beam.PCollection) -> beam.PCollection:
        return elements | beam.ParDo(_Pack()).with_output_types(tuple[str, bytes])


class _Pack(beam.DoFn):
    def start_bundle(self) -> None:
        self._elements: list[Any] = []

    def process(self, element: Any) -> Iterator[tuple[str, bytes]]:
        self._elements.append(element)
        if len(self._elements) >= _MOST_PACKED:
            yield "", pack(self._elements)
            self._elements = []

    def finish_bundle(self) -> Iterator[Any]:
        window = GlobalWindow()
        if self._elements:
            packed = "", pack(self._elements)
            yield WindowedValue(packed, window.max_timestamp(), [window])


class WriteMicroBatches(beam.PTransform):
    """Packs to the ids of the runs that hold what is in them."""

    def __init__(self, windows: MicroBatchWriter, seconds: float) -> None:
        super().__init__()
        self.stage = _ShowWindows(windows, seconds)

    def expand(self, packs: beam.PCollection) -> beam.PCollection:
        return packs | "Show" >> beam.ParDo(self.stage).with_output_types(str)


class _ShowWindows(beam.DoFn):
    PACKS = BagStateSpec("packs", BytesCoder())
    PROGRESS = ReadModifyWriteStateSpec("progress", StrUtf8Coder())
    IS_SET = ReadModifyWriteStateSpec("is_set", StrUtf8Coder())
    END = TimerSpec("end", TimeDomain.REAL_TIME)
    LAST = TimerSpec("last", TimeDomain.WATERMARK)

    def __init__(self, windows: MicroBatchWriter, seconds: float) -> None:
        self.windows = windows
        self.seconds = seconds

    def process(
        self,
        element: tuple[str, bytes],
        packs: Any = beam.DoFn.StateParam(PACKS),
        is_set: Any = beam.DoFn.StateParam(IS_SET),
        end: Any = beam.DoFn.TimerParam(END),
        last: Any = beam.DoFn.TimerParam(LAST),
    ) -> None:
        packs.add(element[1])
        if not is_set.read():
            self._set(is_set, end)
            last.set(GlobalWindow().max_timestamp())  # a stream that is drained

    def _set(self, is_set: Any, end: Any) -> None:
        is_set.write("1")
        end.set((now().timestamp() // self.seconds + 1) * self.seconds)

    @on_timer(END)
    def on_end(
        self,
        packs: Any = beam.DoFn.StateParam(PACKS),
        progress: Any = beam.DoFn.StateParam(PROGRESS),
        is_set: Any = beam.DoFn.StateParam(IS_SET),
        end: Any = beam.DoFn.TimerParam(END),
    ) -> Iterator[str]:
        """Show the window that is over."""
        is_set.clear()
        shown = [*self._show(packs, progress)]
        if not shown:
            self._set(is_set, end)
        yield from shown

    @on_timer(LAST)
    def on_last(
        self,
        packs: Any = beam.DoFn.StateParam(PACKS),
        progress: Any = beam.DoFn.StateParam(PROGRESS),
    ) -> Iterator[str]:
        """Show what there is at the end of the stream."""
        yield from self._show(packs, progress)

    def _show(self, packs: Any, progress: Any) -> Iterator[str]:
        there = [*packs.read()]
        if not there:
            return
        text = progress.read()
        before = Progress(**json.loads(text)) if text else Progress()
        summary, after = self.windows.show(there, before)
        if summary is not None:
            packs.clear()
            progress.write(json.dumps(dataclasses.asdict(after)))
            level = logging.INFO if summary.adds_up else logging.ERROR
            _LOG.log(level, "%s: %s", summary.run_id, summary.table().replace("\n", "; "))
            yield summary.run_id
