import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.support.local_servers import LocalServers, Reply
from transforms.core.elements import Run
from transforms.fetching.fetcher import (
    Fetcher,
    FetcherHandle,
    FetchOptions,
    FetchStage,
    ResponseStream,
)
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.options import HttpOptions, PolitenessOptions
from transforms.state.store import StateHandle

A, B = "127.0.0.2", "127.0.0.3"
HTTP = HttpOptions(fetch_concurrency=2, allow_private_networks=["127.0.0.0/8"])
OPTIONS = FetchOptions(HTTP, PolitenessOptions(host_delay_sec=0, robots="none"))


@pytest.fixture
def web() -> Iterator[LocalServers]:
    with LocalServers([A, B]) as served:
        yield served


def wait_for(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Paths(FetchStage):
    """Addresses to their bodies."""

    name = "Paths"

    def source(self, element: str) -> str:
        return element

    def request(self, element: str) -> Request:
        return Request(element)

    def answered(self, element: str, answer: Response | None) -> Iterable[Any]:
        assert answer is not None
        yield element, answer.body


def test_all_lanes_are_begun_before_answers_are_worked_on(
    web: LocalServers, run: Run, state: StateHandle
) -> None:
    web.answers["/page"] = Reply(b"page")
    stage = Paths(run, FetcherHandle(OPTIONS, state))
    stage.setup()
    stage.start_bundle()
    for host in (A, B):
        assert list(stage.process((host, [f"{web.base(host)}/page"]))) == []
        wait_for(lambda host=host: bool(web.requests(host)))  # type: ignore[misc]
    found = [output.value for output in stage.finish_bundle() if isinstance(output.value, tuple)]
    assert sorted(found) == [(f"{web.base(host)}/page", b"page") for host in (A, B)]
    stage.teardown()


def test_no_more_is_asked_for_while_many_bytes_wait(
    web: LocalServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.fetching.polite_client._MAX_UNREAD_BYTES", 100_000)
    web.answers["/page"] = Reply(bytes(20_000))
    with Fetcher(OPTIONS) as fetcher:
        answers = ResponseStream(fetcher)
        for number, host in itertools.product(range(15), (A, B)):
            answers.add([((number, host), Request(f"{web.base(host)}/page"))])
        wait_for(lambda: len(web.log) >= 5)
        time.sleep(0.3)
        assert len(web.log) <= 5 + HTTP.fetch_concurrency
        assert len(list(answers.rest())) == len(web.log) == 30
