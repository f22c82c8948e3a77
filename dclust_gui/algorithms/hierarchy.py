"""Merge trees of images in SciPy's layout, at a scale SciPy cannot reach."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist, squareform

from dclust_gui.algorithms.base import Callback, FloatArray, UnusableDataError, report
from dclust_gui.algorithms.composed import near_groups
from dclust_gui.algorithms.distances import Metric, MetricMap, learn_metric
from dclust_gui.algorithms.lloyd import cluster_means, squared_to_own
from dclust_gui.algorithms.mst import single_tree
from dclust_gui.algorithms.nnchain import chain_merges, pairwise_squared
from dclust_gui.algorithms.projection import narrowed
from dclust_gui.algorithms.trees import TreeBuilder
from dclust_gui.algorithms.ward import ward_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

EXACT_UP_TO = 20_000
"""Largest number of images whose distances are all held at once (1.6 GB)."""
SMALL = 4096
"""Up to so many images SciPy's own single linkage is the fastest."""
NOT_MONOTONE_UP_TO = 10_000
MICRO_CLUSTERS = 2_000
MICRO_DIMS = 64


class Linkage(StrEnum):
    """What the distance between two clusters is."""

    WARD = "ward"
    AVERAGE = "average"
    COMPLETE = "complete"
    SINGLE = "single"
    CENTROID = "centroid"
    MEDIAN = "median"


NOT_MONOTONE = frozenset({Linkage.CENTROID, Linkage.MEDIAN})
EUCLIDEAN_ONLY = frozenset({Linkage.WARD, Linkage.CENTROID, Linkage.MEDIAN})


@dataclass(frozen=True, slots=True)
class LinkageResult:
    """A merge tree and what to know about it.

    Attributes:
        tree: float64 (n_images - 1, 4), SciPy's layout.
        is_exact: Whether it is the linkage's own tree, not one over micro-clusters.
        is_monotone: Whether heights never fall, so that it can be cut by height.
        note: What to tell the user; empty if there is nothing.
    """

    tree: NDArray[np.float64]
    is_exact: bool = True
    is_monotone: bool = True
    note: str = ""


def linkage(
    X: ArrayLike,  # noqa: N803
    method: Linkage | str = Linkage.WARD,
    metric: Metric | str = Metric.EUCLIDEAN,
    *,
    callback: Callback | None = None,
    device: str = "cpu",
    n_threads: int | None = None,
) -> NDArray[np.float64]:
    """The merge tree of images; see `linkage_with_info`.

    Args:
        X: (n_images, d) features, finite.
        method: Linkage.
        metric: Distance.
        callback: Called with (merges done, n_images - 1); may raise `Cancelled`.
        device: torch device.
        n_threads: Threads of the matrix products; None for torch's setting.

    Returns:
        float64 (n_images - 1, 4): a valid SciPy linkage matrix.

    Raises:
        UnusableDataError: If the data, linkage or distance cannot be used.
    """
    return linkage_with_info(
        X, method, metric, callback=callback, device=device, n_threads=n_threads
    ).tree


def linkage_with_info(
    X: ArrayLike,  # noqa: N803
    method: Linkage | str = Linkage.WARD,
    metric: Metric | str = Metric.EUCLIDEAN,
    *,
    callback: Callback | None = None,
    device: str = "cpu",
    n_threads: int | None = None,
) -> LinkageResult:
    """The merge tree of images, and how it was made.

    Ward and single linkage are exact at any size, in memory that grows with the images, not with
    their pairs (single with the Manhattan distance up to 20,000 images). Average and complete
    linkage are exact up to 20,000 images and go over 2,000 size-weighted groups of near images
    beyond. Centroid and median linkage stop at 10,000 images.

    Args:
        X: (n_images, d) features, finite.
        method: Linkage.
        metric: Distance; Ward, centroid and median take Euclidean and Mahalanobis only.
        callback: Called with (done, total); may raise `Cancelled`.
        device: torch device.
        n_threads: Threads of the matrix products; None for torch's setting.

    Returns:
        The tree and what to know about it.

    Raises:
        UnusableDataError: If the data, linkage or distance cannot be used.
    """
    features = _checked(X)
    mapping = learn_metric(features, metric)
    with _threads(n_threads):
        return linkage_of_mapped(
            mapping.apply(features), method, mapping, device=device, callback=callback
        )


def linkage_of_mapped(
    rows: FloatArray,
    method: Linkage | str,
    mapping: MetricMap,
    *,
    device: str = "cpu",
    callback: Callback | None = None,
) -> LinkageResult:
    """As `linkage_with_info`, of rows that a metric's map was applied to.

    Args:
        rows: (n_images, d), finite, mapped.
        method: Linkage.
        mapping: The map.
        device: torch device.
        callback: Called with (done, total); may raise `Cancelled`.

    Returns:
        The tree and what to know about it.

    Raises:
        UnusableDataError: If the linkage cannot be used, or not with this distance.
    """
    kind = _linkage_kind(method)
    if kind in EUCLIDEAN_ONLY and mapping.metric not in (Metric.EUCLIDEAN, Metric.MAHALANOBIS):
        raise UnusableDataError(
            f"Could not use the distance {mapping.metric} with {kind} linkage.",
            "It is defined for the Euclidean and Mahalanobis distances.",
            "Choose average linkage, or scale the features with l2 for cosine.",
        )
    if len(rows) < 2:
        return LinkageResult(np.empty((0, 4)))
    return _tree(rows, kind, mapping, device, callback)


