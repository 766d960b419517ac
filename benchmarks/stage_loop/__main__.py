"""The stages of `ingest` in a plain loop, without Beam: what is left of its cost is Beam's.

usage: python -m benchmarks.stage_loop OUTPUT FEED_URL...

The loop does what the graph does for a new article, with the same objects: the polite HTTP client,
the isolated processes that parse and analyse with their limits, batches of 16 articles, and the
same JSON Lines and Parquet files. It lacks what runs need beyond that: duplicates, stories, the
state and the summary.
"""

import functools
import itertools
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, TypeVar

from schemas import Record
from transforms.analyse_articles import ArticleAnalysis
from transforms.core.clock import now
from transforms.core.elements import (
    AcceptedArticle,
    Entry,
    ExtractedArticle,
    Feed,
    FeedDocument,
    FetchedPage,
    Run,
)
from transforms.core.isolated_process import IsolatedWorkerHandle, LimitOptions
from transforms.core.stage import StageBase
from transforms.extract_articles import ArticleExtraction
from transforms.extraction.document_worker import load_document_parsers
from transforms.fetch_feeds import FeedFetching
from transforms.fetch_pages import PageFetching
from transforms.fetching.fetcher import Fetcher
from transforms.fetching.options import FetchOptions, HttpOptions, PolitenessOptions
from transforms.fetching.request_stage import RequestStage
from transforms.language.entities.gazetteer import choose_gazetteer
from transforms.language.model_check import DEFAULT_MODEL
from transforms.language.worker import BATCH_SIZE, load_analyser
from transforms.parse_entries import EntryParsing
from transforms.sinks.write_records import FORMATS, MAX_BUFFERED_ROWS, partition_of, write_file
from transforms.state.store import StateHandle
from transforms.storage.text_store import InlineTextStore

InT = TypeVar("InT")
OutT = TypeVar("OutT")

_FETCHING: Final = FetchOptions(
    HttpOptions(allow_private_networks=["127.0.0.1/32"]),
    PolitenessOptions(host_delay_sec=0, max_pages_per_host=1_000_000),
)


def analyse_feeds(urls: Sequence[str], state_folder: str) -> Iterator[Record]:
    """Yield the records of all articles of some feeds."""
    run = Run("stages", now())
    documents = IsolatedWorkerHandle(load_document_parsers, LimitOptions(), name="reading")
    load = functools.partial(load_analyser, DEFAULT_MODEL, None, choose_gazetteer(None))
    analyser = IsolatedWorkerHandle(load, LimitOptions(), name="analysis")
    texts = InlineTextStore()
    max_bytes = _FETCHING.http.max_fetch_bytes
    feed_fetching = FeedFetching(run, StateHandle(state_folder), max_bytes)
    parsing = EntryParsing(run, documents)
    page_fetching = PageFetching(run)
    extraction = ArticleExtraction(run, documents, texts)
    analysis = ArticleAnalysis(run, analyser, texts)
    stages: list[StageBase[Any, Any]] = [
        feed_fetching, parsing, page_fetching, extraction, analysis
    ]  # fmt: skip
    with ExitStack() as opened:
        fetcher = opened.enter_context(Fetcher(_FETCHING))
        for stage in stages:
            stage.open()
            opened.callback(stage.close)
            stage.start_bundle()
        feeds = [Feed(url, position) for position, url in enumerate(urls)]
        feed_documents = _fetch(fetcher, feed_fetching, feeds, FeedDocument)
        entries = (
            output
            for document in feed_documents
            for output in parsing.outputs(document)
            if isinstance(output, Entry)
        )
        while batch := list(itertools.islice(entries, BATCH_SIZE)):
            accepted = [
                AcceptedArticle(output.article, output.text_reference)
                for page in _fetch(fetcher, page_fetching, batch, FetchedPage)
                for output in extraction.outputs(page)
                if isinstance(output, ExtractedArticle)
            ]
            for output in analysis.outputs(accepted):
                if isinstance(output, Record):
                    yield output


def _fetch(
    fetcher: Fetcher, stage: RequestStage[InT, OutT], inputs: Sequence[InT], output_type: type[OutT]
) -> Iterator[OutT]:
    """Yield the main outputs of a stage that sends one request per input."""
    requests = [request for item in inputs if (request := stage.request(item)) is not None]
    for item, result in zip(inputs, fetcher.fetch(requests), strict=True):
        for output in stage.outputs(item, result):
            if isinstance(output, output_type):
                yield output


def write_records(records: Iterator[Record], folder: Path) -> None:
    """Write records to files by partition, as many at a time as a bundle of `ingest` buffers."""
    for number in itertools.count():
        rows = list(itertools.islice(records, MAX_BUFFERED_ROWS))
        if not rows:
            return
        partitions = defaultdict(list)
        for record in rows:
            partitions[partition_of(record)].append(record)
        for partition, members in partitions.items():
            for file_format in FORMATS:
                path = folder / file_format / partition / f"part-{number:05}.{file_format}"
                write_file(str(path), members, file_format)


def main() -> None:
    """Write the records of the feeds."""
    output, *urls = sys.argv[1:]
    write_records(analyse_feeds(urls, f"{output}/.state"), Path(output))


if __name__ == "__main__":
    main()
