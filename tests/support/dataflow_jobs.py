"""Launching Dataflow jobs without Dataflow: as templates, into the bucket of a local server."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest
from apache_beam.internal.gcp import auth
from apache_beam.io.filesystems import FileSystems
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2 as api
from apache_beam.utils.proto_utils import parse_Bytes
from gcp_storage_emulator.server import create_server

from pipeline.cli import run_command
from tests.support.leases import use_lease_timing

BUCKET: Final = "gs://newsbeam-test"
TEMPLATE: Final = f"{BUCKET}/templates/job.json"
FEED: Final = "https://news.example/rss"
IMAGE: Final = "registry.example/newsbeam/worker:1"
REQUIRED_FLAGS: Final[Mapping[str, str]] = {
    "runner": "DataflowRunner",
    "project": "news-project",
    "region": "europe-west1",
    "temp_location": f"{BUCKET}/temp",
    "sdk_container_image": IMAGE,
}
"""The flags that a job needs besides its feeds and its output."""


@contextmanager
def serve_bucket(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make gs:// lead to a server on loopback that asks for no credentials."""
    server = create_server("localhost", 0, in_memory=True, default_bucket=BUCKET[5:])
    with server:
        host, port = server._api._httpd.server_address
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://{host}:{port}")
        patch.setattr(auth._Credentials, "_credentials_init", True)
        patch.setattr(auth._Credentials, "_credentials", None)
        use_lease_timing(patch)
        yield


def job_flags(changes: Mapping[str, str | None], feed: str = FEED) -> list[str]:
    """Return the command line of a job.

    Each job has an output of its own, as a launched job locks its output until it ends.

    Args:
        changes: flags to add, to replace, or (None) to leave out of the required ones.
        feed: the feed to read.
    """
    output = {"output": f"{BUCKET}/{uuid.uuid4().hex}", "template_location": TEMPLATE}
    values = {**REQUIRED_FLAGS, **output, **changes}
    flags = [f"--{name}={value}" for name, value in values.items() if value is not None]
    return ["ingest", "--feeds", feed, *flags]


@dataclass(frozen=True)
class LaunchedJob:
    """The job that Dataflow receives, and the graph that is staged with it."""

    job: dict[str, Any]
    graph: api.Pipeline

    @property
    def pool(self) -> dict[str, Any]:
        """The options of the workers."""
        (pool,) = self.job["environment"]["workerPools"]
        assert isinstance(pool, dict)
        return pool

    @property
    def environments(self) -> dict[str, api.Environment]:
        return dict(self.graph.components.environments)

    @property
    def images(self) -> set[str]:
        """The container images of all parts of the graph."""
        payloads = (
            parse_Bytes(e.payload, api.DockerPayload)
            for e in self.environments.values()
            if e.urn == common_urns.environments.DOCKER.urn
        )
        return {payload.container_image for payload in payloads}

    @property
    def staged(self) -> set[str]:
        """The names of the files that workers install or load when they start."""
        return {
            parse_Bytes(d.role_payload, api.ArtifactStagingToRolePayload).staged_name
            for environment in self.environments.values()
            for d in environment.dependencies
        }

    def payloads(self) -> dict[str, bytes]:
        """Return the payloads of the transforms, by their full names."""
        return {t.unique_name: t.spec.payload for t in self.graph.components.transforms.values()}


def launch_job(
    changes: Mapping[str, str | None] | None = None, *more: str, feed: str = FEED
) -> LaunchedJob:
    """Launch a job and return what Dataflow receives."""
    assert run_command([*job_flags(changes or {}, feed), *more]) == 0
    with FileSystems.open(TEMPLATE) as file:
        job = json.loads(file.read())
    options = job["environment"]["sdkPipelineOptions"]["options"]
    with FileSystems.open(options["pipelineUrl"]) as file:
        return LaunchedJob(job, api.Pipeline.FromString(file.read()))
