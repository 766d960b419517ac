"""Local sites for benchmarks: generated articles, or the pages of a folder, with their feeds."""

import gzip
import html
import random
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import trafilatura

from sample.server import SITE, SampleSite
from transforms.core.errors import ItemError
from transforms.extraction.article import extract_page

ENTRIES_PER_FEED: Final = 500
OUTLETS: Final = ("harbor-courier", "meridian-wire", "capitol-ledger")
DEFAULT_WORDS: Final = 1000
SHORT_WORDS: Final = 400
"""The mean length of articles where the analysis is not what is measured."""
INGEST_FLAGS: Final = (
    "--allow_private_networks",
    "127.0.0.1/32",
    "--host_delay_sec",
    "0",
    "--max_pages_per_host",
    "1000000",
)
"""The flags with which `ingest` requests a local site without pauses."""

# An assumption about news: most articles are somewhat shorter than the mean, some are much longer.
_LENGTH_SIGMA: Final = 0.5
_LENGTH_RANGE: Final = (0.3, 2.5)
_SEED: Final = 7


def draw_lengths(count: int, mean_words: int = DEFAULT_WORDS) -> list[int]:
    """Return the lengths of some articles in words, the same ones each time.

    They are drawn from a log-normal distribution with the given mean and a sigma of 0.5, and cut
    off at 0.3 and 2.5 times the mean: 300 and 2,500 words for a mean of 1,000.
    """
    draw = random.Random(_SEED)
    low, high = (round(factor * mean_words) for factor in _LENGTH_RANGE)
    factors = (draw.lognormvariate(-(_LENGTH_SIGMA**2) / 2, _LENGTH_SIGMA) for _ in range(count))
    return [min(max(round(mean_words * factor), low), high) for factor in factors]


def read_sample_articles() -> dict[Path, str]:
    """Return the sources of the sample site's English articles by their files."""
    pages = [p for outlet in OUTLETS for p in sorted((SITE / outlet).rglob("*.html"))]
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    return {page: text for page, text in texts.items() if text.startswith("---\n")}


def write_site(folder: Path, lengths: Sequence[int]) -> list[str]:
    """Write a site of generated articles and return the paths of its feeds.

    Args:
        folder: the folder of the site.
        lengths: the number of words of each article. An article has the paragraphs of the sample
            site in a random order, until it is that long.
    """
    texts = read_sample_articles()
    paragraphs = [p for text in texts.values() for p in re.findall(r"<p>.*?</p>", text, re.DOTALL)]
    for outlet in OUTLETS:
        (folder / outlet / "n").mkdir(parents=True)
        shutil.copy(SITE / outlet / "layout.html", folder / outlet / "layout.html")
    chance = random.Random(_SEED)
    designs = list(texts)
    links = []
    for number, words in enumerate(lengths):
        design = designs[number % len(designs)]
        outlet = design.relative_to(SITE).parts[0]
        canonical = f"canonical: https://{outlet}.example/n/{number}"
        matter = re.sub(r"(?m)^canonical:.*$", canonical, texts[design].split("\n---\n")[0])
        body = "\n".join(_draw_paragraphs(chance, paragraphs, words))
        path = folder / outlet / "n" / f"{number}.html"
        path.write_text(f"{matter}\n---\n{body}\n", encoding="utf-8")
        links.append(f"/{outlet}/n/{number}")
    return _write_feeds(folder, links)


def _draw_paragraphs(chance: random.Random, paragraphs: Sequence[str], words: int) -> Iterator[str]:
    left = words
    while left > 0:
        for paragraph in chance.sample(paragraphs, len(paragraphs)):
            yield paragraph
            left -= len(re.sub(r"<[^>]*>", " ", paragraph).split())
            if left <= 0:
                return


def _write_feeds(folder: Path, links: Sequence[str]) -> list[str]:
    """Write the feeds that list some links, and the files that every site needs."""
    (folder / "_redirects").touch()
    (folder / "404.html").write_text("not found", encoding="utf-8")
    feeds = []
    for first in range(0, len(links), ENTRIES_PER_FEED):
        items = "".join(
            f"<item><title>{html.escape(link)}</title><link>{{{{base}}}}{link}</link></item>"
            for link in links[first : first + ENTRIES_PER_FEED]
        )
        feed = f"<rss version='2.0'><channel><title>Bench</title>{items}</channel></rss>"
        (folder / f"feed-{first}.xml").write_text(feed, encoding="utf-8")
        feeds.append(f"/feed-{first}.xml")
    return feeds


class PageSite(SampleSite):
    """A site whose pages are served byte by byte as they are."""

    def render(self, file: Path) -> bytes:
        """Return a file as served; only feeds have `{{base}}` filled in."""
        return file.read_bytes() if file.suffix == ".html" else super().render(file)


def read_pages(folder: Path) -> Iterator[bytes]:
    """Yield the pages of a folder, ``.html`` or ``.html.gz`` at any depth, in a fixed order.

    Raises:
        ValueError: there are none.
    """
    files = sorted([*folder.rglob("*.html"), *folder.rglob("*.html.gz")])
    if not files:
        raise ValueError(f"there is no .html and no .html.gz in {folder}")
    for file in files:
        body = file.read_bytes()
        yield gzip.decompress(body) if file.suffix == ".gz" else body


def select_articles(pages: Iterator[bytes], max_articles: int) -> list[bytes]:
    """Return the first pages that every contender reads as articles of their own.

    Left out are pages in which Newsbeam or trafilatura alone finds no article, and further pages
    with the same text.
    """
    selected: dict[str, bytes] = {}
    for page in pages:
        if len(selected) == max_articles:
            break
        url = f"http://127.0.0.1/{len(selected)}"
        try:
            text = extract_page(page, url=url, content_type="text/html").extraction.text
        except ItemError:
            continue
        if trafilatura.bare_extraction(page, url=url) is not None:
            selected.setdefault(text, page)
    return list(selected.values())


def write_page_site(folder: Path, pages: Sequence[bytes]) -> list[str]:
    """Write a site of pages and return the paths of its feeds."""
    (folder / "pages").mkdir(parents=True)
    for number, page in enumerate(pages):
        (folder / "pages" / f"{number}.html").write_bytes(page)
    return _write_feeds(folder, [f"/pages/{number}" for number in range(len(pages))])


@contextmanager
def serve_generated_site(lengths: Sequence[int]) -> Iterator[list[str]]:
    """Serve a new site of generated articles, and yield the URLs of its feeds.

    Args:
        lengths: the number of words of each article.
    """
    with tempfile.TemporaryDirectory() as name:
        paths = write_site(Path(name), lengths)
        with SampleSite(Path(name)) as site:
            yield [site.base + path for path in paths]


@contextmanager
def serve_pages(pages: Sequence[bytes]) -> Iterator[list[str]]:
    """Serve a new site of pages, and yield the URLs of its feeds."""
    with tempfile.TemporaryDirectory() as name:
        paths = write_page_site(Path(name), pages)
        with PageSite(Path(name)) as site:
            yield [site.base + path for path in paths]
