"""The arithmetic and the output of the benchmark of speed, and a small run of it."""

import argparse
import json
import math
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import memory, naive_loop, throughput
from benchmarks.analysis_profile import PartTimer
from benchmarks.bar_chart import Bar, check_chart_path, make_chart
from benchmarks.local_site import serve_generated_site
from benchmarks.process_cost import Cost
from benchmarks.throughput import Result, Round, format_processes, format_results

STARTUP = Cost(2.0, 200.0, 3.0, {"main": 2.0})


def make_round(cpu: float, wall: float, peak: float = 300.0) -> Round:
    """Return a round over 101 articles, a quarter of whose CPU time is that of "reading"."""
    by_process = {"main": 2 + cpu * 0.75, "reading": cpu * 0.25}
    return Round(101, STARTUP, Cost(2.0 + cpu, peak, 3.0 + wall, by_process))


def test_costs_are_per_article_without_the_start() -> None:
    one = make_round(10.0, 20.0)
    assert (one.cpu_ms, one.wall_ms) == (100.0, 200.0)
    assert one.cpu_ms_by_process == {"main": 75.0, "reading": 25.0}
    result = Result([one], None)
    assert result.startup_cpu == pytest.approx(1.9)
    assert result.speed("cpu_ms") == 10.0 and result.ratios("cpu_ms") == []


def test_ratios_are_those_within_a_round() -> None:
    loop = [make_round(10.0, 10.0), make_round(20.0, 20.0), make_round(10.0, 10.0)]
    own = [make_round(5.0, 2.5), make_round(10.0, 20.0), make_round(2.5, 5.0, peak=400.0)]
    result = Result(own, loop)
    assert result.ratios("cpu_ms") == [2.0, 2.0, 4.0]
    assert result.ratios("wall_ms") == [4.0, 1.0, 2.0]
    assert result.speed("cpu_ms") == 20.0 and result.peak == 400.0
    lines = format_results({"loop": Result(loop, loop), "ingest-1": result}).splitlines()
    assert lines[1].split() == [
        "loop",
        "1.9",
        "100.0",
        "10.00",
        "10.00",
        "300",
        "1.00",
        "(1.00-1.00)",
        "1.00",
        "(1.00-1.00)",
    ]
    assert lines[2].split()[-4:] == ["2.00", "(2.00-4.00)", "2.00", "(1.00-4.00)"]
    assert len({len(line) for line in lines}) == 1
    processes = format_processes({"ingest-1": result}).splitlines()
    assert processes[1].split() == ["ingest-1", "37.5", "12.5"]


def test_a_run_that_is_too_short_has_no_speed() -> None:
    loop = [make_round(1.0, 1.0), make_round(1.0, 1.0)]
    result = Result([make_round(0.0, -1.0), make_round(0.0, 1.0)], loop)
    assert result.speed("cpu_ms") is None and result.ratios("wall_ms") == []
    assert format_results({"ingest-1": result}).splitlines()[1].endswith("-")


def test_contenders_run_in_their_order_and_unknown_ones_are_refused() -> None:
    assert throughput.parse_contenders("ingest-1,loop") == ["loop", "ingest-1"]
    for text in ("loop,pool", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="choose from loop, newspaper4k"):
            throughput.parse_contenders(text)


def test_contenders_that_cannot_run_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "pip install newspaper4k" in str(throughput.reason_to_skip("newspaper4k"))
    assert throughput.reason_to_skip("loop") is None
    for has_flag in (True, False):
        monkeypatch.setattr(throughput, "has_workers_flag", lambda has_flag=has_flag: has_flag)
        assert (throughput.reason_to_skip("ingest-2") is None) == has_flag
        command = throughput.make_command("ingest-1", ["http://a/feed"], Path("out"))
        assert (command[-2:] == ["--workers", "1"]) == has_flag


def test_a_contender_that_loses_an_article_fails() -> None:
    with (
        serve_generated_site([50]) as feeds,
        pytest.raises(AssertionError, match="loop wrote 1 articles, not 2"),
    ):
        throughput.measure("loop", feeds, 2)


