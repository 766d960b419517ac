"""The main job over the sample site, through real HTTP."""

import json
import multiprocessing
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.cli import run_command
from sample.server import SampleSite
from schemas import RECORDS
from schemas.jsonable import from_json
from tests.support.engines.engine import EmbeddedJobService
from tests.support.hdfs_like_filesystem import SCHEME, HdfsLikeFileSystem
from tests.support.leases import use_lease_timing
from tests.support.run_comparison import read_records, read_summary

LOCAL = ("--allow_private_networks", "127.0.0.1/32", "--host_delays", "127.0.0.1=0")
ROOT = Path(__file__).parents[2]
assert HdfsLikeFileSystem.scheme() == SCHEME


@dataclass
class Ingested:
    """An output folder, and the requests that filled it."""

    output: Path
    requests: list[tuple[str, str, int]]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the records of a table, from the JSON lines."""
        files = sorted(self.output.glob(f"runs/*/jsonl/{table}/**/*.jsonl"))
        lines = (line for file in files for line in file.read_text(encoding="utf-8").splitlines())
        return [json.loads(line) for line in lines]

    def summary(self, number: int = 0) -> dict[str, Any]:
        """Return the summary of a run, by its number."""
        path = sorted(self.output.glob("runs/*/summary.json"))[number]
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return data


def ingest(site: SampleSite, output: Path, *flags: str) -> int:
    feeds = ["--feeds", f"{site.base}/feeds.opml", "--output", str(output)]
    return run_command(["ingest", *feeds, *LOCAL, *flags])


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite() as served:
        yield served


@pytest.fixture(scope="module")
def run(site: SampleSite, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    output = tmp_path_factory.mktemp("output")
    assert ingest(site, output, "--run_id", "first") == 0
    return Ingested(output, list(site.requests))


@pytest.fixture(scope="module")
def articles(run: Ingested) -> dict[str, dict[str, Any]]:
    return {row["article_id"]: row for row in run.rows("articles")}


def test_every_input_has_one_outcome(run: Ingested) -> None:
    summary = run.summary()
    assert summary["adds_up"]
    assert summary["entries"] == sum(summary["outcomes"].values())
    assert summary["feeds"] == sum(summary["feed_statuses"].values()) == 10
    assert summary["feed_statuses"]["failed"] == 2
    assert summary["outcomes"]["article"] == summary["records"]["articles"] >= 40
    assert summary["outcomes"]["duplicate"] >= 2
    assert all(stage["in"] >= 1 for stage in summary["stages"].values())
    health = run.rows("feed_health")
    assert sum(h["entries_seen"] for h in health) == summary["entries"]
    assert sum(h["entries_new"] for h in health) == summary["outcomes"]["article"]


def test_planted_faults_are_dead_letters(run: Ingested, site: SampleSite) -> None:
    dead = {
        (d["stage"], d["error_type"], d["source"].removeprefix(site.base))
        for d in run.rows("dead_letters")
    }
    by_stage = Counter((stage, error) for stage, error, _ in dead)
    assert by_stage == {
        ("FetchFeeds", "Http404"): 1,
        ("ParseEntries", "NotAFeed"): 1,
        ("ParseEntries", "NoLink"): 1,
        ("ParseEntries", "UrlError"): 1,
        ("FetchPages", "Http404"): 1,
        ("FetchPages", "NotHtml"): 1,
        ("ExtractArticles", "NoText"): 1,
    }
    assert ("FetchFeeds", "Http404", "/harbor-courier/photos.xml") in dead
    assert ("ParseEntries", "NotAFeed", "/signal-circuit/about") in dead


def test_every_offset_leads_to_the_text_of_its_record(
    run: Ingested, articles: dict[str, dict[str, Any]]
) -> None:
    def check(article: dict[str, Any], span: dict[str, Any], field: str, prefix: str) -> None:
        start, end = span[f"{prefix}start"], span[f"{prefix}end"]
        assert (span[field] is None) == (start is None) == (end is None)
        assert start is None or article["text"][start:end] == span[field] != ""

    for quote in run.rows("quotes"):
        article = articles[quote["article_id"]]
        for field, prefix in (("text", ""), ("cue", "cue_"), ("speaker", "speaker_")):
            check(article, quote, field, prefix)
        assert 0 <= quote["confidence"] <= 1
    for entity in run.rows("entities"):
        mentions = entity["mentions"]
        assert entity["count"] == len(mentions) > 0
        assert entity["first_start"] == mentions[0]["start"]
        for mention in mentions:
            check(articles[entity["article_id"]], mention, "text", "")
    for tag in run.rows("topics"):
        article = articles[tag["article_id"]]
        assert tag["evidence"] or tag["title_evidence"]
        for evidence in tag["evidence"]:
            check(article, evidence, "text", "")
        for evidence in tag["title_evidence"]:
            assert article["title"][evidence["start"] : evidence["end"]] == evidence["text"]


def test_ids_are_unique_and_records_refer_to_articles(
    run: Ingested, articles: dict[str, dict[str, Any]]
) -> None:
    for record in RECORDS:
        rows = run.rows(record.TABLE)
        assert rows, record.TABLE
        assert len({row[record.KEY] for row in rows}) == len(rows)
        assert {row.get("article_id") for row in rows} <= {None, *articles}
        assert all(from_json(record, row) for row in rows)
    members = [m for story in run.rows("stories") for m in story["members"]]
    assert sorted(members) == sorted(articles)


def test_the_wire_story_is_one_story_in_three_outlets(
    run: Ingested, articles: dict[str, dict[str, Any]]
) -> None:
    (story,) = [s for s in run.rows("stories") if len(s["members"]) > 1]
    assert set(story["outlets"]) == {"Meridian Wire", "The Harbor Courier", "Northern Post"}
    assert {articles[m]["story_id"] for m in story["members"]} == {story["story_id"]}


def test_quotes_have_speakers_and_topics(run: Ingested) -> None:
    quotes = run.rows("quotes")
    named = [q for q in quotes if q["speaker_name"]]
    assert len(quotes) >= 150
    assert len(named) >= len(quotes) / 2
    assert {q["kind"] for q in quotes} == {"direct", "mixed", "indirect"}
    assert {q["speaker_kind"] for q in quotes} >= {"named", "description", "pronoun"}
    assert any("border-enforcement" in q["topics"] for q in named)
    tennant = [q for q in named if q["speaker_name"] == "Maura Tennant"]
    assert any(q["text"].startswith("Nobody wants to leave an island") for q in tennant)


def test_topics_of_every_kind_are_found(run: Ingested) -> None:
    tags = Counter(t["topic_id"] for t in run.rows("topics") if t["quote_id"] is None)
    assert tags["border-enforcement"] >= 5 and tags["elections"] >= 5
    assert len(tags) >= 12


def test_articles_say_where_they_come_from(
    articles: dict[str, dict[str, Any]], site: SampleSite
) -> None:
    rows = articles.values()
    languages = Counter(row["language"] for row in rows)
    assert (languages["es"], languages["de"]) == (3, 3) and languages["en"] >= 34
    assert Counter(row["extraction_method"] for row in rows)["feed_content"] == 1
    assert sum(row["truncated_or_paywalled"] for row in rows) == 1
    assert {row["date_source"] for row in rows} >= {"feed", "page"}
    assert all(row["title"] and row["word_count"] > 20 for row in rows)
    assert sum(bool(row["authors"]) for row in rows) >= 35
    # The pages name addresses of sites that they were not fetched from.
    assert all(row["canonical_url"].startswith(site.base) for row in rows)
    for field in ("summary", "section", "image_url", "modified_at"):
        assert any(row[field] for row in rows), field
    assert all("tags" in row for row in rows)


def test_a_query_works_at_once(run: Ingested) -> None:
    with duckdb.connect(str(run.output / "newsbeam.duckdb"), read_only=True) as db:
        for record in RECORDS:
            (count,) = db.execute(f'SELECT count(*) FROM "{record.TABLE}"').fetchall()[0]
            assert count == len(run.rows(record.TABLE))
        found = db.execute(
            "SELECT speaker_name, text FROM quotes WHERE speaker_name IS NOT NULL"
            " AND list_contains(topics, 'border-enforcement')"
        ).fetchall()
        assert found


def test_each_page_is_requested_once(run: Ingested) -> None:
    paths = Counter(path for _, path, _ in run.requests)
    assert {count for path, count in paths.items() if "?" not in path} == {1}


def test_a_second_run_asks_each_feed_once_and_writes_no_article(
    run: Ingested, site: SampleSite, articles: dict[str, dict[str, Any]]
) -> None:
    before, children = len(site.requests), set(multiprocessing.active_children())
    assert ingest(site, run.output, "--run_id", "second") == 0
    assert set(multiprocessing.active_children()) <= children
    assert "newsbeam-fetcher" not in {thread.name for thread in threading.enumerate()}
    summary = run.summary(1)
    # The page without a text is fetched again, in case it has one by now.
    without_text = "/northern-post/pictures/2026/nov/20/week-in-pictures"
    assert summary["adds_up"] and summary["entries"] == summary["outcomes"]["dead_letter"] == 1
    assert summary["feed_statuses"]["unchanged"] == 8 and summary["feed_statuses"]["failed"] == 2
    assert summary["records"].keys() == {"dead_letters", "feed_health"}
    asked = Counter(path for _, path, _ in site.requests[before:])
    statuses = Counter(status for _, _, status in site.requests[before:])
    feeds = {feed["feed_url"].removeprefix(site.base) for feed in run.rows("feed_health")}
    moved = "/capitol-ledger/feed.xml"  # and asked where it has moved to
    assert asked.keys() - feeds == {"/feeds.opml", moved, without_text}
    assert set(asked.values()) == {1}
    assert statuses[304] == 8
    assert len(run.rows("articles")) == len(articles)


def ingest_in_a_process(
    site: SampleSite, output: Path, *flags: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error::UserWarning", "-m", "pipeline", "ingest"]
    given = ["--feeds", f"{site.base}/feeds.opml", "--output", str(output), "--run_id", "again"]
    given += [*LOCAL, *flags]
    done = subprocess.run(command + given, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_another_run_of_the_same_input_is_quiet_and_the_same(
    run: Ingested, site: SampleSite, tmp_path: Path
) -> None:
    """The number of workers makes no difference."""
    done = ingest_in_a_process(site, tmp_path, "--runner=DirectRunner", "--workers", "1")
    lines = done.stderr.splitlines()
    assert [line for line in lines if not line.startswith("newsbeam: FetchFeeds 10")] == []
    assert "entries: " in done.stdout and "IS NOT" not in done.stdout

    first, again = run.output / "runs" / "first", tmp_path / "runs" / "again"
    assert read_records(first) == read_records(again)
    files, same = (sorted(p.relative_to(r) for p in r.rglob("*.jsonl")) for r in (first, again))
    assert files == same


@pytest.mark.workers
def test_worker_processes_write_the_same_records(
    run: Ingested, site: SampleSite, tmp_path: Path
) -> None:
    flags = ("--direct_num_workers", "2", "--direct_running_mode", "multi_processing")
    ingest_in_a_process(site, tmp_path, *flags)
    first, again = run.output / "runs" / "first", tmp_path / "runs" / "again"
    assert read_records(first) == read_records(again)


@pytest.mark.usefixtures("reused_workers")
@pytest.mark.parametrize("template", [False, True], ids=["waited for", "template"])
def test_an_output_on_another_file_system(
    run: Ingested, site: SampleSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: bool
) -> None:
    use_lease_timing(monkeypatch)
    output = f"{SCHEME}://{tmp_path}"
    flags = ["--formats", "jsonl", *(["--template_location", "unused"] if template else [])]
    command = ["ingest", "--feeds", f"{site.base}/feeds.opml", "--output", output, *LOCAL, *flags]
    assert run_command([*command, "--run_id", "again"]) == 0
    again = tmp_path / "runs" / "again"
    assert read_records(run.output / "runs" / "first") == read_records(again)
    left = [p.name for p in (*tmp_path.glob(".staging/**/*"), *tmp_path.glob(".state/lock*"))]
    assert [name for name in left if "." in name] == []  # nothing staged, no lease
    assert run_command(command) == 0
    summaries = [json.loads(p.read_text()) for p in tmp_path.glob("runs/*/summary.json")]
    assert sorted(s["outcomes"]["article"] for s in summaries) == [0, 47]


def test_an_unknown_file_system_is_a_usage_error(
    site: SampleSite, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["ingest", "--feeds", f"{site.base}/feeds.opml", "--output", "nowhere://a/b"]
    assert run_command(command) == 2
    assert "no file system for nowhere://a/b" in capsys.readouterr().err


def test_a_template_needs_folders_that_workers_can_reach(
    site: SampleSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ingest(site, tmp_path, "--template_location", "unused") == 2
    assert "workers elsewhere cannot reach the folder" in capsys.readouterr().err


def test_a_job_service_writes_the_same_records(
    run: Ingested, site: SampleSite, tmp_path: Path
) -> None:
    ingest_in_a_process(site, tmp_path, *EmbeddedJobService.flags)
    first, again = run.output / "runs" / "first", tmp_path / "runs" / "again"
    assert read_records(first) == read_records(again)
    assert read_summary(first) == read_summary(again)


@pytest.mark.usefixtures("reused_workers")
def test_a_state_folder_outlives_its_outputs(site: SampleSite, tmp_path: Path) -> None:
    feed = f"{site.base}/tagesblick/rss091.xml"
    flags = ["--state", str(tmp_path / "state"), *LOCAL]
    outcomes = []
    for name in ("one", "two"):
        output = tmp_path / name
        command = ["ingest", "--feeds", feed, "--output", str(output), *flags]
        assert run_command(command) == 0
        outcomes.append(Ingested(output, []).summary()["outcomes"])
    assert [o["article"] for o in outcomes] == [3, 0]
    assert sum(outcomes[1].values()) == 0  # the feed has not changed since


def test_polling_repeats_runs_and_ends_on_sigterm(site: SampleSite, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline", "ingest", "--poll_interval_sec", "0.5"]
    flags = ["--feeds", f"{site.base}/tagesblick/rss091.xml", "--output", str(tmp_path)]
    flags += [*LOCAL]
    with subprocess.Popen(
        command + flags, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        ended = (line for line in process.stdout if line.startswith("records in"))
        for _ in range(2):
            next(ended)
        process.terminate()
        assert process.wait(timeout=60) == 0
        assert process.stderr and process.stderr.read() == ""
    runs = list((tmp_path / "runs").iterdir())
    assert len(runs) >= 2 and all((run / "summary.json").exists() for run in runs)
    assert len(Ingested(tmp_path, []).rows("articles")) == 3
    assert [p.name for p in (tmp_path / ".staging").iterdir()] == ["lock"]


@pytest.mark.usefixtures("reused_workers")
def test_a_failed_run_commits_nothing(
    site: SampleSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("pipeline.finalize.commit", fail)
    feed = f"{site.base}/tagesblick/rss091.xml"
    assert ingest(site, tmp_path, "--formats", "jsonl", "--feeds", feed) == 1
    assert list((tmp_path / "runs").iterdir()) == []
    assert [p.name for p in (tmp_path / ".staging").iterdir()] == ["lock"]
