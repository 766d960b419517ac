"""Reading all records that an output folder shows, in both formats."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from schemas import RECORDS

_TABLES_PER_RUN: Final = frozenset({"feed_health", "dead_letters"})
"""Tables whose records differ from run to run, which are not compared."""

_KEYS: Final = {record.TABLE: record.KEY for record in RECORDS}


@dataclass
class VisibleRecords:
    """The records that an output folder shows.

    Args:
        counts: how often each record is there, by its table and key.
        errors: files that cannot be read and formats that differ, one line each.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)


def read_visible_records(output: Path) -> VisibleRecords:
    """Return the records of all runs in an output folder, and what is wrong with the files."""
    counts: dict[str, Counter[tuple[str, str]]] = {"jsonl": Counter(), "parquet": Counter()}
    errors = []
    for run in output.glob("runs/*"):
        try:
            json.loads((run / "summary.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            errors.append(f"{run.name}: {error}")
        for path in sorted(p for p in run.rglob("part-*") if p.is_file()):
            file_format, table = path.relative_to(run).parts[:2]
            try:
                counts[file_format].update((table, key) for key in _keys(path, table))
            except (OSError, ValueError, KeyError) as error:
                errors.append(f"{path}: {error}")
    if counts["jsonl"] != counts["parquet"]:
        errors.append(f"{output}: the formats differ")
    return VisibleRecords(counts["jsonl"], errors)


def _keys(path: Path, table: str) -> Iterator[str]:
    if table in _TABLES_PER_RUN:
        return
    if path.suffix == ".parquet":
        column = pq.read_table(path, columns=[_KEYS[table]], partitioning=None)
        yield from column[_KEYS[table]].to_pylist()
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)[_KEYS[table]]
