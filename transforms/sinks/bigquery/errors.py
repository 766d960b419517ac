"""Errors of the BigQuery client, translated into messages that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import requests
from google.api_core.exceptions import Forbidden, GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError

from transforms.core.errors import UsageError

_TRANSIENT_REASONS: Final = frozenset(
    {"backendError", "internalError", "jobBackendError", "jobInternalError", "rateLimitExceeded"}
)


@contextmanager
def usage_errors(what: str) -> Iterator[None]:
    """Turn errors of the client in the block into UsageErrors that begin with ``what``.

    The client has already retried the requests for which that helps.
    """
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{what}: {error}") from error
    except GoogleAuthError as error:
        message = (
            f"{what}: no valid Google credentials ({_line(error)}); run `gcloud auth "
            "application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS"
        )
        raise UsageError(message) from error
    except Forbidden as error:
        if "accessDenied" in error_reasons(error) or not error_reasons(error):
            message = (
                f"{what}: not allowed ({_line(error.message)}); grant the roles "
                "roles/bigquery.dataEditor on the dataset and roles/bigquery.jobUser on the project"
            )
            raise UsageError(message) from error
        raise UsageError(f"{what}: {_line(error.message)}") from error
    except GoogleAPICallError as error:
        message = _line(error.message)
        raise UsageError(f"{what}: {message}{_advice(message)}") from error
    except (RetryError, requests.RequestException) as error:
        raise UsageError(f"{what}: BigQuery does not answer: {_line(error)}") from error


def error_reasons(error: GoogleAPICallError) -> set[str]:
    """Return the reasons that BigQuery gives for an error, such as ``accessDenied``."""
    return {str(detail.get("reason")) for detail in error.errors if isinstance(detail, dict)}


def is_transient(error: GoogleAPICallError) -> bool:
    """Tell whether a job that failed with this error may succeed if it is started again."""
    message = str(error.message)
    return bool(error_reasons(error) & _TRANSIENT_REASONS) or "due to concurrent update" in message


def _advice(message: str) -> str:
    if "too many partitions" in message.lower():
        return "; load into a new dataset with --bigquery_partitions month, which makes fewer"
    if "different locations" in message or "not found in location" in message:
        return "; the bucket and the dataset must be in the same location"
    return ""


def _line(message: object) -> str:
    return " ".join(str(message).split())
