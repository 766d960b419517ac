"""A normal run says nothing but its progress and its summary."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silence_import_warnings() -> Iterator[None]:
    """No log message below an error while the block runs.

    Beam warns on import of extras that are not installed.
    """
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
