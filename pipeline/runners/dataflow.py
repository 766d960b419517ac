"""Checks before a job is launched on Google Cloud Dataflow.

Without them, workers would report a missing option late, and one at a time. Beam guesses some
options: if the bucket is missing or invalid, it creates one.
"""

import re
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from apache_beam.options.pipeline_options import (
    GoogleCloudOptions,
    PipelineOptions,
    SetupOptions,
    WorkerOptions,
)
from apache_beam.runners import PipelineRunner

from transforms.core.elements import Feed
from transforms.core.options import require
from transforms.core.urls import is_web_url
from transforms.storage.paths import is_local

GCS_BUCKET_PATTERN: Final = "gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"
"""A regular expression for a Cloud Storage bucket, whose name has 3 to 222 characters."""


def is_dataflow(runner: PipelineRunner) -> bool:
    """Return whether a runner launches jobs on Dataflow."""
    return type(runner).__name__ in ("DataflowRunner", "TestDataflowRunner")


def check_dataflow_options(
    options: PipelineOptions, folders: Mapping[str, str], model: str
) -> None:
    """Check that the workers of a job will have everything that they need.

    Also turns ``save_main_session`` off, which is always off here.

    Args:
        options: Beam's options.
        folders: the folders that workers write to, by the names of their flags.
        model: the value of ``--model``.

    Raises:
        UsageError: something is missing, or workers cannot reach it.
    """
    require(_is_installed(), 'Dataflow needs the extra gcp: pip install "newsbeam[gcp]"')
    cloud = options.view_as(GoogleCloudOptions)
    for name in ("project", "region", "temp_location"):
        require(bool(getattr(cloud, name)), f"Dataflow needs --{name}")
    for name in ("temp_location", "staging_location"):
        folder = getattr(cloud, name)
        require(
            folder is None or bool(re.fullmatch(f"{GCS_BUCKET_PATTERN}(/.*)?", folder)),
            f"--{name}: {folder} is no folder of a bucket (gs://BUCKET/FOLDER)",
        )
    for name, folder in folders.items():
        message = f"--{name}: workers cannot reach {folder}; name a folder of a bucket (gs://...)"
        require(not is_local(folder), message)
    require(
        not Path(model).is_dir(),
        f"--model: workers have no folder {model}; name a package that is part of their image",
    )
    _check_code(options)


def _check_code(options: PipelineOptions) -> None:
    setup = options.view_as(SetupOptions)
    image, script = options.view_as(WorkerOptions).sdk_container_image, setup.setup_file
    message = (
        "Dataflow workers need Newsbeam: name an image that has it by --sdk_container_image, or "
        "let them install it when they start by --setup_file ./setup.py"
    )
    require(bool(image or script), message)
    require(script is None or Path(script).is_file(), f"--setup_file: there is no file {script}")
    # It would make Beam pickle the main module with everything that it imports.
    require(
        not setup.save_main_session,
        "--save_main_session: leave it out; workers take all code from their packages",
    )
    setup.save_main_session = False


def check_feeds_are_on_the_web(feeds: Iterable[Feed]) -> None:
    """Check that workers can fetch all feeds.

    Raises:
        UsageError: a feed is a file.
    """
    for feed in feeds:
        message = f"--feeds: workers cannot read the feed {feed.url}; give its address on the web"
        require(is_web_url(feed.url), message)


def _is_installed() -> bool:
    try:
        return find_spec("google.cloud.dataflow_v1beta3") is not None
    except ModuleNotFoundError:  # its parent packages are missing, too
        return False
