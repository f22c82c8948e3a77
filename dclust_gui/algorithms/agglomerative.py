"""Clusters from a merge tree, cut at a number of clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms.base import Callback, FloatArray, LabelArray, check_cluster_count
from dclust_gui.algorithms.clusterer import EVERY_METRIC, Clusterer, centre_confidence
from dclust_gui.algorithms.hierarchy import linkage_of_mapped

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Agglomerative(Clusterer):
    """Hierarchical clustering with Ward, average, complete or single linkage.

    Args:
        n_clusters: Number of clusters.
        linkage: ward, average, complete or single.
        metric: Distance; Ward takes Euclidean and Mahalanobis only.
        device: torch device.

    Attributes:
        tree_: float64 (n_images - 1, 4), SciPy's layout.
        note_: What to tell the user about the tree; empty if there is nothing.
        labels_: int32 (n_images,), numbered by first appearance.
        confidence_: float32 (n_images,), from the distances to the clusters' means.
    """

    _metrics = EVERY_METRIC

    def __init__(
        self,
        n_clusters: int = 2,
        *,
        linkage: str = "ward",
        metric: str = "euclidean",
        device: str = "cpu",
    ) -> None:
        self.n_clusters = n_clusters
        self.linkage = linkage
        self.metric = metric
        self.device = device

    tree_: NDArray[np.float64]
    note_: str

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        n_clusters = check_cluster_count(self.n_clusters, len(features))
        result = linkage_of_mapped(
            features, self.linkage, self.metric_map_, device=self.device, callback=callback
        )
        self.tree_, self.note_ = result.tree, result.note
        self.labels_ = cut_at_count(result.tree, n_clusters)
        self.confidence_ = centre_confidence(features, self.labels_)


def cut_at_count(tree: NDArray[np.float64], n_clusters: int) -> LabelArray:
    """Labels after all merges but the last `n_clusters` - 1.

    Args:
        tree: float64 (n_images - 1, 4).
        n_clusters: From 1 to n_images.

    Returns:
        int32 (n_images,), numbered by first appearance.
    """
    n_images = len(tree) + 1
    owner = np.arange(n_images + max(len(tree), 0))
    merges = tree[: n_images - n_clusters, :2].astype(np.int64)
    for step in range(len(merges) - 1, -1, -1):
        # from the top down: a merge passes its final owner to its two parts
        owner[merges[step]] = owner[n_images + step]
    _, first, codes = np.unique(owner[:n_images], return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[codes]
