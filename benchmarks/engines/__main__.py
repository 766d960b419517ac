"""Whether an engine gives the records that a local run gives, over the sample site.

usage: python -m benchmarks.engines flink|prism|portable [--parallelism 2] [--folder FOLDER]

Fetches the engine if it is not there (``deploy/engines/fetch``), starts it on loopback, runs
`ingest` on it and by Beam's runner within the process, and compares all records and the counts of
the summaries. Exit codes: 0 they are the same and the workers did work, 1 not, or the engine
failed, 3 the engine cannot be had on this machine.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.engines.children import EngineError
from benchmarks.engines.comparing import (
    differences,
    ingest,
    most_at_once,
    records_of,
    run_of,
    seconds_together,
    summary_of,
    work,
)
from benchmarks.engines.engine import NAMES, engine
from benchmarks.engines.pool import ROOT, Bundle
from sample.server import SampleSite


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines")
    parser.add_argument("engine", choices=NAMES)
    parser.add_argument("--parallelism", type=int, default=2, help="Flink's workers (default 2)")
    parser.add_argument("--folder", type=Path, help="keep the outputs and logs in this new folder")
    args = parser.parse_args()
    if args.engine != "portable":
        fetched = subprocess.run([ROOT / "deploy" / "engines" / "fetch", args.engine], check=False)
        if fetched.returncode:
            return fetched.returncode
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        try:
            return int(not compare(args.engine, folder.resolve(), args.parallelism))
        except EngineError as error:
            print(error, file=sys.stderr)
        except subprocess.CalledProcessError as error:
            print(f"{error.stdout}\n{error.cmd} ended with {error.returncode}", file=sys.stderr)
        return 1


def compare(name: str, folder: Path, parallelism: int) -> bool:
    """Run on both, and print what came of it; whether it is the same."""
    with SampleSite() as site:
        feeds = [f"{site.base}/feeds.opml"]
        print(f"DirectRunner: {_timed(feeds, folder / 'local', '--runner=DirectRunner'):.0f} s")
        started = time.monotonic()
        with engine(name, folder / name, parallelism) as running:
            print(f"{name} is up after {time.monotonic() - started:.0f} s", flush=True)
            print(f"{name}: {_timed(feeds, folder / 'output', *running.flags):.0f} s")
            bundles = running.pool.bundles() if running.pool else None
    worked = bundles is None or _show_work(bundles, parallelism if name == "flink" else 1)
    run = run_of(folder / "output")
    counts = ", ".join(f"{len(rows)} {table}" for table, rows in records_of(run).items())
    stages = len(summary_of(run)["stages"])
    different = differences(folder / "local", folder / "output")
    print(f"compared: {counts}; summaries with the counts of {stages} stages")
    print("\n".join(different) if different else "no difference")
    return worked and not different


def _timed(feeds: list[str], output: Path, *flags: str) -> float:
    started = time.monotonic()
    ingest(feeds, output, *flags)
    return time.monotonic() - started


def _show_work(bundles: list[Bundle], wanted: int) -> bool:
    done = work(bundles)
    shown = ", ".join(f"{count} in process {pid}" for pid, count in done.items())
    print(
        f"bundles: {shown}; at most {most_at_once(bundles)} at once,"
        f" in several processes at once for {seconds_together(bundles):.1f} s"
    )
    if len(done) < wanted:
        print(f"only {len(done)} of {wanted} worker processes did any work")
    return len(done) >= wanted


if __name__ == "__main__":
    sys.exit(main())
