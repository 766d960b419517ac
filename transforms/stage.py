"""What all stages share: counts in and out, dead letters, and one outcome for every entry."""

import datetime as dt
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics

from schemas import DeadLetter, stable_id
from schemas.rows import row

_LOG = logging.getLogger("newsbeam.progress")
_PROGRESS_INTERVAL_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Run:
    """The run that all records carry."""

    run_id: str
    started_at: dt.datetime


@row
@dataclass(frozen=True, slots=True)
class Outcome:
    """How one entry ended. Every entry of every feed ends exactly once."""

    KINDS: ClassVar = ("article", "known", "duplicate", "dead_letter")

    feed_url: str
    entry_key: str
    kind: str
    article_id: str | None


class Lost(Exception):
    """An input that a stage gives up on, with an error type and a reason for its dead letter."""

    def __init__(
        self, error_type: str, message: str, *, attempts: int = 1, reference: str | None = None
    ) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.attempts = attempts
        self.reference = reference


class StageOutput(NamedTuple):
    """What comes out of a stage."""

    main: beam.PCollection
    dead_letters: beam.PCollection
    outcomes: beam.PCollection


def now() -> dt.datetime:
    """The time in UTC."""
    return dt.datetime.now(dt.timezone.utc)


def dead_letter(run: Run, stage: str, source: str, error: Exception) -> DeadLetter:
    """The dead letter of an error. Its id is the same in every run."""
    lost = error if isinstance(error, Lost) else None
    error_type = lost.error_type if lost else type(error).__name__
    message = " ".join((lost.message if lost else str(error) or error_type).split())[:1000]
    return DeadLetter(
        dead_letter_id=stable_id(stage, source, error_type, message),
        run_id=run.run_id,
        day=run.started_at.date(),
        stage=stage,
        source=source,
        error_type=error_type,
        message=message,
        attempts=lost.attempts if lost else 1,
        first_seen_at=now(),
        payload_reference=lost.reference if lost else None,
    )


class Stage(beam.DoFn):
    """A DoFn that counts, and turns what goes wrong with one input into a dead letter.

    A subclass says what to do in :meth:`handle`, and in :meth:`source` (and, where the input
    is an entry on its way, :meth:`outcome`) what its dead letter says. ``handle`` yields
    outputs; a :class:`DeadLetter` or :class:`Outcome` among them goes its own way. A stage
    that takes batches loses single items with :meth:`lost`.
    """

    name: ClassVar[str]

    def __init__(self, run: Run) -> None:
        self.run = run
        self._in = Metrics.counter("newsbeam", f"{self.name}.in")
        self._out = Metrics.counter("newsbeam", f"{self.name}.out")
        self._dead = Metrics.counter("newsbeam", f"{self.name}.dead_letters")
        self._seen = 0
        self._last_progress = 0.0

    def handle(self, element: Any) -> Iterable[Any]:
        """The outputs of one input."""
        raise NotImplementedError

    def source(self, element: Any) -> str:
        """Where the input came from: a URL, or a file and line."""
        raise NotImplementedError

    def outcome(self, element: Any) -> Outcome | None:  # noqa: ARG002
        """How the input's entry ends if the input is lost; None where it is no entry."""
        return None

    def lost(self, element: Any, error: Exception) -> Iterator[Any]:
        """What is left of an input on which the stage gave up."""
        if not isinstance(error, Lost):
            logging.getLogger("newsbeam").debug("%s", self.source(element), exc_info=error)
        yield dead_letter(self.run, self.name, self.source(element), error)
        ended = self.outcome(element)
        if ended is not None:
            yield ended

    def process(self, element: Any) -> Iterator[Any]:
        """Beam's entry point."""
        size = len(element) if isinstance(element, list) else 1
        self._in.inc(size)
        self._seen += size
        self._progress()
        try:
            outputs = list(self.handle(element))
        except Exception as error:  # whatever it is, it costs this input and no other
            outputs = [o for e in _items(element) for o in self.lost(e, error)]
        for output in outputs:
            if isinstance(output, DeadLetter):
                self._dead.inc()
                yield beam.pvalue.TaggedOutput("dead_letters", output)
            elif isinstance(output, Outcome):
                yield beam.pvalue.TaggedOutput("outcomes", output)
            else:
                self._out.inc()
                yield output

    def _progress(self) -> None:
        if time.monotonic() - self._last_progress >= _PROGRESS_INTERVAL_SECONDS:
            self._last_progress = time.monotonic()
            _LOG.info("%s: %d", self.name, self._seen)


def run_stage(inputs: beam.PCollection, stage: Stage, output_type: Any) -> StageOutput:
    """Apply a stage; its outputs, dead letters and outcomes side by side."""
    outputs = inputs | beam.ParDo(stage).with_output_types(
        output_type, dead_letters=DeadLetter, outcomes=Outcome
    ).with_outputs("dead_letters", "outcomes", main="main")
    return StageOutput(outputs.main, outputs.dead_letters, outputs.outcomes)


def _items(element: Any) -> list[Any]:
    return element if isinstance(element, list) else [element]
