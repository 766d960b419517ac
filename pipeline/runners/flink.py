"""Jobs on a Flink cluster, by its REST interface.

Beam's job server forgets a job that is cancelled, while a cluster goes on with it: so the cluster
itself is told to end it.
"""

import json
import time
import urllib.request
from typing import Any, Final

_RUNNING: Final = ("INITIALIZING", "CREATED", "RUNNING", "RESTARTING", "FAILING", "CANCELLING")
_TIMEOUT_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 1.0


class FlinkError(Exception):
    """A cluster cannot be reached, or does not do what it is told."""


def end_jobs(master: str, name: str, *, seconds: float = 60.0) -> None:
    """Cancel the jobs of a name on the cluster at ``HOST:PORT``, and wait for their end.

    Raises:
        FlinkError: the cluster does not answer, or the jobs go on.
    """
    deadline = time.monotonic() + seconds
    for job in _running(master, name):
        _ask(master, f"/jobs/{job}?mode=cancel", "PATCH")
    while _running(master, name):
        if time.monotonic() > deadline:
            raise FlinkError(f"the job {name} on {master} goes on although it was cancelled")
        time.sleep(_LOOK_SECONDS)


def _running(master: str, name: str) -> list[str]:
    jobs = _ask(master, "/jobs/overview")["jobs"]
    return [str(job["jid"]) for job in jobs if job["name"] == name and job["state"] in _RUNNING]


def _ask(master: str, path: str, method: str = "GET") -> dict[str, Any]:
    base = master if "://" in master else f"http://{master}"
    request = urllib.request.Request(base + path, method=method)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
            found: dict[str, Any] = json.loads(answer.read() or b"{}")
    except (OSError, ValueError) as error:
        raise FlinkError(f"the Flink cluster at {master} cannot be asked: {error}") from error
    return found
