"""Check that the memory of `ingest` stays flat as runs grow.

usage: python -m benchmarks.memory [--few 1000] [--many 10000] [--most 1.10]

Each run is over its own local site (see :mod:`benchmarks.throughput`) and in its own process; the
larger one follows the smaller one. Exits with 1 if the peak memory of the larger run is more than
``--most`` times that of the smaller one.
"""

import argparse
import sys

from benchmarks.throughput import measure_ingest


def main() -> None:
    """Measure both runs and print their peaks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--few", type=int, default=1000)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--most", type=float, default=1.10)
    args = parser.parse_args()
    peaks = []
    for count in (args.few, args.many):
        peaks.append(measure_ingest(count).peak)
        print(f"{count:>7} articles: {peaks[-1]:.0f} MiB peak", flush=True)
    ratio = peaks[1] / peaks[0]
    print(f"ratio: {ratio:.2f}")
    sys.exit(ratio > args.most)


if __name__ == "__main__":
    main()
