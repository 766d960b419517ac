"""A run of `ingest` over hostile documents, beside ordinary ones and an archive of feeds.

usage: python -m benchmarks.hostile [--feeds ARCHIVE.tar.gz] [--only TEXT]

One local server plays all hosts of the run: every host name resolves to it, so no request leaves
the machine. It serves the cases of :mod:`benchmarks.hostile_cases`, the feeds of the archive, some
ordinary articles, and one more ordinary article at every other address. A first run reads only the
ordinary articles; a second one reads everything and must give the same records for them.

Prints the outcome of each hostile document and the time of the run. Exits with 1 if an input is
unaccounted for, if a record of an ordinary article differs, or if a dead letter has the type of a
built-in Python error, which a stage should have caught and named.
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
from benchmarks.local_site import read_sample_articles
from benchmarks.process_cost import sample_processes
from pipeline.cli import run_command
from transforms.core.isolated_process import LimitOptions

_RUN_FIELDS: Final = frozenset({"run_id", "fetched_at", "duration", "first_seen_at"})
_TABLES: Final = ("articles", "entities", "quotes", "topics")


@dataclass
class SimulatedWeb:
    """The documents of the run by URL, served on one loopback port under every host name."""

    documents: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, Mapping[str, str]] = field(default_factory=dict)
    port: int = 0

    def add(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> str:
        """Add a document and return its URL."""
        self.documents[url] = body
        self.headers[url] = headers or {}
        return url

    @contextmanager
    def served(self) -> Iterator[None]:
        """Serve the documents, and resolve every host name to them, while the context lasts."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        server.daemon_threads = True
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

        def resolve(*_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", self.port))]

        try:
            with (
                mock.patch("socket.getaddrinfo", resolve),
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
                return  # the client had read enough

        def log_message(self, *_: object) -> None:
            return

    return Handler


def add_ordinary_articles(site: SimulatedWeb) -> list[str]:
    """Add the articles of the sample site, with feeds that list them; return the feeds' URLs."""
    feeds = []
    for number, text in enumerate(read_sample_articles().values()):
        url = f"http://ordinary-{number % 4}.example/{number}"
        body = text.split("\n---\n", 1)[1]
        site.add(url, f"<html><body><article>{body}</article></body></html>".encode())
        items = f"<item><title>{number}</title><link>{url}</link></item>"
        feeds.append(site.add(f"http://ordinary.example/feed-{number}", make_feed(items)))
    return feeds


def add_hostile_documents(site: SimulatedWeb, only: str) -> list[str]:
    """Add the hostile feeds, and feeds of the hostile pages; return the feeds' URLs.

    Args:
        site: where they are added.
        only: a text that the names of the cases must contain.
    """
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
    """Add the feeds of a tar file, with http links that the server answers; return their URLs."""
    feeds = []
    with tarfile.open(archive) as tar:
        for number, member in enumerate(m for m in tar if m.isfile()):
            body = tar.extractfile(member)
            assert body is not None
            url = f"http://archive.example/{number}/{quote(Path(member.name).name)}"
            feeds.append(site.add(url, body.read().replace(b"https://", b"http://")))
    return feeds


def run_ingest(feeds: list[str], output: Path) -> dict[str, Any]:
    """Run `ingest` over feeds and return its summary."""
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
    """Return the records of a table."""
    files = sorted(output.glob(f"runs/*/jsonl/{table}/**/*.jsonl"))
    return [json.loads(line) for f in files for line in f.read_text("utf-8").splitlines()]


def read_ordinary_records(output: Path) -> list[str]:
    """Return the records of the ordinary articles, without what differs from run to run."""
    articles = read_records(output, "articles")
    ids = {a["article_id"] for a in articles if a["url"].startswith("http://ordinary-")}
    return sorted(
        json.dumps({key: value for key, value in row.items() if key not in _RUN_FIELDS})
        for table in _TABLES
        for row in read_records(output, table)
        if row["article_id"] in ids
    )


def describe_outcomes(output: Path) -> dict[str, str]:
    """Return the outcome of each document by its URL: an article or a dead letter."""
    outcomes = {
        a["url"]: f"article, {a['word_count']} words" for a in read_records(output, "articles")
    }
    for letter in read_records(output, "dead_letters"):
        outcomes[letter["source"]] = f"{letter['error_type']}: {letter['message']}"
    return outcomes


def main() -> None:
    """Parse the command line, run and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--feeds", type=Path, metavar="ARCHIVE", help="more feeds, as a tar file")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases with this name")
    args = parser.parse_args()
    site = SimulatedWeb()
    ordinary, hostile = add_ordinary_articles(site), add_hostile_documents(site, args.only)
    archived = add_archived_feeds(site, args.feeds) if args.feeds else []
    with tempfile.TemporaryDirectory() as name, site.served():
        before, after = Path(name, "before"), Path(name, "after")
        run_ingest(ordinary, before)
        started = time.monotonic()
        with sample_processes() as samples:
            summary = run_ingest([*ordinary, *hostile, *archived], after)
        seconds = time.monotonic() - started
        sys.exit(
            print_report(summary, before, after, hostile, seconds=seconds, peak=max(samples.memory))
        )


def print_report(
    summary: dict[str, Any],
    before: Path,
    after: Path,
    hostile: list[str],
    *,
    seconds: float,
    peak: float,
) -> bool:
    """Print the outcomes of a run, and return whether anything is wrong."""
    outcomes = describe_outcomes(after)
    for url in hostile:
        page_url = url.replace("/of/", "/page/")
        print(f"{unquote(urlsplit(url).path)[1:]:<45} {outcomes.get(page_url, 'read')[:120]}")
    expected, found = read_ordinary_records(before), read_ordinary_records(after)
    kinds = Counter(d["error_type"] for d in read_records(after, "dead_letters"))
    print(f"\n{summary['feeds']} feeds, {summary['entries']} entries: {summary['outcomes']}")
    print(f"dead letters: {dict(kinds.most_common())}")
    print(f"records of ordinary articles: {len(expected)}, unchanged: {expected == found}")
    limits = LimitOptions()
    print(
        f"{seconds:.0f} s, {peak:.0f} MiB peak; limits per item:"
        f" {limits.item_time_limit_sec:g} s, {limits.item_memory_limit_mb} MiB"
    )
    unnamed = sorted(kind for kind in kinds if hasattr(builtins, kind))
    print(f"built-in error types in dead letters: {unnamed}")
    return not summary["adds_up"] or expected != found or not expected or bool(unnamed)


if __name__ == "__main__":
    main()
