"""The handle to the fetcher that all stages of a process share."""

from apache_beam.utils.shared import Shared

from transforms.core.process_shared import ProcessShared
from transforms.fetching.fetcher import Fetcher
from transforms.fetching.options import FetchOptions
from transforms.state.store import StateHandle


class FetcherHandle(ProcessShared[Fetcher]):
    """The fetcher of a process, which all its stages share."""

    def __init__(self, options: FetchOptions, state: StateHandle) -> None:
        self._options = options
        self._state = state
        self._shared = Shared()

    def get(self) -> Fetcher:
        fetcher: Fetcher = self._shared.acquire(self._make)
        return fetcher

    def _make(self) -> Fetcher:
        fetcher = Fetcher(self._options)
        fetcher.remember(self._state.get().hosts)
        return fetcher
