"""Runs one after the other over feeds that change, through real HTTP."""

import argparse
import datetime as dt
import functools
import json
from dataclasses import dataclass, field, replace
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import run_command
from tests.support.hdfs_like_filesystem import SCHEME, HdfsLikeFileSystem
from tests.support.web_server import WebReply, WebServer
from transforms.core.clock import now
from transforms.fetching.options import FetchOptions, fetch_options
from transforms.state.retries import fail_entry
from transforms.state.store import StateStore

assert HdfsLikeFileSystem.scheme() == SCHEME
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


@pytest.fixture
def newsroom(
    web: WebServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reused_workers: None,  # noqa: ARG001
) -> Newsroom:
    """Return a site and an output folder. Failed entries are due again at once."""
    at_once = functools.partial(fail_entry, first_backoff=dt.timedelta(0))
    for stage in ("fetch_pages", "extract_articles"):
        monkeypatch.setattr(f"transforms.{stage}.fail_entry", at_once)
    monkeypatch.setattr("pipeline.commands.ingest.fetch_options", fetch_without_pauses)
    return Newsroom(web, tmp_path / "output", str(tmp_path / "state"))


@pytest.fixture(params=[False, True], ids=["a file a run", "a snapshot a run"])
def compacted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Make runs write a snapshot of the state, or not."""
    if request.param:
        store = functools.partial(StateStore, changes_before_snapshot=0, share_before_snapshot=0)
        monkeypatch.setattr("pipeline.prepare.StateStore", store)
    return bool(request.param)


def test_an_edited_article_is_a_new_version(
    newsroom: Newsroom, web: WebServer, compacted: bool
) -> None:
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1"))
    assert newsroom.run()["outcomes"]["article"] == 1
    web.html("/1", page(SECOND))
    assert newsroom.run()["outcomes"]["known"] == 1  # its feed does not say that it changed
    assert newsroom.requests == ["/feed"]
    newsroom.publish(item(web, "/1", title="Bridge closes for longer"))
    assert newsroom.run()["outcomes"]["article"] == 1
    assert newsroom.run()["outcomes"]["known"] == 1

    first, second = newsroom.rows("articles")
    assert (first["version"], second["version"]) == (1, 2)
    assert first["article_id"] != second["article_id"]
    assert first["lineage_id"] == second["lineage_id"] == first["article_id"]
    assert "until spring" in first["text"] and "two months longer" in second["text"]
    assert first["canonical_url"] == second["canonical_url"]
    quotes = newsroom.rows("quotes")
    assert {q["article_id"] for q in quotes} == {first["article_id"], second["article_id"]}
    assert bool([*Path(newsroom.state).glob("snapshot-*.state")]) == compacted


def test_an_edit_that_leaves_the_text_is_no_version(newsroom: Newsroom, web: WebServer) -> None:
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1"))
    newsroom.run()
    newsroom.publish(item(web, "/1", title="The bridge closes"))
    assert newsroom.run()["outcomes"]["known"] == 1
    assert newsroom.requests == ["/feed", "/1"]
    newsroom.run()
    assert newsroom.requests == ["/feed"]
    assert len(newsroom.rows("articles")) == 1


@pytest.mark.usefixtures("compacted")
def test_an_entry_republished_at_another_address_is_no_second_article(
    newsroom: Newsroom, web: WebServer
) -> None:
    web.html("/1", page(FIRST))
    web.html("/one", page(FIRST))
    newsroom.publish(item(web, "/1"))
    newsroom.run()
    newsroom.publish(item(web, "/one", guid="/1"))
    assert newsroom.run()["outcomes"]["known"] == 1
    assert len(newsroom.rows("articles")) == 1
    web.html("/one", page(SECOND))
    newsroom.publish(item(web, "/one", guid="/1", title="Closed for longer"))
    assert newsroom.run()["outcomes"]["article"] == 1
    first, second = newsroom.rows("articles")
    assert second["lineage_id"] == first["lineage_id"] and second["version"] == 2


@pytest.mark.usefixtures("compacted")
def test_temporary_failures_are_retried(newsroom: Newsroom, web: WebServer) -> None:
    web.html("/1", page(FIRST))
    web.replies["/2"] = WebReply(b"", 500)
    newsroom.publish(item(web, "/1"), item(web, "/2"))
    summary = newsroom.run()
    assert (summary["outcomes"]["article"], summary["outcomes"]["dead_letter"]) == (1, 1)
    newsroom.publish(item(web, "/1"))  # the feed has forgotten it; the state has not
    summary = newsroom.run()
    assert summary["outcomes"] == {"article": 0, "known": 1, "duplicate": 0, "dead_letter": 1}
    assert newsroom.requests == ["/feed", "/2", "/2"]
    web.html("/2", page(SECOND))
    assert newsroom.run()["outcomes"]["article"] == 1
    newsroom.run()
    assert newsroom.requests == ["/feed"]
    assert len({row["article_id"] for row in newsroom.rows("articles")}) == 2


def test_missing_pages_are_given_up_unless_their_feed_changes_them(
    newsroom: Newsroom, web: WebServer
) -> None:
    newsroom.publish(item(web, "/1"))
    for _ in range(3):
        assert newsroom.run()["outcomes"]["dead_letter"] == 1
        assert newsroom.requests == ["/feed", "/1"]
    assert newsroom.run()["outcomes"]["known"] == 1
    assert newsroom.requests == ["/feed"]
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1", title="Bridge closes after all"))
    assert newsroom.run()["outcomes"]["article"] == 1


def test_the_feeds_own_text_replaces_a_missing_page_and_is_replaced_by_it(
    newsroom: Newsroom, web: WebServer
) -> None:
    def publish(text: str) -> None:
        newsroom.publish(item(web, "/1", **{"content:encoded": f"<![CDATA[<p>{text}</p>]]>"}))

    publish(FIRST)
    newsroom.run()
    web.html("/1", page(SECOND))
    publish(SECOND)
    newsroom.run()
    web.replies.pop("/1")
    publish(FIRST)  # worse than the page that is known
    assert newsroom.run()["outcomes"]["known"] == 1
    rows = newsroom.rows("articles")
    found = [(row["version"], row["extraction_method"]) for row in rows]
    assert found == [(1, "feed_content"), (2, "trafilatura")]


def test_a_feed_with_status_410_is_retired(newsroom: Newsroom) -> None:
    newsroom.publish(status=410)
    summary = newsroom.run()
    assert summary["feed_statuses"]["retired"] == 1
    (health,) = newsroom.rows("feed_health")
    assert (health["status"], health["failure_class"], health["next_due"]) == (
        "retired",
        "Http410",
        None,
    )
    assert newsroom.run() == {}
    assert len(newsroom.rows("feed_health")) == 1


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_of_a_feed_is_obeyed(newsroom: Newsroom, form: str) -> None:
    later = format_datetime(now() + dt.timedelta(hours=2), usegmt=True)
    after = "7200" if form == "seconds" else later
    newsroom.publish(status=503, headers={"Retry-After": after})
    assert newsroom.run()["feed_statuses"]["failed"] == 1
    assert newsroom.requests == ["/feed"]
    assert newsroom.run() == {}
    (health,) = newsroom.rows("feed_health")
    due = dt.datetime.fromisoformat(health["next_due"].replace("Z", "+00:00"))
    assert dt.timedelta(hours=1.9) < due - now() < dt.timedelta(hours=2.5)
    assert health["consecutive_failures"] == 1 and health["failure_class"] == "Http503"


def test_only_due_feeds_skips_feeds_that_are_not_due(
    newsroom: Newsroom, web: WebServer, capsys: pytest.CaptureFixture[str]
) -> None:
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1"), head="<ttl>120</ttl>")
    assert newsroom.run("--only_due_feeds")["feed_statuses"]["ok"] == 1
    assert newsroom.run("--only_due_feeds") == {}
    assert capsys.readouterr().out.endswith(
        "\nfeeds: 1 = 1 not due\nentries: 0 = 0 article\nrecords: none\n\n"
        f"records in {newsroom.folder}\n"
    )
    assert newsroom.run()["feed_statuses"]["ok"] == 1


def test_a_feed_that_has_moved_permanently_is_requested_at_its_new_address(
    newsroom: Newsroom, web: WebServer
) -> None:
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1"))
    web.replies["/new"] = web.replies["/feed"]
    web.replies["/feed"] = WebReply(status=308, headers={"Location": "/new"})
    newsroom.run()
    assert newsroom.requests == ["/feed", "/new", "/1"]
    newsroom.run()
    assert newsroom.requests == ["/new"]
    assert {h["feed_url"] for h in newsroom.rows("feed_health")} == {f"{web.base}/feed"}


def test_validators_are_sent_and_304_yields_no_entries(newsroom: Newsroom, web: WebServer) -> None:
    web.html("/1", page(FIRST))
    date = "Fri, 20 Nov 2026 09:00:00 GMT"
    newsroom.publish(item(web, "/1"), headers={"ETag": '"v1"', "Last-Modified": date})
    newsroom.run()
    web.replies["/feed"] = WebReply(status=304)
    for _ in range(2):
        summary = newsroom.run()
        assert summary["feed_statuses"]["unchanged"] == 1 and summary["entries"] == 0
        assert newsroom.requests == ["/feed"]
        assert web.headers[-1]["if-none-match"] == '"v1"'
        assert web.headers[-1]["if-modified-since"] == date
    newsroom.publish(item(web, "/1"), headers={"ETag": '"v2"'})
    newsroom.run()
    newsroom.run()
    assert web.headers[-1]["if-none-match"] == '"v2"'
    assert "if-modified-since" not in web.headers[-1]


def test_opt_outs_are_recorded(newsroom: Newsroom, web: WebServer) -> None:
    web.html("/1", page(FIRST, "<meta name=robots content='NOINDEX, follow'>"))
    web.html("/2", page(SECOND))
    web.replies["/2"].headers["TDM-Reservation"] = "1"
    newsroom.publish(item(web, "/1"), item(web, "/2"))
    newsroom.run()
    found = {a["url"]: (a["noindex"], a["tdm_reserved"]) for a in newsroom.rows("articles")}
    assert found == {f"{web.base}/1": (True, False), f"{web.base}/2": (False, True)}


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_state_leads_to_no_duplicates(
    newsroom: Newsroom, web: WebServer, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1"))
    newsroom.run()
    (path,) = Path(newsroom.state).glob("run-*.state")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:100])
    else:
        path.unlink()
    assert newsroom.run()["outcomes"]["known"] == 1
    assert newsroom.requests == ["/feed"]
    assert ("is damaged" in caplog.text) == (damage == "cut")


def test_state_may_be_on_another_file_system(
    newsroom: Newsroom, web: WebServer, tmp_path: Path
) -> None:
    newsroom.state = f"{SCHEME}://{tmp_path}/remote"
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1"))
    assert newsroom.run()["outcomes"]["article"] == 1
    assert newsroom.run()["outcomes"]["known"] == 1
    names = sorted(p.name for p in (tmp_path / "remote").iterdir())
    assert names == ["run-run-1.state", "run-run-2.state"]
