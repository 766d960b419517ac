"""The whole graph, in the order of the data."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from schemas import DeadLetter, FeedHealth
from transforms.analyse_articles import AnalyseArticles, AnalysisOptions
from transforms.core.elements import Entry, Feed, Outcome, Run
from transforms.core.isolation import IsolatedWorkerHandle, LimitOptions
from transforms.drop_duplicates import DropDuplicateArticles, DropDuplicateEntries
from transforms.extract_articles import ExtractArticles
from transforms.extraction.document_worker import load_document_parsers
from transforms.feed_health import SumUpFeeds
from transforms.fetch_feeds import FetchFeeds
from transforms.fetch_pages import FetchPages
from transforms.fetching.fetcher import FetcherHandle, FetchOptions
from transforms.group_stories import GroupStories
from transforms.language.entities.gazetteer import Choice
from transforms.language.topics.taxonomy import Taxonomy
from transforms.language.worker import load_analyser
from transforms.parse_entries import ParseEntries
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
    "DropDuplicateArticles",
    "GroupStories",
    "AnalyseArticles",
)
"""The counted stages, in the order of the data."""


@dataclass(frozen=True)
class IngestJob:
    """All that the graph is built from. ``retries`` are entries that failed in earlier runs."""

    run: Run
    feeds: Sequence[Feed]
    retries: Sequence[Entry]
    state: StateHandle
    fetching: FetchOptions
    limits: LimitOptions
    analysis: AnalysisOptions
    taxonomy: Taxonomy | None
    """None for the shipped one."""
    gazetteer: Choice
    staging: str
    formats: Sequence[str]


class Stages(NamedTuple):
    """The stages that a run and a stream share."""

    fetcher: FetcherHandle
    fetch_feeds: FetchFeeds
    parse: ParseEntries
    fetch_pages: FetchPages
    extract: ExtractArticles
    analyse: AnalyseArticles


def make_stages(job: IngestJob, shelf: TextStore) -> Stages:
    """The stages that are the same whether the graph has an end or not."""
    run, fetching = job.run, job.fetching
    fetcher = FetcherHandle(fetching, job.state)
    documents = IsolatedWorkerHandle(load_document_parsers, job.limits, name="reading")
    analyser = functools.partial(load_analyser, job.analysis.model, job.taxonomy, job.gazetteer)
    analysing = IsolatedWorkerHandle(analyser, job.limits, name="analysis")
    return Stages(
        fetcher=fetcher,
        fetch_feeds=FetchFeeds(run, fetcher, job.state, fetching.http.max_fetch_bytes),
        parse=ParseEntries(run, documents),
        fetch_pages=FetchPages(run, fetcher),
        extract=ExtractArticles(run, documents, shelf),
        analyse=AnalyseArticles(run, analysing, shelf),
    )


def build(pipeline: beam.Pipeline, job: IngestJob) -> beam.PCollection:
    """Add the graph to a pipeline; yields the path of the list of all files that it wrote."""
    run, state = job.run, job.state
    stages = make_stages(job, TextStore(FileSystems.join(job.staging, "texts")))

    feeds = pipeline | "Feeds" >> beam.Create(job.feeds).with_output_types(Feed)
    fetched = feeds | "FetchFeeds" >> stages.fetch_feeds
    parsed = fetched.main | "ParseEntries" >> stages.parse
    retries = pipeline | "Retries" >> beam.Create(job.retries).with_output_types(Entry)
    entries = (parsed.main, retries) | "Entries" >> beam.Flatten()
    fresh = entries | "DropDuplicateEntries" >> DropDuplicateEntries(run, state)
    pages = fresh.main | "FetchPages" >> stages.fetch_pages
    extracted = pages.main | "ExtractArticles" >> stages.extract
    articles = extracted.main | "DropDuplicateArticles" >> DropDuplicateArticles(run, state)
    grouped = articles.main | "GroupStories" >> GroupStories(run)
    analysed = grouped.articles | "AnalyseArticles" >> stages.analyse

    ended = (fetched, parsed, fresh, pages, extracted, articles, analysed)
    dead = [s.dead_letters for s in ended] | "DeadLetters" >> beam.Flatten()
    outcomes = [s.outcomes for s in ended] | "Outcomes" >> beam.Flatten()
    reports = [s.feed_reports for s in ended] | "FeedReports" >> beam.Flatten()
    summed = (reports, outcomes) | "SumUpFeeds" >> SumUpFeeds(run, state)
    learnt = [s.state_changes for s in (*ended, summed)] | "StateChanges" >> beam.Flatten()

    # Written apart, not flattened first: a flatten would hold all records of the run.
    records = {
        "Analysed": analysed.main,
        "Stories": grouped.stories,
        "DeadLetters": dead,
        "FeedHealth": summed.health,
    }
    # What is no record, or is read at the end of the run too, to say how all inputs ended.
    endings = {Outcome: outcomes, FeedHealth: summed.health, DeadLetter: dead, StateChange: learnt}
    written = [
        collection | f"Write{what}_{name}" >> WriteRecords(job.staging, name)
        for what, collection in records.items()
        for name in job.formats
    ] + [
        collection | f"Write{kind.__name__}Lines" >> WriteLines(job.staging, kind.__name__)
        for kind, collection in endings.items()
    ]
    files = written | "Files" >> beam.Flatten()
    return files | "ListFiles" >> ListFiles(job.staging)
