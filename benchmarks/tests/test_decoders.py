from pathlib import Path

import pytest

from benchmarks import decoders


def test_a_comparison_over_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("Mayor Ann Lee spoke in Paris.\nShe left.", encoding="utf-8")
    (tmp_path / "b.txt").write_text("", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["decoders", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        decoders.main()
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert "2 texts, 11 tokens, 2 entities" in out
    assert "DEP 0" in out and out.split("\n")[-2].startswith("all ")
