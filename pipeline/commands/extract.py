"""``extract``: the extraction of ``ingest`` for the pages of a file of JSON lines."""

import argparse
import datetime as dt
import functools
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipeline.commands.json_lines import JsonItem, process_file
from pipeline.commands.progress import show_progress
from pipeline.flags.common import make_run_id
from schemas.jsonable import format_time
from transforms.core.clock import now
from transforms.core.elements import Run
from transforms.core.errors import ItemError
from transforms.core.isolated_process import IsolatedWorker, LimitOptions, WorkerOptions
from transforms.core.options import from_flags
from transforms.extraction.article import PageArticle, extract_page
from transforms.extraction.document_worker import load_document_parsers

_FIELDS: Final = (
    *("title", "authors", "text", "canonical_url", "language", "site_name"),
    *("summary", "image_url", "section", "tags", "truncated_or_paywalled"),
)
_EMPTY_RESULT: Final[JsonItem] = dict.fromkeys((*_FIELDS, "date", "modified_at")) | {
    "authors": [],
    "tags": [],
}
_GZIP_MAGIC: Final = b"\x1f\x8b"  # RFC 1952, 2.3.1


def extract(args: argparse.Namespace) -> float:
    """Run the command; see :func:`extract_file`."""
    with show_progress():
        return extract_file(
            args.input,
            args.output,
            run_id=make_run_id(args),
            limits=from_flags(LimitOptions, args),
            workers=from_flags(WorkerOptions, args),
        )


def extract_file(
    source: Path, target: Path, *, run_id: str, limits: LimitOptions, workers: WorkerOptions
) -> float:
    """Extract the articles of the pages of a file.

    Args:
        source: the input, JSON lines with id, html or path, and optionally url. A path names the
            file of a page, which may be compressed with gzip. It starts from the working directory
            or else from the folder of ``source``.
        target: the output, JSON lines with title, authors, text, date and so on.
        run_id: the id of the run.
        limits: the limits of time and memory per page.
        workers: the number of child processes.

    Returns:
        The share of lines that became dead letters.

    Raises:
        UsageError: a file cannot be read or written.
    """
    with IsolatedWorker[Callable[[], PageArticle], PageArticle](
        load_document_parsers, limits, name="reading", processes=workers.count()
    ) as documents:

        def extract_items(items: list[JsonItem]) -> list[JsonItem | Exception]:
            results: list[JsonItem | Exception] = []
            for item in items:
                try:
                    url = item.get("url")
                    extract = functools.partial(
                        extract_page,
                        _read_page(item, source.parent),
                        url=url if isinstance(url, str) else None,
                    )
                    extraction = documents(extract).extraction
                    results.append(
                        {
                            "id": item["id"],
                            **{name: getattr(extraction, name) for name in _FIELDS},
                            "date": _format(extraction.published_at),
                            "modified_at": _format(extraction.modified_at),
                        }
                    )
                except Exception as error:  # any error costs this page and no other
                    results.append(error)
            return results

        run = Run(run_id, now())
        return process_file(
            source,
            target,
            run,
            "ExtractArticles",
            extract_items,
            _EMPTY_RESULT,
            processes=workers.count(),
        )


def _format(time: dt.datetime | None) -> str | None:
    return format_time(time) if time else None


def _read_page(item: JsonItem, folder: Path) -> str | bytes:
    """Return the page of a line: its ``html``, or the content of the file at its ``path``.

    Raises:
        ItemError: the line has neither.
        OSError: the file cannot be read.
    """
    if isinstance(item.get("html"), str):
        return str(item["html"])
    if not isinstance(item.get("path"), str):
        raise ItemError("NoPage", "the line has neither html nor a path")
    path = Path(item["path"])
    data = (path if path.exists() else folder / path).read_bytes()
    return gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data
