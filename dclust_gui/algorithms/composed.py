"""The tree of a flat clustering: inside the clusters, then above them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dclust_gui.algorithms.base import NOISE, Callback, FloatArray, UnusableDataError, report
from dclust_gui.algorithms.lloyd import cluster_means, lloyd, prepare
from dclust_gui.algorithms.nnchain import chain_merges, pairwise_squared
from dclust_gui.algorithms.projection import narrowed
from dclust_gui.algorithms.trees import TreeBuilder
from dclust_gui.algorithms.ward import ward_merges, ward_tree, ward_tree_of_centres

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLAIN_UP_TO = 2_048
"""Largest cluster whose inner tree is Ward's of all features."""
INNER_DIMS = 64
EXACT_INSIDE = 5_000
"""Largest cluster whose inner tree is not built over groups of near images."""
GROUP_SIZE = 8
MOST_GROUPS = 2_000
LIFT = 1.0 + 1e-6
"""The lowest upper merge over the highest inner one."""


def composed_tree(
    features: FloatArray,
    labels: NDArray[np.integer],
    *,
    upper: str = "ward",
    callback: Callback | None = None,
) -> NDArray[np.float64]:
    """A merge tree that, cut at the number of clusters, gives exactly these labels.

    Ward inside each cluster (see `inner_tree` for large ones); Ward on the size-weighted centres
    above, shifted upwards so that its lowest merge lies above the highest inner one. Unassigned
    images (-1) form one more group, merged with the rest at the very top: a cut at k + 1 then
    gives the k clusters and that group.

    Args:
        features: (n_images, d) in the space that was clustered.
        labels: int (n_images,); -1 for Unassigned.
        upper: Linkage above the clusters: ward, average or complete.
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
    groups, codes = np.unique(np.maximum(labels, NOISE), return_inverse=True)
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    builder = TreeBuilder(len(labels))
    roots = np.empty(len(groups), dtype=np.int64)
    for group, rows in enumerate(members):
        report(callback, group, len(groups))
        quiet = _quiet(callback, group, len(groups))
        inner = inner_tree(features, rows.astype(np.int64), callback=quiet)
        roots[group] = builder.add_tree(inner, rows.astype(np.int64))
    inner_top, n_inner = builder.top, builder.count
    centres = cluster_means(features, codes.astype(np.int32), len(groups))
    real = np.flatnonzero(groups >= 0)
    top = roots[0]
    if len(real):
        sizes = np.bincount(codes, minlength=len(groups))[real]
        tree = _lifted(_upper_tree(centres[real], sizes, upper), inner_top)
        top = builder.add_tree(tree, roots[real])
    if 0 < len(real) < len(groups):
        height = builder.top * LIFT if builder.top > 0 else 1e-12
        builder.add(np.array([[roots[0], top]]), np.array([height]))
    report(callback, len(groups), len(groups))
    return builder.finish(n_inner)


def inner_tree(
    features: FloatArray, rows: NDArray[np.int64], *, callback: Callback | None = None
) -> NDArray[np.float64]:
    """Ward's tree of some of the images, made bearable for large clusters.

    Exact up to 2,048 images. Above, images with more than 64 features are taken by their
    coordinates on their own 64 leading principal axes, whose distances the heights then tell.
    Above 5,000, near images are first gathered in groups of about 8 (at most 2,000 groups): Ward
    inside the groups, Ward on their weighted centres above; a height there is never below those
    inside.

    Args:
        features: (n_images, d).
        rows: int64 (m,) the images.
        callback: Called with (done, total); may raise `Cancelled`.

    Returns:
        float64 (m - 1, 4), SciPy's layout, over the rows in their order.
    """
    if len(rows) <= PLAIN_UP_TO:
        return ward_tree(features[rows], callback=callback)
    part = narrowed(features, INNER_DIMS, of=rows)
    if len(rows) <= EXACT_INSIDE:
        return ward_tree(part, callback=callback)
    return _grouped_tree(part, callback)


def near_groups(features: FloatArray, wanted: int, *, n_iter: int) -> NDArray[np.int32]:
    """Gather near images by a few iterations of k-means from random images.

    Args:
        features: (n_images, d), at least `wanted`.
        wanted: Number of groups; fewer where images are equal.
        n_iter: Iterations.

    Returns:
        int32 (n_images,), 0 <= group < number of groups; no group is empty.
    """
    rows, _ = prepare(features, "cpu")
    picked = np.sort(np.random.default_rng(0).choice(len(features), wanted, replace=False))
    found = lloyd(rows, rows[torch.from_numpy(picked)][None], max_iter=n_iter, tol=0.0)
    codes: NDArray[np.int32] = np.unique(found.labels, return_inverse=True)[1].astype(np.int32)
    return codes


def _grouped_tree(part: FloatArray, callback: Callback | None) -> NDArray[np.float64]:
    """Ward inside groups of near images, Ward on the groups."""
    codes = near_groups(part, min(MOST_GROUPS, len(part) // GROUP_SIZE), n_iter=3)
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    builder = TreeBuilder(len(part))
    roots = np.empty(len(members), dtype=np.int64)
    for group, inside in enumerate(members):
        report(callback, group, len(members))
        roots[group] = builder.add_tree(ward_tree(part[inside]), inside.astype(np.int64))
    centres = cluster_means(part, codes, len(members))
    centres -= centres.mean(axis=0)
    ward_merges(centres, np.bincount(codes), roots, builder, callback=callback)
    return builder.finish()


def _quiet(callback: Callback | None, done: int, total: int) -> Callback:
    """A callback that asks whether to go on without moving the progress."""
    return lambda _done, _total: report(callback, done, total)


def _upper_tree(
    centres: NDArray[np.float64], sizes: NDArray[np.integer], method: str
) -> NDArray[np.float64]:
    if method == "ward":
        return ward_tree_of_centres(centres, sizes)
    builder = TreeBuilder(len(centres))
    node = np.arange(len(centres))
    distances = np.sqrt(np.maximum(pairwise_squared(centres), 0.0))
    pairs, heights = chain_merges(distances, sizes.astype(np.float64), method)
    for (gone, kept), height in zip(pairs.tolist(), heights, strict=True):
        made = builder.add(np.array([[node[gone], node[kept]]]), np.array([height]))
        node[kept] = made[0]
    return builder.finish()


def _lifted(tree: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """The tree shifted upwards, its lowest merge above `floor`."""
    if len(tree):
        lowest = float(tree[0, 2])
        tree[:, 2] += max(0.0, max(floor * LIFT, 1e-12) - lowest)
    return tree
