"""Check that the memory of `ingest` and its CPU time per article stay flat as runs grow.

usage: python -m benchmarks.memory [--few 500] [--many 4000] [--words 1000] [--most 1.10]

Each run is over its own local site (see :mod:`benchmarks.throughput`) and in its own process; the
larger one follows the smaller one, after one over a single article, whose cost is the start-up.
Exits with 1 if the peak memory of the larger run is more than ``--most`` times that of the smaller
one. The ratio of CPU time is printed only, since other work on the machine changes it.
"""

import argparse
import sys

from benchmarks.local_site import DEFAULT_WORDS, draw_lengths
from benchmarks.process_cost import print_environment_note
from benchmarks.throughput import Round, measure_ingest


def main() -> None:
    """Measure the runs, and print their peaks and CPU times per article."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--few", type=int, default=500)
    parser.add_argument("--many", type=int, default=4000)
    parser.add_argument("--words", type=int, default=DEFAULT_WORDS, help="mean length of articles")
    parser.add_argument("--most", type=float, default=1.10)
    args = parser.parse_args()
    if not 1 < args.few < args.many:
        parser.error("--few must be at least 2 and less than --many")
    print_environment_note()
    startup = measure_ingest([args.words])
    rounds = []
    for count in (args.few, args.many):
        full = measure_ingest(draw_lengths(count, args.words))
        rounds.append(Round(count, startup, full))
        print(
            f"{count:>7} articles: {full.peak:.0f} MiB peak, "
            f"{rounds[-1].cpu_ms:.1f} CPU ms per article",
            flush=True,
        )
    few, many = rounds
    ratio = many.full.peak / few.full.peak
    print(f"ratio: {ratio:.2f} (memory)")
    if few.cpu_ms:
        print(f"ratio: {many.cpu_ms / few.cpu_ms:.2f} (CPU per article)")
    sys.exit(ratio > args.most)


if __name__ == "__main__":
    main()
