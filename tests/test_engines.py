"""Runs on engines beside local ones; those that need a fetched engine are run by .ci/engines."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.engines.children import wait_until
from benchmarks.engines.comparing import differences, ingest, start
from benchmarks.engines.engine import Engine
from benchmarks.engines.flink import Flink
from benchmarks.engines.pool import Pool
from benchmarks.engines.prism import Prism
from sample.server import SampleSite

RUN_SECONDS = 240.0


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite() as served:
        yield served


@pytest.fixture(scope="module")
def feeds(site: SampleSite) -> list[str]:
    return [f"{site.base}/feeds.opml"]


@pytest.fixture(scope="module")
def local(feeds: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a local run."""
    output = tmp_path_factory.mktemp("local")
    ingest(feeds, output)
    return output


def run_with_a_kill(feeds: list[str], output: Path, engine: Engine) -> int:
    """A run of which a worker is killed when some bundles are done; its exit code."""
    pool = engine.pool
    assert isinstance(pool, Pool)
    process = start(feeds, output, *engine.flags)
    try:
        wait_until(lambda: bool(_texts(output)), "texts of articles", RUN_SECONDS)
        victim = pool.workers()[0]
        os.kill(victim, signal.SIGKILL)
        said, _ = process.communicate(timeout=RUN_SECONDS)
    except (subprocess.TimeoutExpired, TimeoutError):
        process.kill()
        raise
    sys.stderr.write(said)
    return process.returncode


def _texts(output: Path) -> list[Path]:
    """The texts that were put aside: pages have been fetched, the analysis is under way."""
    return list(output.glob(".staging/*/texts/*"))


@pytest.mark.flink
def test_flink_run_whose_worker_is_killed_fails_and_shows_nothing(
    feeds: list[str], local: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    with Flink(tmp_path / "flink") as flink:
        assert run_with_a_kill(feeds, output, flink) == 1
        assert list((output / "runs").iterdir()) == []
        ingest(feeds, output, *flink.flags)
    assert differences(local, output) == []


@pytest.mark.flink
def test_flink_run_whose_worker_is_killed_is_tried_again(
    feeds: list[str], local: Path, tmp_path: Path
) -> None:
    settings = {
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "5",
        "restart-strategy.fixed-delay.delay": "1 s",
    }
    with Flink(tmp_path / "flink", settings=settings) as flink:
        assert run_with_a_kill(feeds, tmp_path / "output", flink) == 0
    assert differences(local, tmp_path / "output") == []


@pytest.mark.prism
def test_prism_run_whose_worker_is_killed_fails_and_shows_nothing(
    feeds: list[str], local: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    with Prism(tmp_path / "prism") as prism:
        assert run_with_a_kill(feeds, output, prism) == 1
        assert list((output / "runs").iterdir()) == []
        ingest(feeds, output, *prism.flags)
    assert differences(local, output) == []
