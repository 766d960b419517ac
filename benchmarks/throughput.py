"""Speed of `ingest`, in ratios to a plain loop and other loops over the same pages, in one run.

usage: python -m benchmarks.throughput [--articles 200] [--words 1000] [--pages FOLDER]
           [--contenders loop,newspaper4k,news-please,stages,ingest-1,ingest-2] [--repeat 3]
           [--json FILE] [--chart FILE.svg]

The contenders:
- loop: a hand-written loop over feedparser, trafilatura, spaCy and textacy
  (benchmarks/naive_loop.py).
- newspaper4k, news-please: the same loop with their extraction, where they are installed.
- stages: the stages of `ingest` in a loop without Beam (benchmarks/stage_loop). What `ingest-1`
  costs beyond this is the cost of Beam, duplicates, stories and state.
- ingest-1, ingest-2: `ingest` with one and with two workers.

This process serves one local site on loopback. In each round, every contender runs once over a
single article (start-up: imports, the model) and once over all of them, one contender after the
other, each in its own process. The start-up is subtracted. Printed are medians over the rounds;
ratios are those within a round. CPU seconds and memory are sums over all processes of a contender.
On the machine, nothing else should run.

The articles are paragraphs of the sample site's English pages in a random order, in one of its
designs. Their lengths are log-normal with a mean of --words (see `draw_lengths`). --pages takes
the pages of a folder instead, .html or .html.gz.
"""

import argparse
import functools
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from benchmarks.bar_chart import Bar, check_chart_path, make_chart, write_chart
from benchmarks.local_site import (
    DEFAULT_WORDS,
    INGEST_FLAGS,
    draw_lengths,
    read_pages,
    select_articles,
    serve_generated_site,
    serve_pages,
)
from benchmarks.process_cost import (
    BLAS_VARIABLE,
    Cost,
    measure_command,
    print_environment_note,
)

LOOP: Final = "loop"
"""The contender to which all others are compared."""
CONTENDERS: Final = (LOOP, "newspaper4k", "news-please", "stages", "ingest-1", "ingest-2")
_NEWSBEAM: Final = ("stages", "ingest-1", "ingest-2")
_MODULES: Final = {"newspaper4k": "newspaper", "news-please": "newsplease"}
_VERSIONS_OF: Final = ("spacy", "trafilatura", "apache-beam", *_MODULES)


