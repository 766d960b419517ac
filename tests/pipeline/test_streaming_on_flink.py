"""A stream on Flink, with real timers and real checkpoints, of which processes are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from schemas import RECORDS
from tests.support.engines.flink import FlinkCluster
from tests.support.publishing_site import Publisher
from tests.support.server_processes import wait_until
from tests.support.web_server import WebServer

pytestmark = [pytest.mark.flink, pytest.mark.timeout(400)]

SETTINGS = {
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "20",
    "restart-strategy.fixed-delay.delay": "1 s",
}
DELAY = 0.3
HOSTS = {"a": "127.0.0.1", "b": "127.0.0.1", "c": "localhost"}


@contextmanager
def stream(
    flink: FlinkCluster, feeds: Sequence[str], output: Path, *more: str, code: int = 0
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a stream while the context lasts, end it, and check its exit code."""
    command = [sys.executable, "-m", "pipeline", "ingest", "--streaming", "--feeds", *feeds]
    command += ["--output", str(output), "--window_sec", "5", "--shortest_poll_sec", "3"]
    command += ["--longest_poll_sec", "5", "--host_delay_sec", str(DELAY)]
    command += ["--allow_private_networks", "127.0.0.1/32", "::1/128"]
    command += ["--checkpointing_interval", "3000", "--flink_master", flink.master]
    command += [*flink.flags, *more]
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == code
        jobs = flink.call_rest("/jobs/overview")["jobs"]
        assert {job["state"] for job in jobs} == {"CANCELED"}


def rows(output: Path, table: str) -> list[dict[str, Any]]:
    """Return the records of all committed runs."""
    runs = (summary.parent for summary in sorted(output.glob("runs/*/summary.json")))
    files = (file for run in runs for file in sorted(run.glob(f"jsonl/{table}/**/*.jsonl")))
    return [json.loads(line) for f in files for line in f.read_text("utf-8").split("\n")[:-1]]


def count_urls(output: Path) -> Counter[str]:
    """Return how often each page became an article."""
    return Counter(row["url"] for row in rows(output, "articles"))


def find_duplicates(output: Path) -> list[str]:
    """Return the records that were written more than once."""
    keys = (
        (record.TABLE, row[record.KEY]) for record in RECORDS for row in rows(output, record.TABLE)
    )
    return [str(key) for key, count in Counter(keys).items() if count > 1]


def measure_gaps(web: WebServer) -> list[float]:
    """Return the seconds between successive requests to a host."""
    times = defaultdict[str, list[float]](list)
    for at, headers in zip(web.times, web.headers, strict=True):
        times[headers["host"]].append(at)
    return [b - a for some in times.values() for a, b in pairwise(some)]


def test_every_article_is_written_once_though_workers_are_killed(
    web: WebServer, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    flink = FlinkCluster(tmp_path / "flink", settings=SETTINGS)
    publisher = Publisher(web, HOSTS, entries=40, every_sec=3.0, shown=60)
    with flink, publisher, stream(flink, publisher.feeds, output):
        wait_until(lambda: len(count_urls(output)) >= 15, "first articles", 120)
        os.kill(flink.pool.workers()[0], signal.SIGKILL)
        before = len(count_urls(output))
        wait_until(lambda: len(count_urls(output)) >= before + 15, "articles after a kill", 120)
        flink.task_managers[0].kill()
        flink.start_task_manager()
        wait_until(lambda: publisher.is_done, "the end of the news", 180)
        wait_until(lambda: len(count_urls(output)) >= len(publisher.links), "all articles", 120)
        time.sleep(12)  # time for duplicates to appear
    assert count_urls(output) == Counter(dict.fromkeys(publisher.links, 1))
    assert find_duplicates(output) == []
    assert min(measure_gaps(web)) > 0.8 * DELAY


def test_a_stream_continues_from_a_savepoint(web: WebServer, tmp_path: Path) -> None:
    output = tmp_path / "output"
    flink = FlinkCluster(tmp_path / "flink", settings=SETTINGS)
    publisher = Publisher(web, HOSTS, entries=16, every_sec=3.0, shown=60)
    with flink, publisher:
        with stream(flink, publisher.feeds, output, code=1) as first:
            wait_until(lambda: len(count_urls(output)) >= 10, "first articles", 120)
            shown = set(count_urls(output))
            savepoint = end_with_savepoint(flink)
            assert first.wait(60) == 1
        asked = len(web.requests)
        with stream(flink, publisher.feeds, output, "--savepoint_path", savepoint):
            wait_until(lambda: len(web.requests) > asked, "requests of the second stream", 120)
            wait_until(lambda: publisher.is_done, "the end of the news", 120)
            wait_until(lambda: len(count_urls(output)) >= len(publisher.links), "all articles", 120)
        later = {f"http://{h['host']}" for h in web.headers[asked:]}
        again = {base + path for base in later for path in web.requests[asked:]}
    assert not again & shown  # what was visible is not asked for again
    assert count_urls(output) == Counter(dict.fromkeys(publisher.links, 1))
    assert find_duplicates(output) == []


def end_with_savepoint(flink: FlinkCluster) -> str:
    """End the running job, and return the path of its savepoint."""
    (job,) = (
        j["jid"] for j in flink.call_rest("/jobs/overview")["jobs"] if j["state"] == "RUNNING"
    )
    data = {"cancel-job": True, "target-directory": flink.savepoints.as_uri()}
    path = (
        f"/jobs/{job}/savepoints/{flink.call_rest(f'/jobs/{job}/savepoints', data)['request-id']}"
    )
    wait_until(lambda: flink.call_rest(path)["status"]["id"] == "COMPLETED", "savepoint", 120)
    return str(flink.call_rest(path)["operation"]["location"])
