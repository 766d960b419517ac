"""Jobs whose ids say what they do, so that no process does what another has begun or done.

A job of BigQuery keeps its id for good, whatever becomes of it. A process that finds the id taken
waits for that job; only after one that failed, or whose work is gone, comes the next number.
"""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from google.api_core.exceptions import Conflict, GoogleAPICallError
from google.cloud import bigquery

from transforms.sinks.bigquery.errors import is_transient

_TRIES: Final = 5
_FIRST_WAIT_SEC: Final = 2.0


@dataclass(frozen=True)
class Work:
    """Something that one job does.

    ``begin`` sends the job under an id; ``holds`` says whether what a job has done is still there.
    """

    name: str
    begin: Callable[[str], Any]
    holds: Callable[[Any], bool]


def begin(client: bigquery.Client, work: Work) -> Any:
    """Begin a job, or find the one that is under way or has done its work."""
    for attempt in itertools.count(1):
        job_id = f"newsbeam_{work.name}_{attempt}"
        try:
            return work.begin(job_id)
        except Conflict:
            job = client.get_job(job_id)
            if job.state != "DONE" or (not job.error_result and work.holds(job)):
                return job
    raise AssertionError("unreachable")


def end(client: bigquery.Client, work: Work, job: Any) -> Any:
    """Wait for a job that was begun; begin it again where it failed for a reason that is_transient.

    Raises:
        GoogleAPICallError: it failed.
    """
    for tries in itertools.count(1):
        try:
            job.result()
        except GoogleAPICallError as error:
            if tries == _TRIES or not is_transient(error):
                raise
            time.sleep(_FIRST_WAIT_SEC * 2 ** (tries - 1))
            job = begin(client, work)
        else:
            return job
    raise AssertionError("unreachable")
