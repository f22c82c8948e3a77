"""The labels that a head starts from: k-means on the code, or k-means on its UMAP layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms.base import FloatArray, LabelArray, UnusableDataError
from dclust_gui.algorithms.deep.progress import START, Progress
from dclust_gui.algorithms.partition import KMeans
from dclust_gui.algorithms.umap import UMAP

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

STARTS = ("kmeans", "n2d")
RESTARTS = 20
LAYOUT_DIMS = 10
LEAST_LAYOUT = 50
"""Fewer images have no neighbourhoods worth a layout."""


def starting_labels(
    kind: str, rows: FloatArray, n_clusters: int, seed: int, progress: Progress
) -> LabelArray:
    """Clusters of codes or features.

    Args:
        kind: "kmeans": k-means with 20 restarts; "n2d": the same on a 10-dimensional UMAP layout
            (McConville et al., "N2D: (not too) deep clustering via clustering the local manifold
            of an autoencoded embedding", ICPR 2020).
        rows: (n_images, d).
        n_clusters: Number of clusters.
        seed: Seed.
        progress: Told of the steps.

    Returns:
        int32 (n_images,).

    Raises:
        UnusableDataError: If the kind is unknown, or fewer than `n_clusters` rows differ.
    """
    check_start(kind)
    space = rows
    if kind == "n2d" and len(rows) >= max(LEAST_LAYOUT, 3 * n_clusters):
        layout = UMAP(LAYOUT_DIMS, random_state=seed)
        space = layout.fit_transform(rows, callback=progress.part(START, "layout"))
    distinct = len(np.unique(space, axis=0))
    model = KMeans(min(n_clusters, distinct), n_init=RESTARTS, random_state=seed)
    labels: LabelArray = model.fit(space, callback=progress.part(START, "k-means")).labels_
    return labels


def check_start(kind: str) -> None:
    """Refuse an unknown start.

    Raises:
        UnusableDataError: If it is unknown.
    """
    if kind not in STARTS:
        raise UnusableDataError(
            f"Could not start from {kind!r}.", "Starts: " + ", ".join(STARTS) + "."
        )


def given_labels(labels: ArrayLike, n_images: int, n_clusters: int) -> LabelArray:
    """Labels from outside, checked.

    Args:
        labels: (n_images,), -1 to `n_clusters` - 1; -1 leaves an image open.
        n_images: Number of images.
        n_clusters: Number of clusters.

    Returns:
        int32 (n_images,).

    Raises:
        UnusableDataError: If they do not fit, or a cluster has no image.
    """
    values = np.asarray(labels)
    fits = values.shape == (n_images,) and np.issubdtype(values.dtype, np.integer)
    if not fits or values.min(initial=0) < -1 or values.max(initial=0) >= n_clusters:
        raise UnusableDataError(
            "Could not use initial_labels.",
            f"They must be {n_images} whole numbers from -1 to {n_clusters - 1}.",
        )
    found: LabelArray = values.astype(np.int32)
    if len(np.unique(found[found >= 0])) < n_clusters:
        raise UnusableDataError("Could not use initial_labels.", "A cluster has no image.")
    return found
