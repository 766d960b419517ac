"""One run of the main job: build the graph, run it, make its records visible, sum it up."""

import json
import uuid
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners import PipelineRunner, create_runner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.graph import Ingest, build
from pipeline.summary import Summary, stage_counts, summarise
from schemas import DeadLetter, FeedHealth
from schemas.jsonable import from_json, to_line
from transforms.analysis import AnalysisOptions
from transforms.feed_list import read_feed_lists
from transforms.http import HttpOptions
from transforms.language.model import ModelError, check_model
from transforms.language.topics import TaxonomyError, load_taxonomy
from transforms.options import UsageError
from transforms.sinks.commit import commit, known_entries, remember, staging_of
from transforms.sinks.duckdb import write_views
from transforms.sinks.files import WrittenFile
from transforms.stage import Outcome, Run
from transforms.times import now

T = TypeVar("T")


def ingest(
    *,
    feeds: Sequence[str],
    output: Path,
    state: Path | None,
    formats: Sequence[str],
    taxonomy: str | None,
    run_id: str,
    http: HttpOptions,
    analysis: AnalysisOptions,
    beam_options: PipelineOptions,
) -> Summary:
    """Run the main job once.

    Raises:
        UsageError: an input cannot be read, or the output cannot be written.
    """
    run = Run(run_id=run_id, started_at=now())
    try:
        topics = load_taxonomy(taxonomy)
        check_model(analysis.model)
    except (TaxonomyError, ModelError) as error:
        raise UsageError(str(error)) from error
    runner = runner_of(beam_options)
    listed = read_feed_lists(feeds, http)
    with staging_of(output, run_id, state) as staging:
        job = Ingest(
            run=run,
            feeds=listed,
            known=known_entries(output, state),
            http=http,
            analysis=analysis,
            taxonomy=topics,
            staging=str(staging),
            formats=formats,
        )
        summary = _run(job, beam.Pipeline(runner=runner, options=beam_options), output)
        if state is not None:
            remember(output / "runs" / run_id, state)
        write_views(output)
    return summary


def _run(job: Ingest, pipeline: beam.Pipeline, output: Path) -> Summary:
    staging = Path(job.staging)
    for name, collection in build(pipeline, job)._asdict().items():
        _ = collection | f"List_{name}" >> beam.ParDo(_Lines(str(staging / name)))
    result = pipeline.run()
    result.wait_until_finish()

    files = list(_read(staging / "files", WrittenFile))
    outcomes = list(_read(staging / "outcomes", Outcome))
    summary = summarise(
        run=job.run,
        feeds=len(job.feeds),
        stages=stage_counts(result),
        files=files,
        outcomes=outcomes,
        health=list(_read(staging / "feed_health", FeedHealth)),
        dead_letters=_read(staging / "dead_letters", DeadLetter),
        output=str(output),
    )
    commit(output, staging, files, _ingested(outcomes, job.known), summary.to_json())
    return summary


def _ingested(outcomes: Sequence[Outcome], known: Container[str]) -> set[tuple[str, str]]:
    """Keys, not known so far, of the entries whose article is in the output, with its id."""
    there = {o.article_id for o in outcomes if o.kind in ("article", "known")}
    ended = {(o.entry_key, o.article_id) for o in outcomes if o.article_id in there}
    return {(key, article_id) for key, article_id in ended if article_id and key not in known}


def runner_of(options: PipelineOptions) -> PipelineRunner:
    """The embedded in-process runner for DirectRunner and no runner; else the one named.

    Beam's own DirectRunner may start another runner, or look for one to download, depending
    on the network; the records must not.

    Raises:
        UsageError: there is no such runner.
    """
    name = options.get_all_options().get("runner")
    if name in (None, "DirectRunner", "FnApiRunner"):
        return FnApiRunner()
    try:
        return create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise UsageError(f"--runner: {error}") from error


class _Lines(beam.DoFn):
    """Write elements as JSON lines into a folder, a file a bundle."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def start_bundle(self) -> None:
        self._lines: list[str] = []

    def process(self, element: Any) -> None:
        self._lines.append(to_line(element) + "\n")

    def finish_bundle(self) -> None:
        folder = Path(self.folder)
        folder.mkdir(exist_ok=True)
        (folder / uuid.uuid4().hex).write_text("".join(self._lines), encoding="utf-8")


def _read(folder: Path, record: type[T]) -> Iterator[T]:
    for path in sorted(folder.glob("*")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield from_json(record, json.loads(line))
