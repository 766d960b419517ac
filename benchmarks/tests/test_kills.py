import json
import random
from pathlib import Path

import pytest

from benchmarks import kills
from benchmarks.local_site import write_site
from sample.server import SampleSite
from tests.support.visible_records import read_visible_records


def test_a_few_kills_of_a_small_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "site").mkdir()
    paths = write_site(tmp_path / "site", [kills.WORDS] * 6)
    with SampleSite(tmp_path / "site") as site:
        feeds = [site.base + path for path in paths]
        wrong = kills.run_kills(site, feeds, tmp_path, 2, random.Random(2), commit_kill_interval=2)
    out = capsys.readouterr().out
    assert not wrong, out
    assert "killed as records became visible" in out
    assert out.endswith("missing 0, duplicated 0, damaged 0\n")

    # The judge sees a file that is cut off, formats that differ, and a run without a summary.
    whole = tmp_path / "whole"
    assert read_visible_records(whole).errors == []
    part = min(whole.glob("runs/*/jsonl/quotes/*/*.jsonl"))
    run = part.parents[3]
    lines = part.read_text(encoding="utf-8").splitlines(keepends=True)
    part.write_text("".join([*lines, *lines[:1]]), encoding="utf-8")
    assert read_visible_records(whole).errors == [f"{whole}: the formats differ"]
    assert json.loads(lines[0])
    part.write_text("".join(lines)[:-9], encoding="utf-8")
    (run / "summary.json").unlink()
    assert len(read_visible_records(whole).errors) == 3
