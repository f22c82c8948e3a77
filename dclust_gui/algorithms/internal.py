"""Measures that need no truth: silhouette, Davies-Bouldin, Calinski-Harabasz, mean error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import Callback, FloatArray, UnusableDataError, report
from dclust_gui.algorithms.lloyd import cluster_means, squared_to_own
from dclust_gui.algorithms.nnchain import pairwise_squared

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT_UP_TO = 10_000
SAMPLE = 5_000
EXACT_WORK = 5e10
"""Images squared times features up to which all silhouettes are computed (half a second)."""
SAMPLE_WORK = 2e10
"""The same for each of the three samples."""
DOUBLE_WORK = 2e9
"""The same up to which distances are computed in float64."""


@dataclass(frozen=True, slots=True)
class InternalMeasures:
    """Quality of a clustering in one space; Unassigned images do not count.

    Attributes:
        silhouette: Mean silhouette in [-1, 1]; nan with fewer than two clusters.
        silhouette_spread: Half the range of the mean over the samples; 0 when exact.
        davies_bouldin: Lower is better; nan with fewer than two clusters.
        calinski_harabasz: Higher is better; nan with fewer than two clusters.
        mse: Mean squared distance to the own centre.
        unassigned_share: Share of the images that did not count.
    """

    silhouette: float
    silhouette_spread: float
    davies_bouldin: float
    calinski_harabasz: float
    mse: float
    unassigned_share: float


def silhouette_values(
    features: FloatArray,
    labels: NDArray[np.integer],
    *,
    of: NDArray[np.integer] | None = None,
    callback: Callback | None = None,
) -> NDArray[np.float32]:
    """Silhouette of each image, with Euclidean distances.

    Args:
        features: (n_images, d).
        labels: int (n_images,); -1 for Unassigned.
        of: Row numbers to give it for; None for all.
        callback: Called with (rows done, rows).

    Returns:
        float32 (n_images,) or (len(of),) in [-1, 1]; 0 for an image alone in its cluster, nan for
        Unassigned ones and with fewer than two clusters.

    Source:
        Rousseeuw, "Silhouettes: a graphical aid", J. Comput. Appl. Math. 20, 1987.
    """
    wanted = np.arange(len(labels)) if of is None else of
    values = np.full(len(wanted), np.nan, dtype=np.float32)
    kept = labels >= 0
    groups, codes = np.unique(labels[kept], return_inverse=True)
    if len(groups) < 2:
        return values
    order = np.argsort(codes, kind="stable")
    work = float(len(wanted)) * len(order) * features.shape[1]
    rows: FloatArray = features[np.flatnonzero(kept)[order]]
    rows = rows.astype(np.float64) if work <= DOUBLE_WORK else rows.astype(np.float32)
    rows -= rows.mean(axis=0, dtype=np.float64)
    place = np.empty(len(rows), dtype=np.int64)
    place[order] = np.arange(len(rows))
    position = np.full(len(labels), -1, dtype=np.int64)
    position[kept] = place
    targets = np.flatnonzero(labels[wanted] >= 0)
    sizes = np.bincount(codes).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    own = codes[order]
    step = max(16, (1 << 22) // len(rows))
    norms = np.einsum("ij,ij->i", rows, rows)
    for start in range(0, len(targets), step):
        report(callback, start, len(targets))
        part = targets[start : start + step]
        values[part] = _block(rows, norms, position[wanted[part]], own, starts, sizes)
    report(callback, len(targets), len(targets))
    return values


def _block(
    rows: FloatArray,
    norms: FloatArray,
    at: NDArray[np.int64],
    own: NDArray[np.integer],
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
) -> FloatArray:
    """Silhouettes of the rows `at`; rows are sorted by cluster."""
    distances = rows[at] @ rows.T
    distances *= -2.0
    distances += norms[at][:, None]
    distances += norms[None, :]
    np.maximum(distances, 0.0, out=distances)
    np.sqrt(distances, out=distances)
    distances[np.arange(len(at)), at] = 0.0
    sums = np.add.reduceat(distances, starts, axis=1, dtype=np.float64)
    every = np.arange(len(at))
    mine = own[at]
    inside = sums[every, mine] / np.maximum(sizes[mine] - 1, 1)
    sums /= sizes[None, :]
    sums[every, mine] = np.inf
    outside = sums.min(axis=1)
    larger = np.maximum(inside, outside)
    score = np.where(larger > 0, (outside - inside) / np.where(larger > 0, larger, 1.0), 0.0)
    return np.where(sizes[mine] > 1, score, 0.0)


def internal_measures(
    features: FloatArray,
    labels: NDArray[np.integer],
    *,
    random_state: int | None = 0,
    callback: Callback | None = None,
) -> InternalMeasures:
    """Measure a clustering in the space of the features.

    The silhouette is exact up to 10,000 images (6,250 with 1,280 features, as the square of the
    images times the features is bounded); beyond, it is the mean over three samples of at most
    5,000 images (3,950 with 1,280 features), drawn from each cluster in proportion.

    Args:
        features: (n_images, d).
        labels: int (n_images,); -1 for Unassigned.
        random_state: Seed of the samples.
        callback: Called with (done, total); may raise `Cancelled`.

    Returns:
        The measures.

    Raises:
        UnusableDataError: If the lengths differ or no image is in a cluster.
    """
    kept = np.asarray(labels) >= 0
    if len(features) != len(labels) or not kept.any():
        raise UnusableDataError(
            "Could not measure the clusters.",
            f"There are {len(features)} images and {int(kept.sum())} of them in clusters.",
        )
    rows = features if kept.all() else features[kept]
    groups, inverse = np.unique(np.asarray(labels)[kept], return_inverse=True)
    codes = inverse.astype(np.int32)
    mean, spread = _mean_silhouette(rows, codes, random_state, callback)
    bouldin, harabasz, mse = _centre_measures(rows, codes, len(groups))
    return InternalMeasures(mean, spread, bouldin, harabasz, mse, 1.0 - float(kept.mean()))


def _mean_silhouette(
    rows: FloatArray, codes: NDArray[np.int32], random_state: int | None, callback: Callback | None
) -> tuple[float, float]:
    width = max(rows.shape[1], 1)
    if len(rows) <= min(EXACT_UP_TO, int((EXACT_WORK / width) ** 0.5)):
        return float(np.mean(silhouette_values(rows, codes, callback=callback))), 0.0
    random = check_random_state(random_state)
    size = max(min(SAMPLE, int((SAMPLE_WORK / width) ** 0.5)), 2)
    means = []
    for done in range(3):
        report(callback, done, 3)
        picked = stratified_sample(codes, size, random)
        means.append(float(np.mean(silhouette_values(rows[picked], codes[picked]))))
    report(callback, 3, 3)
    return float(np.mean(means)), (max(means) - min(means)) / 2


def stratified_sample(
    labels: NDArray[np.integer], size: int, random: np.random.RandomState, *, least: int = 2
) -> NDArray[np.int64]:
    """About `size` row numbers, from each cluster in proportion, at least `least` if it has them.

    Args:
        labels: int (n_images,).
        size: Wanted number.
        random: Source of randomness.
        least: Rows of a small cluster.

    Returns:
        Sorted row numbers.
    """
    shuffled = random.permutation(len(labels))
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    _, counts = np.unique(labels, return_counts=True)
    quota = np.minimum(counts, np.maximum(least, np.round(counts * size / len(labels)))).astype(int)
    starts = np.cumsum(counts) - counts
    picked = [order[s : s + q] for s, q in zip(starts, quota, strict=True)]
    return np.sort(np.concatenate(picked)).astype(np.int64)


def _centre_measures(
    rows: FloatArray, codes: NDArray[np.int32], n_clusters: int
) -> tuple[float, float, float]:
    """Davies-Bouldin, Calinski-Harabasz and the mean squared distance to the own centre."""
    centres = cluster_means(rows, codes, n_clusters)
    squared = squared_to_own(rows, codes, centres)
    within = float(squared.sum())
    sizes = np.bincount(codes, minlength=n_clusters)
    mse = within / len(rows)
    if n_clusters < 2:
        return float("nan"), float("nan"), mse
    overall = (centres * sizes[:, None]).sum(axis=0) / len(rows)
    between = float((sizes * ((centres - overall) ** 2).sum(axis=1)).sum())
    free = len(rows) - n_clusters
    harabasz = between * free / (within * (n_clusters - 1)) if within > 0 else 1.0
    scatter = np.bincount(codes, weights=np.sqrt(squared), minlength=n_clusters) / sizes
    gaps = np.sqrt(np.maximum(pairwise_squared(centres), 0.0))
    if not scatter.any() or not gaps.any():
        return 0.0, harabasz, mse
    gaps[gaps == 0] = np.inf
    ratios = (scatter[:, None] + scatter[None, :]) / gaps
    return float(ratios.max(axis=1).mean()), harabasz, mse
