"""What `ingest` loses, doubles or tears when it is killed at any point and run again.

usage: python -m benchmarks.kills [--articles 1000] [--kills 20] [--seed 1]

Over one local site: a run that nothing disturbs, and a second one over unchanged feeds. Then, for
every kill, a run into a new output folder that SIGKILL ends: at a random time of the undisturbed
run's length or, every fourth, as soon as the records begin to become visible; and the same command
again, to its end. What is visible then is compared, record by record, with the undisturbed run.
Exits with 1 if anything is lost, doubled or torn.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from benchmarks.process_cost import list_process_tree
from benchmarks.throughput import write_site
from sample.server import SampleSite
from schemas import RECORDS

PARAGRAPHS: Final = 2  # short articles: it is not the analysis that is put to the test
_TABLES_OF_EVERY_RUN: Final = frozenset({"feed_health", "dead_letters"})
_KEYS: Final = {record.TABLE: record.KEY for record in RECORDS}
_FLAGS: Final = ("--allow_private_networks", "127.0.0.1/32", "--host_delay_sec", "0")


@dataclass
class VisibleRecords:
    """What is visible in an output folder: how often each record, and what cannot be read."""

    records: Counter[tuple[str, str]] = field(default_factory=Counter)
    defects: list[str] = field(default_factory=list)


def inspect_output(output: Path) -> VisibleRecords:
    """All that an output folder shows, in both formats."""
    seen = {"jsonl": VisibleRecords(), "parquet": VisibleRecords()}
    defects = []
    for run in output.glob("runs/*"):
        try:
            json.loads((run / "summary.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            defects.append(f"{run.name}: {error}")
        for path in sorted(p for p in run.rglob("part-*") if p.is_file()):
            kind, table = path.relative_to(run).parts[:2]
            try:
                seen[kind].records.update((table, key) for key in _read_keys(path, table))
            except (OSError, ValueError, KeyError) as error:
                defects.append(f"{path}: {error}")
    if seen["jsonl"].records != seen["parquet"].records:
        defects.append(f"{output}: the formats differ")
    return VisibleRecords(seen["jsonl"].records, defects)


def _read_keys(path: Path, table: str) -> Iterator[str]:
    if table in _TABLES_OF_EVERY_RUN:
        return
    if path.suffix == ".parquet":
        column = pq.read_table(path, columns=[_KEYS[table]], partitioning=None)
        yield from column[_KEYS[table]].to_pylist()
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)[_KEYS[table]]


def start_ingest(
    feeds: Sequence[str], output: Path, *, quiet: bool = True
) -> "subprocess.Popen[bytes]":
    """Start a run."""
    command = [sys.executable, "-m", "pipeline", "ingest", "--feeds", *feeds, *_FLAGS]
    errors = subprocess.DEVNULL if quiet else None
    command += ["--output", str(output)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)


def run_ingest(feeds: Sequence[str], output: Path) -> float:
    """A run to its end; the seconds that it took.

    Raises:
        CalledProcessError: it failed.
    """
    started = time.monotonic()
    process = start_ingest(feeds, output, quiet=False)
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, "ingest")
    return time.monotonic() - started


def run_and_kill(feeds: Sequence[str], output: Path, after: float | None) -> str:
    """A run that is killed so many seconds after its start, or as its records begin to show.

    Returns what was visible at its end: nothing, or the run.
    """
    process = start_ingest(feeds, output)
    children = []
    if after is None:
        while process.poll() is None and not any(output.glob(".staging/*/ready")):
            time.sleep(0.002)
    else:
        time.sleep(after)
    if process.poll() is None:
        children = list_process_tree(process.pid)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while left := [pid for pid in children if Path("/proc", str(pid)).exists()]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(left)} processes outlive their parent")
        time.sleep(0.05)
    return "the run" if any(output.glob("runs/*")) else "nothing"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chance = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "site").mkdir()
        paths = write_site(folder / "site", args.articles, PARAGRAPHS)
        with SampleSite(folder / "site") as site:
            feeds = [site.base + path for path in paths]
            sys.exit(run_kills(site, feeds, folder, args.kills, chance))


def run_kills(
    site: SampleSite,
    feeds: Sequence[str],
    folder: Path,
    kills: int,
    chance: random.Random,
    *,
    aimed: int = 4,
) -> bool:
    """Run, and kill, and run again; print what came of it. Returns whether anything went wrong.

    Every so many kills, one is aimed at the time when records begin to show.
    """
    took = run_ingest(feeds, folder / "whole")
    expected = inspect_output(folder / "whole")
    counts = Counter(table for table, _ in expected.records)
    print(f"undisturbed, {took:.0f} s: {dict(sorted(counts.items()))}", flush=True)

    before = len(site.requests)
    run_ingest(feeds, folder / "whole")
    statuses = Counter(status for _, _, status in site.requests[before:])
    again = inspect_output(folder / "whole")
    print(f"second run: {len(feeds)} feeds, answers {dict(statuses)}", flush=True)
    wrong = again.records != expected.records or statuses != {304: len(feeds)}

    lost, doubled, torn = Counter[str](), Counter[str](), list(expected.defects + again.defects)
    for number in range(1, kills + 1):
        output = folder / f"killed-{number}"
        after = None if number % aimed == 0 else chance.uniform(0, took)
        visible = run_and_kill(feeds, output, after)
        half = inspect_output(output)
        run_ingest(feeds, output)
        seen = inspect_output(output)
        lost.update(table for table, _ in expected.records - seen.records)
        doubled.update(table for table, _ in seen.records - expected.records)
        torn += half.defects + seen.defects
        when = "as records began to show" if after is None else f"after {after:.1f} s"
        print(f"{number:>3} killed {when}: {visible} was visible", flush=True)
    print(f"lost {lost.total()}, doubled {doubled.total()}, torn {len(torn)}")
    for text in torn:
        print(f"  {text}")
    return wrong or bool(lost or doubled or torn)


if __name__ == "__main__":
    main()
