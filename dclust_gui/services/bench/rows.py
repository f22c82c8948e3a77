"""What a benchmark gives, and how two things are timed fairly."""

from __future__ import annotations

import os
import platform
import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One line of a benchmark.

    Attributes:
        bench: Name of the benchmark.
        what: What was measured.
        ours: Our value.
        unit: Its unit.
        peer_name: What it is compared with; empty where there is no peer.
        peer: The peer's value; None without a peer.
        ratio: How many times better ours is (above 1 is better); None without a peer.
    """

    bench: str
    what: str
    ours: float
    unit: str
    peer_name: str = ""
    peer: float | None = None
    ratio: float | None = None


def timed_row(
    bench: str,
    what: str,
    ours: Callable[[], object],
    peer_name: str,
    peer: Callable[[], object],
    repeats: int = 3,
) -> BenchRow:
    """Time two ways of doing the same thing in turns.

    Args:
        bench: Name of the benchmark.
        what: What is done.
        ours: Our way; called once before, unmeasured, when it is repeated.
        peer_name: The other way's name.
        peer: The other way, likewise.
        repeats: Measured calls of each.

    Returns:
        Medians in seconds.
    """
    if repeats > 1:
        ours()
        peer()
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for calls, function in zip(seconds, (ours, peer), strict=True):
            calls.append(seconds_of(function))
    mine, theirs = map(statistics.median, seconds)
    return BenchRow(bench, what, mine, "s", peer_name, theirs, theirs / mine)


def seconds_of(function: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def as_json(rows: Iterable[BenchRow]) -> dict[str, object]:
    """What `dclust bench --json` prints."""
    return {"machine": machine(), "rows": [_rounded(row) for row in rows]}


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    import psutil

    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load": [round(v, 2) for v in psutil.getloadavg()],
    }


def _rounded(row: BenchRow) -> dict[str, object]:
    values: dict[str, object] = asdict(row)
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}
