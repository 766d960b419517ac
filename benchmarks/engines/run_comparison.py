"""Runs over one site on several engines, and what differs between their records."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from benchmarks.engines.worker_pool import ROOT, Bundle
from benchmarks.kills import inspect_output

RecordsByTable = dict[str, list[dict[str, Any]]]

_RUN_FIELDS: Final = frozenset(
    {"run_id", "fetched_at", "first_seen_at", "duration", "feed_health_id", "next_due"}
)
"""Fields that say which run it was, or when it did something; ``next_due`` is partly chance."""

_SUMMARY_RUN_FIELDS: Final = frozenset({"run_id", "started_at", "ended_at", "output"})
_MAX_SHOWN: Final = 5


def start_ingest(feeds: Sequence[str], output: Path, *flags: str) -> "subprocess.Popen[str]":
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


def run_ingest(feeds: Sequence[str], output: Path, *flags: str) -> str:
    """A run to its end; what it said.

    Raises:
        CalledProcessError: it failed.
    """
    process = start_ingest(feeds, output, *flags)
    said, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, "ingest", said)
    return said


def find_only_run(output: Path) -> Path:
    """The folder of the one run of an output."""
    (run,) = (output / "runs").iterdir()
    return run


def read_records(run: Path) -> RecordsByTable:
    """The records of a run by type, sorted, without what differs from run to run."""
    found: RecordsByTable = {}
    for file in sorted(run.glob("jsonl/*/**/*.jsonl")):
        table = file.relative_to(run).parts[1]
        for line in file.read_text(encoding="utf-8").splitlines():
            row = {k: v for k, v in json.loads(line).items() if k not in _RUN_FIELDS}
            found.setdefault(table, []).append(row)
    return {table: sorted(rows, key=json.dumps) for table, rows in found.items()}


def read_summary(run: Path) -> dict[str, Any]:
    """The summary of a run, without what differs from run to run."""
    fields = json.loads((run / "summary.json").read_text(encoding="utf-8")).items()
    return {name: value for name, value in fields if name not in _SUMMARY_RUN_FIELDS}


def find_differences(expected: Path, found: Path) -> list[str]:
    """What differs between two output folders of a run each: a line a difference, or none."""
    lines = inspect_output(found).torn
    ours, theirs = read_records(find_only_run(expected)), read_records(find_only_run(found))
    for table in sorted({*ours, *theirs}):
        a, b = (list(map(json.dumps, rows.get(table, []))) for rows in (ours, theirs))
        lost, added = _subtract(a, b)
        for sign, rows in (("-", lost), ("+", added)):
            lines += [f"{sign} {table} {row}" for row in rows[:_MAX_SHOWN]]
            lines += (
                [f"{sign} {table}: {len(rows) - _MAX_SHOWN} more"] if len(rows) > _MAX_SHOWN else []
            )
    before, after = read_summary(find_only_run(expected)), read_summary(find_only_run(found))
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            lines.append(f"summary, {name}: {before.get(name)} became {after.get(name)}")
    return lines


def _subtract(a: list[str], b: list[str]) -> tuple[list[str], list[str]]:
    ours, theirs = Counter(a), Counter(b)
    return sorted((ours - theirs).elements()), sorted((theirs - ours).elements())


def count_bundles(bundles: Sequence[Bundle]) -> dict[int, int]:
    """How many bundles each worker process did."""
    return dict(Counter(bundle.worker for bundle in bundles))


def measure_parallel_seconds(bundles: Sequence[Bundle]) -> float:
    """For how long at least two worker processes had bundles at the same time."""
    edges = [(b.start, 1, b.worker) for b in bundles] + [(b.end, -1, b.worker) for b in bundles]
    busy, last, total = Counter[int](), 0.0, 0.0
    for time, step, worker in sorted(edges):
        if sum(1 for count in busy.values() if count) > 1:
            total += time - last
        busy[worker] += step
        last = time
    return total


def count_max_concurrent(bundles: Sequence[Bundle]) -> int:
    """The most bundles that were under way at the same time."""
    edges = sorted([(b.start, 1) for b in bundles] + [(b.end, -1) for b in bundles])
    return max(accumulate(step for _, step in edges), default=0)
