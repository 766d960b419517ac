import datetime as dt
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apache_beam.options import pipeline_options_context
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.transforms import core
from spacy.language import Language

from schemas import Quote
from tests.support.quotes import FindQuotes, find_quotes_in
from tests.support.web_server import WebServer
from transforms.core.elements import Run
from transforms.core.isolated_process import IsolatedWorker, IsolatedWorkerHandle, LimitOptions
from transforms.extraction.document_worker import load_document_parsers
from transforms.fetching.fetcher_handle import FetcherHandle
from transforms.fetching.options import FetchOptions, HttpOptions, PolitenessOptions
from transforms.language.model import analyse_texts, load_model
from transforms.state.loaded_state import State
from transforms.state.store import StateHandle

collect_ignore = ["support/bigquery_emulator.py"]  # a program that runs in another environment


@pytest.fixture(scope="session", autouse=True)
def quick_graphs() -> Iterator[None]:
    """Save a third of the time of a run, which Beam spends on building the graph.

    Beam inspects the methods of each DoFn again and again, and parses its options for each pair of
    types that it compares, to learn whether it may use beartype. The default is that it may.
    """
    inspect_function = functools.lru_cache(4096)(core.get_function_args_defaults)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core, "get_function_args_defaults", inspect_function)
        patch.setattr(pipeline_options_context, "get_pipeline_options", lambda: None)
        yield


@pytest.fixture
def run() -> Run:
    return Run("run-1", dt.datetime(2026, 11, 20, 12, tzinfo=dt.timezone.utc))


@pytest.fixture
def pipeline() -> TestPipeline:
    return TestPipeline(runner=FnApiRunner())


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


@pytest.fixture
def http() -> HttpOptions:
    """Options with a short timeout, which allow the test's own server."""
    return HttpOptions(fetch_timeout_sec=2.0, allow_private_networks=["127.0.0.1/32"])


@pytest.fixture
def fetching(http: HttpOptions) -> FetchOptions:
    """Options without a delay between requests, which ignore robots.txt."""
    return FetchOptions(http, PolitenessOptions(host_delay_sec=0, robots="none"))


@pytest.fixture
def known() -> State:
    """The state of earlier runs: empty, unless a test overrides it."""
    return State()


@pytest.fixture
def state(known: State) -> StateHandle:
    handle = StateHandle("unused")
    handle.adopt(known)
    return handle


@pytest.fixture
def fetcher(fetching: FetchOptions, state: StateHandle) -> FetcherHandle:
    return FetcherHandle(fetching, state)


@pytest.fixture(scope="session")
def documents() -> Iterator[IsolatedWorkerHandle]:
    handle = IsolatedWorkerHandle(load_document_parsers, LimitOptions(), name="reading")
    with handle.get() as worker:
        assert isinstance(worker, IsolatedWorker)
        yield handle


@pytest.fixture(scope="session")
def worker_handles() -> Iterator[Callable[..., IsolatedWorkerHandle]]:
    """A factory of handles that returns one handle, with its child process, per name."""
    handles: dict[str, tuple[IsolatedWorkerHandle, IsolatedWorker[Any, Any]]] = {}

    def make_handle(
        setup: Callable[[], Any], limits: LimitOptions, *, name: str, processes: int
    ) -> IsolatedWorkerHandle:
        if name not in handles:
            handle = IsolatedWorkerHandle(setup, limits, name=name, processes=processes)
            handles[name] = (handle, handle.get())
        return handles[name][0]

    yield make_handle
    for _, worker in handles.values():
        worker.close()


@pytest.fixture
def reused_workers(
    worker_handles: Callable[..., IsolatedWorkerHandle], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the test's runs, of the default options, share child processes, which load a model."""
    monkeypatch.setattr("pipeline.graph.IsolatedWorkerHandle", worker_handles)


@pytest.fixture(scope="session")
def nlp() -> Language:
    return load_model()


@pytest.fixture(scope="session")
def find(nlp: Language) -> FindQuotes:
    """A function that finds the quotes of all kinds in a text."""

    def find(text: str) -> list[Quote]:
        (doc,) = analyse_texts(nlp, [text])
        return find_quotes_in(doc, text)

    return find
