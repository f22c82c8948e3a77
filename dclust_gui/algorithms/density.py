"""Clusters as dense regions; images between them stay Unassigned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn import cluster

from dclust_gui.algorithms.base import NOISE, Callback, FloatArray, UnusableDataError, report
from dclust_gui.algorithms.clusterer import EVERY_METRIC, Clusterer
from dclust_gui.algorithms.distances import Metric
from dclust_gui.algorithms.neighbours import nearest_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


class DBSCAN(Clusterer):
    """Dense regions joined by images with enough neighbours within a radius.

    Args:
        eps: Radius; None finds it at the knee of the sorted distances to the
            `min_samples`-th neighbour.
        min_samples: Neighbours, the image included, that make an image a core.
        metric: Distance.

    Attributes:
        labels_: int32 (n_images,), -1 for Unassigned.
        eps_: The radius, in the mapped space.
        confidence_: float32 (n_images,): from 1 in the dense middle to 0.5 at the rim of the
            cores, less for the others, 0 for Unassigned.

    Source:
        Ester, Kriegel, Sander, Xu, "A density-based algorithm", KDD 1996.
    """

    _metrics = EVERY_METRIC

    def __init__(
        self, *, eps: float | None = None, min_samples: int = 5, metric: str = "euclidean"
    ) -> None:
        self.eps = eps
        self.min_samples = min_samples
        self.metric = metric

    eps_: float

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        if self.min_samples < 1 or (self.eps is not None and not self.eps > 0):
            raise UnusableDataError(
                "Could not run DBSCAN.", "eps and min_samples must be greater than 0."
            )
        reach = self._core_distances(features, callback)
        self.eps_ = float(self.eps) if self.eps is not None else knee(reach)
        metric = "manhattan" if self.metric == Metric.MANHATTAN else "euclidean"
        model = cluster.DBSCAN(eps=self.eps_, min_samples=self.min_samples, metric=metric)
        self.labels_ = model.fit(features).labels_.astype(np.int32)
        report(callback, 1, 1)
        self.confidence_ = self._confidence(reach)

    def _core_distances(
        self, features: FloatArray, callback: Callback | None
    ) -> NDArray[np.float64]:
        count = min(self.min_samples - 1, len(features) - 1)
        if count < 1:
            return np.zeros(len(features))
        if self.metric == Metric.MANHATTAN:
            from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415 -- rarely needed

            finder = NearestNeighbors(n_neighbors=count + 1, metric="manhattan").fit(features)
            found: NDArray[np.float64] = finder.kneighbors(features)[0][:, -1]
            return found
        return nearest_rows(features, count, callback=callback)[1][:, -1]

    def _confidence(self, reach: NDArray[np.float64]) -> NDArray[np.float32]:
        with np.errstate(divide="ignore"):
            rim = 0.5 * self.eps_ / np.maximum(reach, 1e-300)
        confidence = np.where(reach <= self.eps_, 1.0 - 0.5 * reach / self.eps_, rim)
        confidence[self.labels_ == NOISE] = 0.0
        return confidence.astype(np.float32)


def knee(distances: NDArray[np.float64]) -> float:
    """Where the sorted distances bend most: farthest below the line from first to last.

    Args:
        distances: (n,), >= 0.

    Returns:
        The distance there, > 0.
    """
    ordered = np.sort(distances)
    line = np.linspace(ordered[0], ordered[-1], len(ordered))
    place = int(np.argmax(line - ordered))
    if ordered[place] > 0:
        return float(ordered[place])
    positive = ordered[ordered > 0]
    return float(positive[0]) / 2 if len(positive) else 1.0


class HDBSCAN(Clusterer):
    """Dense regions of varying density, chosen by their persistence.

    Args:
        min_cluster_size: Least size of a cluster; None means a hundredth of the images, at
            least 5.
        min_samples: Neighbours that make a region dense; None means `min_cluster_size`, at
            most 10.
        selection: "eom" (few, large clusters) or "leaf" (many, small ones).
        metric: Distance.

    Attributes:
        labels_: int32 (n_images,), -1 for Unassigned.
        confidence_: float32 (n_images,), strength of the membership.

    Source:
        Campello, Moulavi, Sander, "Density-based clustering based on hierarchical density
        estimates", PAKDD 2013 (scikit-learn's implementation).
    """

    _metrics = EVERY_METRIC

    def __init__(
        self,
        *,
        min_cluster_size: int | None = None,
        min_samples: int | None = None,
        selection: str = "eom",
        metric: str = "euclidean",
    ) -> None:
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.selection = selection
        self.metric = metric

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        if self.selection not in ("eom", "leaf"):
            raise UnusableDataError("Could not run HDBSCAN.", "selection must be eom or leaf.")
        size = self.min_cluster_size or max(5, len(features) // 100)
        if size < 2:
            raise UnusableDataError("Could not run HDBSCAN.", "min_cluster_size must be over 1.")
        if len(features) < max(size, 3):
            # too few images for any dense region: all are Unassigned
            self.labels_ = np.full(len(features), NOISE, dtype=np.int32)
            self.confidence_ = np.zeros(len(features), dtype=np.float32)
            return
        samples = min(self.min_samples or min(size, 10), len(features) - 1)
        model = cluster.HDBSCAN(
            min_cluster_size=size,
            min_samples=samples,
            cluster_selection_method=self.selection,
            metric="manhattan" if self.metric == Metric.MANHATTAN else "euclidean",
            allow_single_cluster=not (features != features[0]).any(),
            copy=True,
        ).fit(features.astype(np.float64))
        report(callback, 1, 1)
        self.labels_ = np.maximum(model.labels_, NOISE).astype(np.int32)
        strength = np.nan_to_num(model.probabilities_, nan=0.0)
        self.confidence_ = np.where(self.labels_ >= 0, strength, 0.0).astype(np.float32)
