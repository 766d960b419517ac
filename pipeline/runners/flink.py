"""Flink: the flags of its job server that streams need, and the cancellation of jobs."""

import json
import time
import urllib.request
from argparse import ArgumentParser
from typing import Any, Final

from apache_beam.options.pipeline_options import PipelineOptions

_ACTIVE_STATES: Final = (
    "INITIALIZING",
    "CREATED",
    "RUNNING",
    "RESTARTING",
    "FAILING",
    "CANCELLING",
)
_TIMEOUT_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 1.0


class FlinkStreamOptions(PipelineOptions):
    """The flags about checkpoints, which Beam's Flink job server reads but Beam's Python lacks."""

    @classmethod
    def _add_argparse_args(cls, parser: ArgumentParser) -> None:
        numbers = {
            "checkpointing_interval": "milliseconds between checkpoints (Flink)",
            "checkpoint_timeout_millis": "maximum milliseconds per checkpoint (Flink)",
            "number_of_execution_retries": "how often a failed job is restarted (Flink)",
        }
        names = {
            "externalized_checkpoints_enabled": "keep the checkpoints of jobs that ended (Flink)",
            "savepoint_path": "savepoint or checkpoint to start from (Flink)",
            "state_backend": "hashmap, rocksdb or the factory of another one (Flink)",
            "state_backend_storage_path": "folder of the checkpoints (Flink)",
        }
        for name, text in numbers.items():
            parser.add_argument(f"--{name}", type=int, help=text)
        for name, text in names.items():
            parser.add_argument(f"--{name}", help=text)
        # By default, Flink makes a checkpoint amid a bundle and buffers the rest of the bundle's
        # outputs until the next one. A stream may be idle for long.
        parser.add_argument(
            "--finish_bundle_before_checkpointing",
            action="store_true",
            help="finish bundles before each checkpoint (Flink; always on with --streaming)",
        )


class FlinkError(Exception):
    """A Flink cluster cannot be reached, or does not cancel a job."""


def cancel_jobs(master: str, name: str, *, seconds: float = 60.0) -> None:
    """Cancel all jobs of a name through the cluster's REST interface, and wait for their end.

    Beam's job server cannot do this: it forgets a cancelled job, which goes on in the cluster.

    Args:
        master: the cluster, as ``HOST:PORT`` or a URL.
        name: the name of the jobs.
        seconds: the seconds to wait for their end.

    Raises:
        FlinkError: the cluster does not answer, or the jobs have not ended in time.
    """
    deadline = time.monotonic() + seconds
    for job_id in _list_active_jobs(master, name):
        _call_rest(master, f"/jobs/{job_id}?mode=cancel", "PATCH")
    while _list_active_jobs(master, name):
        if time.monotonic() > deadline:
            raise FlinkError(f"the job {name} on {master} is still running after its cancellation")
        time.sleep(_POLL_SECONDS)


def _list_active_jobs(master: str, name: str) -> list[str]:
    """Return the ids of the jobs of a name that have not ended."""
    jobs = _call_rest(master, "/jobs/overview")["jobs"]
    return [
        str(job["jid"]) for job in jobs if job["name"] == name and job["state"] in _ACTIVE_STATES
    ]


def _call_rest(master: str, path: str, method: str = "GET") -> dict[str, Any]:
    base = master if "://" in master else f"http://{master}"
    request = urllib.request.Request(base + path, method=method)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            reply: dict[str, Any] = json.loads(response.read() or b"{}")
    except (OSError, ValueError) as error:
        raise FlinkError(f"cannot query the Flink cluster at {master}: {error}") from error
    return reply
