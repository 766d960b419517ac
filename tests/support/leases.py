"""Leases that settle at once, for tests that lock folders of other file systems."""

import functools
from typing import Final

import pytest

from transforms.storage.locks import LeaseTiming, lock_folder

QUICK: Final = LeaseTiming(settle_sec=0.0)


def use_lease_timing(patch: pytest.MonkeyPatch, timing: LeaseTiming = QUICK) -> None:
    """Make whole runs lock their output and state with leases of this timing."""
    quick_lock = functools.partial(lock_folder, timing=timing)
    for module in ("transforms.sinks.commit", "transforms.state.store"):
        patch.setattr(f"{module}.lock_folder", quick_lock)
