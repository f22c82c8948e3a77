"""What every method here shares: types, errors, checks of the data, confidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import ClusteringError

FloatArray: TypeAlias = NDArray[np.floating]
LabelArray: TypeAlias = NDArray[np.int32]
Callback: TypeAlias = Callable[[int, int], None]
"""Called with (done, total) at each step of a fit; it may raise `Cancelled`."""

NOISE = -1
"""Label of an image that belongs to no cluster: Unassigned."""

ONE_CLUSTER = 0.95
"""A larger share of the images in one cluster is no result."""
MOSTLY_NOISE = 0.6
"""A larger share of Unassigned images is no result, either."""
NOTED_FROM = 20


class UnusableDataError(ClusteringError, ValueError):
    """The features or a parameter cannot be used; also a ValueError, as scikit-learn expects."""


def report(callback: Callback | None, done: int, total: int) -> None:
    """Tell a callback how far a fit has come.

    Args:
        callback: The callback, or None.
        done: Steps finished.
        total: Steps in all; 0 while unknown.
    """
    if callback is not None:
        callback(done, total)


def check_cluster_count(n_clusters: int, n_samples: int) -> int:
    """Check that so many clusters can be formed of so many images.

    Args:
        n_clusters: Wanted number of clusters.
        n_samples: Number of images.

    Returns:
        `n_clusters` as int.

    Raises:
        UnusableDataError: If it is below 1 or above `n_samples`.
    """
    if isinstance(n_clusters, bool) or int(n_clusters) != n_clusters or n_clusters < 1:
        raise UnusableDataError(
            f"Could not form {n_clusters} clusters.",
            "The number of clusters must be a whole number of at least 1.",
        )
    if n_clusters > n_samples:
        raise UnusableDataError(
            f"Could not form {n_clusters} clusters.",
            f"There {'is' if n_samples == 1 else 'are'} only {count_of(n_samples)}"
            f" (n_samples={n_samples}).",
            f"Ask for at most {n_samples}.",
        )
    return int(n_clusters)


def check_distinct(features: FloatArray, n_clusters: int) -> None:
    """Check that there are at least `n_clusters` different rows; stops as soon as it knows.

    Args:
        features: (n_images, d).
        n_clusters: Wanted number of clusters.

    Raises:
        UnusableDataError: If fewer rows differ.
    """
    seen: set[bytes] = set()
    for row in features:
        seen.add((row + 0.0).tobytes())
        if len(seen) >= n_clusters:
            return
    raise UnusableDataError(
        f"Could not form {n_clusters} clusters.",
        f"Only {len(seen)} of the {len(features)} images differ in their features.",
        f"Ask for at most {len(seen)}.",
    )


def confidence_from_margin(nearest: FloatArray, second: FloatArray) -> NDArray[np.float32]:
    """How clearly each image belongs to its cluster rather than the next best one.

    Args:
        nearest: (n_images,) distance to the own centre, >= 0.
        second: (n_images,) distance to the next best centre, >= `nearest`; inf if there is none.

    Returns:
        float32 (n_images,) in [0, 1]: 1 - nearest / second; 0 where both are 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(second > 0, nearest / second, 1.0)
    return np.clip(1.0 - np.nan_to_num(ratio, nan=1.0), 0.0, 1.0).astype(np.float32)


def outcome_note(method: str, labels: LabelArray, finer: str, coarser: str) -> str:
    """What to tell the user where a method that finds the clusters itself found none of use.

    Args:
        method: Its name in words.
        labels: int32 (n_images,), -1 for Unassigned.
        finer: What to set for more, smaller clusters, as the end of a sentence.
        coarser: What to set for fewer images Unassigned, likewise.

    Returns:
        Two sentences where more than 95 % of the images are in one cluster, or more than 60 % in
        none; else nothing, also for fewer than 20 images.
    """
    counts = np.bincount(labels[labels >= 0], minlength=1)
    unassigned = int((labels < 0).sum())
    if len(labels) < NOTED_FROM or max(counts.max(), unassigned) == 0:
        return ""
    other = "or choose k-means, which takes the number of clusters from you"
    if counts.max() > ONE_CLUSTER * len(labels):
        share = f"{counts.max() / len(labels):.0%}"
        what = f"{method} found no structure: {share} of the images are in one cluster."
        return f"{what} Try {finer}, {other}."
    if unassigned > MOSTLY_NOISE * len(labels):
        share = f"{unassigned / len(labels):.0%}"
        return f"{method} left {share} of the images Unassigned. Try {coarser}, {other}."
    return ""
