"""Signals: end a command with Ctrl-C at once, or a repeated or streaming run after its work."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def raise_on_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt on Ctrl-C, in place of the error that Beam raises.

    A process that already handles or ignores SIGINT keeps its handler.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    received = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.set()
        logging.disable(logging.CRITICAL)  # Beam would log a traceback for every stage
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except Exception as error:
        if received.is_set():
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        logging.disable(logging.NOTSET)


@contextmanager
def stop_event_on_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT and SIGTERM set while the block runs, instead of ending it."""
    stop = threading.Event()

    def set_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, set_stop) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
