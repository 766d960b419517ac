"""The requirements of large numbers of feeds, from costs measured on this machine.

usage: python -m benchmarks.scale measure COSTS.json [--articles 500] [--feeds 2000]
                                          [--pages FOLDER]
       python -m benchmarks.scale needs COSTS.json [--feeds 1000 100000 10000000]
       python -m benchmarks.scale check COSTS.json [--articles 500 2000] [--workers 1 2 4]

`measure` measures unit costs (benchmarks/scale/costs.py) and writes them. `needs` prints what the
model (benchmarks/scale/model.py) computes from them. `check` runs `ingest` on Flink over local
sites, with the given numbers of worker processes, and prints the real beside the predicted times.
"""

import argparse
import dataclasses
import json
import math
import os
import tempfile
import time
from pathlib import Path

from benchmarks.local_site import INGEST_FLAGS, SHORT_WORDS, serve_generated_site
from benchmarks.scale.costs import Costs, measure_unit_costs
from benchmarks.scale.model import (
    HostTiming,
    Load,
    Prices,
    Requirements,
    WorkerMachine,
    estimate_requirements,
    predict_seconds,
)
from benchmarks.scale.state import StateCosts
from tests.support.engines.engine import make_engine
from tests.support.run_comparison import run_ingest


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    commands = parser.add_subparsers(required=True, dest="command")
    sub = commands.add_parser("measure")
    sub.add_argument("costs", type=Path)
    sub.add_argument("--articles", type=int, default=500)
    sub.add_argument("--feeds", type=int, default=2000)
    sub.add_argument("--pages", type=Path, help="folder of real pages, .html or .html.gz")
    sub = commands.add_parser("needs")
    sub.add_argument("costs", type=Path)
    sub.add_argument("--feeds", type=int, nargs="+", default=[1000, 100_000, 10_000_000])
    sub = commands.add_parser("check")
    sub.add_argument("costs", type=Path)
    sub.add_argument("--articles", type=int, nargs="+", default=[500, 2000])
    sub.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    args = parser.parse_args()
    if args.command == "measure":
        costs = measure_unit_costs(args.articles, args.feeds, args.pages)
        args.costs.write_text(json.dumps(dataclasses.asdict(costs), indent=2) + "\n")
        print(args.costs.read_text(), end="")
        return
    read = json.loads(args.costs.read_text())
    costs = Costs(**read | {"state": StateCosts(**read["state"])})
    if args.command == "needs":
        _print_requirements(costs, args.feeds)
    else:
        _print_check(costs, args.articles, args.workers)


def _print_requirements(costs: Costs, numbers: list[int]) -> None:
    assumptions = (costs, WorkerMachine(), Prices(), HostTiming())
    for mode, runs, days in (("a run per hour", 24.0, 3 * 365.0), ("a stream", 0.0, 90.0)):
        template = Load(0, runs=runs, remembered_days=days)
        loads = [dataclasses.replace(template, feeds=n, busiest_host=n // 200) for n in numbers]
        estimates = [estimate_requirements(load, *assumptions) for load in loads]
        print(f"{mode:<18}" + "".join(f"{n:>14,}" for n in numbers))
        for field in dataclasses.fields(Requirements)[:-1]:
            values = "".join(f"{getattr(estimate, field.name):>14,.4g}" for estimate in estimates)
            print(f"{field.name:<18}{values}")
        for name in estimates[0].limits:
            print(
                f"{'':<18}"
                + "".join(f"{estimate.limits[name]:>14.0%}" for estimate in estimates)
                + f"  {name}"
            )
        print()


def _print_check(costs: Costs, sizes: list[int], numbers: list[int]) -> None:
    cores = os.cpu_count() or 1
    print(f"{cores} cores; beyond the smallest: ratio for the seconds beyond {sizes[0]} articles")
    names = ("articles", "workers", "predicted s", "real s", "ratio", "beyond the smallest")
    print("  ".join(names))
    smallest: dict[int, tuple[float, float]] = {}
    for size in sizes:
        for workers in numbers:
            real = _measure_run(size, workers)
            predicted = predict_seconds(costs, size, workers, cores)
            first_real, first_predicted = smallest.setdefault(workers, (real, predicted))
            beyond = (
                (real - first_real) / (predicted - first_predicted) if size > sizes[0] else math.nan
            )
            cells = (size, workers, f"{predicted:.0f}", f"{real:.0f}", f"{real / predicted:.2f}")
            row = (*cells, f"{beyond:.2f}")
            print(
                *(f"{c:>{len(n)}}" for c, n in zip(row, names, strict=True)), sep="  ", flush=True
            )


def _measure_run(articles: int, workers: int) -> float:
    """Return the seconds of a run on Flink, without the start of Flink."""
    with (
        serve_generated_site([SHORT_WORDS] * articles) as feeds,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        with make_engine("flink", folder / "flink", workers) as running:
            started = time.monotonic()
            run_ingest(feeds, folder / "output", *INGEST_FLAGS[2:], *running.flags)
            took = time.monotonic() - started
        (path,) = folder.glob("output/runs/*/summary.json")
        written = json.loads(path.read_text(encoding="utf-8"))["outcomes"]["article"]
        assert written == articles, (written, articles)
        return took


if __name__ == "__main__":
    main()
