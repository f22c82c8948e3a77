"""A UMAP layout of the images, to start from and to judge partitions by; a part of very many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms.deep.progress import START, Progress
from dclust_gui.algorithms.deep.starts import LAYOUT_DIMS, LEAST_LAYOUT, RESTARTS
from dclust_gui.algorithms.internal import silhouette_values
from dclust_gui.algorithms.partition import KMeans
from dclust_gui.algorithms.umap import UMAP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.base import LabelArray

LAYOUT_ROWS = 20_000
"""Most images that are laid out; others are placed among them."""
JUDGED_ROWS = 2_000
"""Images by which partitions are judged."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Images laid out so that neighbours meet.

    Attributes:
        judged: int64 (m,), rows of the images by which partitions are judged.
        places: float32 (m, dims), their places.
        labels: int32 (n_images,), clusters of the whole layout by k-means.
    """

    judged: NDArray[np.int64]
    places: NDArray[np.float32]
    labels: LabelArray

    def silhouette(self, labels: LabelArray) -> float:
        """How well a partition stands out in the layout.

        Args:
            labels: int32 (n_images,).

        Returns:
            Mean silhouette over the judged images; nan where fewer than two clusters have any.
        """
        return float(np.mean(silhouette_values(self.places, labels[self.judged])))


def laid_out(rows: NDArray[np.float32], n_clusters: int, seed: int, progress: Progress) -> Layout:
    """Lay images out and cluster the layout by k-means.

    Args:
        rows: (n_images, d); fewer than 50 are taken as they are.
        n_clusters: Number of clusters.
        seed: Seed.
        progress: Told of the steps.
    """
    random = np.random.default_rng(seed)
    places = rows
    if len(rows) >= max(LEAST_LAYOUT, 3 * n_clusters):
        learnt = np.arange(len(rows))
        if len(rows) > LAYOUT_ROWS:
            learnt = np.sort(random.choice(len(rows), LAYOUT_ROWS, replace=False))
        model = UMAP(LAYOUT_DIMS, random_state=seed)
        places = model.fit_transform(rows[learnt], callback=progress.part(START, "layout"))
        if len(learnt) < len(rows):
            others = np.setdiff1d(np.arange(len(rows)), learnt)
            whole = np.empty((len(rows), places.shape[1]), np.float32)
            whole[learnt], whole[others] = places, model.transform(rows[others])
            places = whole
    count = min(n_clusters, len(np.unique(places, axis=0)))
    model = KMeans(count, n_init=RESTARTS, random_state=seed)
    labels = model.fit(places, callback=progress.part(START, "k-means")).labels_
    judged = np.arange(len(rows))
    if len(rows) > JUDGED_ROWS:
        judged = np.sort(random.choice(len(rows), JUDGED_ROWS, replace=False))
    return Layout(judged, places[judged], labels)
