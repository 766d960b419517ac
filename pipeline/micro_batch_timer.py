"""The last steps of a streaming job: gather its outputs, and write them at intervals."""

import dataclasses
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

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

from pipeline.micro_batch_runs import MicroBatchWriter, StreamElement, StreamProgress, pack
from transforms.core.clock import now
from transforms.core.stage import in_global_window

_MAX_PACKED_ELEMENTS: Final = 500
_LOG = logging.getLogger("newsbeam.run")


class PackElements(
    beam.PTransform[beam.PCollection[StreamElement], beam.PCollection[tuple[str, bytes]]]
):
    """Packs the elements of each bundle, under one key, for :class:`WriteMicroBatches`."""

    def expand(
        self, elements: beam.PCollection[StreamElement]
    ) -> beam.PCollection[tuple[str, bytes]]:
        return elements | beam.ParDo(_PackElements()).with_output_types(tuple[str, bytes])


class _PackElements(beam.DoFn):
    def start_bundle(self) -> None:
        self._elements: list[StreamElement] = []

    def process(self, element: StreamElement) -> Iterator[tuple[str, bytes]]:
        self._elements.append(element)
        if len(self._elements) >= _MAX_PACKED_ELEMENTS:
            yield "", pack(self._elements)
            self._elements = []

    def finish_bundle(self) -> Iterator[Any]:
        if self._elements:
            yield in_global_window(("", pack(self._elements)))


@dataclass
class WriteMicroBatches(
    beam.PTransform[beam.PCollection[tuple[str, bytes]], beam.PCollection[str]]
):
    """Writes the packs of each interval as a run, and yields the run's id."""

    writer: MicroBatchWriter
    interval_sec: float

    def expand(self, packs: beam.PCollection[tuple[str, bytes]]) -> beam.PCollection[str]:
        write = beam.ParDo(_WriteMicroBatches(self.writer, self.interval_sec))
        return packs | "Show" >> write.with_output_types(str)


class _WriteMicroBatches(beam.DoFn):
    PACKS = BagStateSpec("packs", BytesCoder())
    PROGRESS = ReadModifyWriteStateSpec("progress", StrUtf8Coder())
    IS_SET = ReadModifyWriteStateSpec("is_set", StrUtf8Coder())
    END = TimerSpec("end", TimeDomain.REAL_TIME)
    LAST = TimerSpec("last", TimeDomain.WATERMARK)

    def __init__(self, writer: MicroBatchWriter, interval_sec: float) -> None:
        self.writer = writer
        self.interval_sec = interval_sec

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
            self._set_timer(is_set, end)
            last.set(GlobalWindow().max_timestamp())  # fires if the job is drained

    def _set_timer(self, is_set: Any, end: Any) -> None:
        is_set.write("1")
        end.set((now().timestamp() // self.interval_sec + 1) * self.interval_sec)

    @on_timer(END)
    def on_end(
        self,
        packs: Any = beam.DoFn.StateParam(PACKS),
        progress: Any = beam.DoFn.StateParam(PROGRESS),
        is_set: Any = beam.DoFn.StateParam(IS_SET),
        end: Any = beam.DoFn.TimerParam(END),
    ) -> Iterator[str]:
        """Write the micro-batch of the interval that has ended."""
        is_set.clear()
        run_ids = [*self._write(packs, progress)]
        if not run_ids:
            self._set_timer(is_set, end)
        yield from run_ids

    @on_timer(LAST)
    def on_last(
        self,
        packs: Any = beam.DoFn.StateParam(PACKS),
        progress: Any = beam.DoFn.StateParam(PROGRESS),
    ) -> Iterator[str]:
        """Write the last micro-batch of a job that is drained."""
        yield from self._write(packs, progress)

    def _write(self, packs: Any, progress: Any) -> Iterator[str]:
        gathered = [*packs.read()]
        if not gathered:
            return
        text = progress.read()
        before = StreamProgress(**json.loads(text)) if text else StreamProgress()
        summary, after = self.writer.write(gathered, before)
        if summary is not None:
            packs.clear()
            progress.write(json.dumps(dataclasses.asdict(after)))
            level = logging.INFO if summary.adds_up else logging.ERROR
            _LOG.log(level, "%s: %s", summary.run_id, summary.format_table().replace("\n", "; "))
            yield summary.run_id
