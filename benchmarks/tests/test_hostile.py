import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import hostile
from benchmarks.hostile_cases import FEEDS, HEADERS, PAGES


def test_every_case_has_a_document() -> None:
    assert len(PAGES) >= 30 and len(FEEDS) >= 20
    assert HEADERS.keys() <= PAGES.keys() | FEEDS.keys()


def test_some_cases_beside_ordinary_articles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = hostile.SimulatedWeb()
    good, bad = hostile.add_ordinary_articles(site)[:4], hostile.add_hostile_documents(site, "NUL")
    bad += hostile.add_hostile_documents(site, "punycode") + hostile.add_hostile_documents(
        site, "20k attributes"
    )
    before, after = tmp_path / "before", tmp_path / "after"
    with site.served():
        hostile.run_ingest(good, before)
        summary = hostile.run_ingest([*good, *bad], after)
    assert not hostile.print_report(summary, before, after, bad, seconds=1, peak=1)
    out = capsys.readouterr().out
    assert "of/a tag with 20k attributes" in out and "TooManyAttributes" in out

    # The judge sees a record that is missing, one that is another, and an error without a name.
    assert hostile.print_report(summary, before, tmp_path / "none", bad, seconds=1, peak=1)
    assert hostile.print_report(summary | {"adds_up": False}, before, after, bad, seconds=1, peak=1)
    (path,) = after.glob("runs/*/jsonl/dead_letters/*/*.jsonl")
    letter: dict[str, Any] = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    line = json.dumps(letter | {"error_type": "ValueError"}) + "\n"
    path.write_text(line, encoding="utf-8")
    assert hostile.print_report(summary, before, after, bad, seconds=1, peak=1)
    assert "built-in error types in dead letters: ['ValueError']" in capsys.readouterr().out
