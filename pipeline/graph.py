"""The whole graph, in the order of the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from schemas import DeadLetter
from transforms.analysis import AnalyseArticles, AnalysisOptions
from transforms.articles import ExtractArticles
from transforms.deduplication import DropDuplicateArticles, DropDuplicateEntries
from transforms.entries import ParseEntries
from transforms.feed_list import Feed
from transforms.feeds import FetchFeeds
from transforms.http import HttpOptions
from transforms.language.topics import Taxonomy
from transforms.pages import FetchPages
from transforms.sinks.files import WriteRecords
from transforms.stage import Outcome, Run


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


def build(pipeline: beam.Pipeline, job: Ingest) -> tuple[beam.PCollection, beam.PCollection]:
    """Add the graph to a pipeline; returns the files written and the outcomes of entries."""
    feeds = pipeline | "Feeds" >> beam.Create(job.feeds).with_output_types(Feed)
    documents = feeds | "FetchFeeds" >> FetchFeeds(job.run, job.http)
    entries = documents.main | "ParseEntries" >> ParseEntries(job.run)
    fresh = entries.main | "DropDuplicateEntries" >> DropDuplicateEntries(job.run, job.known)
    pages = fresh.main | "FetchPages" >> FetchPages(job.run, job.http)
    extracted = pages.main | "ExtractArticles" >> ExtractArticles(job.run)
    articles = extracted.main | "DropDuplicateArticles" >> DropDuplicateArticles(job.run, job.known)
    analysed = articles.main | "AnalyseArticles" >> AnalyseArticles(
        job.run, job.analysis, job.taxonomy
    )

    stages = (documents, entries, fresh, pages, extracted, articles, analysed)
    dead = [s.dead_letters for s in stages] | "DeadLetters" >> beam.Flatten()
    outcomes = [s.outcomes for s in stages] | "Outcomes" >> beam.Flatten()
    dead = dead | "DeadLetterType" >> beam.Map(_same).with_output_types(DeadLetter)
    outcomes = outcomes | "OutcomeType" >> beam.Map(_same).with_output_types(Outcome)

    records = [analysed.main, dead] | "Records" >> beam.Flatten()
    files = [
        records | f"Write_{name}" >> WriteRecords(job.staging, name) for name in job.formats
    ] | "Files" >> beam.Flatten()
    return files, outcomes


def _same(element: Any) -> Any:
    return element