@dataclass(frozen=True)
class Round:
    """One measurement of a contender.

    Attributes:
        articles: the number of articles of the full run.
        startup: the cost of a run over one article.
        full: the cost of the run over all articles.
    """

    articles: int
    startup: Cost
    full: Cost

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds per article, without start-up."""
        return self._per_article(self.full.cpu - self.startup.cpu)

    @property
    def wall_ms(self) -> float:
        """Milliseconds of wall time per article, without start-up."""
        return self._per_article(self.full.wall - self.startup.wall)

    @property
    def cpu_ms_by_process(self) -> dict[str, float]:
        """CPU milliseconds per article by the name of the process, without start-up."""
        before = self.startup.cpu_by_process
        return {
            name: self._per_article(seconds - before.get(name, 0.0))
            for name, seconds in self.full.cpu_by_process.items()
        }

    def _per_article(self, seconds: float) -> float:
        return 1000 * max(seconds, 0.0) / (self.articles - 1)


@dataclass(frozen=True)
class Result:
    """The rounds of a contender, and those of the loop beside them; None without the loop."""

    rounds: Sequence[Round]
    loop_rounds: Sequence[Round] | None

    def median(self, name: str) -> float:
        """Return the median over the rounds of a property of :class:`Round`."""
        return float(statistics.median(getattr(r, name) for r in self.rounds))

    def speed(self, name: str) -> float | None:
        """Return articles per second, for "cpu_ms" or "wall_ms"; None if a run was too short."""
        return _divide(1000.0, self.median(name))

    def ratios(self, name: str) -> list[float]:
        """Return how many times faster than the loop each round was, by "cpu_ms" or "wall_ms".

        There are none if one of the runs was too short.
        """
        pairs = zip(self.rounds, self.loop_rounds or (), strict=False)
        ratios = [_divide(getattr(loop, name), getattr(own, name)) for own, loop in pairs]
        return [ratio for ratio in ratios if ratio] if all(ratios) else []

    @cached_property
    def peak(self) -> float:
        """The peak memory of the full runs in MiB."""
        return max(r.full.peak for r in self.rounds)

    @cached_property
    def startup_cpu(self) -> float:
        """CPU seconds of a run over one article, without those of its article."""
        return statistics.median(r.startup.cpu - r.cpu_ms / 1000 for r in self.rounds)

    @cached_property
    def cpu_ms_by_process(self) -> dict[str, float]:
        """The medians of CPU milliseconds per article by the name of the process."""
        names = dict.fromkeys(name for r in self.rounds for name in r.cpu_ms_by_process)
        return {
            name: statistics.median(r.cpu_ms_by_process.get(name, 0.0) for r in self.rounds)
            for name in names
        }

    def as_json(self) -> dict[str, Any]:
        """Return the figures with their units in the names, and those of each round."""
        return {
            "articles_per_cpu_sec": self.speed("cpu_ms"),
            "articles_per_sec": self.speed("wall_ms"),
            "cpu_ms_per_article": self.median("cpu_ms"),
            "wall_ms_per_article": self.median("wall_ms"),
            "startup_cpu_sec": self.startup_cpu,
            "peak_mib": self.peak,
            "cpu_ratios_to_loop": self.ratios("cpu_ms"),
            "wall_ratios_to_loop": self.ratios("wall_ms"),
            "cpu_ms_by_process": self.cpu_ms_by_process,
            "rounds": [
                {"startup": r.startup._asdict(), "full": r.full._asdict()} for r in self.rounds
            ],
        }


def _divide(dividend: float, divisor: float) -> float | None:
    return dividend / divisor if divisor else None


def make_command(contender: str, feeds: Sequence[str], output: Path) -> list[str]:
    """Return the module and arguments with which a contender writes articles to a folder."""
    if contender == "stages":
        return ["benchmarks.stage_loop", str(output), *feeds]
    if contender in _NEWSBEAM:
        workers = ["--workers", contender.rpartition("-")[2]] if has_workers_flag() else []
        inputs = ["--feeds", *feeds, "--output", str(output)]
        return ["pipeline", "ingest", *inputs, *INGEST_FLAGS, *workers]
    extractor = "trafilatura" if contender == LOOP else contender
    lines = str(output / "articles.jsonl")
    return ["benchmarks.naive_loop", "--extractor", extractor, lines, *feeds]


@functools.cache
def has_workers_flag() -> bool:
    """Return whether `ingest` of this revision has the flag ``--workers``."""
    command = [sys.executable, "-m", "pipeline", "ingest", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.search(r"(?<!\w)--workers\b", text) is not None


def reason_to_skip(contender: str) -> str | None:
    """Return why a contender cannot run, with the remedy, or None if it can."""
    module = _MODULES.get(contender)
    if module and importlib.util.find_spec(module) is None:
        return f'not installed; install it with "{sys.executable} -m pip install {contender}"'
    if contender == "ingest-2" and not has_workers_flag():
        return "`ingest` of this revision has no --workers"
    return None


def read_article_lines(output: Path) -> list[str]:
    """Return the JSON lines of the articles that a contender wrote."""
    files = sorted(output.rglob("articles.jsonl")) or [
        path for folder in output.rglob("jsonl/articles") for path in folder.rglob("*.jsonl")
    ]
    # Not splitlines, which also splits at separators that JSON leaves as they are.
    return [line for file in files for line in file.read_text(encoding="utf-8").split("\n") if line]


def measure(
    contender: str, feeds: Sequence[str], count: int, *, articles_file: Path | None = None
) -> Cost:
    """Run a contender and return its cost.

    Args:
        contender: one of `CONTENDERS`.
        feeds: the URLs of the feeds.
        count: the number of articles that it must write.
        articles_file: a file to which the articles are written as well.

    Raises:
        CalledProcessError: the contender failed.
        AssertionError: it wrote another number of articles.
    """
    with tempfile.TemporaryDirectory() as name:
        cost = measure_command(*make_command(contender, feeds, Path(name)))
        lines = read_article_lines(Path(name))
        assert len(lines) == count, f"{contender} wrote {len(lines)} articles, not {count}"
        if articles_file:
            articles_file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return cost


def measure_ingest(lengths: Sequence[int]) -> Cost:
    """Measure `ingest` with one worker over a site of articles of the given lengths in words."""
    with serve_generated_site(lengths) as feeds:
        return measure("ingest-1", feeds, len(lengths))


@contextmanager
def serve_sites(
    articles: int, words: int, pages: Path | None
) -> Iterator[tuple[int, list[str], list[str]]]:
    """Serve a site of one article and one of all articles.

    Yields:
        The number of articles, and the URLs of the feeds of both sites.

    Raises:
        ValueError: the folder has fewer than two pages that are articles.
    """
    with ExitStack() as sites:
        if pages is None:
            one = sites.enter_context(serve_generated_site([words]))
            everything = sites.enter_context(serve_generated_site(draw_lengths(articles, words)))
        else:
            selected = select_articles(read_pages(pages), articles)
            articles = len(selected)
            if articles < 2:
                raise ValueError(f"{pages}: fewer than two pages are articles")
            one = sites.enter_context(serve_pages(selected[:1]))
            everything = sites.enter_context(serve_pages(selected))
        yield articles, one, everything


def measure_rounds(
    contenders: Sequence[str],
    sites: tuple[int, list[str], list[str]],
    repeat: int,
    articles_file: Path,
) -> dict[str, Result]:
    """Run all contenders in each round, and return their results.

    Args:
        contenders: the contenders, all of which can run.
        sites: what `serve_sites` yielded.
        repeat: the number of rounds.
        articles_file: a file to which the last contender that is Newsbeam writes its articles.
    """
    count, one, everything = sites
    rounds: dict[str, list[Round]] = {name: [] for name in contenders}
    for number in range(repeat):
        for name in contenders:
            print(f"round {number + 1} of {repeat}: {name}", file=sys.stderr, flush=True)
            startup = measure(name, one, 1)
            file = articles_file if name in _NEWSBEAM else None
            full = measure(name, everything, count, articles_file=file)
            rounds[name].append(Round(count, startup, full))
    return {name: Result(own, rounds.get(LOOP)) for name, own in rounds.items()}


def measure_analysis(articles_file: Path) -> dict[str, float]:
    """Return the CPU milliseconds per article of each part of the analysis, the largest first."""
    output = articles_file.with_suffix(".profile.json")
    measure_command("benchmarks.analysis_profile", str(articles_file), str(output))
    parts: dict[str, float] = json.loads(output.read_text(encoding="utf-8"))
    return dict(sorted(parts.items(), key=lambda part: -part[1]))


def format_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the first column is aligned to the left, all others to the right."""
    table = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    )


