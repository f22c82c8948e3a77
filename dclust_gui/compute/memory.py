"""How much memory a computation may take, and how much was taken."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

_MIB = 1 << 20
_CGROUP = Path("/sys/fs/cgroup")


def memory_budget_bytes(share: float = 0.5) -> int:
    """Bytes that one computation may take without pushing other programs out.

    Args:
        share: Part of what is free now, in (0, 1].

    Returns:
        `share` of the free memory; a container's own limit counts where it is smaller.

    Raises:
        ValueError: If `share` is outside (0, 1].
    """
    if not 0 < share <= 1:
        raise ValueError(f"The share must be above 0 and at most 1, not {share}.")
    free = int(psutil.virtual_memory().available)
    limit = _container_free()
    return int(share * (free if limit is None else min(free, limit)))


def peak_rss_mb(*, include_children: bool = False) -> float:
    """Largest resident memory of this process so far.

    Args:
        include_children: Add what helper processes hold now, and the largest that has ended.

    Returns:
        MiB.
    """
    peak = _own_peak_bytes()
    if include_children:
        peak += max(_living_children_bytes(), _ended_child_peak_bytes())
    return peak / _MIB


def _own_peak_bytes() -> int:
    """Peak of this process alone."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    # getrusage's figure survives exec, so under Linux it may be that of the parent.
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource  # noqa: PLC0415 -- does not exist on Windows

    return _rusage_bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _living_children_bytes() -> int:
    """Resident memory of all living descendants."""
    total = 0
    for child in psutil.Process().children(recursive=True):
        try:
            total += int(child.memory_info().rss)
        except psutil.Error:
            continue
    return total


def _ended_child_peak_bytes() -> int:
    """Peak of the largest helper process that has ended; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource  # noqa: PLC0415 -- does not exist on Windows

    return _rusage_bytes(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def _rusage_bytes(maxrss: int) -> int:
    """`ru_maxrss` in bytes: Linux counts KiB, macOS bytes."""
    return maxrss if sys.platform == "darwin" else maxrss * 1024


def _container_free() -> int | None:
    """Bytes left under a control group's limit; None where there is no limit."""
    try:
        limit = (_CGROUP / "memory.max").read_text("ascii").strip()
        used = int((_CGROUP / "memory.current").read_text("ascii"))
    except (OSError, ValueError):
        return None
    return max(0, int(limit) - used) if limit.isdigit() else None
