"""Merge trees of images in SciPy's layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist

from dclust_gui.algorithms.base import FloatArray

if TYPE_CHECKING:
    from numpy.typing import NDArray


def linkage(features: FloatArray) -> NDArray[np.float64]:
    """Ward's merge tree of the rows; (0, 4) for one row."""
    if len(features) < 2:
        return np.empty((0, 4))
    tree: NDArray[np.float64] = hierarchy.linkage(pdist(features.astype(np.float64)), "ward")
    return tree


def ward_of_centres(
    centres: NDArray[np.float64], sizes: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Ward's merge tree of clusters given by their centres and sizes.

    Args:
        centres: float64 (k, d).
        sizes: int (k,), at least 1.

    Returns:
        float64 (k - 1, 4); the last column counts images.
    """
    count = len(centres)
    if count < 2:
        return np.empty((0, 4))
    mass = sizes.astype(np.float64)
    difference = centres[:, None, :] - centres[None, :, :]
    squared = np.einsum("ijd,ijd->ij", difference, difference)
    squared *= 2.0 * mass[:, None] * mass[None, :] / (mass[:, None] + mass[None, :])
    np.fill_diagonal(squared, np.inf)
    node = np.arange(count)
    tree = np.empty((count - 1, 4))
    for step in range(count - 1):
        left, right = np.unravel_index(int(squared.argmin()), squared.shape)
        height = squared[left, right]
        total = mass[left] + mass[right] + mass
        with np.errstate(invalid="ignore"):
            merged = (
                (mass[left] + mass) * squared[left]
                + (mass[right] + mass) * squared[right]
                - mass * height
            ) / total
        mass[left] += mass[right]
        squared[left, :] = squared[:, left] = merged
        squared[left, left] = np.inf
        squared[right, :] = squared[:, right] = np.inf
        pair = sorted((int(node[left]), int(node[right])))
        tree[step] = (*pair, np.sqrt(max(float(height), 0.0)), mass[left])
        node[left] = count + step
    np.maximum.accumulate(tree[:, 2], out=tree[:, 2])
    return tree
