"""Beam's S3 file system with a cached client.

Beam creates a client for every file that it opens, and every new client parses the description of
the whole S3 service. That takes more CPU time than the analysis of an article. This module keeps
one client per thread.
"""

import functools
import threading
from typing import TYPE_CHECKING, Any, Final

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from transforms.core.errors import UsageError

if TYPE_CHECKING:
    from apache_beam.io.aws.clients.s3.boto3_client import Client
    from apache_beam.io.aws.s3io import S3IO

_PREFIX: Final = "s3://"
_MAX_CLIENTS: Final = 64


def is_s3(path: str) -> bool:
    """Tell whether a path is on S3."""
    return path.startswith(_PREFIX)


def check_credentials(path: str) -> None:
    """Check that there are credentials for a path. Without any, Beam retries for minutes.

    Raises:
        UsageError: There are none.
    """
    import boto3

    if not _options(path).get("s3_access_key_id") and not boto3.session.Session().get_credentials():
        raise UsageError(f"no credentials for {path}: give the machine a role, or boto3 a profile")


def _options(path: str) -> dict[str, Any]:
    """Return the pipeline options for S3, by name."""
    options = FileSystems.get_filesystem(path)._options
    values = options.get_all_options() if isinstance(options, PipelineOptions) else options
    return {name: values[name] for name in values if name.startswith("s3_")}


def get_s3_io(path: str) -> "S3IO":
    """Return Beam's S3IO with the options of a path's file system.

    Its client belongs to the calling thread; do not pass it to another one.
    """
    from apache_beam.io.aws.s3io import S3IO

    return S3IO(client=_client(threading.get_ident(), tuple(sorted(_options(path).items()))))


@functools.lru_cache(maxsize=_MAX_CLIENTS)
def _client(_thread: int, options: tuple[tuple[str, Any], ...]) -> "Client":
    from apache_beam.io.aws.clients.s3.boto3_client import Client

    return Client(dict(options))
