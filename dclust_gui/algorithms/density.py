"""Clusters as dense regions; images between them stay Unassigned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn import cluster

from dclust_gui.algorithms.base import (
    MOSTLY_NOISE,
    NOISE,
    NOTED_FROM,
    ONE_CLUSTER,
    Callback,
    FloatArray,
    LabelArray,
    UnusableDataError,
    outcome_note,
    report,
)
from dclust_gui.algorithms.clusterer import EVERY_METRIC, Clusterer
from dclust_gui.algorithms.distances import Metric
from dclust_gui.algorithms.neighbours import nearest_rows
from dclust_gui.algorithms.projection import density_space

if TYPE_CHECKING:
    from numpy.typing import NDArray


AXES = 8
"""Leading axes for an automatic radius: 5 sets of features gave no clusters on all 1,280."""
HDBSCAN_AXES = 32
CORE_SHARES = (0.8, 0.6, 0.5, 0.4, 0.3)
"""Shares of images in dense regions that are tried where the knee gives a single cluster."""


class DBSCAN(Clusterer):
    """Dense regions joined by images with enough neighbours within a radius.

    Args:
        eps: Radius; None finds it at the knee of the sorted distances to the
            `min_samples`-th neighbour, or below where that gives a single cluster.
        min_samples: Neighbours, the image included, that make an image a core.
        metric: Distance.
        axes: Leading principal axes on which distances are measured; None means 8 where `eps`
            is None and there are more than 32 features, else all features.

    Attributes:
        labels_: int32 (n_images,), -1 for Unassigned.
        eps_: The radius, in the mapped space (on its leading axes).
        note_: What to tell the user about the outcome; empty if nothing.
        confidence_: float32 (n_images,): from 1 in the dense middle to 0.5 at the rim of the
            cores, less for the others, 0 for Unassigned.

    Source:
        Ester, Kriegel, Sander, Xu, "A density-based algorithm", KDD 1996.
    """

    _metrics = EVERY_METRIC

    def __init__(
        self,
        *,
        eps: float | None = None,
        min_samples: int = 5,
        metric: str = "euclidean",
        axes: int | None = None,
    ) -> None:
        self.eps = eps
        self.min_samples = min_samples
        self.metric = metric
        self.axes = axes

    eps_: float
    note_: str

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        if self.min_samples < 1 or (self.eps is not None and not self.eps > 0):
            raise UnusableDataError(
                "Could not run DBSCAN.", "eps and min_samples must be greater than 0."
            )
        is_free = self.eps is None and self.metric != Metric.MANHATTAN
        rows = density_space(features, self.axes, AXES, is_automatic=is_free)
        reach = self._core_distances(rows, callback)
        self.eps_ = float(self.eps) if self.eps is not None else knee(reach)
        self.labels_ = self._regions(rows)
        if self.eps is None and _is_one(self.labels_):
            self._look_below(rows, reach, callback)
        report(callback, 1, 1)
        self.confidence_ = self._confidence(reach)
        now = f"(now {self.eps_:.3g})"
        self.note_ = outcome_note(
            "DBSCAN", self.labels_, f"a smaller eps {now}", f"a larger eps {now}"
        )

    def _regions(self, rows: FloatArray) -> LabelArray:
        metric = "manhattan" if self.metric == Metric.MANHATTAN else "euclidean"
        model = cluster.DBSCAN(eps=self.eps_, min_samples=self.min_samples, metric=metric)
        labels: LabelArray = model.fit(rows).labels_.astype(np.int32)
        return labels

    def _look_below(
        self, rows: FloatArray, reach: NDArray[np.float64], callback: Callback | None
    ) -> None:
        """Smaller radii, until no cluster has more than half of the images."""
        knee_eps, knee_labels = self.eps_, self.labels_
        for done, share in enumerate(CORE_SHARES):
            report(callback, done, len(CORE_SHARES))
            self.eps_ = float(np.quantile(reach, share))
            if not 0 < self.eps_ < knee_eps:
                continue
            labels = self._regions(rows)
            counts = np.bincount(labels[labels >= 0], minlength=2)
            noise = float((labels < 0).mean())
            if noise <= MOSTLY_NOISE and 0 < counts.max() <= len(labels) / 2 and counts[1] > 0:
                self.labels_ = labels
                return
        self.eps_, self.labels_ = knee_eps, knee_labels

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


def _is_one(labels: LabelArray) -> bool:
    """Whether nearly all images are in one cluster, of enough images to tell."""
    counts = np.bincount(labels[labels >= 0], minlength=1)
    return len(labels) >= NOTED_FROM and bool(counts.max() > ONE_CLUSTER * len(labels))


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
            most 5.
        selection: "eom" (few, large clusters) or "leaf" (many, small ones).
        metric: Distance.
        axes: Leading principal axes on which distances are measured; None means 32 where there
            are more than 128 features (and the distance is not Manhattan's), else all.

    Attributes:
        labels_: int32 (n_images,), -1 for Unassigned.
        note_: What to tell the user about the outcome; empty if nothing.
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
        axes: int | None = None,
    ) -> None:
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.selection = selection
        self.metric = metric
        self.axes = axes

    note_: str

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        if self.selection not in ("eom", "leaf"):
            raise UnusableDataError("Could not run HDBSCAN.", "selection must be eom or leaf.")
        size = self.min_cluster_size or max(5, len(features) // 100)
        if size < 2:
            raise UnusableDataError("Could not run HDBSCAN.", "min_cluster_size must be over 1.")
        if len(features) < max(size, 3):
            # too few images for any dense region: all are Unassigned
            self.note_ = ""
            self.labels_ = np.full(len(features), NOISE, dtype=np.int32)
            self.confidence_ = np.zeros(len(features), dtype=np.float32)
            return
        is_free = self.metric != Metric.MANHATTAN
        rows = density_space(features, self.axes, HDBSCAN_AXES, is_automatic=is_free)
        samples = min(self.min_samples or min(size, 5), len(features) - 1)
        model = cluster.HDBSCAN(
            min_cluster_size=size,
            min_samples=samples,
            cluster_selection_method=self.selection,
            metric="manhattan" if self.metric == Metric.MANHATTAN else "euclidean",
            allow_single_cluster=not (features != features[0]).any(),
            copy=True,
        ).fit(rows.astype(np.float64))
        report(callback, 1, 1)
        self.labels_ = np.maximum(model.labels_, NOISE).astype(np.int32)
        strength = np.nan_to_num(model.probabilities_, nan=0.0)
        self.confidence_ = np.where(self.labels_ >= 0, strength, 0.0).astype(np.float32)
        self.note_ = outcome_note(
            "HDBSCAN",
            self.labels_,
            f"a smaller min_cluster_size (now {size})",
            f"smaller min_samples (now {samples})",
        )
