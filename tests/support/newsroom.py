"""A site with one feed, and an output folder that runs fill, one after the other."""

import argparse
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.cli import run_command
from tests.support.web_server import WebReply, WebServer
from transforms.fetching.options import FetchOptions, fetch_options

FIRST = (
    "The council voted on Tuesday to close the harbor bridge for repairs until spring. "
    "“We had no other choice,” said Mayor Ana Torres, who had asked for more time. "
    "Ferries will run every hour, and buses will take the longer road around the bay."
)
SECOND = FIRST.replace("until spring", "until the end of the year, two months longer than planned")


def page(text: str, head: str = "") -> str:
    return (
        f"<html lang=en><head><title>Bridge closes</title>{head}</head><body><article>"
        f"<h1>Bridge closes</h1><p>{text}</p></article></body></html>"
    )


def item(web: WebServer, path: str, **more: str) -> str:
    fields = {"title": "Bridge closes", "link": web.base + path, "guid": path} | more
    return "<item>" + "".join(f"<{k}>{v}</{k}>" for k, v in fields.items()) + "</item>"


@dataclass
class Newsroom:
    """A site with one feed, and an output folder that runs fill."""

    web: WebServer
    folder: Path
    state: str
    runs: int = 0
    requests: list[str] = field(default_factory=list)

    def publish(self, *items: str, head: str = "", **answer: Any) -> None:
        """Set the feed."""
        body = (
            "<rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/'>"
            f"<channel><title>T</title>{head}{''.join(items)}</channel></rss>"
        )
        headers = {"Content-Type": "application/rss+xml"} | answer.pop("headers", {})
        self.web.replies["/feed"] = WebReply(body.encode(), headers=headers, **answer)

    def run(self, *flags: str) -> dict[str, Any]:
        """Run, and return the summary, empty if nothing was due. Sets ``requests``."""
        self.runs += 1
        name, before = f"run-{self.runs}", len(self.web.requests)
        command = ["ingest", "--feeds", f"{self.web.base}/feed", "--output", str(self.folder)]
        command += ["--run_id", name, "--state", self.state, "--max_dead_letter_ratio", "1"]
        command += ["--allow_private_networks", "127.0.0.1/32", "--host_delay_sec", "0"]
        assert run_command([*command, *flags]) == 0
        self.requests = [p for p in self.web.requests[before:] if p != "/robots.txt"]
        folder = self.folder / "runs" / name
        if not folder.exists():
            assert not self.requests
            return {}
        data: dict[str, Any] = json.loads((folder / "summary.json").read_text())
        assert data["adds_up"]
        return data

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the records of all runs, in the order of the runs."""
        files = sorted(self.folder.glob(f"runs/*/jsonl/{table}/**/*.jsonl"))
        return [json.loads(line) for f in files for line in f.read_text("utf-8").splitlines()]


def fetch_without_pauses(args: argparse.Namespace) -> FetchOptions:
    return replace(fetch_options(args), first_pause_sec=0.0)
