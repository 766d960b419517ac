"""Feeds and pages are read in a process of their own, which may be killed."""

import logging
from collections.abc import Callable
from typing import Any, Final

from transforms.extraction.article import extract_page

_SAMPLE: Final = b"<html><title>A title</title><p>" + b"Some words of a page. " * 20


def load_document_parsers() -> Callable[[Callable[[], Any]], Any]:
    """The work of that process: to call what it is given, its libraries loaded beforehand."""
    for name in ("trafilatura", "htmldate"):  # a page that they complain of is a dead letter
        logging.getLogger(name).setLevel(logging.CRITICAL)
    extract_page(_SAMPLE, url="https://a.example/")
    return _call


def _call(read: Callable[[], Any]) -> Any:
    return read()
