"""Beam's way to S3, with its client kept.

Beam makes a client for every file that it opens, which takes more CPU than to analyse an article:
it reads the description of the whole service anew. A thread needs one.
"""

import functools
import threading
from typing import Any, Final

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from transforms.core.options import UsageError

_PREFIX: Final = "s3://"
_CLIENTS: Final = 64


def is_s3(path: str) -> bool:
    """Whether a path is on S3."""
    return path.startswith(_PREFIX)


def check_credentials(path: str) -> None:
    """See that there are credentials: without any, Beam tries again for minutes.

    Raises:
        UsageError: there are none.
    """
    import boto3

    if not _options(path).get("s3_access_key_id") and not boto3.session.Session().get_credentials():
        raise UsageError(f"no credentials for {path}: give the machine a role, or boto3 a profile")


def _options(path: str) -> dict[str, Any]:
    options = FileSystems.get_filesystem(path)._options
    said = options.get_all_options() if isinstance(options, PipelineOptions) else options
    return {name: said[name] for name in said if name.startswith("s3_")}


def get_s3_io(path: str) -> Any:
    """Beam's S3IO for a path, by the options of its file system; for the thread that asks only."""
    from apache_beam.io.aws.s3io import S3IO

    return S3IO(client=_client(threading.get_ident(), tuple(sorted(_options(path).items()))))


@functools.lru_cache(maxsize=_CLIENTS)
def _client(_thread: int, options: tuple[tuple[str, Any], ...]) -> Any:
    from apache_beam.io.aws.clients.s3.boto3_client import Client

    return Client(dict(options))