@pytest.mark.parametrize(
    ("extractor", "module"), [("newspaper4k", "newspaper"), ("news-please", "newsplease")]
)
def test_optional_extractors_find_the_article(extractor: str, module: str) -> None:
    pytest.importorskip(module)
    text = "<p>The council voted on Monday to close the bridge, officials said.</p>" * 20
    page = f"<html><title>The bridge</title><body><article>{text}</article></body></html>"
    article = naive_loop.EXTRACTORS[extractor](page.encode(), "https://a.example/1")
    assert article is not None and "voted on Monday" in article["text"]


def test_a_part_does_not_include_the_parts_that_it_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def spend(seconds: float) -> float:
        clock[0] += seconds
        return seconds

    def double(items: Any) -> Any:
        for item in items:
            spend(3.0)
            yield item * 2

    monkeypatch.setattr("time.process_time", lambda: clock[0])
    timer = PartTimer()
    inner = timer.wrap("inner", lambda: iter([spend(1.0), 2.0]))
    assert list(timer.wrap("outer", double)(inner())) == [2, 4]
    spend(0.5)
    timer.start("other")
    assert timer.seconds == {"inner": 1.0, "outer": 6.0, "other": 0.5}


def test_chart_is_drawn_within_its_borders(tmp_path: Path) -> None:
    rows = [("loop", [Bar(5.0, "5.0"), Bar(9.0, "9.0  (1.00 x loop)")]), ("a < b", [Bar(0.0, "-")])]
    root = ET.fromstring(make_chart("Speed & size", ["200 articles", "2 cores"], ("x", "y"), rows))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = [e.attrib for e in root if e.tag.endswith("rect") and "x" in e.attrib]
    assert all(float(b["x"]) + float(b["width"]) < width for b in boxes)
    assert all(float(b["y"]) + float(b["height"]) < height for b in boxes)
    texts = {e.text: float(e.attrib["x"]) for e in root if e.tag.endswith("text")}
    assert {"Speed & size", "a < b", "200 articles", "2 cores", "x", "y", "-"} <= texts.keys()
    assert texts["9.0  (1.00 x loop)"] < width - 150
    with pytest.raises(ValueError, match=r"\.svg or a \.png"):
        check_chart_path(tmp_path / "chart.pdf")


def test_memory_that_grows_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(lengths: Sequence[int]) -> Cost:
        count = len(lengths)
        return Cost(1.0 + count, 300.0 + count, 2.0 + count, {})

    monkeypatch.setattr(memory, "measure_ingest", measure)
    for most, code in (("1.5", False), ("1.1", True)):
        flags = ["memory", "--few", "101", "--many", "201", "--most", most]
        monkeypatch.setattr(sys, "argv", flags)
        with pytest.raises(SystemExit) as ended:
            memory.main()
        assert ended.value.code == code
    assert "ratio: 1.25 (memory)\nratio: 1.00 (CPU per article)\n" in capsys.readouterr().out


@pytest.mark.timeout(600)
def test_a_small_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, chart = tmp_path / "figures.json", tmp_path / "chart.svg"
    flags = ["--articles", "3", "--words", "200", "--repeat", "1", "--json", str(figures)]
    names = "loop,stages,ingest-1"
    all_flags = [*flags, "--contenders", names, "--chart", str(chart)]
    monkeypatch.setattr(sys, "argv", ["throughput", *all_flags])
    throughput.main()
    out = capsys.readouterr().out
    for text in ("3 articles of 200 words", "x loop by CPU", "CPU ms/article by process", "parser"):
        assert text in out
    report = json.loads(figures.read_text())
    assert list(report["contenders"]) == names.split(",")
    for contender in report["contenders"].values():
        (measured,) = contender["rounds"]
        assert measured["startup"]["cpu"] > 0.5 and contender["peak_mib"] > 50
    parts = report["analysis_cpu_ms"]
    components = {"fast_tok2vec", "fast_parser", "fast_ner"}
    assert {"tokenizer", "entities", "quotes", "topics"} | components <= {*parts}
    assert all(ms > 0 for ms in parts.values()) and math.isfinite(sum(parts.values()))
    for name in ("stages", "ingest-1"):
        (measured,) = report["contenders"][name]["rounds"]
        assert {*measured["full"]["cpu_by_process"]} == {"main", "reading", "analysis"}, name
    assert ET.parse(chart).getroot().tag.endswith("svg")
