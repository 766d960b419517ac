"""Outputs and states on S3, GCS and HDFS servers. See support/storage_servers.py."""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.cli import run_command
from sample.server import SampleSite
from tests.support.leases import use_lease_timing
from tests.support.storage_servers import StorageServer, serve_gcs, serve_hdfs, serve_s3
from transforms.core.elements import Outcome
from transforms.sinks.write_records import file_list_path, read_lines, write_file
from transforms.storage.filesystems import (
    atomic_file,
    copy_files,
    list_files,
    list_names,
    open_file,
    remove_folder,
)
from transforms.storage.locks import Lease, LeaseTiming, lock_folder
from transforms.storage.runs import (
    is_committed,
    list_committed_runs,
    list_run_names,
    record_run_name,
)
from transforms.storage.text_store import TextStore

SERVERS = {"s3": serve_s3, "gcs": serve_gcs, "hdfs": serve_hdfs}
RUN_FIELDS = {"run_id", "fetched_at", "first_seen_at", "duration", "feed_health_id", "next_due"}
FLAGS = ["--allow_private_networks", "127.0.0.1/32", "--host_delay_sec", "0"]
FLAGS += ["--max_dead_letter_ratio", "1", "--formats", "jsonl"]
TIMING = LeaseTiming(settle_sec=0.2, poll_sec=0.5)
KILLED = """
import functools, os, signal, sys
from transforms.sinks import commit
from transforms.state import store
from transforms.storage.locks import LeaseTiming, lock_folder
timing = LeaseTiming(duration_sec=4.0, settle_sec=1.0)
commit.lock_folder = store.lock_folder = functools.partial(lock_folder, timing=timing)
setattr(commit, sys.argv[1], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
from pipeline.cli import run_command
sys.exit(run_command(sys.argv[2:]))
"""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("s3", marks=[pytest.mark.s3, pytest.mark.xdist_group("s3")]),
        pytest.param("gcs", marks=[pytest.mark.gcs, pytest.mark.xdist_group("gcs")]),
        pytest.param("hdfs", marks=[pytest.mark.hdfs, pytest.mark.xdist_group("hdfs")]),
    ],
)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StorageServer]:
    folder = tmp_path_factory.mktemp(request.param)
    with SERVERS[request.param](folder) as served, pytest.MonkeyPatch.context() as patch:
        for name, value in served.environment.items():
            patch.setenv(name, value)
        yield served


