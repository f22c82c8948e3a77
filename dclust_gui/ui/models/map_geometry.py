"""Which points lie where: rectangle, lasso, nearest, next in a direction; all in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""Lowest x and y, highest x and y."""

_TURN = 2.0
"""How much a step to the side costs when looking for the next point in a direction."""


def points_in_box(points: NDArray[np.float32], box: Box) -> NDArray[np.int64]:
    """Rows of points in a box, its edges included."""
    x, y = points[:, 0], points[:, 1]
    return np.flatnonzero((x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3]))


def points_in_polygon(
    points: NDArray[np.float32], corners: NDArray[np.floating]
) -> NDArray[np.int64]:
    """Rows of points inside a closed polygon, loops that cross themselves included.

    Each edge looks only at the points beside it, found in their order of y; so the work grows
    with the points times how often a line across meets the polygon, not times its corners.

    Args:
        points: float32 (n, 2).
        corners: (m, 2), in order; the last is joined to the first.

    Returns:
        int64 (k,), ascending: points that the outline winds around.

    Source:
        Sunday, "Inclusion of a point in a polygon" (winding number), 2001.
    """
    if len(corners) < 3 or not len(points):
        return np.empty(0, np.int64)
    low, high = corners.min(0), corners.max(0)
    rows = points_in_box(points, (float(low[0]), float(low[1]), float(high[0]), float(high[1])))
    rows = rows[np.argsort(points[rows, 1])]
    x, y = points[rows, 0], points[rows, 1]
    ends = np.roll(corners, -1, axis=0).astype(np.float64)
    starts = corners.astype(np.float64)
    lower = np.minimum(starts[:, 1], ends[:, 1]).astype(np.float32)
    upper = np.maximum(starts[:, 1], ends[:, 1]).astype(np.float32)
    first, last = np.searchsorted(y, lower), np.searchsorted(y, upper)
    winding = np.zeros(len(rows), np.int16)
    for (x0, y0), (x1, y1), begin, stop in zip(
        starts.tolist(), ends.tolist(), first.tolist(), last.tolist(), strict=True
    ):
        if begin == stop:
            continue
        part = slice(begin, stop)
        crossing = x0 + (y[part] - y0) * ((x1 - x0) / (y1 - y0))
        if y1 > y0:
            winding[part] += x[part] < crossing
        else:
            winding[part] -= x[part] < crossing
    is_inside = np.zeros(len(points), np.bool_)
    is_inside[rows[winding != 0]] = True
    return np.flatnonzero(is_inside)


def nearest_point(points: NDArray[np.float32], x: float, y: float, reach: float) -> int:
    """Row of the nearest point within reach; the last of those equally near; -1 for none."""
    near = points_in_box(points, (x - reach, y - reach, x + reach, y + reach))
    if not len(near):
        return -1
    squared = ((points[near] - np.array([x, y], np.float32)) ** 2).sum(1)
    best = len(near) - 1 - int(squared[::-1].argmin())
    return int(near[best]) if float(squared[best]) <= reach * reach else -1


def next_point(points: NDArray[np.float32], row: int, dx: int, dy: int) -> int:
    """Row of the next point to the left, right, top or bottom of one; -1 for none.

    Args:
        points: float32 (n, 2).
        row: Where to start.
        dx: -1, 0 or 1.
        dy: The same; exactly one of them is not 0.
    """
    away = points - points[row]
    along = away[:, 0] * dx + away[:, 1] * dy
    aside = np.abs(away[:, 0] * dy) + np.abs(away[:, 1] * dx)
    ahead = np.flatnonzero((along > 0) & (aside <= along))
    if not len(ahead):
        return -1
    return int(ahead[(along[ahead] + _TURN * aside[ahead]).argmin()])
