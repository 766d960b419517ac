"""Stages that compute in isolated workers, and the DoFn that keeps several workers busy."""

from abc import abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, Generic, NamedTuple, TypeVar

import apache_beam as beam
from apache_beam.utils.windowed_value import WindowedValue

from transforms.core.stage import SideOutput, Stage, StageOutput, apply_do_fn, tag

InT = TypeVar("InT")
OutT = TypeVar("OutT")
R = TypeVar("R")

_PENDING_PER_WORKER: Final = 2
"""One input is computed while the next one waits, so that no worker waits for the other stages."""


class IsolatedStage(Stage[InT, OutT], Generic[InT, OutT, R]):
    """A stage that computes a result per input in isolated workers, and outputs from the result."""

    @property
    @abstractmethod
    def processes(self) -> int:
        """The number of isolated workers."""

    def prepare(self, element: InT) -> InT:
        """Return the input to compute. An error fails the bundle."""
        return element

    @abstractmethod
    def compute(self, element: InT) -> R:
        """Return the result of an input. This runs in several threads, without Beam's context."""

    @abstractmethod
    def finish(self, element: InT, result: R) -> Iterable[OutT | SideOutput]:
        """Return the outputs of an input from its result."""

    def process(self, element: InT) -> Iterable[OutT | SideOutput]:
        return self.finish(element, self.compute(element))

    def outputs(self, element: InT) -> list[OutT | SideOutput]:
        return super().outputs(self.prepare(element))

    def outputs_of_result(self, element: InT, result: "Future[R]") -> list[OutT | SideOutput]:
        """Return the outputs of a counted input, with errors turned into dead letters."""
        return self._guarded(element, self._wait_and_finish(element, result))

    def _wait_and_finish(self, element: InT, result: "Future[R]") -> Iterator[OutT | SideOutput]:
        yield from self.finish(element, result.result())


class _PendingInput(NamedTuple):
    element: Any
    result: "Future[Any]"
    timestamp: Any
    window: Any


class IsolatedStageDoFn(beam.DoFn):
    """The DoFn that runs an :class:`IsolatedStage`. Outputs are in the order of the inputs."""

    def __init__(self, stage: IsolatedStage[Any, Any, Any]) -> None:
        self.stage = stage

    def setup(self) -> None:
        self.stage.open()
        self._threads = ThreadPoolExecutor(self.stage.processes, "newsbeam-isolated")

    def teardown(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        self.stage.close()

    def start_bundle(self) -> None:
        self.stage.start_bundle()
        self._pending = deque[_PendingInput]()

    def process(
        self,
        element: Any,
        timestamp: Any = beam.DoFn.TimestampParam,
        window: Any = beam.DoFn.WindowParam,
    ) -> Iterator[Any]:
        self.stage.counters.count_inputs(self.stage.size(element))
        prepared = self.stage.prepare(element)
        result = self._threads.submit(self.stage.compute, prepared)
        self._pending.append(_PendingInput(prepared, result, timestamp, window))
        if len(self._pending) > _PENDING_PER_WORKER * self.stage.processes:
            yield from self._finish_first()

    def finish_bundle(self) -> Iterator[Any]:
        while self._pending:
            yield from self._finish_first()
        self.stage.finish_bundle()

    def _finish_first(self) -> Iterator[Any]:
        """Yield the outputs of the first pending input, in its window."""
        first = self._pending.popleft()
        for output in self.stage.outputs_of_result(first.element, first.result):
            tagged = tag(output)
            if isinstance(tagged, beam.pvalue.TaggedOutput):
                value = WindowedValue(tagged.value, first.timestamp, [first.window])
                yield beam.pvalue.TaggedOutput(tagged.tag, value)
            else:
                yield WindowedValue(tagged, first.timestamp, [first.window])


def apply_isolated_stage(
    inputs: beam.PCollection[InT], stage: IsolatedStage[InT, OutT, Any], output_type: Any
) -> StageOutput[OutT]:
    """Apply a stage; ``output_type`` is that of its main outputs."""
    outputs: StageOutput[OutT] = apply_do_fn(inputs, IsolatedStageDoFn(stage), output_type)
    return outputs