def _tree(
    rows: FloatArray,
    kind: Linkage,
    mapping: MetricMap,
    device: str,
    callback: Callback | None,
) -> LinkageResult:
    count = len(rows)
    if kind in NOT_MONOTONE:
        if count > NOT_MONOTONE_UP_TO:
            raise UnusableDataError(
                f"Could not build a {kind} tree of {count} images.",
                f"It is limited to {NOT_MONOTONE_UP_TO} images.",
                "Choose Ward linkage.",
            )
        note = f"Heights of {kind} linkage can fall: cut it by the number of clusters."
        tree = _of_all_pairs(rows, kind, mapping, callback)
        return LinkageResult(tree, is_monotone=False, note=note)
    if kind is Linkage.WARD:
        return LinkageResult(ward_tree(rows, device=device, callback=callback))
    if kind is Linkage.SINGLE and count > SMALL and mapping.metric is not Metric.MANHATTAN:
        tree = single_tree(rows, device=device, callback=callback)
        tree[:, 2] = mapping.from_euclidean(tree[:, 2])
        return LinkageResult(tree)
    if count <= EXACT_UP_TO:
        return LinkageResult(_of_all_pairs(rows, kind, mapping, callback))
    return _over_micro_clusters(rows, kind, mapping, callback)


def _of_all_pairs(
    rows: FloatArray, kind: Linkage, mapping: MetricMap, callback: Callback | None
) -> NDArray[np.float64]:
    """SciPy's tree from all distances."""
    report(callback, 0, len(rows) - 1)
    if mapping.metric is Metric.MANHATTAN:
        distances = pdist(rows, "cityblock")
    else:
        distances = mapping.from_euclidean(pdist(rows - rows.mean(axis=0, dtype=np.float64)))
    report(callback, 0, len(rows) - 1)
    tree: NDArray[np.float64] = hierarchy.linkage(distances, str(kind))
    if kind not in NOT_MONOTONE:
        np.maximum.accumulate(tree[:, 2], out=tree[:, 2])
    report(callback, len(rows) - 1, len(rows) - 1)
    return tree


def _over_micro_clusters(
    rows: FloatArray, kind: Linkage, mapping: MetricMap, callback: Callback | None
) -> LinkageResult:
    """The linkage inside groups of near images, and on the groups; heights in the metric's unit."""
    codes = near_groups(narrowed(rows, MICRO_DIMS), MICRO_CLUSTERS, n_iter=10)
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    builder = TreeBuilder(len(rows))
    node = np.empty(len(members), dtype=np.int64)
    for group, inside in enumerate(members):
        report(callback, group, len(members))
        node[group] = builder.add_tree(
            _inside(rows[inside], kind, mapping), inside.astype(np.int64)
        )
    distances = _between(rows, codes, kind, mapping)
    pairs, heights = chain_merges(distances, np.bincount(codes).astype(np.float64), str(kind))
    for (gone, kept), height in zip(pairs.tolist(), heights, strict=True):
        node[kept] = builder.add(np.array([[node[gone], node[kept]]]), np.array([height]))[0]
    report(callback, len(members), len(members))
    note = (
        f"The {kind} tree of {len(rows):,} images was built over {len(members):,} groups of near "
        f"images: exact inside them, by distances of whole groups above (exact up to "
        f"{EXACT_UP_TO:,} images)."
    )
    return LinkageResult(builder.finish(), is_exact=False, note=note)


def _inside(rows: FloatArray, kind: Linkage, mapping: MetricMap) -> NDArray[np.float64]:
    """The tree of a group."""
    if len(rows) < 2:
        return np.empty((0, 4))
    if len(rows) <= EXACT_UP_TO:
        return _of_all_pairs(rows, kind, mapping, None)
    # so large a group holds little but copies
    tree = ward_tree(rows)
    tree[:, 2] = mapping.from_euclidean(tree[:, 2])
    return tree


def _between(
    rows: FloatArray, codes: NDArray[np.int32], kind: Linkage, mapping: MetricMap
) -> NDArray[np.float64]:
    """Distances of groups in the metric's unit.

    For average linkage the root mean square over all pairs of images, |ca - cb|^2 + va + vb with
    the groups' variances v, which for squared Euclidean, cosine and correlation distances is the
    average itself; else the distance of the centres.
    """
    n_groups = int(codes.max()) + 1
    centres = cluster_means(rows, codes, n_groups)
    if mapping.metric is Metric.MANHATTAN:
        apart: NDArray[np.float64] = squareform(pdist(centres, "cityblock"))
        return apart
    squared = pairwise_squared(centres)
    if kind is Linkage.AVERAGE:
        sizes = np.bincount(codes)
        spread = np.bincount(codes, weights=squared_to_own(rows, codes, centres)) / sizes
        squared += spread[:, None] + spread[None, :]
    return mapping.from_euclidean(np.sqrt(squared))


def _checked(X: ArrayLike) -> FloatArray:  # noqa: N803
    features = np.asarray(X)
    if features.dtype not in (np.float32, np.float64):
        features = features.astype(np.float32 if features.dtype == np.float16 else np.float64)
    if features.ndim != 2 or not len(features) or not features.shape[1]:
        raise UnusableDataError(
            "Could not build the tree.", f"The features have the shape {features.shape}."
        )
    if not np.isfinite(features).all():
        raise UnusableDataError(
            "Could not build the tree.", "Some features are not finite (NaN or infinity)."
        )
    return features


def _linkage_kind(method: Linkage | str) -> Linkage:
    try:
        return Linkage(method)
    except ValueError:
        raise UnusableDataError(
            f"Could not use the linkage {method!r}.", "Linkages: " + ", ".join(Linkage) + "."
        ) from None


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Set torch's thread count for a while."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if count is not None:
            torch.set_num_threads(before)
