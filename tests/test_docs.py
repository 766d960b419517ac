"""The documentation names only files and folders that exist."""

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/**/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_lead_to_files(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []
    folders = "benchmarks|deploy|docs|pipeline|schemas|tests|transforms"
    paths = re.findall(rf"`((?:{folders})/[\w./-]+)`", text)
    named = [path for path in paths if "NAME" not in path]
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_modules_that_commands_run_exist() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for module in re.findall(r"python -m ((?:benchmarks|pipeline)[\w.]*\w)", text):
            path = ROOT.joinpath(*module.split("."))
            exists = path.with_suffix(".py").exists() or (path / "__main__.py").exists()
            assert exists, f"{page.name}: {module}"
