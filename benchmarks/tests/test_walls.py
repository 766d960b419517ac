import gzip
import json
from pathlib import Path

import pytest

from benchmarks.walls import main

TEXT = "The ferry to Skarholm stopped at noon, the harbour office said on Friday. " * 12
WALL = "We and our partners use cookies. You can accept all or manage your preferences."


def test_walls_among_articles_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "articles.jsonl.gz"
    rows = [("1", "Ferry to Skarholm stops", TEXT), ("2", "Your privacy", WALL)]
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for number, title, text in rows:
            row = {"ID": number, "topic": "", "title": title, "content_original": text}
            file.write(json.dumps(row) + "\n")
    main([str(path)])
    lines = capsys.readouterr().out.splitlines()
    assert "  the page is a consent wall: Your privacy" in lines
    assert "nothing known: 1 of 2 articles are taken for walls" in lines
