"""Runs on engines beside local ones; those that need a fetched engine are run by .ci/engines."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apache_beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sample.server import SampleSite
from tests.support.engines.engine import Engine
from tests.support.engines.flink import FlinkCluster
from tests.support.engines.prism import PrismServer
from tests.support.engines.worker_pool import (
    Bundle,
    count_bundles,
    count_max_concurrent,
    measure_parallel_seconds,
)
from tests.support.paths import ROOT
from tests.support.run_comparison import (
    find_differences,
    run_ingest,
    start_ingest,
)
from tests.support.server_processes import (
    ServerProcess,
    ServerProcessError,
    free_ports,
    wait_until,
)

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
    """Return the output of a local run."""
    output = tmp_path_factory.mktemp("local")
    run_ingest(feeds, output)
    return output


def write_run(output: Path, quotes: list[str], **summary: int) -> Path:
    """Write an output folder of one run that has only quotes, in both formats."""
    day = Path("quotes", "day=2026-11-20")
    run = output / "runs" / "one"
    for kind in ("jsonl", "parquet"):
        (run / kind / day).mkdir(parents=True)
    rows = [{"quote_id": text, "run_id": output.name, "text": text} for text in quotes]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (run / "jsonl" / day / "part-00000.jsonl").write_text(lines)
    pq.write_table(pa.Table.from_pylist(rows), run / "parquet" / day / "part-00000.parquet")
    (run / "summary.json").write_text(
        json.dumps({"run_id": output.name, "started_at": "", **summary})
    )
    return output


def test_find_differences_reports_missing_and_duplicate_records_and_counts(
    tmp_path: Path,
) -> None:
    one = write_run(tmp_path / "one", ["a", "b", "c"], entries=3)
    same = write_run(tmp_path / "same", ["c", "a", "b"], entries=3)
    assert find_differences(one, same) == []
    other = write_run(tmp_path / "other", ["a", "a", "b"], entries=2)
    assert find_differences(one, other) == [
        '- quotes {"quote_id": "c", "text": "c"}',
        '+ quotes {"quote_id": "a", "text": "a"}',
        "summary, entries: 3 became 2",
    ]


def test_parallel_processes_are_distinguished_from_threads() -> None:
    alone = [Bundle(0.0, 2.0, 1), Bundle(1.0, 3.0, 1), Bundle(4.0, 5.0, 2)]
    assert count_bundles(alone) == {1: 2, 2: 1}
    assert count_max_concurrent(alone) == 2 and measure_parallel_seconds(alone) == 0
    assert measure_parallel_seconds([*alone, Bundle(1.5, 2.5, 2), Bundle(2.0, 4.5, 3)]) == 2.0


def test_the_error_of_a_server_that_ends_at_its_start_has_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('no such cluster')"]
    with (
        ServerProcess("server", command, tmp_path) as child,
        pytest.raises(ServerProcessError, match=r"(?s)server ended, .*no such cluster"),
    ):
        child.wait_for_port(*free_ports(1))


def test_the_error_of_an_engine_that_was_not_fetched_says_how_to_fetch_it(tmp_path: Path) -> None:
    with (
        pytest.raises(ServerProcessError, match="run deploy/engines/fetch flink"),
        FlinkCluster(tmp_path / "flink", jars=tmp_path),
    ):
        pass
    with (
        pytest.raises(ServerProcessError, match="run deploy/engines/fetch prism"),
        PrismServer(tmp_path / "prism", program=tmp_path / "none"),
    ):
        pass


def test_fetch_distinguishes_unavailable_engines_from_failures(tmp_path: Path) -> None:
    """On a machine with nothing, and with a Maven that fails in one way and another."""
    script = tmp_path / "deploy" / "engines"
    script.mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "engines" / "fetch", script)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "cat", "cmp", "dirname", "grep", "mktemp", "rm"):
        (programs / name).symlink_to(shutil.which(name) or name)

    def fetch(name: str) -> tuple[int, list[str]]:
        command = [str(programs / "bash"), str(script / "fetch"), name]
        env = {"PATH": str(programs)}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr.splitlines()

    def install(name: str, says: str) -> None:
        (programs / name).write_text(f"#!/bin/sh\necho '{says}'; exit 1\n")
        (programs / name).chmod(0o755)

    said = "deploy/engines/fetch: "
    assert fetch("flink") == (3, [said + "flink needs java, which is not installed"])
    assert fetch("prism") == (3, [said + "prism needs go, which is not installed"])
    assert fetch("spark")[0] == 2
    install("java", "not called")
    install("mvn", "Could not transfer artifact x: Unknown host registry")
    code, lines = fetch("flink")
    assert code == 3 and lines[-1] == said + "flink cannot be fetched: no registry can be reached"
    install("mvn", "Could not find artifact x")
    code, lines = fetch("flink")
    assert code == 1
    assert lines[-2:] == ["Could not find artifact x", said + "fetching flink failed"]


def test_prism_has_the_version_of_the_sdk() -> None:
    script = (ROOT / "deploy" / "engines" / "fetch").read_text(encoding="utf-8")
    assert f"prism=v{apache_beam.__version__}\n" in script


def run_with_a_kill(feeds: list[str], output: Path, engine: Engine) -> int:
    """Run ``ingest``, and kill a worker amid a bundle once pages have been fetched.

    Returns:
        The exit code.
    """
    pool = engine.pool
    assert pool
    process = start_ingest(feeds, output, *engine.flags)

    def victim() -> list[int]:
        return pool.busy() if any(output.glob(".staging/*/texts/*")) else []

    try:
        wait_until(lambda: bool(victim()), "bundle of articles", RUN_SECONDS)
        os.kill(victim()[0], signal.SIGKILL)
        said, _ = process.communicate(timeout=RUN_SECONDS)
    finally:
        process.kill()  # nothing, if it has ended
        process.wait()
    sys.stderr.write(said)
    return process.returncode


@pytest.mark.flink
@pytest.mark.timeout(600)
def test_flink_repeats_the_bundle_of_a_killed_worker(
    feeds: list[str], local: Path, tmp_path: Path
) -> None:
    settings = {
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "5",
        "restart-strategy.fixed-delay.delay": "1 s",
    }
    with FlinkCluster(tmp_path / "flink", settings=settings) as flink:
        assert run_with_a_kill(feeds, tmp_path / "output", flink) == 0
        (job,) = flink.call_rest("/jobs")["jobs"]
        job_manager = flink.job_manager.log.read_text(encoding="utf-8")
        assert f"({job['id']}) switched from state RUNNING to RESTARTING" in job_manager
    assert find_differences(local, tmp_path / "output") == []


@pytest.mark.prism
@pytest.mark.timeout(600)
def test_a_prism_run_whose_worker_is_killed_commits_nothing_and_the_next_run_everything(
    feeds: list[str], local: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    with PrismServer(tmp_path / "prism") as prism:
        assert run_with_a_kill(feeds, output, prism) == 1
        assert not any((output / "runs").iterdir())
        run_ingest(feeds, output, *prism.flags)
    assert find_differences(local, output) == []
