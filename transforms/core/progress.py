"""The progress log: how many inputs each stage has seen. Imports no Beam."""

import logging
import time
from typing import Final

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
