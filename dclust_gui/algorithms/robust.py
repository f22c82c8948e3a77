"""A threshold that what lies outside cannot move: median + 3 * 1.4826 * MAD. NumPy only.

Of all values, or of those of a group. Where the MAD is 0, the mean absolute deviation takes its
place.

Source:
    Iglewicz, Hoaglin, "How to detect and handle outliers", 1993.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEVIATIONS = 3.0
"""From the median to the usual threshold, in robust standard deviations."""
SMALLEST_GROUP = 8
"""In a smaller group the usual values are those of all images."""
_NORMAL_MAD, _NORMAL_MEAN = 1.4826, 1.2533
_FLAT = 1e-6
"""Spreads below this share of the median are rounding."""


def centre_and_spread(values: NDArray[np.floating]) -> tuple[float, float]:
    """Median and robust standard deviation.

    Args:
        values: (n,); NaN is passed over.

    Returns:
        Both; the deviation is never 0. (0, 1) without values.
    """
    known = values[np.isfinite(values)].astype(np.float64)
    if not len(known):
        return 0.0, 1.0
    median = float(np.median(known))
    away = np.abs(known - median)
    spread = _NORMAL_MAD * float(np.median(away))
    if spread <= _FLAT * abs(median):
        spread = _NORMAL_MEAN * float(away.mean())
    return median, max(spread, _FLAT * abs(median), 1e-12)


def robust_threshold(values: NDArray[np.floating], deviations: float = DEVIATIONS) -> float:
    """Median plus so many robust standard deviations.

    Args:
        values: (n,); NaN is passed over.
        deviations: How many.
    """
    median, spread = centre_and_spread(values)
    return median + deviations * spread


def robust_deviations(
    values: NDArray[np.floating], groups: NDArray[np.integer] | None = None
) -> NDArray[np.float32]:
    """How many robust standard deviations each value lies above the median.

    Args:
        values: (n,); NaN where unknown.
        groups: int (n,): compare within each group of at least 8 values; None with all.

    Returns:
        float32 (n,); NaN where the value is.
    """
    median, spread = centre_and_spread(values)
    found: NDArray[np.float32] = ((values - median) / spread).astype(np.float32)
    if groups is None:
        return found
    for group in np.unique(groups):
        inside = groups == group
        if np.isfinite(values[inside]).sum() >= SMALLEST_GROUP:
            median, spread = centre_and_spread(values[inside])
            found[inside] = (values[inside] - median) / spread
    return found
