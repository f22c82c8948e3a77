"""The dip: how far numbers are from having a single peak, and how likely that is by chance.

The dip D of a sample is the least distance, over all distributions F with one peak, between F and
the empirical distribution function F_n: a distribution function with one peak is convex up to
the peak and concave after it. Within an interval let G be the greatest convex function below F_n
and L the least concave one above it. The algorithm narrows the interval of the peak:

    d   = the largest L - G where either touches F_n; that place and the next one where the other
          touches bound the next interval
    D   = max(D, F_n - G left of it, L - F_n right of it);   stop as soon as d <= D;   dip = D / 2

G's slopes are the isotonic regression of the slopes of F_n, weighted by the steps' widths, which
takes time linear in the numbers: the whole is O(n log n) for the sorting, and a few such passes.
Equal numbers are a ramp of almost no width, not one high step: a distribution with one peak may
jump at its peak, and the interval of the peak can so end amid them.

p-values are those of samples from the uniform distribution, which of all distributions with one
peak has the largest dips: sqrt(n) D is interpolated in sqrt(n) between the simulated sizes of
`dip_table`, and in log p between its quantiles.

Source:
    Hartigan, Hartigan, "The dip test of unimodality", Annals of Statistics 13, 1985.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import isotonic_regression

from dclust_gui.algorithms.dip_table import PROBABILITIES, QUANTILES, SIZES

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FEWEST = 4
"""Fewer numbers always fit one peak."""
TIE = 1e-12
"""Numbers nearer than this, over the range, are equal, and are put so far apart."""
TOUCHES = 1e-9
"""So near, in numbers of the sample, two curves touch."""


def dip_statistic(sample: ArrayLike) -> float:
    """Hartigan's dip.

    Args:
        sample: (n,) finite numbers in any order.

    Returns:
        Between 1 / (2 n) and 1/4; 0 for no numbers.
    """
    values = np.sort(np.asarray(sample, dtype=np.float64).ravel())
    total = len(values)
    if not total:
        return 0.0
    span = float(values[-1] - values[0])
    if span <= 0.0 or total < FEWEST:
        return 0.5 / total
    return _dip(np.maximum(np.diff(values) / span, TIE)) / (2.0 * total)


def _dip(widths: NDArray[np.float64]) -> float:
    """Twice the dip, in numbers of the sample.

    Args:
        widths: (n - 1,) from each number to the next, above 0.
    """
    below = np.arange(len(widths) + 1, dtype=np.float64)
    above = below + 1.0
    low, high = 0, len(widths)
    found = 1.0
    while True:
        part = slice(low, high + 1)
        convex = _convex_below(widths[low:high], below[part])
        concave = -_convex_below(widths[low:high], -above[part])
        touches_below = np.flatnonzero(below[part] - convex <= TOUCHES)
        touches_above = np.flatnonzero(concave - above[part] <= TOUCHES)
        gap = concave - convex
        at_below = int(touches_below[gap[touches_below].argmax()])
        at_above = int(touches_above[gap[touches_above].argmax()])
        if gap[at_below] > gap[at_above]:
            widest, left = float(gap[at_below]), at_below
            right = int(touches_above[np.searchsorted(touches_above, at_below)])
        else:
            widest, right = float(gap[at_above]), at_above
            left = int(touches_below[np.searchsorted(touches_below, at_above, "right") - 1])
        if widest <= found + TOUCHES:
            return found
        outer = (above[part] - convex)[: left + 1], (concave - below[part])[right:]
        found = max(found, *(float(side.max()) for side in outer))
        if (left, right) == (0, high - low):
            return found
        low, high = low + left, low + right


def _convex_below(widths: NDArray[np.float64], heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The greatest convex function below some points so far apart, at these points."""
    if len(widths) < 2:
        return heights
    found = isotonic_regression(np.diff(heights) / widths, weights=widths)
    rises = np.concatenate([[0.0], np.cumsum(found.x * widths)])
    # it touches where a slope begins or ends: there exactly, however many numbers came before
    knots = np.asarray(found.blocks)
    begins = np.repeat(knots[:-1], np.diff(knots))
    curve: NDArray[np.float64] = heights.copy()
    curve[:-1] = heights[begins] + rises[:-1] - rises[begins]
    return curve


def dip_p_value(dip: float, count: int) -> float:
    """How often a sample with one peak has such a dip or a larger one, at most.

    Args:
        dip: Of `dip_statistic`.
        count: Numbers in the sample.

    Returns:
        In [0, 1]; 1 for fewer than 4 numbers; below the smallest simulated tail (0.0005) it is
        continued along the line of the last two quantiles, as the tail is near exponential.
    """
    if count < FEWEST:
        return 1.0
    sizes = np.sqrt(np.asarray(SIZES, dtype=np.float64))
    table = np.asarray(QUANTILES, dtype=np.float64)
    root = float(np.clip(np.sqrt(count), sizes[0], sizes[-1]))
    row = np.array([np.interp(root, sizes, column) for column in table.T])
    scaled = float(np.sqrt(count) * dip)
    tails = np.log1p(-np.asarray(PROBABILITIES, dtype=np.float64))
    if scaled <= row[0] + TOUCHES:
        return 1.0
    if scaled <= row[-1]:
        return float(np.exp(np.interp(scaled, row, tails)))
    slope = (tails[-1] - tails[-2]) / max(row[-1] - row[-2], 1e-12)
    return float(np.exp(max(tails[-1] + slope * (scaled - row[-1]), -700.0)))


def dip_test(sample: ArrayLike) -> tuple[float, float]:
    """Dip and p-value of the hypothesis that a sample has one peak.

    Args:
        sample: (n,) finite numbers.

    Returns:
        (dip, p); a small p speaks for two peaks or more.
    """
    values = np.asarray(sample, dtype=np.float64).ravel()
    dip = dip_statistic(values)
    return dip, dip_p_value(dip, len(values))
