import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.cli import run_command
from pipeline.graph import STAGES
from sample.server import SampleSite
from tests.deploy.test_dataflow_image import PARTS
from tests.support.dataflow_jobs import (
    BUCKET,
    IMAGE,
    LaunchedJob,
    job_flags,
    launch_job,
    serve_bucket,
)
from transforms.feeds.list_reader import read_feed_lists
from transforms.fetch_pages import FetchPages
from transforms.fetching.options import FetchOptions, HttpOptions, PolitenessOptions

pytestmark = pytest.mark.usefixtures("bucket")

ROOT: Final = Path(__file__).parents[2]
WORKERS: Final = {
    "job_name": "newsbeam",
    "machine_type": "e2-standard-4",
    "num_workers": "1",
    "max_num_workers": "8",
    "autoscaling_algorithm": "THROUGHPUT_BASED",
    "disk_size_gb": "40",
    "network": "news",
    "subnetwork": "regions/europe-west1/subnetworks/news",
    "service_account_email": "newsbeam-worker@news-project.iam.gserviceaccount.com",
    "labels": "application=newsbeam",
}
MAX_PAYLOAD_BYTES: Final = 4096


@pytest.fixture(scope="module")
def bucket() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, serve_bucket(patch):
        yield


@pytest.fixture(scope="module")
def job(bucket: None) -> LaunchedJob:  # noqa: ARG001
    return launch_job(WORKERS, "--no_use_public_ips")


def test_the_job_is_a_batch_job_with_the_requested_workers(job: LaunchedJob) -> None:
    assert job.job["name"] == "newsbeam"
    assert job.job["type"] == "JOB_TYPE_BATCH"
    assert job.job["labels"] == {"application": "newsbeam"}
    pool = job.pool
    assert (pool["machineType"], pool["diskSizeGb"]) == ("e2-standard-4", 40)
    assert pool["numWorkers"] == 1
    assert pool["autoscalingSettings"] == {
        "algorithm": "AUTOSCALING_ALGORITHM_BASIC",
        "maxNumWorkers": 8,
    }
    assert pool["network"] == "news"
    assert pool["subnetwork"] == "regions/europe-west1/subnetworks/news"
    assert pool["ipConfiguration"] == "WORKER_IP_PRIVATE"
    environment = job.job["environment"]
    assert environment["serviceAccountEmail"] == WORKERS["service_account_email"]
    assert environment["tempStoragePrefix"].startswith("storage.googleapis.com/newsbeam-test/temp/")
    assert environment["version"]["job_type"] == "FNAPI_BATCH"
    assert {"use_runner_v2", "use_unified_worker"} <= set(environment["experiments"])


def test_every_part_of_the_graph_runs_in_the_image(job: LaunchedJob) -> None:
    assert job.images == {IMAGE}
    images = {image["containerImage"] for image in job.pool["sdkHarnessContainerImages"]}
    assert images | {job.pool["workerHarnessContainerImage"]} == {IMAGE}
    assert all(e.urn == "beam:env:docker:v1" for e in job.environments.values())


def test_workers_install_and_unpickle_nothing_at_their_start(job: LaunchedJob) -> None:
    assert job.staged <= {"submission_environment_dependencies.txt"}  # which is for reading only
    options = job.job["environment"]["sdkPipelineOptions"]["options"]
    assert options["save_main_session"] is False


def test_the_graph_has_every_stage_in_the_order_of_the_data(job: LaunchedJob) -> None:
    components = job.graph.components
    stages = {t.unique_name: t for t in components.transforms.values() if t.unique_name in STAGES}
    assert set(stages) == set(STAGES)
    made_by = {
        output: t
        for t in components.transforms.values()
        if not t.subtransforms
        for output in t.outputs.values()
    }

    def before(transform: Any) -> Iterator[str]:
        """Yield the stages on whose outputs a transform depends, directly or not."""
        seen, todo = set(), list(transform.inputs.values())
        while todo:
            maker = made_by.get(todo.pop())
            if maker is not None and maker.unique_name not in seen:
                seen.add(maker.unique_name)
                todo += maker.inputs.values()
        yield from {name.partition("/")[0] for name in seen} & set(STAGES)

    for number, name in enumerate(STAGES):
        assert set(before(stages[name])) == set(STAGES[:number]), name
    (end,) = (t for t in components.transforms.values() if t.unique_name == "Conclude")
    assert set(before(end)) == set(STAGES)


