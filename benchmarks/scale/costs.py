"""Measurement of unit costs: of a start, a feed, an entry, an article and its state.

Costs of the whole program are differences between runs over local sites: the processor time of all
processes except the server. The stages of an article are also timed one by one.
"""

import gzip
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.local_site import INGEST_FLAGS, SHORT_WORDS, read_pages, write_site
from benchmarks.process_cost import Cost, measure_command
from benchmarks.scale.state import StateCosts, measure_state_costs
from sample.server import SampleSite
from schemas import Article, Record
from transforms.extraction.article import extract_page
from transforms.feeds.parsing import parse_feed
from transforms.fetching.fetcher import Fetcher
from transforms.fetching.http_messages import Request
from transforms.fetching.options import FetchOptions, HttpOptions, PolitenessOptions
from transforms.language.entities.gazetteer import choose_gazetteer
from transforms.language.model_check import DEFAULT_MODEL
from transforms.language.worker import BATCH_SIZE, load_analyser
from transforms.sinks.write_records import FORMATS, partition_of, read_lines, write_file

_STAGE_REPEATS: Final = 3
_PAGE: Final = "https://news.example/page"


@dataclass(frozen=True)
class Costs:
    """Unit costs, in seconds of processor time unless stated otherwise.

    Attributes:
        start: a run without any work.
        unchanged: a feed that answers 304.
        feed: a feed that has changed, without its entries.
        known: an entry of a changed feed that is known already.
        article: a new article, from its entry to its records in the files.
        heavier: the extra time for a real page, compared with a light page of the local sites.
        records: number of records per article.
        disk_bytes: bytes of Parquet per article.
        page_bytes: bytes of a compressed page.
        base_mib: peak memory of all processes, in MiB.
        state: the costs of the state.
        stages: seconds per article in some stages, each timed alone.
    """

    start: float
    unchanged: float
    feed: float
    known: float
    article: float
    heavier: float
    records: float
    disk_bytes: float
    page_bytes: float
    base_mib: float
    state: StateCosts
    stages: dict[str, float]


def measure_unit_costs(
    articles: int,
    feeds: int,
    pages: Path | None = None,
    *,
    repeats: int = 3,
    remembered_articles: int = 200_000,
) -> Costs:
    """Measure all unit costs.

    Args:
        articles: number of articles of the local site.
        feeds: number of feeds of another local site.
        pages: a folder of real pages, ``.html`` or ``.html.gz``. Without it, real pages are assumed
            to be as light as those of the local sites.
        repeats: number of runs of which the fastest counts.
        remembered_articles: number of articles in the state that is measured.
    """
    state = measure_state_costs(remembered_articles)  # while the process has freed little memory
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = _measure_first_run(folder / "one", 1)
        many = _measure_first_run(folder / "many", articles)
        known = [_measure_changed_feeds(folder / name, repeats) for name in ("one", "many")]
        unchanged = _measure_feeds(folder / "feeds", feeds, repeats)
        runs = folder / "many" / "output" / "runs"
        parquet = [p.stat().st_size for p in runs.glob("*/parquet/**/*.parquet")]
        lines = [p.read_bytes().count(b"\n") for p in runs.glob("*/jsonl/**/*.jsonl")]
        stages, light_pages = _measure_stages(folder / "many")
        real_pages = list(read_pages(pages)) if pages else light_pages
        heavier = max(0.0, _measure_extraction(real_pages) - stages["extract"]) if pages else 0.0
    article_sec = (many.cpu - one.cpu) / (articles - 1)
    return Costs(
        start=one.cpu - article_sec,
        unchanged=unchanged[0],
        feed=unchanged[1],
        known=(known[1] - known[0]) / (articles - 1),
        article=article_sec,
        heavier=heavier,
        records=sum(lines) / articles,
        disk_bytes=sum(parquet) / articles,
        page_bytes=statistics.mean(len(gzip.compress(page)) for page in real_pages),
        base_mib=many.peak,
        state=state,
        stages=stages,
    )


def _measure_first_run(folder: Path, count: int) -> Cost:
    paths = write_site(folder / "site", [SHORT_WORDS] * count)
    with _serve_folder(folder) as base:
        feeds = [base + path for path in paths]
        return measure_command(
            "pipeline", "ingest", "--feeds", *feeds, *_output_flags(folder), *INGEST_FLAGS
        )


def _measure_changed_feeds(folder: Path, repeats: int) -> float:
    """Return the seconds of another run, after all feeds but none of their entries changed."""
    urls = [f"/{feed.name}" for feed in sorted((folder / "site").glob("feed-*.xml"))]
    with _serve_folder(folder) as base:
        feeds = [base + url for url in urls]
        return _measure_min_cpu(
            lambda: measure_command(
                "pipeline", "ingest", "--feeds", *feeds, *_output_flags(folder), *INGEST_FLAGS
            ),
            repeats,
            before=lambda number: _change_titles(folder, number),
        )


