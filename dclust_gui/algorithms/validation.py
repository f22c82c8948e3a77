"""Does a clustering hold: quality of each cluster, stability, split validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import Callback, FloatArray, UnusableDataError, report
from dclust_gui.algorithms.internal import (
    SAMPLE_WORK,
    silhouette_values,
    stratified_sample,
)
from dclust_gui.algorithms.lloyd import cluster_means, nearest_two, squared_to_own
from dclust_gui.algorithms.measures import external_measures
from dclust_gui.algorithms.nnchain import pairwise_squared

if TYPE_CHECKING:
    from dclust_gui.algorithms.clusterer import Clusterer

Labeller: TypeAlias = Callable[[FloatArray, int], NDArray[np.integer]]
"""(features, seed) -> labels, -1 for Unassigned."""


@dataclass(frozen=True, slots=True)
class ClusterQuality:
    """Quality of each cluster.

    Attributes:
        labels: The clusters' labels, ascending.
        sizes: int64 (k,) images.
        silhouette: float64 (k,) mean silhouette of the cluster's images; nan with one cluster.
        cohesion: float64 (k,) mean distance of the images to their centre; lower is tighter.
        separation: float64 (k,) distance of the centre to the nearest other; inf with one.
    """

    labels: NDArray[np.integer]
    sizes: NDArray[np.int64]
    silhouette: NDArray[np.float64]
    cohesion: NDArray[np.float64]
    separation: NDArray[np.float64]


def cluster_quality(
    features: FloatArray,
    labels: NDArray[np.integer],
    *,
    sample: int = 5_000,
    random_state: int | None = 0,
    callback: Callback | None = None,
) -> ClusterQuality:
    """Silhouette, cohesion and separation of each cluster.

    Args:
        features: (n_images, d).
        labels: int (n_images,); -1 for Unassigned.
        sample: Most images from which silhouettes are computed; fewer with more than 800
            features. They are drawn from each cluster in proportion, at least 20 of each.
        random_state: Seed of that sample.
        callback: Called with (done, total); may raise `Cancelled`.

    Returns:
        The qualities.

    Raises:
        UnusableDataError: If no image is in a cluster.
    """
    kept = np.flatnonzero(np.asarray(labels) >= 0)
    if not len(kept):
        raise UnusableDataError("Could not measure the clusters.", "No image is in a cluster.")
    rows = features if len(kept) == len(features) else features[kept]
    groups, inverse = np.unique(np.asarray(labels)[kept], return_inverse=True)
    codes = inverse.astype(np.int32)
    sizes = np.bincount(codes).astype(np.int64)
    centres = cluster_means(rows, codes, len(groups))
    distance = np.sqrt(squared_to_own(rows, codes, centres))
    cohesion = np.bincount(codes, weights=distance) / sizes
    gaps = np.sqrt(np.maximum(pairwise_squared(centres), 0.0))
    np.fill_diagonal(gaps, np.inf)
    random = check_random_state(random_state)
    size = min(sample, int((SAMPLE_WORK / max(rows.shape[1], 1)) ** 0.5))
    if len(rows) > size:
        rows, codes = _sampled(rows, codes, size, random)
    values = silhouette_values(rows, codes, callback=callback).astype(np.float64)
    seen = np.maximum(np.bincount(codes, minlength=len(groups)), 1)
    silhouette = np.bincount(codes, weights=values, minlength=len(groups)) / seen
    return ClusterQuality(
        labels=groups,
        sizes=sizes,
        silhouette=silhouette,
        cohesion=cohesion,
        separation=gaps.min(axis=1),
    )


def _sampled(
    rows: FloatArray, codes: NDArray[np.int32], size: int, random: np.random.RandomState
) -> tuple[FloatArray, NDArray[np.int32]]:
    """About `size` rows and their codes, from each cluster in proportion but at least 20."""
    picked = stratified_sample(codes, size, random, least=20)
    return rows[picked], codes[picked]


def labeller_of(make: Callable[[int], Clusterer]) -> Labeller:
    """A labeller that makes a fresh estimator for each seed.

    Args:
        make: seed -> estimator, not fitted.
    """

    def label(features: FloatArray, seed: int) -> NDArray[np.integer]:
        return make(seed).fit(features).labels_

    return label


def stability(
    features: FloatArray,
    label: Labeller,
    *,
    n_pairs: int = 10,
    share: float = 0.8,
    random_state: int | None = None,
    callback: Callback | None = None,
) -> float:
    """How alike the clusters of random subsets are: mean ARI of pairs on their overlap.

    Args:
        features: (n_images, d), at least 5.
        label: Clusters the rows of a subset.
        n_pairs: Pairs of subsets.
        share: Share of the images in a subset, in (0.5, 1).
        random_state: Seed.
        callback: Called with (pairs done, pairs); may raise `Cancelled`.

    Returns:
        Mean adjusted Rand index, at most 1.

    Raises:
        UnusableDataError: If there are too few images or the share cannot be used.
    """
    size = int(share * len(features))
    if len(features) < 5 or not 0.5 < share < 1 or n_pairs < 1:
        raise UnusableDataError(
            "Could not measure the stability.",
            "It takes at least 5 images, a pair and a share between 0.5 and 1.",
        )
    random = check_random_state(random_state)
    scores = []
    for pair in range(n_pairs):
        report(callback, pair, n_pairs)
        found = np.full((2, len(features)), -2, dtype=np.int64)
        for side in found:
            picked = np.sort(random.permutation(len(features))[:size])
            side[picked] = label(features[picked], int(random.randint(2**31 - 1)))
        both = (found > -2).all(axis=0)
        scores.append(external_measures(found[0, both], found[1, both]).ari)
    report(callback, n_pairs, n_pairs)
    return float(np.mean(scores))


def split_validation(
    features: FloatArray,
    label: Labeller,
    *,
    n_splits: int = 5,
    random_state: int | None = None,
    callback: Callback | None = None,
) -> float:
    """Whether the clusters of one half explain the other half.

    One half is clustered; each image of the other half goes to the nearest of its centres; that is
    compared with the other half's own clustering.

    Args:
        features: (n_images, d), at least 4.
        label: Clusters the rows of a half.
        n_splits: Random splits.
        random_state: Seed.
        callback: Called with (splits done, splits); may raise `Cancelled`.

    Returns:
        Mean adjusted Rand index, at most 1.

    Raises:
        UnusableDataError: If there are too few images, or a half has no cluster.
    """
    if len(features) < 4 or n_splits < 1:
        raise UnusableDataError("Could not validate by splits.", "It takes at least 4 images.")
    random = check_random_state(random_state)
    scores = []
    for split in range(n_splits):
        report(callback, split, n_splits)
        order = random.permutation(len(features))
        one, two = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
        labels = np.asarray(label(features[one], int(random.randint(2**31 - 1))))
        if not (labels >= 0).any():
            raise UnusableDataError("Could not validate by splits.", "A half has no cluster.")
        groups, codes = np.unique(labels[labels >= 0], return_inverse=True)
        centres = cluster_means(features[one][labels >= 0], codes.astype(np.int32), len(groups))
        carried = nearest_two(features[two], centres)[0]
        own = label(features[two], int(random.randint(2**31 - 1)))
        scores.append(external_measures(carried, np.asarray(own)).ari)
    report(callback, n_splits, n_splits)
    return float(np.mean(scores))
