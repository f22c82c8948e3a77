"""Where clusters' names stand on a map: at their middles, without covering each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""

_N_ROUNDS = 3
_SHIFTS = ((0.0, 0.0), (0.0, -1.0), (0.0, 1.0), (0.0, -2.0), (0.0, 2.0), (-0.5, 0.0), (0.5, 0.0))
"""Where a name may stand besides its middle, in widths and heights of itself."""

_GAP_PX = 3.0


@dataclass(frozen=True, slots=True)
class Middles:
    """The densest part of each cluster.

    Attributes:
        clusters: int64 (k,), ids, the one with the most points first.
        counts: int64 (k,), points of each.
        rows: int64 (k,), the point that stands for its middle.
    """

    clusters: NDArray[np.int64]
    counts: NDArray[np.int64]
    rows: NDArray[np.int64]


def middles_of(points: NDArray[np.float32], labels: NDArray[np.integer]) -> Middles:
    """A point in the densest part of each cluster, never on empty ground between two parts.

    Args:
        points: float32 (n, 2).
        labels: int (n,); negative for points without a cluster.

    Source:
        Mean shift with a Cauchy kernel (Cheng, "Mean shift, mode seeking, and clustering", 1995),
        a few rounds from each cluster's mean.
    """
    chosen = np.flatnonzero(labels >= 0)
    if not len(chosen):
        empty = np.empty(0, np.int64)
        return Middles(empty, empty, empty)
    clusters, inside = np.unique(labels[chosen], return_inverse=True)
    counts = np.bincount(inside)
    x, y = points[chosen, 0].astype(np.float64), points[chosen, 1].astype(np.float64)
    weights, far = np.ones(len(chosen)), np.zeros(len(chosen))
    for _ in range(_N_ROUNDS):
        total = np.bincount(inside, weights)
        middle_x = np.bincount(inside, weights * x) / total
        middle_y = np.bincount(inside, weights * y) / total
        far = (x - middle_x[inside]) ** 2 + (y - middle_y[inside]) ** 2
        spread = np.maximum(np.bincount(inside, weights * far) / total, 1e-12)
        weights = 1 / (1 + far / spread[inside])
    nearest = np.full(len(clusters), np.inf)
    np.minimum.at(nearest, inside, far)
    hits = np.flatnonzero(far == nearest[inside])
    _, first = np.unique(inside[hits], return_index=True)
    order = np.argsort(-counts, kind="stable")
    return Middles(
        clusters[order].astype(np.int64), counts[order].astype(np.int64), chosen[hits[first]][order]
    )


def free_places(
    middles: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    area: tuple[float, float],
    taken: Sequence[Box],
    better_free: Sequence[Box],
    most: int,
) -> list[tuple[int, float, float]]:
    """Places for names, in order; one for which there is no room is left out.

    Args:
        middles: Where each should stand, pixels.
        sizes: Width and height of each.
        area: Width and height of the view.
        taken: What no name may cover.
        better_free: What names should cover as little as possible, as pictures.
        most: Names at most.

    Returns:
        Number, left and top of each that has a place.
    """
    boxes = list(taken)
    found: list[tuple[int, float, float]] = []
    for number, ((x, y), (width, height)) in enumerate(zip(middles, sizes, strict=True)):
        if len(found) == most:
            break
        best: tuple[float, Box] | None = None
        for across, down in _SHIFTS:
            left = min(max(x + (across - 0.5) * width, 0.0), area[0] - width)
            top = min(max(y + (down - 0.5) * height, 0.0), area[1] - height)
            box = (left, top, left + width, top + height)
            if any(_overlap(box, other, _GAP_PX) for other in boxes):
                continue
            cost = sum(_overlap(box, other) for other in better_free)
            if best is None or cost < best[0]:
                best = cost, box
            if not cost:
                break
        if best is not None:
            boxes.append(best[1])
            found.append((number, best[1][0], best[1][1]))
    return found


def _overlap(one: Box, other: Box, gap: float = 0.0) -> float:
    """Square pixels that two boxes share, the first one widened by a gap."""
    width = min(one[2] + gap, other[2]) - max(one[0] - gap, other[0])
    height = min(one[3] + gap, other[3]) - max(one[1] - gap, other[1])
    return max(width, 0.0) * max(height, 0.0)
