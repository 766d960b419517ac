"""Each command loads into its own process only the libraries that it needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

RUN = """
import sys
from pipeline.__main__ import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(code or 0, *sys.modules, file=sys.stderr)
"""
TEXT = "The bill was vetoed. “It is not fair to voters,” Lena Maris said on Friday."
PAGE = f"<html><title>Veto</title><body><article><p>{TEXT} {TEXT}</p></article></body></html>"

COMMANDS = (
    (),
    ("ingest",),
    ("load",),
    ("analyze",),
    ("extract",),
    *(("feeds", action) for action in ("check", "find", "convert")),
    *(("taxonomy", action) for action in ("check", "explain", "suggest")),
)
LIBRARIES = {
    "aiohttp",
    "apache_beam",
    "duckdb",
    "feedparser",
    "lxml",
    "numpy",
    "pyarrow",
    "spacy",
    "trafilatura",
    "yaml",
}


def libraries_of(*arguments: object, code: int = 0) -> set[str]:
    """Run a command in its own process, and return the libraries that it loads there."""
    command = [sys.executable, "-c", RUN, *map(str, arguments)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    ended_with, *modules = result.stderr.splitlines()[-1].split()
    assert ended_with == str(code), result.stderr
    return LIBRARIES.intersection(modules)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_loads_no_library(command: tuple[str, ...]) -> None:
    assert libraries_of(*command, "--help") == set()


def test_wrong_usage_loads_no_library() -> None:
    assert libraries_of("ingest", "--feeds", code=2) == set()


def test_only_flags_that_may_be_beams_load_beam() -> None:
    assert "apache_beam" in libraries_of("feeds", "convert", "a", "--to", "list", "--no", code=2)


def test_commands_over_json_lines_load_neither_beam_nor_what_their_child_uses(
    tmp_path: Path,
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"id": 1, "text": TEXT, "html": PAGE}), encoding="utf-8")
    files = ("--input", source, "--output", tmp_path / "out.jsonl")
    for command, child_libraries in (
        ("analyze", {"spacy"}),
        ("extract", {"trafilatura"}),
    ):
        loaded = libraries_of(command, *files)
        assert not loaded & {"apache_beam", "aiohttp", *child_libraries}, command


def test_feeds_convert_loads_no_beam(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.txt"
    feeds.write_text("https://a.example/feed\n", encoding="utf-8")
    loaded = libraries_of("feeds", "convert", feeds, "--to", "list")
    assert not loaded & {"apache_beam", "spacy", "trafilatura"}


def test_taxonomy_check_loads_no_beam() -> None:
    assert not libraries_of("taxonomy", "check") & {"apache_beam", "spacy", "trafilatura"}


def test_the_process_of_a_run_leaves_language_and_pages_to_its_children() -> None:
    import_graph = "import sys, pipeline.commands.ingest; print(*sys.modules)"
    command = [sys.executable, "-c", import_graph]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"spacy", "thinc", "trafilatura", "sklearn", "pandas"} & {*result.stdout.split()}
