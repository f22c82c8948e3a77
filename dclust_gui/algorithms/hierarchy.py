"""Merge trees of images in SciPy's layout, at a scale SciPy cannot reach."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist

from dclust_gui.algorithms.base import Callback, FloatArray, UnusableDataError, report
from dclust_gui.algorithms.composed import composed_tree
from dclust_gui.algorithms.distances import Metric, MetricMap, learn_metric
from dclust_gui.algorithms.mst import single_tree
from dclust_gui.algorithms.partition import KMeans
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
    their pairs. Average and complete linkage are exact up to 20,000 images and go over 2,000
    size-weighted micro-clusters beyond. Centroid and median linkage stop at 10,000 images.

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
    return _over_micro_clusters(rows, kind, callback)


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
    rows: FloatArray, kind: Linkage, callback: Callback | None
) -> LinkageResult:
    """Ward inside micro-clusters, the wanted linkage on their weighted centres."""
    micro = KMeans(MICRO_CLUSTERS, n_init=1, max_iter=10, random_state=0)
    micro.fit(rows, callback=callback)
    upper = "average" if kind is Linkage.SINGLE else str(kind)
    tree = composed_tree(rows, micro.labels_, upper=upper, callback=callback)
    note = (
        f"The tree of {len(rows):,} images was built over {MICRO_CLUSTERS:,} groups of near images."
    )
    return LinkageResult(tree, is_exact=False, note=note)


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
