"""One run of the main job: build the graph, run it, make its records visible, sum it up."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.graph import Ingest, build
from schemas.jsonable import format_time, from_json, to_line
from transforms.analysis import AnalysisOptions
from transforms.feed_list import read_feed_lists
from transforms.http import HttpOptions
from transforms.language.topics import TaxonomyError, load_taxonomy
from transforms.options import UsageError
from transforms.sinks.commit import commit, known_entries, prepare
from transforms.sinks.duckdb import write_views
from transforms.sinks.files import WrittenFile
from transforms.stage import Outcome, Run, now


@dataclass(frozen=True)
class Summary:
    """What a run did; the entries add up."""

    run_id: str
    started_at: str
    ended_at: str
    feeds: int
    entries: int
    outcomes: dict[str, int]
    stages: dict[str, dict[str, int]]
    records: dict[str, int]
    dead_letter_ratio: float
    output: str

    @property
    def adds_up(self) -> bool:
        """Whether every entry that was read ended in exactly one way."""
        return self.entries == sum(self.outcomes.values())

    def table(self) -> str:
        """The summary for people."""
        lines = [f"{'stage':<24}{'in':>8}{'out':>8}{'dead':>8}"]
        for stage, counts in self.stages.items():
            numbers = (counts.get(k, 0) for k in ("in", "out", "dead_letters"))
            lines.append(f"{stage:<24}" + "".join(f"{n:>8}" for n in numbers))
        parts = " + ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in self.outcomes.items())
        sign = "=" if self.adds_up else "IS NOT"
        lines.append(f"\n{self.entries} entries {sign} {parts}")
        lines.append("records: " + ", ".join(f"{n} {t}" for t, n in self.records.items()))
        return "\n".join(lines)


def ingest(
    *,
    feeds: Sequence[str],
    output: Path,
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
    except TaxonomyError as error:
        raise UsageError(str(error)) from error
    listed = read_feed_lists(feeds, http)
    staging = prepare(output, run_id)
    job = Ingest(
        run=run,
        feeds=listed,
        known=known_entries(output),
        http=http,
        analysis=analysis,
        taxonomy=topics,
        staging=str(staging),
        formats=formats,
    )
    pipeline = beam.Pipeline(runner=runner_of(beam_options), options=beam_options)
    files, outcomes = build(pipeline, job)
    for name, collection in (("files", files), ("outcomes", outcomes)):
        _ = collection | f"List_{name}" >> beam.ParDo(_Lines(str(staging / name)))
    result = pipeline.run()
    result.wait_until_finish()

    written = [from_json(WrittenFile, data) for data in _read(staging / "files")]
    ended = [from_json(Outcome, data) for data in _read(staging / "outcomes")]
    stages = _stage_counts(result)
    summary = _summarise(run, listed, stages, written, ended, formats, output)
    ids = {o.article_id for o in ended if o.kind in ("article", "known")}
    ingested = {(o.entry_key, o.article_id) for o in ended if o.article_id and o.article_id in ids}
    commit(output, staging, written, ingested, json.dumps(summary.__dict__, indent=2) + "\n")
    write_views(output, "parquet" if "parquet" in formats else formats[0])
    return summary


def runner_of(options: PipelineOptions) -> Any:
    """The embedded in-process runner for DirectRunner and no runner; else the one named.

    Beam's own DirectRunner may start another runner, or look for one to download, depending
    on the network; the records must not.
    """
    name = options.get_all_options().get("runner")
    return FnApiRunner() if name in (None, "DirectRunner", "FnApiRunner") else name


class _Lines(beam.DoFn):
    """Append elements to a file as JSON lines, bundle by bundle."""

    def __init__(self, path: str) -> None:
        self.path = path

    def start_bundle(self) -> None:
        self._lines: list[str] = []

    def process(self, element: Any) -> None:
        self._lines.append(to_line(element) + "\n")

    def finish_bundle(self) -> None:
        with Path(self.path).open("a", encoding="utf-8") as file:
            file.writelines(self._lines)


def _read(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _stage_counts(result: Any) -> dict[str, dict[str, int]]:
    stages: dict[str, dict[str, int]] = {}
    for counter in result.metrics().query()["counters"]:
        if counter.key.metric.namespace == "newsbeam":
            stage, _, what = counter.key.metric.name.rpartition(".")
            stages.setdefault(stage, {})[what] = counter.committed or 0
    return stages


def _summarise(
    run: Run,
    feeds: Sequence[Any],
    stages: dict[str, dict[str, int]],
    files: Sequence[WrittenFile],
    outcomes: Sequence[Outcome],
    formats: Sequence[str],
    output: Path,
) -> Summary:
    records: Counter[str] = Counter()
    for file in files:
        if file.format == formats[0]:
            records[file.partition.partition("/")[0]] += file.rows
    kinds = Counter(o.kind for o in outcomes)
    parsed = stages.get("ParseEntries", {})
    unread = sum(o.kind == "dead_letter" and "/" not in o.entry_key for o in outcomes)
    entries = parsed.get("out", 0) + unread
    lost_feeds = stages.get("FetchFeeds", {}).get("dead_letters", 0)
    inputs = entries + len(feeds)
    return Summary(
        run_id=run.run_id,
        started_at=format_time(run.started_at),
        ended_at=format_time(now()),
        feeds=len(feeds),
        entries=entries,
        outcomes={kind: kinds.get(kind, 0) for kind in Outcome.KINDS},
        stages=stages,
        records=dict(sorted(records.items())),
        dead_letter_ratio=(kinds.get("dead_letter", 0) + lost_feeds) / inputs if inputs else 0.0,
        output=str(output),
    )
