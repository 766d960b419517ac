"""The model of scale: arithmetic that has to hold whatever the costs are."""

import gzip
import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.scale.costs import Costs, measure_unit_costs
from benchmarks.scale.model import (
    HostTiming,
    Load,
    Prices,
    Requirements,
    WorkerMachine,
    estimate_requirements,
)
from benchmarks.scale.model import predict_seconds as predicted
from benchmarks.scale.state import StateCosts

COSTS = Costs(
    start=8.0,
    unchanged=0.002,
    feed=0.004,
    known=0.0005,
    article=0.08,
    heavier=0.02,
    records=40.0,
    disk_bytes=40_000.0,
    page_bytes=10_000.0,
    base_mib=600.0,
    state=StateCosts(
        row_bytes=150.0,
        row_seconds=2e-7,
        change_bytes=600.0,
        change_seconds=1e-5,
        feed_bytes=1000.0,
        feed_seconds=2e-5,
        stream_bytes=500.0,
    ),
    stages={"write": 0.002},
)


def needed(load: Load) -> Requirements:
    return estimate_requirements(load, COSTS, WorkerMachine(), Prices(), HostTiming())


def test_a_day_of_a_thousand_feeds() -> None:
    found = needed(Load(1000, polls=24, unchanged=0.5, entries=10, articles=4, runs=24))
    assert found.articles == 4000 and found.requests == 28_000
    starts = 24 * found.workers * 4 * (8.0 + found.state_load_sec)
    work = 12_000 * 0.002 + 12_000 * (0.004 + 10 * 0.0005) + 4000 * 0.1
    assert found.core_seconds == pytest.approx(work + starts)
    assert found.workers == 1
    assert found.state_gib == pytest.approx(4000 * 90 * 150 / 2**30)
    latest = 100_000 / 3  # that many lines make a snapshot
    assert found.state_process_gib == pytest.approx((latest * 600 + 1000 * 1000) / 2**30)
    assert max(found.limits.values()) < 1


def test_what_gives_way_first() -> None:
    assert "disk" in needed(Load(10_000_000)).first_bottleneck
    assert "memory" in needed(Load(10_000_000, remembered_days=5)).first_bottleneck
    crowded = Load(1000, busiest_host=10_000, remembered_days=1)
    assert "busiest host" in needed(crowded).first_bottleneck
    assert needed(crowded).host_hours == pytest.approx(10_000 * 28 * 1.3 / 3600)
    hasty = Load(3_000_000, runs=24 * 60, remembered_days=1, articles=10)
    assert "reading the state" in needed(hasty).first_bottleneck
    assert "BigQuery" in needed(Load(10, runs=24 * 60)).first_bottleneck


def test_a_stream_reads_no_state_and_is_paid_for_day_and_night() -> None:
    few, many = (needed(Load(n, runs=0, micro_batch_sec=600)) for n in (10, 10_000_000))
    assert few.workers == 1 and few.state_load_sec == many.state_load_sec == 0
    assert few.dollars_month > 4 * 24 * 30 * 0.069
    assert many.core_seconds < 10_000_000 * (24 * 0.05 + 4 * 0.1)
    assert many.limits["writing micro-batches, by one worker"] > 1


def test_more_feeds_never_need_less() -> None:
    numbers = [needed(Load(10**n)) for n in range(1, 8)]
    for few, many in itertools.pairwise(numbers):
        for name in ("workers", "state_gib", "traffic_gib", "dollars_month", "core_seconds"):
            assert getattr(few, name) <= getattr(many, name), name


def test_workers_beyond_the_cores_are_no_help() -> None:
    times = [predicted(COSTS, 1000, workers, 2) for workers in (1, 2, 4)]
    assert times == [88.0, 48.0, 56.0]
    assert predicted(replace(COSTS, article=0.16), 1000, 1, 2) == 168.0


@pytest.mark.timeout(600)
def test_costs_are_measured(tmp_path: Path) -> None:
    text = "<p>The council voted on Monday to close the bridge for repairs, officials said.</p>\n"
    page = f"<html><body>{'<div></div>' * 5000}<article>{text * 50}</article></body></html>"
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    (tmp_path / "page.html.gz").write_bytes(gzip.compress(page.encode()))
    costs = measure_unit_costs(6, 4, tmp_path, repeats=1, remembered_articles=50_000)
    assert costs.records > 10 and costs.disk_bytes > 1000 and costs.page_bytes > 100
    assert costs.heavier > 0
    assert 100 < costs.state.row_bytes < costs.state.change_bytes < 5000
    assert 0 < costs.state.row_seconds < costs.state.change_seconds
    assert set(costs.stages) == {"fetch", "parse", "extract", "analyse", "write"}
    assert max(costs.stages, key=lambda name: costs.stages[name]) == "analyse"
