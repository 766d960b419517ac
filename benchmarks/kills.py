"""Measurement of what `ingest` loses, duplicates or damages when it is killed and run again.

usage: python -m benchmarks.kills [--articles 1000] [--kills 20] [--seed 1]

All runs are over one local site. The first run is undisturbed, the second finds unchanged feeds.
Then, per kill, a run into a new output folder is ended by SIGKILL and the same command is run again
to its end. Every fourth kill is made as soon as records become visible, the others at a random time
within the length of the undisturbed run. The visible records are then compared, one by one, with
those of the undisturbed run. Exits with 1 if a record is missing or duplicated, or a file damaged.
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

from benchmarks.local_site import write_site
from benchmarks.process_cost import list_process_tree
from sample.server import SampleSite
from tests.support.visible_records import read_visible_records

WORDS: Final = 70  # short articles, as the analysis is not what is tested
_FLAGS: Final = ("--allow_private_networks", "127.0.0.1/32", "--host_delay_sec", "0")


def start_ingest(
    feeds: Sequence[str], output: Path, *, quiet: bool = True
) -> "subprocess.Popen[bytes]":
    """Start `ingest`; ``quiet`` discards its error output."""
    command = [sys.executable, "-m", "pipeline", "ingest", "--feeds", *feeds, *_FLAGS]
    errors = subprocess.DEVNULL if quiet else None
    command += ["--output", str(output)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)


def run_ingest(feeds: Sequence[str], output: Path) -> float:
    """Run `ingest` to its end and return the seconds that it took.

    Raises:
        CalledProcessError: the run failed.
    """
    started = time.monotonic()
    process = start_ingest(feeds, output, quiet=False)
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, "ingest")
    return time.monotonic() - started


def run_and_kill(feeds: Sequence[str], output: Path, after: float | None) -> str:
    """Start a run and kill it.

    Args:
        feeds: URLs of feeds.
        output: an output folder.
        after: seconds from the start to the kill. None kills as records become visible.

    Returns:
        What was visible when it had ended: "nothing" or "the run".

    Raises:
        TimeoutError: child processes outlive it by ten seconds.
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
    """Parse the command line, make the site and run the kills."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chance = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "site").mkdir()
        paths = write_site(folder / "site", [WORDS] * args.articles)
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
    commit_kill_interval: int = 4,
) -> bool:
    """Run all kills, print the results, and return whether anything went wrong.

    Args:
        site: the local site.
        feeds: URLs of its feeds.
        folder: where the output folders are made.
        kills: the number of kills.
        chance: source of the random times.
        commit_kill_interval: one kill in this many is made as records become visible.
    """
    run_seconds = run_ingest(feeds, folder / "whole")
    expected = read_visible_records(folder / "whole")
    counts = Counter(table for table, _ in expected.counts)
    print(f"undisturbed run, {run_seconds:.0f} s: {dict(sorted(counts.items()))}", flush=True)

    before = len(site.requests)
    run_ingest(feeds, folder / "whole")
    statuses = Counter(status for _, _, status in site.requests[before:])
    again = read_visible_records(folder / "whole")
    print(f"second run: {len(feeds)} feeds, answers {dict(statuses)}", flush=True)
    wrong = again.counts != expected.counts or statuses != {304: len(feeds)}

    missing, duplicated = Counter[str](), Counter[str]()
    damaged = expected.errors + again.errors
    for number in range(1, kills + 1):
        output = folder / f"killed-{number}"
        after = None if number % commit_kill_interval == 0 else chance.uniform(0, run_seconds)
        visible = run_and_kill(feeds, output, after)
        killed = read_visible_records(output)
        run_ingest(feeds, output)
        completed = read_visible_records(output)
        missing.update(table for table, _ in expected.counts - completed.counts)
        duplicated.update(table for table, _ in completed.counts - expected.counts)
        damaged += killed.errors + completed.errors
        when = "as records became visible" if after is None else f"after {after:.1f} s"
        print(f"{number:>3} killed {when}: {visible} was visible", flush=True)
    print(f"missing {missing.total()}, duplicated {duplicated.total()}, damaged {len(damaged)}")
    for text in damaged:
        print(f"  {text}")
    return wrong or bool(missing or duplicated or damaged)


if __name__ == "__main__":
    main()