def _format_number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _format_ratios(ratios: Sequence[float]) -> str:
    """Return the median of some ratios, with their range if there are several."""
    if not ratios:
        return "-"
    spread = f" ({min(ratios):.2f}-{max(ratios):.2f})" if len(ratios) > 1 else ""
    return f"{statistics.median(ratios):.2f}{spread}"


def format_results(results: Mapping[str, Result]) -> str:
    """Return the table of all contenders."""
    header = (
        "", "start-up CPU s", "CPU ms/article", "articles/CPU s", "articles/s", "peak MiB",
        "x loop by CPU", "x loop by time",
    )  # fmt: skip
    return format_table(
        header,
        (
            (
                name,
                _format_number(result.startup_cpu, 1),
                _format_number(result.median("cpu_ms"), 1),
                _format_number(result.speed("cpu_ms"), 2),
                _format_number(result.speed("wall_ms"), 2),
                _format_number(result.peak, 0),
                _format_ratios(result.ratios("cpu_ms")),
                _format_ratios(result.ratios("wall_ms")),
            )
            for name, result in results.items()
        ),
    )


def format_processes(results: Mapping[str, Result]) -> str:
    """Return the table of CPU time by process of the contenders that have several processes."""
    by_process = {n: r.cpu_ms_by_process for n, r in results.items() if n in _NEWSBEAM}
    names = list(dict.fromkeys(name for times in by_process.values() for name in times))
    rows = (
        (contender, *(_format_number(times.get(name), 1) for name in names))
        for contender, times in by_process.items()
    )
    return format_table(("CPU ms/article by process", *names), rows)


