"""The tree of a flat clustering: inside the clusters, then above them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms.base import Callback, FloatArray, UnusableDataError, report
from dclust_gui.algorithms.hierarchy import linkage, ward_of_centres
from dclust_gui.algorithms.lloyd import cluster_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIFT = 1.0 + 1e-6
"""The lowest upper merge over the highest inner one."""


@dataclass(slots=True)
class _Merges:
    """Merges of trees over parts of the images, ids still local to each part."""

    n_leaves: int
    pairs: list[NDArray[np.int64]] = field(default_factory=list)
    heights: list[NDArray[np.float64]] = field(default_factory=list)
    count: int = 0

    def add(self, tree: NDArray[np.float64], leaf_nodes: NDArray[np.int64]) -> int:
        """Add a tree whose leaf i is the node `leaf_nodes[i]`; gives the node of its root."""
        n_part = len(leaf_nodes)
        if n_part == 1:
            return int(leaf_nodes[0])
        new = self.n_leaves + self.count + np.arange(n_part - 1)
        nodes = np.concatenate([leaf_nodes, new])
        self.pairs.append(nodes[tree[:, :2].astype(np.int64)])
        self.heights.append(tree[:, 2])
        self.count += n_part - 1
        return int(new[-1])


def composed_tree(
    features: FloatArray,
    labels: NDArray[np.integer],
    *,
    callback: Callback | None = None,
) -> NDArray[np.float64]:
    """A merge tree that, cut at the number of clusters, gives exactly these labels.

    Ward inside each cluster; Ward on the size-weighted centres above, shifted upwards so that its
    lowest merge lies above the highest inner one. Unassigned images (-1) form one more group,
    merged with the rest at the very top: a cut at k + 1 then gives the k clusters and that group.

    Args:
        features: (n_images, d) in the space that was clustered.
        labels: int (n_images,); -1 for Unassigned.
        callback: Called with (clusters done, clusters); may raise `Cancelled`.

    Returns:
        float64 (n_images - 1, 4) in SciPy's layout; heights never fall.

    Raises:
        UnusableDataError: If the lengths differ or there are no images.
    """
    if len(features) != len(labels) or not len(labels):
        raise UnusableDataError(
            "Could not build the tree.",
            f"There are {len(features)} images and {len(labels)} labels.",
        )
    groups, codes = np.unique(labels, return_inverse=True)
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    merges = _Merges(len(labels))
    roots = np.empty(len(groups), dtype=np.int64)
    for group, rows in enumerate(members):
        report(callback, group, len(groups))
        roots[group] = merges.add(linkage(features[rows]), rows.astype(np.int64))
    inner_top = max((float(h[-1]) for h in merges.heights), default=0.0)
    n_inner = merges.count
    _add_upper_part(merges, features, codes.astype(np.int32), groups, roots, inner_top)
    report(callback, len(groups), len(groups))
    return _sorted_tree(merges, n_inner)


def _add_upper_part(
    merges: _Merges,
    features: FloatArray,
    codes: NDArray[np.int32],
    groups: NDArray[np.integer],
    roots: NDArray[np.int64],
    inner_top: float,
) -> None:
    """Join the groups' roots above `inner_top`, the Unassigned group last of all."""
    real = np.flatnonzero(groups >= 0)
    sizes = np.bincount(codes, minlength=len(groups))
    centres = cluster_means(features, codes, len(groups))
    root, top = -1, inner_top
    if len(real):
        tree = ward_of_centres(centres[real], sizes[real])
        if len(tree):
            lowest = inner_top * LIFT if inner_top > 0 else max(float(tree[0, 2]), 1e-12)
            tree[:, 2] += max(0.0, lowest - float(tree[0, 2]))
            top = float(tree[-1, 2])
        root = merges.add(tree, roots[real])
    if len(real) < len(groups) and len(real):
        height = top * LIFT if top > 0 else 1e-12
        last = np.array([[0.0, 1.0, height, len(codes)]])
        merges.add(last, np.array([roots[0], root]))


def _sorted_tree(merges: _Merges, n_inner: int) -> NDArray[np.float64]:
    """Merges by height, the inner ones first, renumbered as SciPy does, with sizes."""
    n_leaves = merges.n_leaves
    tree = np.empty((n_leaves - 1, 4))
    if n_leaves == 1:
        return tree
    heights = np.concatenate(merges.heights)
    pairs = np.concatenate(merges.pairs)
    # stable: within one part a merge never precedes its parts
    order = np.concatenate(
        [np.argsort(heights[:n_inner], kind="stable"), np.arange(n_inner, n_leaves - 1)]
    )
    number = np.empty(2 * n_leaves - 1, dtype=np.int64)
    number[:n_leaves] = np.arange(n_leaves)
    number[n_leaves + order] = n_leaves + np.arange(n_leaves - 1)
    tree[:, :2] = np.sort(number[pairs[order]], axis=1)
    tree[:, 2] = heights[order]
    sizes = [1] * (2 * n_leaves - 1)
    for step, (left, right) in enumerate(tree[:, :2].astype(np.int64).tolist()):
        sizes[n_leaves + step] = sizes[left] + sizes[right]
    tree[:, 3] = sizes[n_leaves:]
    return tree
