"""What a run frees goes back to the system."""

import ctypes
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_THRESHOLD_BYTES: Final = 1 << 17


def return_freed_memory() -> None:
    """Have large buffers returned when they are freed, where the C library is glibc.

    Left to itself it raises the size from which it does so with every large buffer that is freed,
    and the runner's buffers are as large as the run: they would leave holes, in which little fits.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _THRESHOLD_BYTES)
