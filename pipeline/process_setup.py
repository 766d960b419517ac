"""Settings of the process that a command runs in: its memory allocator and its log."""

import ctypes
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_M_MMAP_THRESHOLD: Final = -3  # from malloc.h of glibc
_THRESHOLD_BYTES: Final = 1 << 17


def return_freed_memory() -> None:
    """Make glibc return large buffers to the system as soon as they are freed.

    By default, glibc raises its threshold for "large" whenever a larger buffer is freed; see
    mallopt(3). The runner's buffers grow with the run, so freed ones would stay in the process and
    fragment its memory. With other C libraries, this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _THRESHOLD_BYTES)


@contextmanager
def silence_import_warnings() -> Iterator[None]:
    """Suppress log messages below ERROR in the block.

    Beam warns on import about extras that are not installed. A normal run prints only its progress
    and its summary.
    """
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
