"""Stages whose inputs are computed by several isolated workers at a time."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from pipeline.summary import read_stage_counts
from transforms.core.elements import Run
from transforms.core.isolated_process import IsolatedWorkerHandle, LimitOptions
from transforms.core.isolated_stage import IsolatedStage, apply_isolated_stage
from transforms.core.stage import SideOutput

NUMBERS = list(range(12))


def load() -> Callable[[int], int]:
    """Set up a function that halves even numbers, and takes longest for the first."""

    def halve(number: int) -> int:
        time.sleep(0.5 if number == 0 else 0.01)
        if number % 2:
            raise ValueError(f"{number} is odd")
        return number // 2

    return halve


@dataclass
class Halve(IsolatedStage[int, tuple[int, int], int]):
    """Yields each even number with its half."""

    name = "Halve"

    run: Run
    worker: IsolatedWorkerHandle

    @property
    def processes(self) -> int:
        return self.worker.processes

    def source(self, element: int) -> str:
        return f"number {element}"

    def prepare(self, element: int) -> int:
        if element > 100:
            raise OverflowError("too large")
        return element

    def compute(self, element: int) -> int:
        half: int = self.worker.value(element)
        return half

    def finish(self, element: int, result: int) -> Iterator[tuple[int, int] | SideOutput]:
        yield element, result


def collect(values: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the values of a bundle with their position in it."""
    return iter([(position, number) for position, (number, _) in enumerate(values)])


@pytest.mark.parametrize("processes", [1, 3])
def test_outputs_keep_the_order_of_the_inputs(run: Run, processes: int) -> None:
    handle = IsolatedWorkerHandle(load, LimitOptions(), name="halving", processes=processes)
    pipeline = beam.Pipeline(runner=FnApiRunner())
    inputs = pipeline | beam.Create([NUMBERS]) | beam.FlatMap(lambda numbers: numbers)
    out = apply_isolated_stage(inputs, Halve(run, handle), tuple[int, int])
    batches = out.main | beam.BatchElements(min_batch_size=100, max_batch_size=100)
    assert_that(
        batches | beam.FlatMap(collect),
        equal_to([(position, 2 * position) for position in range(6)]),
        "main",
    )
    assert_that(
        out.dead_letters | beam.Map(lambda letter: (letter.source, letter.message)),
        equal_to([(f"number {n}", f"{n} is odd") for n in NUMBERS if n % 2]),
        "dead",
    )
    result = pipeline.run()
    result.wait_until_finish()
    assert read_stage_counts(result) == {"Halve": {"in": 12, "out": 6, "dead_letters": 6}}


def test_an_input_that_cannot_be_prepared_fails_the_bundle(run: Run) -> None:
    handle = IsolatedWorkerHandle(load, LimitOptions(), name="halving")
    pipeline = beam.Pipeline(runner=FnApiRunner())
    apply_isolated_stage(pipeline | beam.Create([2, 101]), Halve(run, handle), tuple[int, int])
    with pytest.raises(Exception, match="too large"):
        pipeline.run().wait_until_finish()
