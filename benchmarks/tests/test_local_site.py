import gzip
import re
import statistics
import urllib.request
from pathlib import Path

import feedparser
import pytest

from benchmarks.local_site import (
    draw_lengths,
    read_pages,
    select_articles,
    serve_pages,
    write_site,
)

PARAGRAPH = "<p>The council voted on Monday to close the bridge for repairs, officials said.</p>\n"


def make_page(canonical: str, text: str = PARAGRAPH * 30) -> bytes:
    head = f'<link rel="canonical" href="{canonical}"><title>The bridge</title>'
    return f"<html><head>{head}</head><body><article>{text}</article></body></html>".encode()


def test_lengths_are_the_same_each_time_and_have_their_mean() -> None:
    lengths = draw_lengths(500, 1000)
    assert lengths[:100] == draw_lengths(100, 1000)
    assert 900 < statistics.mean(lengths) < 1050
    assert statistics.median(lengths) < statistics.mean(lengths)
    assert min(lengths) == 300 and max(lengths) == 2500


def test_generated_articles_are_as_long_as_asked_for(tmp_path: Path) -> None:
    lengths = [50, 1000, 7000]
    assert write_site(tmp_path, lengths) == ["/feed-0.xml"]
    sources = {path.stem: path.read_text() for path in tmp_path.rglob("n/*.html")}
    for number, length in enumerate(lengths):
        paragraphs = re.findall(r"<p>.*?</p>", sources[str(number)], re.DOTALL)
        words = [len(re.sub("<[^>]*>", " ", paragraph).split()) for paragraph in paragraphs]
        assert sum(words) >= length > sum(words[:-1])


def test_pages_are_read_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "page.html.gz").write_bytes(gzip.compress(b"two"))
    (tmp_path / "a.html").write_bytes(b"one")
    (tmp_path / "a.txt").write_bytes(b"three")
    assert list(read_pages(tmp_path)) == [b"one", b"two"]
    with pytest.raises(ValueError, match="no \\.html"):
        list(read_pages(tmp_path / "b" / "d"))


def test_only_different_articles_are_selected() -> None:
    first, second = (
        make_page(f"https://a.example/{number}", PARAGRAPH.replace("Monday", day) * 30)
        for number, day in enumerate(("Monday", "Friday"))
    )
    empty = make_page("https://a.example/3", "")
    assert select_articles(iter([empty, first, first, second]), 9) == [first, second]
    assert select_articles(iter([first, second]), 1) == [first]


def test_pages_are_served_as_they_are() -> None:
    page = make_page("https://a.example/1") + b"{{base}} \xe9"
    with serve_pages([page]) as (feed,):
        (entry,) = feedparser.parse(feed).entries
        with urllib.request.urlopen(entry.link) as answer:
            assert answer.read() == page
