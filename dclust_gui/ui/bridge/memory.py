"""Gives memory that was freed back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back_memory() -> bool:
    """Return freed memory to the system where the C library keeps it; True if it did.

    glibc keeps freed blocks per thread: thousands of thumbnails made on one thread and freed on
    another leave several times their size behind. Other C libraries need no such help. Takes some
    milliseconds; call it off the GUI thread.
    """
    if sys.platform != "linux":
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim is not None and bool(trim(0))
