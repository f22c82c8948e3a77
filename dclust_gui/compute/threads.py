"""How many threads a computation should use, and a way to keep to it."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Iterator


def thread_budget() -> int:
    """Threads that one computation should use at most.

    `OMP_NUM_THREADS` wins where it is set; otherwise the physical cores, cut to those that this
    process may run on. Hyper-threads are not counted: two of them share one vector unit.

    Returns:
        At least 1.
    """
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if first.isdigit() and int(first) > 0:
        return int(first)
    physical = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    return max(1, min(physical, _allowed_cores()))


@contextmanager
def use_threads(n: int) -> Iterator[None]:
    """Keep torch, BLAS and OpenMP to `n` threads inside the block, then put back what was.

    torch is only touched when it is loaded already; nothing is imported for its sake. The limit
    is the process's, so two blocks at the same time on different threads disturb each other.

    Args:
        n: Threads, at least 1.

    Raises:
        ValueError: If `n` is below 1.
    """
    if n < 1:
        raise ValueError(f"The number of threads must be at least 1, not {n}.")
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch is not None else 0
    with threadpool_limits(limits=n):
        if torch is not None:
            torch.set_num_threads(n)
        try:
            yield
        finally:
            if torch is not None:
                torch.set_num_threads(before)


def set_torch_threads(n: int) -> None:
    """Let torch use `n` threads in calls from this thread, until told otherwise.

    Cheap enough for every batch; does nothing where torch is not loaded.

    Args:
        n: Threads, at least 1.
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != n:
        torch.set_num_threads(n)


def _allowed_cores() -> int:
    """Logical cores on which the system lets this process run."""
    if sys.platform != "linux":
        return os.cpu_count() or 1
    return len(os.sched_getaffinity(0))