def test_no_part_of_the_graph_carries_data(job: LaunchedJob) -> None:
    large = {
        name: len(data) for name, data in job.payloads().items() if len(data) > MAX_PAYLOAD_BYTES
    }
    assert large == {}
    assert len(job.graph.SerializeToString()) < 300_000


def test_records_cross_between_workers_in_row_coders(job: LaunchedJob) -> None:
    coders = job.graph.components.coders
    pickled = [c.spec.payload for c in coders.values() if "pickled_python" in c.spec.urn]
    assert pickled
    fallbacks = [data for data in pickled if b"FastPrimitivesCoder" in data]
    assert len(pickled) - len(fallbacks) >= 5


def test_a_custom_taxonomy_is_read_from_the_bucket_and_part_of_the_graph() -> None:
    place = f"{BUCKET}/mine/taxonomy.yaml"
    with FileSystems.create(place) as file:
        file.write((ROOT / "transforms/language/topics/taxonomy.yaml").read_bytes())
    sizes = {len(data): name for name, data in launch_job({"taxonomy": place}).payloads().items()}
    second, largest = sorted(sizes)[-2:]
    assert second <= MAX_PAYLOAD_BYTES < largest < 1_000_000
    assert sizes[largest].startswith("AnalyseArticles/")


def test_feed_lists_are_read_from_the_bucket() -> None:
    place = f"{BUCKET}/mine/feeds.txt"
    with FileSystems.create(place) as file:
        file.write(b"https://one.example/rss  # One\nhttps://two.example/rss\n")
    feeds = read_feed_lists([place], FetchOptions(HttpOptions(), PolitenessOptions()))
    assert [feed.url for feed in feeds] == ["https://one.example/rss", "https://two.example/rss"]
    launch_job({}, feed=place)


MISSING: Final[list[tuple[dict[str, str | None], str]]] = [
    ({"project": None}, "Dataflow needs --project"),
    ({"region": None}, "Dataflow needs --region"),
    ({"temp_location": None}, "Dataflow needs --temp_location"),
    ({"temp_location": "/tmp/x"}, "--temp_location: /tmp/x is no folder of a bucket"),
    ({"temp_location": "gs://B/x"}, "--temp_location: gs://B/x is no folder of a bucket"),
    ({"staging_location": "temp"}, "--staging_location: temp is no folder of a bucket"),
    ({"sdk_container_image": None}, "name an image that has it by --sdk_container_image"),
    (
        {"sdk_container_image": None, "setup_file": "./nowhere/setup.py"},
        "--setup_file: there is no file ./nowhere/setup.py",
    ),
    ({"output": "news"}, "--output: workers cannot reach news"),
    ({"output": "/news", "template_location": None}, "--output: workers cannot reach /news"),
    ({"state": "state"}, "--state: workers cannot reach state"),
    ({"model": "/"}, "--model: workers have no folder /"),
    ({"taxonomy": f"{BUCKET}/nowhere.yaml"}, "nowhere.yaml: cannot be read"),
    ({"gazetteer": f"{BUCKET}/nowhere.tsv"}, "nowhere.tsv: cannot be read"),
]


