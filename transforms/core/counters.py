"""Counts of what stages take in and give out, and the progress log."""

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
    """The Beam counters ``STAGE.in``, ``STAGE.out``, ``STAGE.dead_letters``, and the progress."""

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
        """Count an output: a dead letter as such, other side outputs not at all."""
        if isinstance(output, DeadLetter):
            self._dead_letters.inc()
        elif not isinstance(output, Outcome | FeedReport | StateChange):
            self._outputs.inc()
