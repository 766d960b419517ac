"""Stages: plain objects that process single inputs, and the DoFn that runs them in a pipeline.

A stage yields its outputs and, among them, *side outputs*: dead letters, outcomes of entries,
reports of feeds and state changes. An error costs the input that raised it and no other: the input
becomes a dead letter. Batch and streaming graphs run the same stage objects in different DoFns.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from functools import cached_property
from operator import itemgetter
from typing import Any, ClassVar, Final, Generic, TypeAlias, TypeVar

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.typehints.decorators import IOTypeHints
from apache_beam.utils.windowed_value import WindowedValue

from schemas import DeadLetter
from transforms.core.counters import StageCounters
from transforms.core.dead_letters import dead_letter
from transforms.core.element_coders import register_element_coders
from transforms.core.elements import FeedReport, Outcome, Run
from transforms.core.errors import ItemError
from transforms.core.process_shared import ProcessShared
from transforms.state.records import StateChange

InT = TypeVar("InT")
OutT = TypeVar("OutT")

SideOutput: TypeAlias = DeadLetter | Outcome | FeedReport | StateChange

_LOG = logging.getLogger("newsbeam.progress")
_SIDE_OUTPUTS: Final[dict[type, str]] = {
    DeadLetter: "dead_letters",
    Outcome: "outcomes",
    FeedReport: "feed_reports",
    StateChange: "state_changes",
}

register_element_coders()  # before any graph is built, since stages declare these types


class StageBase(ABC, Generic[InT, OutT]):
    """The base of all stages: a name, a run, counters, and dead letters.

    Attributes:
        name: the stage's name in counters and dead letters.
        run: the run that its records name.
    """

    name: ClassVar[str]
    run: Run

    @cached_property
    def counters(self) -> StageCounters:
        """The counters of the stage."""
        return StageCounters(self.name)

    def open(self) -> None:
        """Hold the shared objects of the process, when the stage is set up in a worker."""
        for handle in self._handles():
            handle.open()

    def close(self) -> None:
        """Release the shared objects of the process."""
        for handle in self._handles():
            handle.close()

    def start_bundle(self) -> None:
        """Prepare for a bundle of inputs."""

    def finish_bundle(self) -> None:
        """Finish a bundle of inputs. Outputs leave the worker after this."""

    @abstractmethod
    def source(self, element: InT) -> str:
        """Return where an input came from: a URL, or a file and line."""

    def dead_letter(self, source: str, error: Exception) -> DeadLetter:
        """Return the dead letter of an input. Unexpected errors are logged with their traceback."""
        if not isinstance(error, ItemError):
            _LOG.debug("%s: %s", self.name, source, exc_info=error)
        return dead_letter(self.run, self.name, source, error)

    def fail(self, element: InT, error: Exception) -> Iterator[SideOutput]:
        """Yield the side outputs of a failed input: its dead letter, and its outcome if any."""
        yield self.dead_letter(self.source(element), error)

    def _handles(self) -> Iterator[ProcessShared[Any]]:
        return (value for value in vars(self).values() if isinstance(value, ProcessShared))

    def _guarded(
        self, element: InT, outputs: Iterable[OutT | SideOutput]
    ) -> list[OutT | SideOutput]:
        """Return all outputs of an input, or, if computing them raises, those of its failure."""
        results: list[OutT | SideOutput]
        try:
            results = list(outputs)
        except Exception as error:  # any error costs this input and no other
            results = list(self.fail(element, error))
        for output in results:
            self.counters.count_output(output)
        return results


class Stage(StageBase[InT, OutT]):
    """A stage that computes the outputs of an input from the input alone."""

    @abstractmethod
    def process(self, element: InT) -> Iterable[OutT | SideOutput]:
        """Return the outputs of one input."""

    def size(self, element: InT) -> int:  # noqa: ARG002
        """Return how many inputs an element counts for."""
        return 1

    def outputs(self, element: InT) -> list[OutT | SideOutput]:
        """Return the outputs of one input, counted, with errors turned into dead letters."""
        self.counters.count_inputs(self.size(element))
        return self._guarded(element, self._generate_outputs(element))

    def _generate_outputs(self, element: InT) -> Iterator[OutT | SideOutput]:
        """Delay the call of :meth:`process`, so that :meth:`_guarded` catches its errors too."""
        yield from self.process(element)


class StageDoFn(beam.DoFn):
    """The DoFn that runs a :class:`Stage`."""

    def __init__(self, stage: Stage[Any, Any]) -> None:
        self.stage = stage

    def setup(self) -> None:
        self.stage.open()

    def teardown(self) -> None:
        self.stage.close()

    def start_bundle(self) -> None:
        self.stage.start_bundle()

    def finish_bundle(self) -> None:
        self.stage.finish_bundle()

    def process(self, element: Any) -> Iterator[Any]:
        return map(tag, self.stage.outputs(element))


class StageOutput(tuple[beam.PCollection, ...], Generic[OutT]):
    """The outputs of a stage: a named tuple of PCollections.

    It is no ``NamedTuple``, as these cannot be generic in Python 3.10.
    """

    _fields = ("main", *_SIDE_OUTPUTS.values())  # Beam recognises a named tuple by this

    main: beam.PCollection[OutT] = property(itemgetter(0))
    dead_letters: beam.PCollection[DeadLetter] = property(itemgetter(1))
    outcomes: beam.PCollection[Outcome] = property(itemgetter(2))
    feed_reports: beam.PCollection[FeedReport] = property(itemgetter(3))
    state_changes: beam.PCollection[StateChange] = property(itemgetter(4))


class CompositeTransform(beam.PTransform[InT, OutT]):
    """A transform that has several input or output PCollections, each with a type of its own.

    Beam cannot read type hints from the ``expand`` of such a transform and would warn.
    """

    def default_type_hints(self) -> IOTypeHints:
        return IOTypeHints.empty()


def tag(output: Any) -> Any:
    """Return a side output tagged for its PCollection, any other output as it is."""
    name = _SIDE_OUTPUTS.get(type(output))
    return output if name is None else beam.pvalue.TaggedOutput(name, output)


def in_global_window(output: Any) -> Any:
    """Return an output, tagged or not, with a window, as ``finish_bundle`` must yield it."""
    if isinstance(output, beam.pvalue.TaggedOutput):
        return beam.pvalue.TaggedOutput(output.tag, in_global_window(output.value))
    window = GlobalWindow()
    return WindowedValue(output, window.max_timestamp(), [window])


def apply_do_fn(inputs: beam.PCollection[Any], do_fn: beam.DoFn, output_type: Any) -> Any:
    """Apply a DoFn that yields outputs of a type and tagged side outputs.

    Returns:
        A :class:`StageOutput`.
    """
    types = {name: side_output for side_output, name in _SIDE_OUTPUTS.items()}
    run = beam.ParDo(do_fn).with_output_types(output_type, **types)
    # Savepoints refer to labels. Beam's default label would change with the name of the class.
    outputs = inputs | "Run" >> run.with_outputs(*types, main="main")
    return StageOutput(outputs[name] for name in StageOutput._fields)


def apply_stage(
    inputs: beam.PCollection[InT], stage: Stage[InT, OutT], output_type: Any
) -> StageOutput[OutT]:
    """Apply a stage; ``output_type`` is that of its main outputs."""
    outputs: StageOutput[OutT] = apply_do_fn(inputs, StageDoFn(stage), output_type)
    return outputs