@pytest.mark.parametrize(("changes", "message"), MISSING, ids=[message for _, message in MISSING])
def test_what_workers_would_lack_is_a_usage_error(
    changes: dict[str, str | None],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_command(job_flags(changes)) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("--save_main_session", "--save_main_session: leave it out"),
        ("--poll_interval_sec=60", "--poll_interval_sec is for runs of this machine"),
    ],
)
def test_unsupported_flags_are_usage_errors(
    more: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_command([*job_flags({}), more]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("listed", [f"{BUCKET}/mine/feed.xml", "FILE"])
def test_a_feed_that_is_a_file_is_refused(
    listed: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = str(tmp_path / "feed.xml") if listed == "FILE" else listed
    with FileSystems.create(place) as file:
        file.write(b"<rss version='2.0'><channel/></rss>")
    assert run_command(job_flags({}, feed=place)) == 2
    assert f"--feeds: workers cannot read the feed {place}" in capsys.readouterr().err


def test_a_failed_launch_leaves_the_output_unlocked() -> None:
    output: dict[str, str | None] = {"output": f"{BUCKET}/free"}
    assert run_command(job_flags(output, feed=f"{BUCKET}/nowhere.txt")) == 2
    assert run_command(job_flags(output)) == 0


def test_a_second_launch_waits_for_the_workers_of_the_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output: dict[str, str | None] = {"output": f"{BUCKET}/held"}
    assert run_command(job_flags(output)) == 0
    assert run_command(job_flags(output)) == 2
    assert "another run is writing" in capsys.readouterr().err


def test_the_staged_graph_runs_and_commits_its_records() -> None:
    """Run nothing but the staged graph, on the embedded runner in place of Dataflow."""
    output = f"{BUCKET}/whole"
    with SampleSite() as site:
        feed = f"{site.base}/tagesblick/rss091.xml"
        local = ["--allow_private_networks=127.0.0.1/32", "--host_delays=127.0.0.1=0"]
        staged = launch_job({"output": output}, *local, feed=feed).graph
        for environment in staged.components.environments.values():
            environment.urn, environment.payload = "beam:env:embedded_python:v1", b""
            del environment.dependencies[:]
        FnApiRunner().run_via_runner_api(staged, PipelineOptions()).wait_until_finish()
    (match,) = FileSystems.match([f"{output}/runs/*/summary.json"])
    (summary,) = match.metadata_list
    with FileSystems.open(summary.path) as file:
        counts = json.loads(file.read())
    assert counts["adds_up"] and counts["records"]["articles"] == 3
    launch_job({"output": output}, *local, feed=feed)  # the workers have let go of the leases


def test_the_code_that_workers_install_is_staged_completely(tmp_path: Path) -> None:
    """Use --setup_file in place of an image, on a copy, since the build leaves files behind."""
    for part in (*PARTS, "setup.py"):
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, tmp_path / part)
    changes = {"sdk_container_image": None, "setup_file": str(tmp_path / "setup.py")}
    job = launch_job(changes)
    assert "workflow.tar.gz" in job.staged
    (place,) = (p["location"] for p in job.pool["packages"] if p["name"] == "workflow.tar.gz")
    with (
        FileSystems.open(place.replace("storage.googleapis.com/", "gs://")) as staged,
        tarfile.open(fileobj=io.BytesIO(staged.read())) as file,
    ):
        there = {name.partition("/")[2] for name in file.getnames()}
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in ("pipeline", "schemas", "transforms")
        for path in (ROOT / package).rglob("*.*")
        if path.suffix in (".py", ".npz", ".tsv", ".yaml")
    }
    assert expected <= there


class TestMutations:
    """Launches that lack something that workers need, with the program's own checks disabled."""

    @pytest.fixture(autouse=True)
    def unchecked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pipeline.prepare.check_dataflow_options", lambda *_: None)

    def test_of_the_image(self) -> None:
        with pytest.raises(AssertionError):
            test_every_part_of_the_graph_runs_in_the_image(
                launch_job({"sdk_container_image": None})
            )

    def test_of_the_main_session(self) -> None:
        with pytest.raises(AssertionError, match="pickled_main_session"):
            test_workers_install_and_unpickle_nothing_at_their_start(launch_job())

    @pytest.mark.parametrize("name", ["max_num_workers", "service_account_email"])
    def test_of_worker_options(self, name: str) -> None:
        job = launch_job({**WORKERS, name: None}, "--no_use_public_ips")
        with pytest.raises((AssertionError, KeyError)):
            test_the_job_is_a_batch_job_with_the_requested_workers(job)

    def test_of_a_stage(self, monkeypatch: pytest.MonkeyPatch) -> None:
        built = FetchPages.__rrshift__
        monkeypatch.setattr(
            "pipeline.graph.FetchPages.__rrshift__", lambda self, _: built(self, "Fetched")
        )
        with pytest.raises(AssertionError):
            test_the_graph_has_every_stage_in_the_order_of_the_data(launch_job())

    def test_of_private_addresses(self) -> None:
        with pytest.raises((AssertionError, KeyError)):
            test_the_job_is_a_batch_job_with_the_requested_workers(launch_job(WORKERS))
