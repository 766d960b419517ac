"""What `ingest` loses, doubles or tears when it is killed at any point and run again.

usage: python -m benchmarks.kills [--articles 1000] [--kills 20] [--seed 1]

Over one local site: a run that nothing disturbs, and a second one over unchanged feeds. Then, for
every kill, a run into a new output folder that SIGKILL ends: at a random time of the undisturbed
run's length or, every fourth, as soon as the records begin to become visible; and the same command
again, to its end. What is visible then is compared, record by record, with the undisturbed run.
Exits with 1 if anything is lost, doubled or torn.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.process_cost import list_process_tree
from benchmarks.throughput import write_site
from sample.server import SampleSite
from tests.support.visible_records import read_visible_records

PARAGRAPHS: Final = 2  # short articles: it is not the analysis that is put to the test
_FLAGS: Final = ("--allow_private_networks", "127.0.0.1/32", "--host_delay_sec", "0")


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
    expected = read_visible_records(folder / "whole")
    counts = Counter(table for table, _ in expected.counts)
    print(f"undisturbed, {took:.0f} s: {dict(sorted(counts.items()))}", flush=True)

    before = len(site.requests)
    run_ingest(feeds, folder / "whole")
    statuses = Counter(status for _, _, status in site.requests[before:])
    again = read_visible_records(folder / "whole")
    print(f"second run: {len(feeds)} feeds, answers {dict(statuses)}", flush=True)
    wrong = again.counts != expected.counts or statuses != {304: len(feeds)}

    lost, doubled, torn = Counter[str](), Counter[str](), list(expected.errors + again.errors)
    for number in range(1, kills + 1):
        output = folder / f"killed-{number}"
        after = None if number % aimed == 0 else chance.uniform(0, took)
        visible = run_and_kill(feeds, output, after)
        half = read_visible_records(output)
        run_ingest(feeds, output)
        seen = read_visible_records(output)
        lost.update(table for table, _ in expected.counts - seen.counts)
        doubled.update(table for table, _ in seen.counts - expected.counts)
        torn += half.errors + seen.errors
        when = "as records began to show" if after is None else f"after {after:.1f} s"
        print(f"{number:>3} killed {when}: {visible} was visible", flush=True)
    print(f"lost {lost.total()}, doubled {doubled.total()}, torn {len(torn)}")
    for text in torn:
        print(f"  {text}")
    return wrong or bool(lost or doubled or torn)


if __name__ == "__main__":
    main()
