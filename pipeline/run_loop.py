"""Bounded runs again and again, outside Beam, whose local runner is no streaming runner."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def raise_on_interrupt() -> Iterator[None]:
    """See that Ctrl-C ends in KeyboardInterrupt: Beam raises an error of its own in its place.

    Where Ctrl-C is handled or ignored already, all stays as it is.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    received = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        received.set()
        logging.disable(logging.CRITICAL)  # Beam would log a traceback for every stage
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    except Exception as error:
        if received.is_set():
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        logging.disable(logging.NOTSET)


def run_repeatedly(
    run: Callable[[], float], interval_seconds: float, report: Callable[[Exception], None]
) -> float:
    """Run, and again so many seconds after the start, until SIGTERM or SIGINT.

    A signal lets the run under way end; returns what the last run returned. The first run must
    not fail; a later one that does is reported, and the next one takes its turn.
    """
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        started = time.monotonic()
        result = run()
        while not stop.wait(max(0.0, started + interval_seconds - time.monotonic())):
            started = time.monotonic()
            try:
                result = run()
            except Exception as error:  # the web and the disk may do better next time
                report(error)
        return result
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
