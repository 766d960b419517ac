import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.support.local_servers import LocalServers, Reply
from tests.support.waiting import wait_for
from transforms.core.elements import Run
from transforms.core.stage import SideOutput
from transforms.fetching.fetcher import Fetcher, ResponseStream
from transforms.fetching.fetcher_handle import FetcherHandle
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.options import FetchOptions, HttpOptions, PolitenessOptions
from transforms.fetching.request_stage import RequestDoFn, RequestStage
from transforms.state.store import StateHandle

A, B = "127.0.0.2", "127.0.0.3"
HTTP = HttpOptions(fetch_concurrency=2, allow_private_networks=["127.0.0.0/8"])
OPTIONS = FetchOptions(HTTP, PolitenessOptions(host_delay_sec=0, robots="none"))


@pytest.fixture
def web() -> Iterator[LocalServers]:
    with LocalServers([A, B]) as served:
        yield served


@dataclass
class Bodies(RequestStage[str, tuple[str, bytes]]):
    """Fetches addresses and yields their bodies."""

    name = "Bodies"

    run: Run

    def source(self, element: str) -> str:
        return element

    def request(self, element: str) -> Request:
        return Request(element)

    def on_response(
        self, element: str, response: Response | None
    ) -> Iterator[tuple[str, bytes] | SideOutput]:
        assert response is not None
        yield element, response.body


def test_all_hosts_are_requested_before_responses_are_processed(
    web: LocalServers, run: Run, state: StateHandle
) -> None:
    web.answers["/page"] = Reply(b"page")
    do_fn = RequestDoFn(Bodies(run), FetcherHandle(OPTIONS, state))
    do_fn.setup()
    do_fn.start_bundle()
    for host in (A, B):
        assert list(do_fn.process((host, [f"{web.base(host)}/page"]))) == []
        wait_for(lambda host=host: bool(web.requests(host)))  # type: ignore[misc]
    found = [output.value for output in do_fn.finish_bundle() if isinstance(output.value, tuple)]
    assert sorted(found) == [(f"{web.base(host)}/page", b"page") for host in (A, B)]
    do_fn.teardown()


def test_no_more_is_asked_for_while_many_bytes_wait(web: LocalServers) -> None:
    web.answers["/page"] = Reply(bytes(20_000))
    with Fetcher(replace(OPTIONS, max_unread_bytes=100_000)) as fetcher:
        responses = ResponseStream[tuple[int, str]](fetcher)
        for number, host in itertools.product(range(15), (A, B)):
            responses.add([((number, host), Request(f"{web.base(host)}/page"))])
        wait_for(lambda: len(web.log) >= 5)
        time.sleep(0.3)
        assert len(web.log) <= 5 + HTTP.fetch_concurrency
        assert len(list(responses.remaining())) == len(web.log) == 30