@pytest.fixture
def root(store: StorageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a folder for one test, which Beam's options reach."""
    use_lease_timing(monkeypatch, TIMING)
    monkeypatch.setattr(FileSystems, "_pipeline_options", PipelineOptions([*store.flags]))
    return f"{store.root}/{tmp_path.name}"


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite() as served:
        yield served


@pytest.fixture
def feed(site: SampleSite) -> str:
    return f"{site.base}/tagesblick/rss091.xml"


def ingest(store: StorageServer, feed: str, output: str, run_id: str, *flags: str) -> int:
    command = ["ingest", "--feeds", feed, "--output", output, "--run_id", run_id]
    return run_command([*command, *FLAGS, *store.flags, *flags])


def rows(output: str) -> dict[str, Counter[str]]:
    """Return the records of all runs, by type, without the fields that differ between runs."""
    found: dict[str, Counter[str]] = {}
    for run_id in list_committed_runs(output):
        folder = f"{output}/runs/{run_id}/jsonl"
        for path in list_files(folder):
            table = path[len(folder) + 1 :].partition("/")[0]
            with open_file(path) as file:
                for line in file.read().splitlines():
                    row = {k: v for k, v in json.loads(line).items() if k not in RUN_FIELDS}
                    found.setdefault(table, Counter())[json.dumps(row)] += 1
    return found


def requests(store: StorageServer) -> list[str]:
    return re.findall(r'"(?:GET|HEAD|PUT|POST|DELETE) [^"]*', store.log.read_text("utf-8"))


def test_records_equal_those_of_a_local_run_and_the_next_run_finds_them_known(
    store: StorageServer, root: str, site: SampleSite, tmp_path: Path
) -> None:
    feed = f"{site.base}/northern-post/feed.json"
    assert ingest(store, feed, root, "r1") == 0
    assert ingest(store, feed, str(tmp_path), "r1") == 0
    first = rows(root)
    assert first == rows(str(tmp_path)) and {"articles", "quotes", "topics"} < set(first)
    assert ingest(store, feed, root, "r2") == 0
    again = rows(root)
    for table in ("articles", "entities", "quotes", "topics", "stories"):
        assert again[table] == first[table]
    assert list_committed_runs(root) == ["r1", "r2"]
    assert list_names(f"{root}/.state") == ["run-r1.state", "run-r2.state"]
    assert list_files(f"{root}/.staging") == []


@pytest.fixture(scope="module")
def local(site: SampleSite, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counter[str]]:
    """Return the records of a local run over the small feed."""
    output = str(tmp_path_factory.mktemp("local"))
    command = ["ingest", "--feeds", f"{site.base}/tagesblick/rss091.xml", "--output", output]
    assert run_command([*command, *FLAGS]) == 0
    return rows(output)


@pytest.mark.parametrize("point", ["copy_files", "atomic_file"])
def test_the_next_run_cleans_up_after_a_killed_run(
    store: StorageServer, root: str, feed: str, local: dict[str, Counter[str]], point: str
) -> None:
    """Kill a run before its files are copied, and between that and its summary."""
    command = [sys.executable, "-c", KILLED, point, "ingest", "--feeds", feed, "--output", root]
    ended = subprocess.run([*command, "--run_id", "r1", *FLAGS, *store.flags], env=os.environ)
    assert ended.returncode == -signal.SIGKILL
    assert list_committed_runs(root) == [] and not is_committed(root, "r1")
    assert list_files(f"{root}/.staging/r1")
    assert bool(list_files(f"{root}/runs/r1")) == (point == "atomic_file")
    # The next run takes over the lease once it has expired.
    assert ingest(store, feed, root, "r2", "--wait_for_run_sec", "60") == 0
    assert list_committed_runs(root) == ["r2"] and rows(root) == local
    assert not [path for path in list_files(f"{root}/.staging") if "lock" not in path]
    if point == "atomic_file":  # the run id is free, and the remaining files are ignored
        assert ingest(store, feed, root, "r1") == 0
        assert list_committed_runs(root) == ["r1", "r2"]
        assert rows(root)["articles"] == local["articles"]


def test_a_second_run_on_the_same_state_is_refused(
    store: StorageServer, root: str, site: SampleSite, feed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = len(site.requests)
    with lock_folder(f"{root}/.state", "the state", timing=TIMING):
        assert ingest(store, feed, root, "r1") == 2
    assert f"another run is writing to the state {root}/.state; wait" in capsys.readouterr().err
    assert len(site.requests) == asked
    with lock_folder(f"{root}/.state", "the state", timing=TIMING):
        pass  # the lock was released


def test_a_run_that_lost_its_lease_is_not_committed(
    store: StorageServer, root: str, feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    thief = Lease(f"{root}/.staging", "the output", "another", TIMING)

    def steal_lease(*_: object) -> None:
        thief._write(60.0)

    monkeypatch.setattr("transforms.sinks.commit.record_run_name", steal_lease)
    assert ingest(store, feed, root, "r1") == 2
    assert list_committed_runs(root) == [] and not is_committed(root, "r1")
    thief.release()


def test_files(root: str) -> None:
    assert list_names(f"{root}/a") == [] == list_files(f"{root}/a")
    for name, text in (("a/one", b"1"), ("a/b/two", b"2"), ("a/one", b"3"), ("ab/c", b"4")):
        with atomic_file(f"{root}/{name}") as file:
            file.write(text)
    assert list_names(f"{root}/a") == ["b", "one"] and list_names(root) == ["a", "ab"]
    assert list_files(f"{root}/a") == [f"{root}/a/b/two", f"{root}/a/one"]
    copy_files({f"{root}/a/one": f"{root}/c/d", f"{root}/ab/c": f"{root}/c/e"})
    with open_file(f"{root}/c/d") as file:
        assert file.read() == b"3"
    with pytest.raises((BeamIOError, OSError)):
        copy_files({f"{root}/a/one": f"{root}/c/f", f"{root}/a/none": f"{root}/c/g"})
    remove_folder(f"{root}/a")
    remove_folder(f"{root}/a")
    assert list_names(root) == ["ab", "c"]


def test_an_empty_file_list(root: str) -> None:
    write_file(file_list_path(root), [], "lines")
    assert list(read_lines(file_list_path(root), Outcome)) == []


def test_a_file_of_texts_is_read_once(store: StorageServer, root: str) -> None:
    text_store = TextStore(f"{root}/texts")
    writer = text_store.writer()
    texts = [f"{number} " * 40_000 for number in range(12)]
    references = [writer.write(text) for text in texts]
    writer.close()
    assert (
        1
        < len(list_files(f"{root}/texts"))
        == len({reference.file for reference in references})
        < 6
    )
    assert [text_store.read(reference) for reference in references] == texts
    before = len(requests(store))
    assert [text_store.read(reference) for reference in references[::-1]] == texts[::-1]
    assert len(requests(store)) == before


def test_runs_without_a_recorded_name_are_listed(root: str) -> None:
    def write(path: str) -> None:
        with atomic_file(f"{root}/runs/{path}") as file:
            file.write(b"{}")

    for run_id in ("old-1", "old-2"):
        write(f"{run_id}/summary.json")
    write("cut-off/jsonl/articles/day=2026-11-20/part-00000.jsonl")
    assert list_committed_runs(root) == ["old-1", "old-2"]
    write("r1/learnt.state")
    record_run_name(root, "r1")
    assert list_committed_runs(root) == ["old-1", "old-2"]
    write("r1/summary.json")
    assert list_committed_runs(root) == ["old-1", "old-2", "r1"]
    record_run_name(root, "r1")
    assert list_run_names(root) == ["cut-off", "old-1", "old-2", "r1"]
    assert list_committed_runs(root, exclude={"old-1"}) == ["old-2", "r1"]
    remove_folder(f"{root}/runs/old-2")
    assert list_committed_runs(root) == ["old-1", "r1"]


# Errors before any feed is fetched: one line on stderr, and exit code 2.


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line]
    return line


@pytest.fixture
def no_requests(site: SampleSite) -> Iterator[None]:
    asked = len(site.requests)
    yield
    assert len(site.requests) == asked


@pytest.mark.usefixtures("no_requests")
def test_a_missing_bucket(
    store: StorageServer, feed: str, root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if store.root.startswith("hdfs"):
        pytest.skip("HDFS has no buckets")
    output = f"{store.root.partition('://')[0]}://no-such-bucket/{root.rpartition('/')[2]}"
    assert ingest(store, feed, output, "r1") == 2
    line = error_line(capsys)
    assert line.startswith(f"newsbeam: cannot write to the state {output}/.state: ")
    assert "bucket" in line.partition(".state: ")[2].lower() or "404" in line


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageServer]:
    with serve_s3(tmp_path_factory.mktemp("s3")) as served:
        yield served


@pytest.mark.usefixtures("no_requests")
def test_no_credentials_for_s3(
    moto: StorageServer,
    feed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    flags = ["--s3_endpoint_url", moto.url, "--s3_region_name", "us-east-1"]
    assert ingest(StorageServer("", "", tmp_path, flags), feed, "s3://bucket/out", "r1") == 2
    assert error_line(capsys).startswith("newsbeam: no credentials for s3://bucket/out: give ")


@pytest.mark.usefixtures("no_requests")
def test_no_permission_on_s3(
    moto: StorageServer, feed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    limit = f"{moto.url}/moto-api/reset-auth"
    with urlopen(Request(limit, b"0", {"Content-Type": "text/plain"}, method="POST")):
        pass
    try:
        assert ingest(moto, feed, "s3://bucket/out", "r1") == 2
    finally:
        with urlopen(Request(limit, b"inf", {"Content-Type": "text/plain"}, method="POST")):
            pass
    line = error_line(capsys)
    assert line.startswith("newsbeam: cannot write to the state s3://bucket/out/.state: ")
    assert "403" in line


@pytest.mark.usefixtures("no_requests")
@pytest.mark.parametrize(
    ("module", "output", "extra"),
    [
        ("boto3", "s3://bucket/out", "aws"),
        ("apache_beam.io.gcp.gcsio", "gs://bucket/out", "gcp"),
        ("hdfs", "hdfs://out", "hdfs"),
    ],
)
def test_a_missing_extra(
    feed: str,
    tmp_path: Path,
    module: str,
    output: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # which makes an import of it fail
    assert ingest(StorageServer("", "", tmp_path, ()), feed, output, "r1") == 2
    advice = f'pip install "newsbeam[{extra}]"'
    assert error_line(capsys) == f"newsbeam: {output} needs the extra {extra}: {advice}"


@pytest.mark.usefixtures("no_requests")
def test_unreachable_folders(feed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = StorageServer("", "", tmp_path, ())
    assert ingest(nowhere, feed, "ftp://a/b", "r1") == 2
    assert error_line(capsys).startswith("newsbeam: no file system for ftp://a/b: gs:// needs")
    assert ingest(nowhere, feed, "hdfs://out", "r1") == 2
    assert error_line(capsys) == "newsbeam: cannot reach hdfs://out: hdfs_host is not set"