def _measure_feeds(folder: Path, count: int, repeats: int) -> tuple[float, float]:
    """Return the seconds that an unchanged and a changed feed add to a run."""
    write_site(folder / "site", [SHORT_WORDS])
    feed = (folder / "site" / "feed-0.xml").read_text(encoding="utf-8")
    for number in range(count):
        (folder / "site" / f"feed-{number}.xml").write_text(feed, encoding="utf-8")
    with _serve_folder(folder) as base:
        urls = "".join(f"{base}/feed-{number}.xml\n" for number in range(count))
        (folder / "feeds.txt").write_text(urls, encoding="utf-8")
        (folder / "feed.txt").write_text(urls.partition("\n")[0] + "\n", encoding="utf-8")

        def ingest(name: str) -> Cost:
            feeds = str(folder / name)
            return measure_command(
                "pipeline", "ingest", "--feeds", feeds, *_output_flags(folder), *INGEST_FLAGS
            )

        ingest("feeds.txt")
        one = _measure_min_cpu(lambda: ingest("feed.txt"), repeats)
        unchanged = _measure_min_cpu(lambda: ingest("feeds.txt"), repeats)
        changed = _measure_min_cpu(
            lambda: ingest("feeds.txt"), repeats, lambda number: _change_titles(folder, number)
        )
    return (unchanged - one) / (count - 1), (changed - one) / (count - 1)


def _change_titles(folder: Path, number: int) -> None:
    """Give every feed of a site a new title."""
    for path in (folder / "site").glob("feed-*.xml"):
        text = path.read_text(encoding="utf-8")
        _, start, rest = text.partition("<title>")
        text = text[: -len(start + rest)] + start + f"Feed {number}" + rest[rest.index("<") :]
        path.write_text(text, encoding="utf-8")


def _measure_min_cpu(
    run: Callable[[], Cost], repeats: int, before: Callable[[int], None] = lambda _: None
) -> float:
    """Return the minimum processor time of some runs, as other work can only add to it."""
    tries = []
    for number in range(repeats):
        before(number)
        tries.append(run().cpu)
    return min(tries)


def _output_flags(folder: Path) -> list[str]:
    return ["--output", str(folder / "output")]


@contextmanager
def _serve_folder(folder: Path) -> Iterator[str]:
    """Serve the site of a folder on the same port each time, as the state knows feeds by URL."""
    port = folder / "port"
    with SampleSite(folder / "site", port=int(port.read_text()) if port.exists() else 0) as site:
        port.write_text(site.base.rpartition(":")[2])
        yield site.base


def _measure_extraction(pages: list[bytes]) -> float:
    return _measure_cpu(lambda: [extract_page(page, url=_PAGE) for page in pages]) / len(pages)


def _measure_stages(folder: Path) -> tuple[dict[str, float], list[bytes]]:
    """Return the seconds of processor time per article in each stage, and the pages.

    The site of the folder was ingested before. Each stage is timed alone, on the input that it had.
    """
    with SampleSite(folder / "site") as site:
        feeds = [site.render(path) for path in (folder / "site").glob("feed-*.xml")]
        pages = [site.render(path) for path in (folder / "site").rglob("n/*.html")]
        url = site.base + "/harbor-courier/n/0"
        options = FetchOptions(
            HttpOptions(allow_private_networks=["127.0.0.1/32"]),
            PolitenessOptions(host_delay_sec=0),
        )
        with Fetcher(options) as fetcher:
            requests = [Request(url)] * len(pages)
            fetched = _measure_cpu(lambda: fetcher.fetch(requests))
    (lines,) = folder.glob("output/runs/*/jsonl/articles")
    articles = [
        a for path in sorted(lines.rglob("*.jsonl")) for a in read_lines(str(path), Article)
    ]
    analyse = load_analyser(DEFAULT_MODEL, None, choose_gazetteer(None))
    batches = [articles[n : n + BATCH_SIZE] for n in range(0, len(articles), BATCH_SIZE)]
    findings = [result for batch in batches for result in analyse(batch)]
    records = [record for result in findings for kind in result for record in kind]
    seconds = {
        "fetch": fetched,
        "parse": _measure_cpu(lambda: [parse_feed(feed, url=url) for feed in feeds]),
        "extract": _measure_extraction(pages) * len(pages),
        "analyse": _measure_cpu(lambda: [analyse(batch) for batch in batches]),
        "write": _measure_cpu(lambda: _write(folder, [*articles, *records])),
    }
    return {stage: total / len(articles) for stage, total in seconds.items()}, pages


def _write(folder: Path, records: list[Record]) -> None:
    by_partition: dict[str, list[Record]] = {}
    for record in records:
        by_partition.setdefault(partition_of(record), []).append(record)
    for number, rows in enumerate(by_partition.values()):
        for name in FORMATS:
            write_file(str(folder / "written" / f"{number}.{name}"), rows, name)


def _measure_cpu(work: Callable[[], object]) -> float:
    """Return the minimum processor time of some calls, in seconds."""
    tries = []
    for _ in range(_STAGE_REPEATS):
        started = time.process_time()
        work()
        tries.append(time.process_time() - started)
    return min(tries)
