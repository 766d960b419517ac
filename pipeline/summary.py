"""The summary of a run: its counts as a table for people and as JSON, and whether they add up."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from apache_beam.runners.runner import PipelineResult

from pipeline.graph import STAGES
from schemas import DeadLetter, FeedHealth
from schemas.jsonable import format_time
from transforms.core.clock import now
from transforms.core.elements import FeedStatus, Outcome, OutcomeKind, Run
from transforms.sinks.write_records import WrittenFile

CountsByStage: TypeAlias = dict[str, dict[str, int]]
"""The counters of each stage: ``in``, ``out`` and ``dead_letters``, by the name of the stage."""

_MAX_EXAMPLES: Final = 20


@dataclass(frozen=True)
class Summary:
    """The counts of one run. The attributes are the keys of ``summary.json``.

    Attributes:
        run_id: the id of the run.
        started_at: the time of its start, UTC, as ISO 8601.
        ended_at: the time at which it was summed up, UTC, as ISO 8601.
        feeds: the number of listed feeds.
        feed_statuses: the number of feeds by :class:`FeedStatus`.
        entries: the number of entries: those in the feeds, and those of earlier runs that were
            tried again.
        outcomes: the number of entries by :class:`OutcomeKind`.
        stages: the counters of each stage, in the order of the data.
        records: the number of records by table. Each is counted once, whatever the file formats.
        dead_letters: the number of dead letters by stage and error type.
        dead_letter_examples: the stage, error type, source and message of the first 20 dead
            letters, sorted by these.
        dead_letter_ratio: the failed feeds and entries as a share of all feeds and entries.
        adds_up: whether every feed has one status, and every entry one outcome.
        output: the output folder.
        on_the_way: the entries of a streaming job that still have no outcome at the end of this
            micro-batch; 0 in a batch run.
    """

    run_id: str
    started_at: str
    ended_at: str
    feeds: int
    feed_statuses: dict[str, int]
    entries: int
    outcomes: dict[str, int]
    stages: CountsByStage
    records: dict[str, int]
    dead_letters: dict[str, int]
    dead_letter_examples: list[dict[str, str]]
    dead_letter_ratio: float
    adds_up: bool
    output: str
    on_the_way: int = 0

    def to_json(self) -> str:
        """Return the summary as a JSON document."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    def format_table(self) -> str:
        """Return the summary as text for people."""
        lines = [f"{'stage':<24}{'in':>8}{'out':>8}{'dead':>8}"] if self.stages else []
        for stage, counts in self.stages.items():
            numbers = (counts.get(name, 0) for name in ("in", "out", "dead_letters"))
            lines.append(f"{stage:<24}" + "".join(f"{n:>8}" for n in numbers))
        lines += [""] if lines else []
        lines.append(f"feeds: {_format_sum(self.feeds, self.feed_statuses)}")
        lines.append(f"entries: {_format_sum(self.entries, self.outcomes)}")
        written = ", ".join(f"{count} {table}" for table, count in self.records.items())
        lines.append(f"records: {written or 'none'}")
        if self.dead_letters:
            counted = (f"{count} {error}" for error, count in self.dead_letters.items())
            lines.append(f"dead letters: {', '.join(counted)}")
        lines += [f"  {d['source']}: {d['message']}" for d in self.dead_letter_examples]
        if sum(self.dead_letters.values()) > len(self.dead_letter_examples):
            lines.append("  and more in the dead_letters records")
        return "\n".join(lines)


def _format_sum(total: int, parts: Mapping[str, int]) -> str:
    """Return an equation of a total and its parts that are not 0.

    >>> _format_sum(3, {"ok": 2, "not_due": 1, "failed": 0})
    '3 = 2 ok + 1 not due'
    >>> _format_sum(2, {"ok": 1})
    '2 IS NOT 1 ok'
    """
    sign = "=" if total == sum(parts.values()) else "IS NOT"
    shown = {name: count for name, count in parts.items() if count} or dict([*parts.items()][:1])
    terms = (f"{count} {name.replace('_', ' ')}" for name, count in shown.items())
    return f"{total} {sign} {' + '.join(terms)}"


def summarise(
    *,
    run: Run,
    feeds: int,
    skipped: Mapping[str, int],
    retries: int,
    stages: CountsByStage,
    files: Sequence[WrittenFile],
    outcomes: Iterable[Outcome],
    health: Sequence[FeedHealth],
    dead_letters: Iterable[DeadLetter],
    output: str,
) -> Summary:
    """Sum up a run.

    Inputs and outcomes are counted in different places, so equal sums prove that every input has an
    outcome. Feeds are counted where the lists are read and where their health is computed; entries
    where they are parsed or retried and where their outcomes are yielded.

    Args:
        run: the run.
        feeds: the number of listed feeds.
        skipped: the number of listed feeds that were not requested, by :class:`FeedStatus`.
        retries: the number of entries of earlier runs that were tried again.
        stages: the counters of each stage. The counts of sinks are replaced by those of the files:
            an engine may run a sink at several places, and Beam keeps the counter of only one.
        files: the files of records.
        outcomes: the outcomes of all entries.
        health: the health of all requested feeds.
        dead_letters: the dead letters of the run.
        output: the output folder.
    """
    records: Counter[str] = Counter()
    written: Counter[str] = Counter()
    first_format = min((file.format for file in files), default=None)
    for file in files:
        written[f"Write.{file.format}"] += file.rows
        if file.format == first_format:
            records[file.partition.partition("/")[0]] += file.rows
    entries = sum(feed.entries_seen for feed in health) + retries
    outcome_counts = Counter(outcome.kind for outcome in outcomes)
    statuses = Counter(feed.status for feed in health) + Counter(skipped)
    inputs = entries + feeds
    if stages:
        stages = stages | {name: {"in": rows, "out": rows} for name, rows in written.items()}
    letters = sorted(dead_letters, key=lambda d: (d.stage, d.error_type, d.source, d.message))
    failed = outcome_counts[OutcomeKind.DEAD_LETTER] + statuses[FeedStatus.FAILED]
    return Summary(
        run_id=run.run_id,
        started_at=format_time(run.started_at),
        ended_at=format_time(now()),
        feeds=feeds,
        feed_statuses={status.value: statuses[status] for status in FeedStatus},
        entries=entries,
        outcomes={kind.value: outcome_counts[kind] for kind in OutcomeKind},
        stages={name: stages[name] for name in (*STAGES, *sorted(stages)) if name in stages},
        records=dict(sorted(records.items())),
        dead_letters=dict(sorted(Counter(f"{d.stage} {d.error_type}" for d in letters).items())),
        dead_letter_examples=[_describe(letter) for letter in letters[:_MAX_EXAMPLES]],
        dead_letter_ratio=failed / inputs if inputs else 0.0,
        adds_up=entries == outcome_counts.total() and feeds == statuses.total(),
        output=output,
    )


def read_stage_counts(result: PipelineResult) -> CountsByStage:
    """Return the counters of each stage from the result of a pipeline."""
    stages: CountsByStage = {}
    for counter in result.metrics().query()["counters"]:
        if counter.key.metric.namespace == "newsbeam":
            stage, _, name = counter.key.metric.name.rpartition(".")
            counts = stages.setdefault(stage, {})
            counts[name] = counts.get(name, 0) + (counter.committed or 0)
    return stages


def _describe(letter: DeadLetter) -> dict[str, str]:
    fields = ("stage", "error_type", "source", "message")
    return {name: str(getattr(letter, name)) for name in fields}
