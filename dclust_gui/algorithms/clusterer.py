"""The base of every clusterer: scikit-learn's conventions, progress, distances, confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from dclust_gui.algorithms.base import (
    Callback,
    FloatArray,
    LabelArray,
    UnusableDataError,
    confidence_from_margin,
    report,
)
from dclust_gui.algorithms.distances import Metric, MetricMap, learn_metric
from dclust_gui.algorithms.lloyd import cluster_means

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

EUCLIDEAN_LIKE = (
    Metric.EUCLIDEAN,
    Metric.SQEUCLIDEAN,
    Metric.COSINE,
    Metric.CORRELATION,
    Metric.MAHALANOBIS,
)
"""Distances that are Euclidean between mapped rows."""
EVERY_METRIC = (*EUCLIDEAN_LIKE, Metric.MANHATTAN)


class Clusterer(ClusterMixin, BaseEstimator):
    """Base of the clusterers: `fit(X, y=None, callback=None)` gives labels and confidence.

    Attributes:
        labels_: int32 (n_images,), -1 for Unassigned.
        confidence_: float32 (n_images,) in [0, 1]; 0 for Unassigned.
        metric_map_: What turns the chosen distance into the Euclidean one.
    """

    _metrics: tuple[Metric, ...] = EUCLIDEAN_LIKE

    metric_map_: MetricMap
    labels_: LabelArray
    confidence_: NDArray[np.float32]
    n_features_in_: int

    def fit(self, X: ArrayLike, y: None = None, callback: Callback | None = None) -> Self:  # noqa: N803
        """Cluster the rows of X.

        Args:
            X: (n_images, d) features, finite.
            y: Ignored, as scikit-learn asks.
            callback: Called with (done, total); may raise `Cancelled`.

        Returns:
            The estimator itself.

        Raises:
            UnusableDataError: If the features or parameters cannot be used.
        """
        del y
        features = self._validated(X, reset=True)
        self.metric_map_ = learn_metric(features, self._metric())
        report(callback, 0, 0)
        self._fit(self.metric_map_.apply(features), callback)
        return self

    def _metric(self) -> Metric:
        """The estimator's distance, checked."""
        metric = str(getattr(self, "metric", Metric.EUCLIDEAN))
        if metric not in self._metrics:
            raise UnusableDataError(
                f"Could not use the distance {metric!r} with {type(self).__name__}.",
                f"The method allows: {', '.join(self._metrics)}.",
            )
        return Metric(metric)

    def _mapped(self, X: ArrayLike) -> FloatArray:  # noqa: N803
        """New rows in the space that was clustered."""
        features = self._validated(X, reset=False)
        return self.metric_map_.apply(features)

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        raise NotImplementedError

    def _validated(self, X: ArrayLike, *, reset: bool) -> FloatArray:  # noqa: N803
        """X as finite, C-ordered float32 or float64, its width checked."""
        if not reset:
            check_is_fitted(self)
        try:
            checked: FloatArray = validate_data(
                self, X, reset=reset, dtype=[np.float32, np.float64], order="C"
            )
        except ValueError as error:
            raise UnusableDataError("Could not use the features.", str(error)) from error
        return checked


def centre_confidence(rows: FloatArray, labels: LabelArray) -> NDArray[np.float32]:
    """Confidence from the distances to the own and the nearest other cluster's mean.

    Args:
        rows: (n_images, d).
        labels: int32 (n_images,); -1 for Unassigned.

    Returns:
        float32 (n_images,) in [0, 1]; 1 with a single cluster, 0 for Unassigned.
    """
    groups, codes = np.unique(labels[labels >= 0], return_inverse=True)
    confidence = np.zeros(len(labels), dtype=np.float32)
    if not len(groups):
        return confidence
    members = np.flatnonzero(labels >= 0)
    centres = cluster_means(rows[members], codes.astype(np.int32), len(groups))
    for start in range(0, len(members), 4096):
        part = members[start : start + 4096]
        own = codes[start : start + 4096]
        squared = (centres**2).sum(1) - 2.0 * (rows[part] @ centres.T)
        squared += (rows[part].astype(np.float64) ** 2).sum(1)[:, None]
        distance = np.sqrt(np.maximum(squared, 0.0))
        every = np.arange(len(part))
        nearest = distance[every, own].copy()
        distance[every, own] = np.inf
        confidence[part] = confidence_from_margin(nearest, distance.min(1))
    return confidence
