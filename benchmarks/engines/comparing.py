"""Runs over one site on several engines, and what differs between their records."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from benchmarks.engines.pool import ROOT, Bundle
from benchmarks.kills import look

Rows = dict[str, list[dict[str, Any]]]

_OF_THE_RUN: Final = frozenset(
    {"run_id", "fetched_at", "first_seen_at", "duration", "feed_health_id", "next_due"}
)
"""Fields that say which run it was, or when it did something; ``next_due`` is partly chance."""

_OF_THE_SUMMARY: Final = frozenset({"run_id", "started_at", "ended_at", "output"})
_SHOWN: Final = 5


def start(feeds: Sequence[str], output: Path, *flags: str) -> "subprocess.Popen[str]":
    """Start a run over feeds on loopback; what it says is in its pipes."""
    command = [sys.executable, "-m", "pipeline", "ingest", "--feeds", *feeds]
    command += ["--output", str(output), "--allow_private_networks", "127.0.0.1/32"]
    return subprocess.Popen(
        [*command, "--host_delays", "127.0.0.1=0", *flags],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ingest(feeds: Sequence[str], output: Path, *flags: str) -> str:
    """A run to its end; what it said.

    Raises:
        CalledProcessError: it failed.
    """
    process = start(feeds, output, *flags)
    said, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, "ingest", said)
    return said


def run_of(output: Path) -> Path:
    """The folder of the one run of an output."""
    (run,) = (output / "runs").iterdir()
    return run


def records_of(run: Path) -> Rows:
    """The records of a run by type, sorted, without what differs from run to run."""
    found: Rows = {}
    for file in sorted(run.glob("jsonl/*/**/*.jsonl")):
        table = file.relative_to(run).parts[1]
        for line in file.read_text(encoding="utf-8").splitlines():
            row = {k: v for k, v in json.loads(line).items() if k not in _OF_THE_RUN}
            found.setdefault(table, []).append(row)
    return {table: sorted(rows, key=json.dumps) for table, rows in found.items()}


def summary_of(run: Path) -> dict[str, Any]:
    """The summary of a run, without what differs from run to run."""
    fields = json.loads((run / "summary.json").read_text(encoding="utf-8")).items()
    return {name: value for name, value in fields if name not in _OF_THE_SUMMARY}


def differences(expected: Path, found: Path) -> list[str]:
    """What differs between two output folders of a run each: a line a difference, or none."""
    lines = look(found).torn
    ours, theirs = records_of(run_of(expected)), records_of(run_of(found))
    for table in sorted({*ours, *theirs}):
        a, b = (list(map(json.dumps, rows.get(table, []))) for rows in (ours, theirs))
        lost, added = _without(a, b)
        for sign, rows in (("-", lost), ("+", added)):
            lines += [f"{sign} {table} {row}" for row in rows[:_SHOWN]]
            lines += [f"{sign} {table}: {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
    before, after = summary_of(run_of(expected)), summary_of(run_of(found))
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            lines.append(f"summary, {name}: {before.get(name)} became {after.get(name)}")
    return lines


def _without(a: list[str], b: list[str]) -> tuple[list[str], list[str]]:
    ours, theirs = Counter(a), Counter(b)
    return sorted((ours - theirs).elements()), sorted((theirs - ours).elements())


def work(bundles: Sequence[Bundle]) -> dict[int, int]:
    """How many bundles each worker process did."""
    return dict(Counter(bundle.worker for bundle in bundles))


def seconds_together(bundles: Sequence[Bundle]) -> float:
    """For how long at least two worker processes had bundles at the same time."""
    edges = [(b.start, 1, b.worker) for b in bundles] + [(b.end, -1, b.worker) for b in bundles]
    busy, last, total = Counter[int](), 0.0, 0.0
    for time, step, worker in sorted(edges):
        if sum(1 for count in busy.values() if count) > 1:
            total += time - last
        busy[worker] += step
        last = time
    return total


def most_at_once(bundles: Sequence[Bundle]) -> int:
    """The most bundles that were under way at the same time."""
    edges = sorted([(b.start, 1) for b in bundles] + [(b.end, -1) for b in bundles])
    return max(accumulate(step for _, step in edges), default=0)
