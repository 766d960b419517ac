"""What a run did, as a table for people and as JSON; the inputs must add up."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.graph import STAGES
from schemas import DeadLetter, FeedHealth
from schemas.jsonable import format_time
from transforms.core.clock import now
from transforms.core.elements import FeedStatus, Outcome, OutcomeKind, Run
from transforms.sinks.write_records import WrittenFile

_SHOWN_DEAD_LETTERS: Final = 20


class NotAccountedForError(Exception):
    """Inputs went in of which nothing says how they ended: a fault of the program."""


@dataclass(frozen=True)
class Summary:
    """Counts of one run.

    ``stages`` has in, out and dead_letters for every stage; ``dead_letters`` counts them by stage
    and error. ``on_the_way`` are the entries of a stream that went in by the end of this window and
    have not ended.
    """

    run_id: str
    started_at: str
    ended_at: str
    feeds: int
    feed_statuses: dict[str, int]
    entries: int
    outcomes: dict[str, int]
    stages: dict[str, dict[str, int]]
    records: dict[str, int]
    dead_letters: dict[str, int]
    dead_letter_examples: list[dict[str, str]]
    dead_letter_ratio: float
    adds_up: bool
    output: str
    on_the_way: int = 0

    def to_json(self) -> str:
        """The summary as a JSON document."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    def table(self) -> str:
        """The summary for people."""
        lines = [f"{'stage':<24}{'in':>8}{'out':>8}{'dead':>8}"] if self.stages else []
        for stage, counts in self.stages.items():
            numbers = (counts.get(k, 0) for k in ("in", "out", "dead_letters"))
            lines.append(f"{stage:<24}" + "".join(f"{n:>8}" for n in numbers))
        lines += [""] if lines else []
        lines.append(f"feeds: {self._sum(self.feeds, self.feed_statuses)}")
        lines.append(f"entries: {self._sum(self.entries, self.outcomes)}")
        written = ", ".join(f"{n} {t}" for t, n in self.records.items())
        lines.append(f"records: {written or 'none'}")
        if self.dead_letters:
            lines.append(
                "dead letters: " + ", ".join(f"{n} {e}" for e, n in self.dead_letters.items())
            )
        lines += [f"  {d['source']}: {d['message']}" for d in self.dead_letter_examples]
        if sum(self.dead_letters.values()) > len(self.dead_letter_examples):
            lines.append("  and more in the dead_letters records")
        return "\n".join(lines)

    @staticmethod
    def _sum(total: int, parts: dict[str, int]) -> str:
        sign = "=" if total == sum(parts.values()) else "IS NOT"
        shown = {n: c for n, c in parts.items() if c} or dict(list(parts.items())[:1])
        named = (f"{count} {name.replace('_', ' ')}" for name, count in shown.items())
        return f"{total} {sign} {' + '.join(named)}"


def summarise(
    *,
    run: Run,
    feeds: int,
    left: Mapping[str, int],
    retries: int,
    stages: dict[str, dict[str, int]],
    files: Sequence[WrittenFile],
    outcomes: Iterable[Outcome],
    health: Sequence[FeedHealth],
    dead_letters: Iterable[DeadLetter],
    output: str,
) -> Summary:
    """Sum up a run.

    ``entries`` is counted where feeds are parsed, and where entries are taken up that failed in
    earlier runs (``retries``); ``outcomes`` where each entry ends; ``feeds`` where the feed lists
    are read, with those that are ``left`` alone: that they agree says that nothing was lost.
    What was written is counted by the files: engines may run a sink in several places, and Beam
    keeps the counter of only one of them.
    """
    records: Counter[str] = Counter()
    written: Counter[str] = Counter()
    first_format = min((file.format for file in files), default=None)
    for file in files:
        written[f"Write.{file.format}"] += file.rows
        if file.format == first_format:
            records[file.partition.partition("/")[0]] += file.rows
    entries = sum(h.entries_seen for h in health) + retries
    kinds = Counter(o.kind for o in outcomes)
    statuses = Counter(h.status for h in health) + Counter(left)
    inputs = entries + feeds
    if stages:
        stages = stages | {name: {"in": rows, "out": rows} for name, rows in written.items()}
    letters = sorted(dead_letters, key=lambda d: (d.stage, d.error_type, d.source, d.message))
    lost = kinds["dead_letter"] + statuses["failed"]
    return Summary(
        run_id=run.run_id,
        started_at=format_time(run.started_at),
        ended_at=format_time(now()),
        feeds=feeds,
        feed_statuses={status.value: statuses[status] for status in FeedStatus},
        entries=entries,
        outcomes={kind.value: kinds[kind] for kind in OutcomeKind},
        stages={name: stages[name] for name in (*STAGES, *sorted(stages)) if name in stages},
        records=dict(sorted(records.items())),
        dead_letters=dict(sorted(Counter(f"{d.stage} {d.error_type}" for d in letters).items())),
        dead_letter_examples=[_brief(d) for d in letters[:_SHOWN_DEAD_LETTERS]],
        dead_letter_ratio=lost / inputs if inputs else 0.0,
        adds_up=entries == kinds.total() and feeds == statuses.total(),
        output=output,
    )


def stage_counts(result: Any) -> dict[str, dict[str, int]]:
    """The counters of every stage from a pipeline's result."""
    stages: dict[str, dict[str, int]] = {}
    for counter in result.metrics().query()["counters"]:
        if counter.key.metric.namespace == "newsbeam":
            stage, _, what = counter.key.metric.name.rpartition(".")
            counts = stages.setdefault(stage, {})
            counts[what] = counts.get(what, 0) + (counter.committed or 0)
    return stages


def _brief(letter: DeadLetter) -> dict[str, str]:
    fields = ("stage", "error_type", "source", "message")
    return {name: str(getattr(letter, name)) for name in fields}
