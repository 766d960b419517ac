"""What all stages share: counts in and out, dead letters, and one outcome for every entry."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final, NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.typehints.decorators import IOTypeHints

from schemas import DeadLetter
from schemas.ids import dead_letter_id_of
from transforms.core.clock import now
from transforms.core.elements import FeedReport, Outcome, Run
from transforms.core.errors import ItemError
from transforms.state.records import StateChange

_LOG = logging.getLogger("newsbeam.progress")
_PROGRESS_INTERVAL_SECONDS: Final = 1.0


class StageOutput(NamedTuple):
    """What comes out of a stage."""

    main: beam.PCollection
    dead_letters: beam.PCollection
    outcomes: beam.PCollection
    feed_reports: beam.PCollection
    state_changes: beam.PCollection


class CompositeTransform(beam.PTransform):
    """A transform with several PCollections on a side: each says its own type, it does not.

    Beam would warn that it cannot read the hints of such an ``expand``.
    """

    def default_type_hints(self) -> IOTypeHints:
        return IOTypeHints.empty()


_SIDE_OUTPUTS: Final[dict[type, str]] = {
    DeadLetter: "dead_letters",
    Outcome: "outcomes",
    FeedReport: "feed_reports",
    StateChange: "state_changes",
}


def dead_letter(run: Run, stage: str, source: str, error: Exception) -> DeadLetter:
    """The dead letter of an error. Its id is the same in every run."""
    lost = error if isinstance(error, ItemError) else None
    error_type = lost.error_type if lost else type(error).__name__
    message = " ".join((lost.message if lost else str(error) or error_type).split())[:1000]
    return DeadLetter(
        dead_letter_id=dead_letter_id_of(stage, source, error_type, message),
        run_id=run.run_id,
        day=run.time().date(),
        stage=stage,
        source=source,
        error_type=error_type,
        message=message,
        attempts=lost.attempts if lost else 1,
        first_seen_at=now(),
        payload_reference=None,
    )


class Progress:
    """Says how many inputs a stage has seen, about once a second, to the progress log."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen = 0
        self._last = 0.0

    def add(self, count: int) -> None:
        """Count inputs."""
        self._seen += count
        if time.monotonic() - self._last >= _PROGRESS_INTERVAL_SECONDS:
            self._last = time.monotonic()
            _LOG.info("%s: %d", self._name, self._seen)


Ending = Outcome | FeedReport | StateChange


class Stage(beam.DoFn):
    """A DoFn that counts, and turns what goes wrong with one input into a dead letter.

    A subclass says what to do in :meth:`handle`, what its dead letters name in :meth:`source`,
    and in :meth:`ending` what ends with an input that is lost. ``handle`` yields outputs; a
    :class:`DeadLetter`, :class:`Outcome` or :class:`FeedReport` among them goes its own way. A
    stage that takes batches loses single items with :meth:`lost`.
    """

    name: ClassVar[str]

    def __init__(self, run: Run) -> None:
        self.run = run
        self._in = Metrics.counter("newsbeam", f"{self.name}.in")
        self._out = Metrics.counter("newsbeam", f"{self.name}.out")
        self._dead = Metrics.counter("newsbeam", f"{self.name}.dead_letters")
        self._progress = Progress(self.name)

    def handle(self, element: Any) -> Iterable[Any]:
        """The outputs of one input."""
        raise NotImplementedError

    def source(self, element: Any) -> str:
        """Where the input came from: a URL, or a file and line."""
        raise NotImplementedError

    def ending(self, element: Any, error: Exception) -> Iterable[Ending]:  # noqa: ARG002
        """What ends with an input that is lost: the way of an entry, or of a feed."""
        return ()

    def dead_letter(self, element: Any, error: Exception) -> DeadLetter:
        """The dead letter of something that went wrong with an input."""
        if not isinstance(error, ItemError):
            _LOG.debug("%s: %s", self.name, self.source(element), exc_info=error)
        return dead_letter(self.run, self.name, self.source(element), error)

    def lost(self, element: Any, error: Exception) -> Iterator[Any]:
        """What is left of an input on which the stage gave up."""
        yield self.dead_letter(element, error)
        yield from self.ending(element, error)

    def process(self, element: Any) -> Iterator[Any]:
        """Beam's entry point."""
        items = element if isinstance(element, list) else [element]
        self.count(len(items))
        try:
            outputs = list(self.handle(element))
        except Exception as error:  # whatever it is, it costs this input and no other
            outputs = [o for item in items for o in self.lost(item, error)]
        yield from map(self.tagged, outputs)

    def count(self, inputs: int) -> None:
        """Count inputs."""
        self._in.inc(inputs)
        self._progress.add(inputs)

    def tagged(self, output: Any) -> Any:
        """An output, counted, on its way."""
        tag = _SIDE_OUTPUTS.get(type(output))
        if tag is None:
            self._out.inc()
            return output
        if tag == "dead_letters":
            self._dead.inc()
        return beam.pvalue.TaggedOutput(tag, output)


def run_stage(inputs: beam.PCollection, stage: beam.DoFn, output_type: Any) -> StageOutput:
    """Apply a stage; its outputs and its side outputs."""
    types = {tag: kind for kind, tag in _SIDE_OUTPUTS.items()}
    outputs = inputs | beam.ParDo(stage).with_output_types(output_type, **types).with_outputs(
        *types, main="main"
    )
    return StageOutput(outputs.main, *(outputs[tag] for tag in StageOutput._fields[1:]))
