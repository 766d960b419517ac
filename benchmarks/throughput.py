"""CPU and memory of `ingest` compared with a plain loop, over one local site.

usage: python -m benchmarks.throughput [--articles 200]

Each article of the site has ten paragraphs drawn from the sample site's English pages, in one of
their designs. This process serves the site; `ingest` and the loop run one after the other, each in
its own process. Start-up (imports, the model) is measured as a run over one article and subtracted.
CPU seconds and memory are sums over all processes of `ingest` or the loop.
"""

import argparse
import random
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.process_cost import Cost, measure_command
from sample.server import SITE, SampleSite

PARAGRAPHS: Final = 10
ENTRIES_PER_FEED: Final = 500
OUTLETS: Final = ("harbor-courier", "meridian-wire", "capitol-ledger")


def read_sample_articles() -> dict[Path, str]:
    """Return the sources of the sample site's English articles by their files."""
    pages = [p for outlet in OUTLETS for p in sorted((SITE / outlet).rglob("*.html"))]
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    return {page: text for page, text in texts.items() if text.startswith("---\n")}


def write_site(folder: Path, count: int, paragraphs_each: int = PARAGRAPHS) -> list[str]:
    """Write a site of ``count`` articles and return the paths of its feeds."""
    texts = read_sample_articles()
    paragraphs = [p for text in texts.values() for p in re.findall(r"<p>.*?</p>", text, re.DOTALL)]
    for outlet in OUTLETS:
        (folder / outlet / "n").mkdir(parents=True)
        shutil.copy(SITE / outlet / "layout.html", folder / outlet / "layout.html")
    (folder / "_redirects").touch()
    (folder / "404.html").write_text("not found", encoding="utf-8")
    chance = random.Random(7)
    designs = list(texts)
    links = []
    for number in range(count):
        design = designs[number % len(designs)]
        outlet = design.relative_to(SITE).parts[0]
        canonical = f"canonical: https://{outlet}.example/n/{number}"
        matter = re.sub(r"(?m)^canonical:.*$", canonical, texts[design].split("\n---\n")[0])
        body = "\n".join(chance.sample(paragraphs, paragraphs_each))
        path = folder / outlet / "n" / f"{number}.html"
        path.write_text(f"{matter}\n---\n{body}\n", encoding="utf-8")
        links.append(f"/{outlet}/n/{number}")
    feeds = []
    for first in range(0, count, ENTRIES_PER_FEED):
        items = "".join(
            f"<item><title>{link}</title><link>{{{{base}}}}{link}</link></item>"
            for link in links[first : first + ENTRIES_PER_FEED]
        )
        feed = f"<rss version='2.0'><channel><title>Bench</title>{items}</channel></rss>"
        (folder / f"feed-{first}.xml").write_text(feed, encoding="utf-8")
        feeds.append(f"/feed-{first}.xml")
    return feeds


@contextmanager
def serve_generated_site(count: int) -> Iterator[list[str]]:
    """Serve a new site of ``count`` articles, and yield the URLs of its feeds."""
    with tempfile.TemporaryDirectory() as name:
        paths = write_site(Path(name), count)
        with SampleSite(Path(name)) as site:
            yield [site.base + path for path in paths]


def measure_loop(count: int) -> Cost:
    """Measure the loop over ``count`` articles."""
    with serve_generated_site(count) as feeds, tempfile.TemporaryDirectory() as out:
        cost = measure_command("benchmarks.naive_loop", f"{out}/articles.jsonl", *feeds)
        lines = Path(out, "articles.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(lines) == count, (len(lines), count)
        return cost


def measure_ingest(count: int) -> Cost:
    """Measure `ingest` over ``count`` articles."""
    with serve_generated_site(count) as feeds, tempfile.TemporaryDirectory() as out:
        flags = [
            "--allow_private_networks",
            "127.0.0.1/32",
            "--host_delay_sec",
            "0",
            "--max_pages_per_host",
            "1000000",
        ]
        cost = measure_command("pipeline", "ingest", "--feeds", *feeds, "--output", out, *flags)
        (articles,) = Path(out).glob("runs/*/jsonl/articles")
        lines = sum(
            len(p.read_text(encoding="utf-8").splitlines()) for p in articles.rglob("*.jsonl")
        )
        assert lines == count, (lines, count)
        return cost


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=200, help="number of articles")
    args = parser.parse_args()
    count = args.articles

    print(
        f"{'':<8}{'start-up CPU s':>16}{'CPU ms/article':>16}{'articles/CPU s':>16}{'peak MiB':>10}"
    )
    speeds, peaks = {}, {}
    for name, measure in (("loop", measure_loop), ("ingest", measure_ingest)):
        small, large = measure(1), measure(count)
        cpu_sec = (large.cpu - small.cpu) / (count - 1)  # per article
        speeds[name], peaks[name] = 1 / cpu_sec, large.peak
        print(
            f"{name:<8}{small.cpu:>16.1f}{cpu_sec * 1000:>16.1f}{1 / cpu_sec:>16.2f}"
            f"{peaks[name]:>10.0f}"
        )
    print(f"\ningest / loop, articles per CPU second: {speeds['ingest'] / speeds['loop']:.2f}")


if __name__ == "__main__":
    main()
