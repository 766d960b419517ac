"""Progress on stderr: one live line on a terminal, else a plain line every ten seconds."""

import logging
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

_CLEAR_LINE: Final = "\r\x1b[K"


class ProgressHandler(logging.Handler):
    """Shows the progress of each stage.

    It handles the records of :class:`transforms.core.counters.Progress`, whose arguments are the
    name of a stage and the number of inputs that it has seen.

    Args:
        stream: the stream to write to. A terminal has one live line; others get plain lines.
        plain_interval_sec: minimum seconds between two plain lines.
    """

    def __init__(self, stream: TextIO, *, plain_interval_sec: float = 10.0) -> None:
        super().__init__()
        self._stream = stream
        self._live = stream.isatty()
        self._plain_interval_sec = plain_interval_sec
        self._last = time.monotonic()
        self._counts: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if not isinstance(record.args, tuple) or record.levelno != logging.INFO:
            return
        name, count = record.args
        self._counts[str(name)] = int(str(count))
        line = "  ".join(f"{stage} {seen}" for stage, seen in self._counts.items())
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(_CLEAR_LINE + line[-width:])
            self._stream.flush()
        elif time.monotonic() - self._last >= self._plain_interval_sec:
            self._last = time.monotonic()
            self._stream.write(f"newsbeam: {line}\n")

    def clear(self) -> None:
        """Clear the live line."""
        if self._live and self._counts:
            self._stream.write(_CLEAR_LINE)
            self._stream.flush()


@contextmanager
def show_progress() -> Iterator[None]:
    """Show the progress of the stages while the block runs."""
    log = logging.getLogger("newsbeam.progress")
    handler = ProgressHandler(sys.stderr)
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.clear()
