"""The graph of a batch run, in the order of the data."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from schemas import DeadLetter, FeedHealth
from transforms.analyse_articles import AnalyseArticles
from transforms.core.elements import Entry, Feed, Outcome, Run
from transforms.core.isolated_process import IsolatedWorkerHandle, LimitOptions
from transforms.drop_duplicates import DropDuplicateArticles, DropDuplicateEntries
from transforms.extract_articles import ExtractArticles
from transforms.extraction.document_worker import load_document_parsers
from transforms.feed_health import SummariseFeeds
from transforms.fetch_feeds import FetchFeeds
from transforms.fetch_pages import FetchPages
from transforms.fetching.fetcher_handle import FetcherHandle
from transforms.fetching.options import FetchOptions
from transforms.group_stories import GroupStories
from transforms.language.entities.gazetteer import GazetteerChoice
from transforms.language.options import AnalysisOptions
from transforms.language.topics.taxonomy import Taxonomy
from transforms.language.worker import load_analyser
from transforms.parse_entries import ParseEntries
from transforms.reject_repeated_pages import RejectRepeatedPages
from transforms.sinks.write_records import ListFiles, WriteLines, WriteRecords
from transforms.state.records import StateChange
from transforms.state.store import StateHandle
from transforms.storage.text_store import TextStore

STAGES: Final = (
    "FetchFeeds",
    "ParseEntries",
    "DropDuplicateEntries",
    "FetchPages",
    "ExtractArticles",
    "RejectRepeatedPages",
    "DropDuplicateArticles",
    "GroupStories",
    "AnalyseArticles",
)
"""The counted stages, in the order of the data."""


@dataclass(frozen=True)
class IngestJob:
    """Everything that the graph is built from.

    Attributes:
        retries: the entries of earlier runs that are tried again.
        processes: the number of isolated workers of each kind.
        taxonomy: the taxonomy; None for the shipped one.
        staging: the folder in which the run's files are written before they become visible.
        formats: the file formats of the records.
    """

    run: Run
    feeds: Sequence[Feed]
    retries: Sequence[Entry]
    state: StateHandle
    fetching: FetchOptions
    limits: LimitOptions
    processes: int
    analysis: AnalysisOptions
    taxonomy: Taxonomy | None
    gazetteer: GazetteerChoice
    staging: str
    formats: Sequence[str]


class Workers(NamedTuple):
    """The shared objects of a worker process: its fetcher and two kinds of isolated workers."""

    fetcher: FetcherHandle
    documents: IsolatedWorkerHandle
    analyser: IsolatedWorkerHandle


def make_workers(job: IngestJob) -> Workers:
    """Return the handles to the shared objects that batch and streaming graphs use."""
    analyser = functools.partial(load_analyser, job.analysis.model, job.taxonomy, job.gazetteer)
    return Workers(
        fetcher=FetcherHandle(job.fetching, job.state),
        documents=IsolatedWorkerHandle(
            load_document_parsers, job.limits, name="reading", processes=job.processes
        ),
        analyser=IsolatedWorkerHandle(
            analyser, job.limits, name="analysis", processes=job.processes
        ),
    )


def build(pipeline: beam.Pipeline, job: IngestJob) -> beam.PCollection[str]:
    """Add the graph to a pipeline.

    Returns:
        One element: the path of the list of all files that the run wrote.
    """
    run, state = job.run, job.state
    fetcher, documents, analyser = make_workers(job)
    texts = TextStore(FileSystems.join(job.staging, "texts"))
    max_bytes = job.fetching.http.max_fetch_bytes

    feeds = pipeline | "Feeds" >> beam.Create(job.feeds).with_output_types(Feed)
    fetched = feeds | "FetchFeeds" >> FetchFeeds(run, fetcher, state, max_bytes)
    parsed = fetched.main | "ParseEntries" >> ParseEntries(run, documents)
    retries = pipeline | "Retries" >> beam.Create(job.retries).with_output_types(Entry)
    entries = (parsed.main, retries) | "Entries" >> beam.Flatten()
    fresh = entries | "DropDuplicateEntries" >> DropDuplicateEntries(run, state)
    pages = fresh.main | "FetchPages" >> FetchPages(run, fetcher)
    extracted = pages.main | "ExtractArticles" >> ExtractArticles(run, documents, texts)
    unique = extracted.main | "RejectRepeatedPages" >> RejectRepeatedPages(run)
    articles = unique.main | "DropDuplicateArticles" >> DropDuplicateArticles(run, state)
    grouped = articles.main | "GroupStories" >> GroupStories(run)
    analysed = grouped.articles | "AnalyseArticles" >> AnalyseArticles(run, analyser, texts)

    stages = (fetched, parsed, fresh, pages, extracted, unique, articles, analysed)
    dead_letters = [s.dead_letters for s in stages] | "DeadLetters" >> beam.Flatten()
    outcomes = [s.outcomes for s in stages] | "Outcomes" >> beam.Flatten()
    reports = [s.feed_reports for s in stages] | "FeedReports" >> beam.Flatten()
    summaries = (reports, outcomes) | "SumUpFeeds" >> SummariseFeeds(run, state)
    changes = [s.state_changes for s in (*stages, summaries)] | "StateChanges" >> beam.Flatten()

    # Write each collection by itself: a flatten would buffer all records of the run.
    records = {
        "Analysed": analysed.main,
        "Stories": grouped.stories,
        "DeadLetters": dead_letters,
        "FeedHealth": summaries.health,
    }
    # The end of the run reads these, to account for every input and to update the state.
    end_of_run_inputs = {
        Outcome: outcomes,
        FeedHealth: summaries.health,
        DeadLetter: dead_letters,
        StateChange: changes,
    }
    written = [
        collection | f"Write{name}_{file_format}" >> WriteRecords(job.staging, file_format)
        for name, collection in records.items()
        for file_format in job.formats
    ] + [
        collection | f"Write{kind.__name__}Lines" >> WriteLines(job.staging, kind.__name__)
        for kind, collection in end_of_run_inputs.items()
    ]
    files = written | "Files" >> beam.Flatten()
    return files | "ListFiles" >> ListFiles(job.staging)
