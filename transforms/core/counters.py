"""Beam counters of the inputs and outputs of stages, and the progress log."""

import logging
import time
from typing import Final

from apache_beam.metrics import Metrics

from schemas import DeadLetter
from transforms.core.elements import FeedReport, Outcome
from transforms.state.records import StateChange

_LOG = logging.getLogger("newsbeam.progress")
_PROGRESS_INTERVAL_SECONDS: Final = 1.0


class Progress:
    """Logs how many inputs a stage has seen, about once per second."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen = 0
        self._last_log = 0.0

    def add(self, count: int) -> None:
        """Count inputs."""
        self._seen += count
        if time.monotonic() - self._last_log >= _PROGRESS_INTERVAL_SECONDS:
            self._last_log = time.monotonic()
            _LOG.info("%s: %d", self._name, self._seen)


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
