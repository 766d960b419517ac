"""Beam counters of the inputs and outputs of stages."""

from apache_beam.metrics import Metrics

from schemas import DeadLetter
from transforms.core.elements import FeedReport, Outcome
from transforms.core.progress import Progress
from transforms.state.records import StateChange


class StageCounters:
    """The counters ``STAGE.in``, ``STAGE.out`` and ``STAGE.dead_letters``, and the progress log."""

    def __init__(self, stage: str) -> None:
        self._inputs = Metrics.counter("newsbeam", f"{stage}.in")
        self._outputs = Metrics.counter("newsbeam", f"{stage}.out")
        self._dead_letters = Metrics.counter("newsbeam", f"{stage}.dead_letters")
        self._progress = Progress(stage)

    def count_inputs(self, count: int) -> None:
        """Count inputs."""
        self._inputs.inc(count)
        self._progress.add(count)

    def count_output(self, output: object) -> None:
        """Count a main output or a dead letter. Other side outputs are not counted."""
        if isinstance(output, DeadLetter):
            self._dead_letters.inc()
        elif not isinstance(output, Outcome | FeedReport | StateChange):
            self._outputs.inc()
