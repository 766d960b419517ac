"""The comparison of two revisions, on outputs written for these tests."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import revisions
from benchmarks.revisions import (
    Case,
    CommandResult,
    compare_files,
    compare_outputs,
    compare_results,
    list_cases,
)


def write_run(output: Path, run_id: str, quotes: list[str], *, entries: int = 1) -> None:
    """Write a run whose quotes are of the day on which it started."""
    day = f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}"
    folder = output / "runs" / run_id / "jsonl" / "feed_health" / f"day={day}"
    folder.mkdir(parents=True)
    rows = [{"run_id": run_id, "day": day, "feed_url": text} for text in quotes]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "part-00000.jsonl").write_text(lines, encoding="utf-8")
    summary = {"run_id": run_id, "started_at": f"{day}T09:30:00Z", "entries": entries}
    (output / "runs" / run_id / "summary.json").write_text(json.dumps(summary), encoding="utf-8")


def test_outputs_differ_in_nothing_but_run_ids_and_times(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for number, text in enumerate("ab", start=1):
        write_run(before, f"2026112{number}T093000Z-0000000{number}", [text])
        write_run(after, f"2026120{number}T101500Z-0000000{9 - number}", [text])
    assert compare_outputs(before, after) == []


def test_each_difference_between_outputs_is_a_line(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    write_run(before, "20261121T093000Z-00000001", ["a", "b"], entries=2)
    write_run(before, "20261122T093000Z-00000002", ["c"])
    write_run(after, "20261121T093000Z-00000003", ["a"])
    (after / "runs" / "20261121T093000Z-00000003" / "notes.txt").touch()
    assert compare_outputs(before, after) == [
        "2 runs became 1",
        "run 1: + file notes.txt",
        'run 1: - feed_health {"day": "DAY OF THE RUN", "feed_url": "b"}',
        "run 1: summary, entries: 2 became 1",
    ]


def test_results_of_commands_are_compared_line_by_line() -> None:
    before = CommandResult(0, "feeds: 1\nrecords: 2\n", "")
    assert compare_results(before, before) == []
    assert compare_results(before, CommandResult(2, "feeds: 1\n", "newsbeam: no\n")) == [
        "exit code: 0 became 2",
        "stdout: -records: 2",
        "stderr: +newsbeam: no",
    ]


def test_a_file_that_is_missing_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / "old").write_text('{"run_id": "20261121T093000Z-00000001"}\n', encoding="utf-8")
    assert compare_files(tmp_path / "old", tmp_path / "none") == ['-{"run_id": "RUN"}']
    assert compare_files(tmp_path / "none", tmp_path / "none") == []


def test_feeds_of_a_case_are_read_together_and_feed_lists_alone(tmp_path: Path) -> None:
    (tmp_path / "serve.py").touch()
    for name in (
        "one/a.xml",
        "one/deep/b.json",
        "one/a.html",
        "two/list.opml",
        "two/analyze.jsonl",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    base = "http://127.0.0.1:8471"
    assert list(list_cases(tmp_path)) == [
        Case("one", "ingest", [f"{base}/one/a.xml", f"{base}/one/deep/b.json"]),
        Case("two-analyze.jsonl", "analyze", [str(tmp_path / "two" / "analyze.jsonl")]),
        Case("two-list.opml", "ingest", [f"{base}/two/list.opml"]),
    ]


def test_wrong_usage_is_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for arguments, message in (
        (["--before", "no-such-revision"], "git knows no revision no-such-revision"),
        (["--before", "HEAD", "--cases", str(tmp_path)], "has no serve.py"),
    ):
        monkeypatch.setattr(sys, "argv", ["revisions", *arguments])
        with pytest.raises(SystemExit, match="2"):
            revisions.main()
        assert message in capsys.readouterr().err
