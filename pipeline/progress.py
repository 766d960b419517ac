"""Progress: a live line on a terminal, a plain log line now and then otherwise."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_PLAIN_INTERVAL_SECONDS: Final = 10.0


class _ProgressHandler(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.live = sys.stderr.isatty()
        self.last = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if self.live:
            sys.stderr.write(f"\r\x1b[K{message}")
            sys.stderr.flush()
        elif time.monotonic() - self.last >= _PLAIN_INTERVAL_SECONDS:
            self.last = time.monotonic()
            sys.stderr.write(f"{message}\n")


@contextmanager
def progress() -> Iterator[None]:
    """Show the progress of the stages while the block runs."""
    log = logging.getLogger("newsbeam.progress")
    handler = _ProgressHandler()
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        if handler.live:
            sys.stderr.write("\r\x1b[K")
