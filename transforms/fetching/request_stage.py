"""Stages that send one request per input, and the DoFn that requests many hosts at a time."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

import apache_beam as beam

from transforms.core.elements import Host
from transforms.core.errors import ItemError
from transforms.core.stage import (
    SideOutput,
    StageBase,
    StageOutput,
    apply_do_fn,
    in_global_window,
    tag,
)
from transforms.fetching.fetcher import FetchResult, ResponseStream
from transforms.fetching.fetcher_handle import FetcherHandle
from transforms.fetching.http_messages import Request, Response
from transforms.state.records import StateChange

InT = TypeVar("InT")
OutT = TypeVar("OutT")


class RequestStage(StageBase[InT, OutT]):
    """A stage that computes the outputs of an input from the response to a request."""

    @abstractmethod
    def request(self, element: InT) -> Request | None:
        """Return the request of an input, or None if it needs none."""

    @abstractmethod
    def on_response(self, element: InT, response: Response | None) -> Iterable[OutT | SideOutput]:
        """Return the outputs of an input. ``response`` is None if there was no request."""

    def on_error(self, element: InT, error: ItemError) -> Iterable[OutT | SideOutput]:
        """Return the outputs of an input whose request failed."""
        return self.fail(element, error)

    def outputs(self, element: InT, result: FetchResult | None) -> list[OutT | SideOutput]:
        """Return the outputs of one input, counted, with errors turned into dead letters.

        The inputs themselves are counted when their requests are sent.

        Args:
            element: the input.
            result: the response to its request, the error of the request, or None if there was
                none.
        """
        return self._guarded(element, self._generate_outputs(element, result))

    def _generate_outputs(
        self, element: InT, result: FetchResult | None
    ) -> Iterator[OutT | SideOutput]:
        if isinstance(result, ItemError):
            yield from self.on_error(element, result)
        else:
            yield from self.on_response(element, result)


class RequestDoFn(beam.DoFn, Generic[InT]):
    """The DoFn that runs a :class:`RequestStage` over inputs grouped by host.

    The hosts of a bundle are requested in parallel, so the slowest host decides how long the
    bundle takes. Results are processed at the end of the bundle, in the order of their arrival: to
    process them earlier would delay the requests to the remaining hosts.
    """

    def __init__(self, stage: RequestStage[InT, Any], fetcher: FetcherHandle) -> None:
        self.stage = stage
        self.fetcher = fetcher

    def setup(self) -> None:
        self.stage.open()
        self.fetcher.open()

    def teardown(self) -> None:
        self.stage.close()
        self.fetcher.close()

    def start_bundle(self) -> None:
        self._stream = ResponseStream[InT](self.fetcher.value)

    def process(self, element: tuple[Host, Iterable[InT]]) -> Iterator[Any]:
        inputs = list(element[1])
        self.stage.counters.count_inputs(len(inputs))
        requests = []
        for item in inputs:
            request = self.stage.request(item)
            if request is None:
                yield from map(tag, self.stage.outputs(item, None))
            else:
                requests.append((item, request))
        self._stream.add(requests)

    def finish_bundle(self) -> Iterator[Any]:
        try:
            for item, result in self._stream.remaining():
                for output in self.stage.outputs(item, result):
                    yield in_global_window(tag(output))
            for state in self.fetcher.value.take_changes():
                yield in_global_window(tag(StateChange(host=state)))
        finally:
            self._stream.cancel()
            del self._stream  # it holds the fetcher


def apply_request_stage(
    hosts: beam.PCollection[tuple[Host, Iterable[InT]]],
    stage: RequestStage[InT, OutT],
    fetcher: FetcherHandle,
    output_type: Any,
) -> StageOutput[OutT]:
    """Apply a stage to inputs grouped by host; ``output_type`` is the type of the main output."""
    outputs: StageOutput[OutT] = apply_do_fn(hosts, RequestDoFn(stage, fetcher), output_type)
    return outputs