def format_analysis(parts: Mapping[str, float]) -> str:
    """Return the table of the parts of the analysis."""
    total = sum(parts.values())
    rows = [(name, f"{ms:.1f}", f"{ms / total:.0%}") for name, ms in parts.items()]
    header = ("analysis, by part", "CPU ms/article", "share")
    return format_table(header, [*rows, ("all", f"{total:.1f}", "100%")])


def make_results_chart(results: Mapping[str, Result], notes: Sequence[str]) -> str:
    """Return the chart of the speeds as SVG."""
    rows = []
    for name, result in results.items():
        bars = []
        for measure_name in ("cpu_ms", "wall_ms"):
            speed, ratios = result.speed(measure_name) or 0.0, result.ratios(measure_name)
            times = f"  ({statistics.median(ratios):.2f} x loop)" if ratios else ""
            bars.append(Bar(speed, f"{speed:.2f}{times}" if speed else "-"))
        rows.append((name, bars))
    series = ("articles per CPU second", "articles per second of wall time")
    return make_chart("Articles per second, from feed to records", notes, series, rows)


def describe_machine() -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    info = Path("/proc/cpuinfo")
    models = re.findall(r"(?m)^model name\s*:\s*(.+)$", info.read_text() if info.exists() else "")
    versions = {}
    for package in _VERSIONS_OF:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "versions": versions,
        "removed_environment": BLAS_VARIABLE if BLAS_VARIABLE in os.environ else None,
    }


def parse_contenders(text: str) -> list[str]:
    """Return the contenders of a list with commas.

    Raises:
        ArgumentTypeError: one is unknown.
    """
    names = [name for name in text.split(",") if name]
    unknown = sorted({*names} - {*CONTENDERS})
    if unknown or not names:
        message = f"{', '.join(unknown) or 'none'}: choose from {', '.join(CONTENDERS)}"
        raise argparse.ArgumentTypeError(message)
    return [name for name in CONTENDERS if name in names]


def run(args: argparse.Namespace) -> None:
    """Measure and print all tables, and write the files that are asked for."""
    reasons = {name: reason_to_skip(name) for name in args.contenders}
    skipped = {name: reason for name, reason in reasons.items() if reason}
    contenders = [name for name in args.contenders if name not in skipped]
    machine = describe_machine()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        articles_file = Path(folder, "articles.jsonl")
        sites = stack.enter_context(serve_sites(args.articles, args.words, args.pages))
        source = (
            f"pages of the folder {args.pages.name}"
            if args.pages
            else f"articles of {args.words} words (mean)"
        )
        rounds = "1 round" if args.repeat == 1 else f"medians of {args.repeat} rounds"
        notes = (
            f"{sites[0]} {source}, {rounds}",
            f"{machine['cores']} cores, {machine['processor']}",
        )
        print(*notes, sep="; ", end="\n\n")
        print_environment_note()
        for name, reason in skipped.items():
            print(f"{name}: skipped: {reason}\n")
        results = measure_rounds(contenders, sites, args.repeat, articles_file)
        analysis = measure_analysis(articles_file) if articles_file.exists() else {}
    print(format_results(results))
    if analysis:
        print(f"\n{format_processes(results)}\n\n{format_analysis(analysis)}")
    if args.json:
        report = {
            "articles": sites[0],
            "mean_words": None if args.pages else args.words,
            "machine": machine,
            "skipped": skipped,
            "contenders": {name: result.as_json() for name, result in results.items()},
            "analysis_cpu_ms": analysis,
        }
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if args.chart:
        write_chart(args.chart, make_results_chart(results, notes))


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.throughput", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--articles", type=int, default=200, help="number of articles (200)")
    parser.add_argument("--words", type=int, default=DEFAULT_WORDS, help="mean length (1000)")
    parser.add_argument("--pages", type=Path, help="folder of real pages, .html or .html.gz")
    parser.add_argument(
        "--contenders",
        type=parse_contenders,
        default=list(CONTENDERS),
        help=f"some of {','.join(CONTENDERS)} (all)",
    )
    parser.add_argument("--repeat", type=int, default=3, help="number of rounds (3)")
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--chart", type=Path, help="file for a chart, .svg or .png")
    args = parser.parse_args()
    try:
        if args.articles < 2 or args.repeat < 1 or args.words < 1:
            raise ValueError("--articles must be at least 2, --repeat and --words at least 1")
        if args.chart:
            check_chart_path(args.chart)
        run(args)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
