import datetime as dt
from collections.abc import Iterator

import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from spacy.language import Language

from schemas import Quote
from tests.quoting import Find, quotes_of
from tests.web import Web
from transforms.http import HttpOptions
from transforms.language.model import analyse_texts, load_model
from transforms.stage import Run


@pytest.fixture
def run() -> Run:
    return Run("run-1", dt.datetime(2026, 11, 20, 12, tzinfo=dt.timezone.utc))


@pytest.fixture
def pipeline() -> TestPipeline:
    return TestPipeline(runner=FnApiRunner())


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        yield server


@pytest.fixture
def http() -> HttpOptions:
    """Quick to give up, and free to reach the test's own server."""
    return HttpOptions(fetch_timeout_sec=2.0, allow_private_networks=["127.0.0.1/32"])


@pytest.fixture(scope="session")
def nlp() -> Language:
    return load_model()


@pytest.fixture(scope="session")
def find(nlp: Language) -> Find:
    """The quotes of all kinds of a text."""

    def find(text: str) -> list[Quote]:
        (doc,) = analyse_texts(nlp, [text])
        return quotes_of(doc, text)

    return find
