"""Launching jobs of Dataflow without Dataflow: templates, into the bucket of a local server."""

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

BUCKET: Final = "gs://newsbeam-test"
TEMPLATE: Final = f"{BUCKET}/templates/job.json"
FEED: Final = "https://news.example/rss"
IMAGE: Final = "registry.example/newsbeam/worker:1"
NEEDED: Final[Mapping[str, str]] = {
    "runner": "DataflowRunner",
    "project": "news-project",
    "region": "europe-west1",
    "temp_location": f"{BUCKET}/temp",
    "sdk_container_image": IMAGE,
}
"""The flags that a job needs beside its feeds and its output."""


@contextmanager
def storage(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have gs:// lead to a server on loopback, which asks for no credentials."""
    server = create_server("localhost", 0, in_memory=True, default_bucket=BUCKET[5:])
    with server:
        host, port = server._api._httpd.server_address
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://{host}:{port}")
        patch.setattr(auth._Credentials, "_credentials_init", True)
        patch.setattr(auth._Credentials, "_credentials", None)
        patch.setattr("transforms.storage.locks.SETTLE_SECONDS", 0.0)
        yield


def flags(changes: Mapping[str, str | None], feed: str = FEED) -> list[str]:
    """The command line of a job with other flags than those needed, or without some.

    Its output is its own, as a job that was launched holds it until it has ended.
    """
    own = {"output": f"{BUCKET}/{uuid.uuid4().hex}", "template_location": TEMPLATE}
    given = {**NEEDED, **own, **changes}
    words = [f"--{name}={value}" for name, value in given.items() if value is not None]
    return ["ingest", "--feeds", feed, *words]


@dataclass(frozen=True)
class Launched:
    """What Dataflow would get: the job, and the graph staged beside it."""

    job: dict[str, Any]
    graph: api.Pipeline

    @property
    def pool(self) -> dict[str, Any]:
        """What is said of the workers."""
        (pool,) = self.job["environment"]["workerPools"]
        assert isinstance(pool, dict)
        return pool

    @property
    def environments(self) -> dict[str, api.Environment]:
        return dict(self.graph.components.environments)

    @property
    def images(self) -> set[str]:
        """The images that any part of the graph runs in."""
        payloads = (
            parse_Bytes(e.payload, api.DockerPayload)
            for e in self.environments.values()
            if e.urn == common_urns.environments.DOCKER.urn
        )
        return {payload.container_image for payload in payloads}

    @property
    def staged(self) -> set[str]:
        """The names of the files that workers would install or load when they start."""
        return {
            parse_Bytes(d.role_payload, api.ArtifactStagingToRolePayload).staged_name
            for environment in self.environments.values()
            for d in environment.dependencies
        }

    def payloads(self) -> dict[str, bytes]:
        """What the transforms carry, by their full names."""
        return {t.unique_name: t.spec.payload for t in self.graph.components.transforms.values()}


def launch(
    changes: Mapping[str, str | None] | None = None, *more: str, feed: str = FEED
) -> Launched:
    """Launch a job and look at it."""
    assert run_command([*flags(changes or {}, feed), *more]) == 0
    with FileSystems.open(TEMPLATE) as file:
        job = json.loads(file.read())
    options = job["environment"]["sdkPipelineOptions"]["options"]
    with FileSystems.open(options["pipelineUrl"]) as file:
        return Launched(job, api.Pipeline.FromString(file.read()))
