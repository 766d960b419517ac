"""`ingest` over hostile documents, and over a folder or archive of feeds, beside ordinary ones.

usage: python -m benchmarks.hostile [--feeds ARCHIVE.tar.gz] [--only TEXT]

One local server is every host of the run: whatever name is looked up leads there, so that nothing
is sent anywhere else. It serves the cases of :mod:`benchmarks.hostile_cases`, the feeds of the
archive, some ordinary articles, and an ordinary article at every other address. The run is made
twice, first over the ordinary articles alone: their records must be the same beside the hostile
ones. Printed is how each hostile document ended, and how long the run took; it exits with 1 if an
input is unaccounted for, a record of the ordinary articles differs, or a stage raised an error
that it should have given a name.
"""

import argparse
import builtins
import json
import socket
import sys
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from unittest import mock
from urllib.parse import quote, unquote, urlsplit

from benchmarks.hostile_cases import FEEDS, HEADERS, PAGES, make_feed, make_page
from benchmarks.process_cost import sample_memory
from benchmarks.throughput import read_sample_articles
from pipeline.cli import run_command
from transforms.core.isolation import LimitOptions

_RUN_FIELDS: Final = frozenset({"run_id", "fetched_at", "duration", "first_seen_at"})
_TABLES: Final = ("articles", "entities", "quotes", "topics")


