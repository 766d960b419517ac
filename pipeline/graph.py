"""The whole graph, in the order of the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import apache_beam as beam

from transforms.analysis import AnalyseArticles, AnalysisOptions
from transforms.articles import ExtractArticles
from transforms.deduplication import DropDuplicateArticles, DropDuplicateEntries
from transforms.entries import ParseEntries
from transforms.feed_health import SumUpFeeds
from transforms.feed_list import Feed
from transforms.feeds import FetchFeeds
from transforms.http import HttpOptions
from transforms.language.topics import Taxonomy
from transforms.pages import FetchPages
from transforms.sinks.files import WriteRecords
from transforms.stage import Run
from transforms.stories import GroupStories

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
class Ingest:
    """All that the graph is built from."""

    run: Run
    feeds: Sequence[Feed]
    known: dict[str, str]
    http: HttpOptions
    analysis: AnalysisOptions
    taxonomy: Taxonomy
    staging: str
    formats: Sequence[str]


class Built(NamedTuple):
    """What the graph yields to the run: the files that were written, and how all inputs ended."""

    files: beam.PCollection
    outcomes: beam.PCollection
    feed_health: beam.PCollection
    dead_letters: beam.PCollection


def build(pipeline: beam.Pipeline, job: Ingest) -> Built:
    """Add the graph to a pipeline."""
    run = job.run
    feeds = pipeline | "Feeds" >> beam.Create(job.feeds).with_output_types(Feed)
    documents = feeds | "FetchFeeds" >> FetchFeeds(run, job.http)
    entries = documents.main | "ParseEntries" >> ParseEntries(run)
    fresh = entries.main | "DropDuplicateEntries" >> DropDuplicateEntries(run, job.known)
    pages = fresh.main | "FetchPages" >> FetchPages(run, job.http)
    extracted = pages.main | "ExtractArticles" >> ExtractArticles(run)
    articles = extracted.main | "DropDuplicateArticles" >> DropDuplicateArticles(run, job.known)
    grouped = articles.main | "GroupStories" >> GroupStories(run)
    analysed = grouped.articles | "AnalyseArticles" >> AnalyseArticles(
        run, job.analysis, job.taxonomy
    )

    stages = (documents, entries, fresh, pages, extracted, articles, analysed)
    dead = [s.dead_letters for s in stages] | "DeadLetters" >> beam.Flatten()
    outcomes = [s.outcomes for s in stages] | "Outcomes" >> beam.Flatten()
    reports = [s.feed_reports for s in stages] | "FeedReports" >> beam.Flatten()
    health = (reports, outcomes) | "SumUpFeeds" >> SumUpFeeds(run)

    # Written apart, not flattened first: a flatten would hold all records of the run.
    records = {
        "Analysed": analysed.main,
        "Stories": grouped.stories,
        "DeadLetters": dead,
        "FeedHealth": health,
    }
    files = [
        collection | f"Write{what}_{name}" >> WriteRecords(job.staging, name)
        for what, collection in records.items()
        for name in job.formats
    ] | "Files" >> beam.Flatten()
    return Built(files, outcomes, health, dead)
