"""The labels that a head starts from: k-means on the code, or the clusters of its UMAP layout.

Layouts of codes are clustered by a Gaussian mixture of which the likeliest of a dozen starts is
taken, not by k-means: in a layout clusters differ in width, and the lowest inertia may then belong
to a partition that cuts a wide cluster and merges two narrow ones. On a code of 10,000 digits five
layouts of five had such a partition among the local optima (accuracy .81 to .83; .95 for the
likeliest), k-means preferred it in one of the five, and a single start of the mixture found the
likeliest optimum about every second time. Layouts of features are clustered by k-means, which
holds up better with few images and with clusters of no clear shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms.base import Callback, FloatArray, LabelArray, UnusableDataError
from dclust_gui.algorithms.deep.progress import START, Progress
from dclust_gui.algorithms.mixture import GaussianMixture
from dclust_gui.algorithms.partition import KMeans
from dclust_gui.algorithms.umap import UMAP

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

STARTS = ("kmeans", "n2d")
RESTARTS = 20
MIXTURE_STARTS = 12
LEAST_STARTS = 5
MANY_CLUSTERS = 20
"""With more clusters a mixture gets fewer starts."""
MIXTURE_ROWS = 20_000
"""A mixture is learnt from so many rows at most."""
LAYOUT_DIMS = 10
LEAST_LAYOUT = 50
"""Fewer images have no neighbourhoods worth a layout."""


def starting_labels(
    kind: str,
    rows: FloatArray,
    n_clusters: int,
    seed: int,
    progress: Progress,
    *,
    is_code: bool = True,
) -> LabelArray:
    """Clusters of codes or features.

    Args:
        kind: "kmeans": k-means with 20 restarts; "n2d": clusters of a 10-dimensional UMAP layout
            (McConville et al., "N2D: (not too) deep clustering via clustering the local manifold
            of an autoencoded embedding", ICPR 2020).
        rows: (n_images, d).
        n_clusters: Number of clusters.
        seed: Seed.
        progress: Told of the steps.
        is_code: The rows are an autoencoder's code rather than features; see the module.

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
    if space is not rows and is_code and distinct >= n_clusters:
        mixture = likeliest_mixture(space, n_clusters, seed, progress.part(START, "clusters"))
        labels = mixture.predict(space)
        if len(np.unique(labels)) == n_clusters:
            return labels
    model = KMeans(min(n_clusters, distinct), n_init=RESTARTS, random_state=seed)
    return model.fit(space, callback=progress.part(START, "k-means")).labels_


def likeliest_mixture(
    layout: FloatArray, n_clusters: int, seed: int, callback: Callback
) -> GaussianMixture:
    """The likeliest of several Gaussian mixtures.

    Args:
        layout: (n, dims), at least `n_clusters` rows of it distinct.
        n_clusters: Number of components.
        seed: Seed.
        callback: Called with (done, total); may raise `Cancelled`.

    Returns:
        The mixture; above 20,000 rows learnt from so many of them.
    """
    learnt = layout
    if len(layout) > MIXTURE_ROWS:
        chosen = np.random.default_rng(seed).choice(len(layout), MIXTURE_ROWS, replace=False)
        learnt = layout[np.sort(chosen)]
    starts = max(LEAST_STARTS, min(MIXTURE_STARTS, MIXTURE_STARTS * MANY_CLUSTERS // n_clusters))
    model = GaussianMixture(n_clusters, n_init=starts, random_state=seed)
    return model.fit(learnt, callback=callback)


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
