"""Comparison of a run on an engine with a local run, over the sample site.

usage: python -m benchmarks.engines flink|prism|portable [--parallelism 2] [--folder FOLDER]

Fetches the engine if it is missing (``deploy/engines/fetch``) and starts it on loopback. Runs
`ingest` on it and on Beam's runner within the process. Compares all records and the counts of the
summaries. Exit codes: 0 no difference, and enough workers processed bundles; 1 otherwise, or the
engine failed; 3 this machine cannot fetch the engine.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sample.server import SampleSite
from tests.support.engines.engine import ENGINE_NAMES, make_engine
from tests.support.engines.worker_pool import (
    Bundle,
    count_bundles,
    count_max_concurrent,
    measure_parallel_seconds,
)
from tests.support.paths import ROOT
from tests.support.run_comparison import (
    find_differences,
    find_only_run,
    read_records,
    read_summary,
    run_ingest,
)
from tests.support.server_processes import ServerProcessError


def main() -> int:
    """Parse the command line, fetch the engine and compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines")
    parser.add_argument("engine", choices=ENGINE_NAMES)
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
            return int(not compare_with_local(args.engine, folder.resolve(), args.parallelism))
        except ServerProcessError as error:
            print(error, file=sys.stderr)
        except subprocess.CalledProcessError as error:
            print(f"{error.stdout}\n{error.cmd} ended with {error.returncode}", file=sys.stderr)
        return 1


def compare_with_local(name: str, folder: Path, parallelism: int) -> bool:
    """Run locally and on the engine, print the differences, and return whether it passed."""
    with SampleSite() as site:
        feeds = [f"{site.base}/feeds.opml"]
        print(
            f"DirectRunner: {_time_ingest(feeds, folder / 'local', '--runner=DirectRunner'):.0f} s"
        )
        started = time.monotonic()
        with make_engine(name, folder / name, parallelism) as running:
            print(f"{name} is up after {time.monotonic() - started:.0f} s", flush=True)
            print(f"{name}: {_time_ingest(feeds, folder / 'output', *running.flags):.0f} s")
            bundles = running.pool.bundles() if running.pool else None
    worked = bundles is None or _print_work(bundles, parallelism if name == "flink" else 1)
    run = find_only_run(folder / "output")
    counts = ", ".join(f"{len(rows)} {table}" for table, rows in read_records(run).items())
    stages = len(read_summary(run)["stages"])
    different = find_differences(folder / "local", folder / "output")
    print(f"compared: {counts}; summaries with the counts of {stages} stages")
    print("\n".join(different) if different else "no difference")
    return worked and not different


def _time_ingest(feeds: list[str], output: Path, *flags: str) -> float:
    started = time.monotonic()
    run_ingest(feeds, output, *flags)
    return time.monotonic() - started


def _print_work(bundles: list[Bundle], min_processes: int) -> bool:
    """Print the bundles per worker process, and return whether enough processes had some."""
    bundles_by_process = count_bundles(bundles)
    shown = ", ".join(f"{count} in process {pid}" for pid, count in bundles_by_process.items())
    print(
        f"bundles: {shown}; at most {count_max_concurrent(bundles)} at once,"
        f" in several processes at once for {measure_parallel_seconds(bundles):.1f} s"
    )
    if len(bundles_by_process) < min_processes:
        print(f"only {len(bundles_by_process)} of {min_processes} worker processes did any work")
    return len(bundles_by_process) >= min_processes


if __name__ == "__main__":
    sys.exit(main())
