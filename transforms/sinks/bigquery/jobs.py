"""BigQuery jobs with ids that name their work, so that no two processes do the same work.

BigQuery never frees the id of a job, whatever happens to the job. A process that finds an id taken
waits for that job. It uses the next attempt number only if the job failed or its result is gone.
"""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar, cast

from google.api_core.exceptions import Conflict, GoogleAPICallError
from google.cloud import bigquery

from transforms.sinks.bigquery.errors import is_transient

JobT = TypeVar("JobT", bigquery.LoadJob, bigquery.QueryJob)

_MAX_TRIES: Final = 5


@dataclass(frozen=True)
class JobSpec(Generic[JobT]):
    """A job to run at most once.

    Attributes:
        name: The part of the job's id that names its work.
        start: Start the job under an id.
        has_result: Return whether the result of a finished job still exists.
    """

    name: str
    start: Callable[[str], JobT]
    has_result: Callable[[JobT], bool]


def start_job(client: bigquery.Client, spec: JobSpec[JobT]) -> JobT:
    """Start a job, or return an earlier one that is running or whose result exists."""
    for attempt in itertools.count(1):
        job_id = f"newsbeam_{spec.name}_{attempt}"
        try:
            return spec.start(job_id)
        except Conflict:
            job = cast(JobT, client.get_job(job_id))  # an id names one kind of job
            if job.state != "DONE" or (not job.error_result and spec.has_result(job)):
                return job
    raise AssertionError("unreachable")


def wait_for_job(
    client: bigquery.Client, spec: JobSpec[JobT], job: JobT, *, first_backoff_sec: float
) -> JobT:
    """Wait for a started job, and start it again if it failed with a transient error.

    Args:
        client: The client.
        spec: The job to start again.
        job: The started job.
        first_backoff_sec: Seconds before the second try; they double with each later try.

    Returns:
        The job that succeeded.

    Raises:
        GoogleAPICallError: The job failed with another error, or too often.
    """
    for tries in itertools.count(1):
        try:
            job.result()
        except GoogleAPICallError as error:
            if tries == _MAX_TRIES or not is_transient(error):
                raise
            time.sleep(first_backoff_sec * 2 ** (tries - 1))
            job = start_job(client, spec)
        else:
            return job
    raise AssertionError("unreachable")
