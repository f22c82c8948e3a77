"""Lets long work yield the processors to the window."""

from __future__ import annotations

import os
import sys
import threading

_NICENESS = 10


def yield_to_window() -> None:
    """Let this thread, and those it starts, have the processors only after the window's own.

    On Linux niceness belongs to a thread and is inherited by the threads it starts (decoders,
    those of torch). Elsewhere it belongs to the whole process, and nothing is done.
    """
    if not sys.platform.startswith("linux"):
        return
    thread = threading.get_native_id()
    try:
        if os.getpriority(os.PRIO_PROCESS, thread) < _NICENESS:
            os.setpriority(os.PRIO_PROCESS, thread, _NICENESS)
    except OSError:  # a sandbox may forbid it; then all threads are equal
        return
