import datetime as dt
import functools
from pathlib import Path

import pytest

from tests.support.newsroom import Newsroom, fetch_without_pauses
from tests.support.web_server import WebServer
from transforms.state.retries import fail_entry


@pytest.fixture
def newsroom(
    web: WebServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reused_workers: None,  # noqa: ARG001
) -> Newsroom:
    """Return a site and an output folder. Failed entries are due again at once."""
    at_once = functools.partial(fail_entry, first_backoff=dt.timedelta(0))
    for stage in ("fetch_pages", "extract_articles"):
        monkeypatch.setattr(f"transforms.{stage}.fail_entry", at_once)
    monkeypatch.setattr("pipeline.commands.ingest.fetch_options", fetch_without_pauses)
    return Newsroom(web, tmp_path / "output", str(tmp_path / "state"))
