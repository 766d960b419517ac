"""Wait in a test for what another thread or process does."""

import time
from collections.abc import Callable


def wait_for(is_ready: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until a condition holds, and fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        assert time.monotonic() < deadline, f"nothing happened in {seconds:g} seconds"
        time.sleep(0.01)
