"""Places on a map: turned alike, brought to one size, and at which zoom each picture has room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_LEVELS = 33
"""Levels of zoom at which further pictures find room; three of them halve the distance."""

NEVER = 255
"""Level of images that never have room for a picture: they lie too near to better ones."""

_ROUNDS = 4
_ALIKE = 1e-6
"""Share of a map's size within which places count as the same."""
_APART = 2e-4
"""Share of a map's size by which images at the same place are set apart."""
_GOLDEN = 2.399963


def spacing_of(level: int) -> float:
    """Least distance (greatest difference of x or y) between pictures of a level.

    Args:
        level: 0 for the whole map, whose larger side is 2.
    """
    return float(2.0 * 2.0 ** (-level / 3))


def turned_like(places: NDArray[np.float32], model: NDArray[np.float32]) -> NDArray[np.float32]:
    """Places turned and mirrored, nothing else, so that they lie as those of another map.

    Args:
        places: float32 (n, 2).
        model: float32 (n, 2), the other map's places of the same images.

    Source:
        Schoenemann, "A generalized solution of the orthogonal Procrustes problem", 1966.
    """
    if len(places) < 2:
        return places
    centre = places.mean(0, dtype=np.float64)
    moved = places - centre
    left, _, right = np.linalg.svd(moved.T @ (model - model.mean(0, dtype=np.float64)))
    turned: NDArray[np.float32] = (moved @ (left @ right)).astype(np.float32)
    return turned


def set_apart(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Places in which images at one and the same place lie in a small spiral instead.

    Args:
        places: float32 (n, 2).
    """
    if len(places) < 2:
        return places
    low = places.min(0)
    size = float(np.ptp(places, axis=0).max())
    step = size * _ALIKE if size > 0 else 1.0
    grid = np.floor((places - low) / step).astype(np.int64)
    keys = grid[:, 0] * (int(grid[:, 1].max()) + 1) + grid[:, 1]
    _, group, counts = np.unique(keys, return_inverse=True, return_counts=True)
    if counts.max() == 1:
        return places
    order = np.argsort(group, kind="stable")
    starts = np.cumsum(counts) - counts
    number = np.empty(len(places), np.int64)
    number[order] = np.arange(len(places)) - np.repeat(starts, counts)
    radius = np.sqrt(number) * (size * _APART if size > 0 else 1.0)
    angle = number * _GOLDEN
    shift = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return np.asarray(places + shift, np.float32)


def framed(raw: NDArray[np.float32], n_base: int) -> NDArray[np.float32]:
    """Places in one size: those of the first images fill a square from -1 to 1 in one direction.

    Args:
        raw: float32 (n, 2), as a method gave them.
        n_base: How many of the first decide; the others may lie outside.
    """
    base = raw[:n_base] if n_base else raw
    if not len(base):
        return raw
    low, high = base.min(0).astype(np.float64), base.max(0).astype(np.float64)
    half = float((high - low).max()) / 2
    return np.asarray((raw - (low + high) / 2) / (half if half > 0 else 1.0), np.float32)


def exemplars_first(labels: NDArray[np.int32], typical: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rows in the order in which they get room: the best of each cluster, then the second, ...

    Args:
        labels: int32 (n,), clusters.
        typical: float32 (n,), how typical each image is of its cluster; NaN for unknown.

    Returns:
        int64 (n,), rows.
    """
    n = len(labels)
    value = np.where(np.isnan(typical), -1.0, typical)
    by_cluster = np.lexsort((np.arange(n), -value, labels))
    sorted_labels = labels[by_cluster]
    starts = np.flatnonzero(np.diff(sorted_labels, prepend=sorted_labels[:1] - 1))
    lengths = np.diff(np.append(starts, n))
    place = np.empty(n, np.int64)
    place[by_cluster] = np.arange(n) - np.repeat(starts, lengths)
    return np.lexsort((-value, place))


def room_levels(places: NDArray[np.float32], order: NDArray[np.integer]) -> NDArray[np.uint8]:
    """From which level of zoom on each image has room for its picture.

    Those of one level and all below it are at least `spacing_of(level)` apart, so that a picture
    that has appeared stays while one zooms in, and moving the map changes nothing.

    Args:
        places: float32 (n, 2).
        order: int (n,), rows, the most important first.

    Returns:
        uint8 (n,), level, or `NEVER`.
    """
    n = len(places)
    levels = np.full(n, NEVER, np.uint8)
    if not n:
        return levels
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    moved = (places - places.min(0)).astype(np.float32)
    left = np.asarray(order, np.int64)
    shown = left[:0]
    for level in range(N_LEVELS):
        taken = _with_room(moved, left, shown, rank, spacing_of(level))
        levels[taken] = level
        shown = np.concatenate([shown, taken])
        left = left[levels[left] == NEVER]
        if not len(left):
            break
    return levels


def _with_room(
    places: NDArray[np.float32],
    left: NDArray[np.int64],
    shown: NDArray[np.int64],
    rank: NDArray[np.int64],
    spacing: float,
) -> NDArray[np.int64]:
    """Rows of `left`, best first, that lie apart from those shown and from each other."""
    cells = (places / spacing).astype(np.int64) + 1
    width = int(cells[:, 0].max()) + 2
    keys = cells[:, 1] * width + cells[:, 0]
    size = width * (int(cells[:, 1].max()) + 2)
    around = [dy * width + dx for dy in (0, -1, 1) for dx in (0, -1, 1)]
    holder = np.full(size, -1, np.int32)
    holder[keys[shown]] = shown
    left = _free(places, left, keys, holder, around, spacing)
    taken = [left[:0]]
    best = np.full(size, len(places), np.int32)
    for _ in range(_ROUNDS):
        if not len(left):
            break
        backwards = left[::-1]
        best[keys[left]] = len(places)
        best[keys[backwards]] = rank[backwards]  # the last one written is the best
        own = keys[left]
        first = best[own]
        for step in around[1:]:
            np.minimum(first, best[own + step], out=first)
        winners = left[first == rank[left]]
        best[own] = len(places)
        taken.append(winners)
        holder[keys[winners]] = winners
        left = _free(places, left, keys, holder, around, spacing)
    return np.concatenate(taken)


def _free(
    places: NDArray[np.float32],
    left: NDArray[np.int64],
    keys: NDArray[np.int64],
    holder: NDArray[np.int32],
    around: list[int],
    spacing: float,
) -> NDArray[np.int64]:
    """Rows of `left` that are `spacing` away from all that hold a cell."""
    for step in around:
        other = holder[keys[left] + step]
        near = np.flatnonzero(other >= 0)
        gap = np.abs(places[left[near]] - places[other[near]])
        keeps = np.ones(len(left), np.bool_)
        keeps[near[(gap[:, 0] < spacing) & (gap[:, 1] < spacing)]] = False
        left = left[keeps]
    return left
