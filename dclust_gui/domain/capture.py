"""Capture times as numbers."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def capture_seconds(taken_at: str) -> float:
    """Seconds of a capture time on a clock that all images share; NaN where it is unknown.

    Args:
        taken_at: `YYYY-MM-DDTHH:MM:SS` as cameras write it, without a time zone; may be empty or
            a date that does not exist.
    """
    try:
        return datetime.fromisoformat(taken_at).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return math.nan


def capture_times(taken_at: Iterable[str]) -> NDArray[np.float64]:
    """Seconds of many capture times: float64 (n,), NaN where unknown."""
    return np.array([capture_seconds(text) for text in taken_at], np.float64)
