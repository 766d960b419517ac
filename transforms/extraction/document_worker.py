"""The set-up of the child process in which feeds and pages are parsed."""

import logging
from collections.abc import Callable
from typing import Any, Final

from transforms.extraction.article import extract_page

_SAMPLE_PAGE: Final = b"<html><title>A title</title><p>" + b"Some words of a page. " * 20
_NOISY_LOGGERS: Final = ("trafilatura", "htmldate")
"""Libraries that log the faults of a page, which the dead letter reports already."""


def load_document_parsers() -> Callable[[Callable[[], Any]], Any]:
    """Load the parsing libraries, so that the first item does not wait for them.

    This is the set-up of an :class:`~transforms.core.isolated_process.IsolatedWorker`.

    Returns:
        A function that calls its argument, such as ``functools.partial(parse_feed, body)``.
    """
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    extract_page(_SAMPLE_PAGE, url="https://a.example/")
    return _call


def _call(function: Callable[[], Any]) -> Any:
    return function()
