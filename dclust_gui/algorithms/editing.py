"""What edits ask of features: second-best clusters, parts of a cluster, images like examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms.lloyd import tensor_of
from dclust_gui.algorithms.partition import KMeans
from dclust_gui.algorithms.projection import leading_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.float32] | NDArray[np.float16]

AXES = 32
"""Leading axes on which a cluster is divided."""
LEARN_FROM = 2_500
"""Most images from which parts are learnt; the others go to the nearest part."""

_BLOCK = 4_096
_RESTARTS = 4
_LEAST = 1e-12
_FLAT = 1e-6


def second_best(
    rows: Rows, own: NDArray[np.int32], sums: NDArray[np.float64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The cluster besides its own that fits each image best, by the cosine with its mean.

    Args:
        rows: (m, d), of length 1.
        own: int32 (m,), the image's own cluster, negative for none.
        sums: float64 (n_clusters, d), sums of the rows of each cluster.
        counts: int64 (n_clusters,), rows of each; clusters without any are passed over.

    Returns:
        int32 (m,) clusters, -1 where there is no other, and float32 (m,) margins: how much nearer
        the own cluster (without the image itself) is; NaN where there is no own or no other.
    """
    used = np.flatnonzero(counts > 0)
    best, margin = np.full(len(rows), -1, np.int32), np.full(len(rows), np.nan, np.float32)
    if not len(used):
        return best, margin
    means = _unit(sums[used]).astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", sums, sums))
    place = np.full(len(counts) + 1, -1, np.int64)
    place[used] = np.arange(len(used))
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        part = rows[block].astype(np.float32, copy=False)
        near = part @ means.T
        column = place[own[block]]
        has_own = np.flatnonzero(column >= 0)
        cluster = own[block][has_own]
        # the cosine with sum - row, from the one with the sum, as rows have length 1
        whole = lengths[cluster]
        along = near[has_own, column[has_own]] * whole
        left = np.sqrt(np.maximum(whole**2 - 2 * along + 1, _LEAST))
        mine = np.full(len(part), np.nan, np.float32)
        mine[has_own] = (along - 1) / left
        mine[has_own[counts[cluster] < 2]] = np.nan
        near[has_own, column[has_own]] = -np.inf
        other = near.argmax(1)
        value = near[np.arange(len(part)), other]
        is_found = np.isfinite(value)
        best[block] = np.where(is_found, used[other], -1)
        margin[block] = np.where(is_found, mine - value, np.nan)
    return best, margin


def sub_clusters(rows: Rows, n_parts: int, seed: int = 0) -> NDArray[np.int32]:
    """Divide the images of one cluster by k-means on the axes along which they vary most.

    Args:
        rows: (m, d), at least `n_parts` different ones.
        n_parts: Number of parts, at least 2.
        seed: For everything random.

    Returns:
        int32 (m,), the part of each image; part 0 is the largest.

    Raises:
        UnusableDataError: If there are fewer different rows than parts.
    """
    chosen = np.arange(len(rows))
    if len(rows) > LEARN_FROM:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:LEARN_FROM])
    learnt = rows[chosen].astype(np.float32)
    axes = leading_axes(tensor_of(learnt), min(AXES, *learnt.shape), seed=seed).numpy()
    model = KMeans(n_parts, n_init=_RESTARTS, random_state=seed).fit(learnt @ axes)
    if len(chosen) == len(rows):
        parts = model.labels_
    else:
        centres = np.asarray(model.cluster_centers_, np.float32)
        offset = np.einsum("ij,ij->i", centres, centres) / 2
        parts = np.empty(len(rows), np.int32)
        towards = axes @ centres.T
        for start in range(0, len(rows), _BLOCK):
            part = rows[start : start + _BLOCK].astype(np.float32, copy=False)
            parts[start : start + _BLOCK] = (part @ towards - offset).argmax(1)
    order = np.argsort(-np.bincount(parts, minlength=n_parts), kind="stable")
    number = np.empty(n_parts, np.int32)
    number[order] = np.arange(n_parts, dtype=np.int32)
    found: NDArray[np.int32] = number[parts]
    return found


def example_scores(rows: Rows, examples: NDArray[np.integer]) -> NDArray[np.float32]:
    """How much each image belongs with some examples rather than with the rest of its cluster.

    What all images of the cluster share says nothing, so their mean is taken off first.

    Args:
        rows: (m, d), of length 1, examples included.
        examples: Numbers of the rows that are examples, at least one.

    Returns:
        float32 (m,), 0 to 1: 1 as like the examples as they are themselves, 0 as unlike as the
        rest is on average.
    """
    if len(examples) == len(rows):
        return np.ones(len(rows), np.float32)
    total = np.zeros(rows.shape[1])
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK].astype(np.float32, copy=False)
        total += np.ones(len(part), np.float32) @ part
    mean = (total / len(rows)).astype(np.float32)
    picked = _unit(rows[examples].astype(np.float32) - mean)
    direction = _unit(picked.mean(0, keepdims=True))[0].astype(np.float32)
    near = np.empty(len(rows), np.float32)
    square = float(mean @ mean)
    along = float(mean @ direction)
    both = np.stack([direction, mean], 1)
    for start in range(0, len(rows), _BLOCK):
        found = rows[start : start + _BLOCK].astype(np.float32, copy=False) @ both
        lengths = np.sqrt(np.maximum(1 - 2 * found[:, 1] + square, _LEAST))
        near[start : start + _BLOCK] = (found[:, 0] - along) / lengths
    top, low = float(near[examples].mean()), float(np.delete(near, examples).mean())
    if top - low < _FLAT:
        return np.ones(len(rows), np.float32)
    scores: NDArray[np.float32] = np.clip((near - low) / (top - low), 0, 1).astype(np.float32)
    return scores


def best_threshold(scores: NDArray[np.float32]) -> float:
    """Where scores fall apart into two groups that differ most.

    Args:
        scores: float32 (m,), 0 to 1.

    Returns:
        A value between them; 0.5 for fewer than two different scores.

    Source:
        Otsu, "A threshold selection method from gray-level histograms", IEEE SMC 9, 1979.
    """
    ordered = np.sort(scores.astype(np.float64))
    if len(ordered) < 2 or ordered[0] == ordered[-1]:
        return 0.5
    below = np.arange(1, len(ordered))
    above = len(ordered) - below
    sums = np.cumsum(ordered)
    apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
    place = int((below * above * apart**2).argmax())
    return float((ordered[place] + ordered[place + 1]) / 2)


def _unit(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    scaled: NDArray[np.floating] = rows / np.maximum(lengths, _LEAST)[:, None]
    return scaled