@dataclass
class SimulatedWeb:
    """All documents of the run, by their addresses, on one loopback port."""

    documents: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, Mapping[str, str]] = field(default_factory=dict)
    port: int = 0

    def add(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> str:
        """Put a document at an address; returns the address."""
        self.documents[url] = body
        self.headers[url] = headers or {}
        return url

    @contextmanager
    def served(self) -> Iterator[None]:
        """Serve it, and lead every name to it, while the context lasts."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        server.daemon_threads = True
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

        def here(*_: Any, **__: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", self.port))]

        try:
            with (
                mock.patch("socket.getaddrinfo", here),
                mock.patch(
                    "transforms.fetching.private_address_guard.is_public", lambda _: False
                ),  # for literals
            ):
                yield
        finally:
            server.shutdown()
            server.server_close()


def _handler_of(site: SimulatedWeb) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = f"http://{self.headers.get('Host', '')}{self.path}"
            if self.path == "/robots.txt":
                self._answer(404, b"", {})
            elif url in site.documents:
                self._answer(200, site.documents[url], site.headers[url])
            else:
                self._answer(200, make_page(f"<p>This is about {quote(url)[:200]}.</p>"), {})

        def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                return  # it had read enough

        def log_message(self, *_: object) -> None:
            return

    return Handler


def add_ordinary_articles(site: SimulatedWeb) -> list[str]:
    """Feeds of ordinary articles: those of the sample site."""
    feeds = []
    for number, text in enumerate(read_sample_articles().values()):
        url = f"http://ordinary-{number % 4}.example/{number}"
        body = text.split("\n---\n", 1)[1]
        site.add(url, f"<html><body><article>{body}</article></body></html>".encode())
        items = f"<item><title>{number}</title><link>{url}</link></item>"
        feeds.append(site.add(f"http://ordinary.example/feed-{number}", make_feed(items)))
    return feeds


def add_hostile_documents(site: SimulatedWeb, only: str) -> list[str]:
    """Feeds that are hostile, and feeds of pages that are."""
    feeds = []
    for name, body in PAGES.items():
        if only in name:
            url = f"http://hostile.example/page/{quote(name)}"
            site.add(url, body(), HEADERS.get(name))
            items = f"<item><title>{name}</title><link>{url}</link></item>"
            feeds.append(site.add(f"http://hostile.example/of/{quote(name)}", make_feed(items)))
    for name, body in FEEDS.items():
        if only in name:
            url = f"http://hostile.example/feed/{quote(name)}"
            feeds.append(site.add(url, body(), HEADERS.get(name)))
    return feeds


def add_archived_feeds(site: SimulatedWeb, archive: Path) -> list[str]:
    """The feeds of an archive, their links led to where this program can answer them."""
    feeds = []
    with tarfile.open(archive) as tar:
        for number, member in enumerate(m for m in tar if m.isfile()):
            body = tar.extractfile(member)
            assert body is not None
            url = f"http://archive.example/{number}/{quote(Path(member.name).name)}"
            feeds.append(site.add(url, body.read().replace(b"https://", b"http://")))
    return feeds


def run_ingest(feeds: list[str], output: Path) -> dict[str, Any]:
    """A run over feeds; its summary."""
    listed = output.with_suffix(".txt")
    listed.write_text("\n".join(feeds), encoding="utf-8")
    command = ["ingest", "--feeds", str(listed), "--output", str(output), "--formats", "jsonl"]
    command += ["--host_delay_sec", "0", "--allow_private_networks", "127.0.0.1/32"]
    command += ["--max_dead_letter_ratio", "1", "--max_pages_per_host", "100000"]
    if run_command(command) != 0:
        sys.exit("the run failed")
    (path,) = output.glob("runs/*/summary.json")
    summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return summary


def read_records(output: Path, table: str) -> list[dict[str, Any]]:
    """The records of a type."""
    files = sorted(output.glob(f"runs/*/jsonl/{table}/**/*.jsonl"))
    return [json.loads(line) for f in files for line in f.read_text("utf-8").splitlines()]


def read_ordinary_records(output: Path) -> list[str]:
    """The records of the ordinary articles, without what differs from run to run."""
    articles = read_records(output, "articles")
    ids = {a["article_id"] for a in articles if a["url"].startswith("http://ordinary-")}
    return sorted(
        json.dumps({key: value for key, value in row.items() if key not in _RUN_FIELDS})
        for table in _TABLES
        for row in read_records(output, table)
        if row["article_id"] in ids
    )


def describe_outcomes(output: Path) -> dict[str, str]:
    """How each hostile document ended, by its address."""
    found = {
        a["url"]: f"article, {a['word_count']} words" for a in read_records(output, "articles")
    }
    for letter in read_records(output, "dead_letters"):
        found[letter["source"]] = f"{letter['error_type']}: {letter['message']}"
    return found


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--feeds", type=Path, metavar="ARCHIVE", help="more feeds, as a tar file")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases with this name")
    args = parser.parse_args()
    site = SimulatedWeb()
    good, bad = add_ordinary_articles(site), add_hostile_documents(site, args.only)
    more = add_archived_feeds(site, args.feeds) if args.feeds else []
    with tempfile.TemporaryDirectory() as name, site.served():
        before, after = Path(name, "before"), Path(name, "after")
        run_ingest(good, before)
        started = time.monotonic()
        with sample_memory() as peaks:
            summary = run_ingest([*good, *bad, *more], after)
        seconds = time.monotonic() - started
        sys.exit(print_report(summary, before, after, bad, seconds=seconds, peak=max(peaks)))


def print_report(
    summary: dict[str, Any],
    before: Path,
    after: Path,
    bad: list[str],
    *,
    seconds: float,
    peak: float,
) -> bool:
    """Print what came of the run; whether anything is wrong."""
    ended = describe_outcomes(after)
    for url in bad:
        page_url = url.replace("/of/", "/page/")
        print(f"{unquote(urlsplit(url).path)[1:]:<45} {ended.get(page_url, 'read')[:120]}")
    expected, found = read_ordinary_records(before), read_ordinary_records(after)
    kinds = Counter(d["error_type"] for d in read_records(after, "dead_letters"))
    print(f"\n{summary['feeds']} feeds, {summary['entries']} entries: {summary['outcomes']}")
    print(f"dead letters: {dict(kinds.most_common())}")
    print(f"records of ordinary articles: {len(expected)}, the same: {expected == found}")
    limits = LimitOptions()
    print(
        f"{seconds:.0f} s, {peak:.0f} MiB at most; limits an item:"
        f" {limits.item_time_limit_sec:g} s, {limits.item_memory_limit_mb} MiB"
    )
    unnamed = sorted(kind for kind in kinds if hasattr(builtins, kind))
    print(f"errors without a name of ours: {unnamed}")
    return not summary["adds_up"] or expected != found or not expected or bool(unnamed)


if __name__ == "__main__":
    main()
