"""Runs of `ingest` over local sites, and the differences between their outputs."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from tests.support.paths import ROOT
from tests.support.visible_records import read_visible_records

RecordsByTable: TypeAlias = dict[str, list[dict[str, Any]]]
"""JSON records by the name of their table."""

RUN_DAY: Final = "DAY OF THE RUN"
"""Stands for the day on which a run started, wherever its records or files name it."""

_RUN_FIELDS: Final = frozenset(
    {"run_id", "fetched_at", "first_seen_at", "duration", "feed_health_id", "next_due"}
)
"""Record fields that depend on the run or its time. ``next_due`` is partly random."""

_SUMMARY_RUN_FIELDS: Final = frozenset({"run_id", "started_at", "ended_at", "output"})
_MAX_SHOWN: Final = 5


def start_ingest(feeds: Sequence[str], output: Path, *flags: str) -> "subprocess.Popen[str]":
    """Start a run over feeds on loopback, with its output and errors in one pipe."""
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
    """Run `ingest` to its end and return what it printed.

    Raises:
        CalledProcessError: the run failed.
    """
    process = start_ingest(feeds, output, *flags)
    printed, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, "ingest", printed)
    return printed


def find_only_run(output: Path) -> Path:
    """Return the folder of the only run of an output."""
    (run,) = (output / "runs").iterdir()
    return run


def read_records(run: Path) -> RecordsByTable:
    """Return the records of a run, sorted, without what differs from run to run."""
    day = read_start(run)[:10]
    records: RecordsByTable = {}
    for file in sorted(run.glob("jsonl/*/**/*.jsonl")):
        table = file.relative_to(run).parts[1]
        for line in file.read_text(encoding="utf-8").splitlines():
            row = {k: v for k, v in json.loads(line).items() if k not in _RUN_FIELDS}
            if row.get("day") == day:
                row["day"] = RUN_DAY
            records.setdefault(table, []).append(row)
    return {table: sorted(rows, key=json.dumps) for table, rows in records.items()}


def read_summary(run: Path) -> dict[str, Any]:
    """Return the summary of a run, without what differs from run to run."""
    fields = _load_summary(run).items()
    return {name: value for name, value in fields if name not in _SUMMARY_RUN_FIELDS}


def read_start(run: Path) -> str:
    """Return the time at which a run started, in ISO 8601."""
    return str(_load_summary(run)["started_at"])


def _load_summary(run: Path) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    return fields


def find_differences(expected: Path, actual: Path) -> list[str]:
    """Return one line per difference between two outputs of one run each."""
    return [
        *read_visible_records(actual).errors,
        *compare_runs(find_only_run(expected), find_only_run(actual)),
    ]


def compare_runs(expected: Path, actual: Path) -> list[str]:
    """Return one line per difference between the records and summaries of two runs."""
    lines = []
    before, after = read_records(expected), read_records(actual)
    for table in sorted({*before, *after}):
        old, new = (Counter(map(json.dumps, rows.get(table, []))) for rows in (before, after))
        lines += list_changes(old, new, f"{table} ")
    old_summary, new_summary = read_summary(expected), read_summary(actual)
    for name in sorted({*old_summary, *new_summary}):
        was, became = old_summary.get(name), new_summary.get(name)
        if was != became:
            lines.append(f"summary, {name}: {was} became {became}")
    return lines


def list_changes(old: Counter[str], new: Counter[str], label: str = "") -> list[str]:
    """Return a line for each text that is only in ``old`` (-) or only in ``new`` (+).

    At most five lines per sign are returned, and one with the number of the others.

    >>> list_changes(Counter("aab"), Counter("abc"))
    ['- a', '+ c']
    """
    lines = []
    for sign, texts in (("-", old - new), ("+", new - old)):
        lines += [f"{sign} {label}{text}" for text in sorted(texts.elements())[:_MAX_SHOWN]]
        if texts.total() > _MAX_SHOWN:
            lines.append(f"{sign} {label.strip()}: {texts.total() - _MAX_SHOWN} more")
    return lines
