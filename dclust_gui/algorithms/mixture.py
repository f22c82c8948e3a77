"""Gaussian mixtures: clusters with a shape and a probability for every image."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn import mixture
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import (
    Callback,
    FloatArray,
    LabelArray,
    UnusableDataError,
    check_cluster_count,
    check_distinct,
    report,
)
from dclust_gui.algorithms.clusterer import Clusterer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FULL_DIMS = 32
"""Up to so many features, with ten images to each and cluster, covariances are full."""
COVARIANCES = ("auto", "full", "tied", "diag", "spherical")
STEPS = 10
"""Iterations between two looks at the callback."""


class GaussianMixture(Clusterer):
    """Gaussian mixture by expectation-maximisation, from k-means starts.

    Args:
        n_clusters: Number of components.
        covariance: auto, full, tied, diag or spherical.
        n_init: Starts.
        max_iter: Most iterations of a start.
        regularisation: Added to variances, as a share of the mean variance.
        metric: Distance.
        random_state: Seed.

    Attributes:
        labels_: int32 (n_images,), the most probable component.
        soft_assignments_: float32 (n_images, n_clusters), rows sum to 1.
        confidence_: float32 (n_images,), the greatest of them.
        cluster_centers_: (n_clusters, d) in the mapped space.
        n_iter_: Iterations of the best start's last stretch, at least 1.

    Source:
        Dempster, Laird, Rubin, "Maximum likelihood from incomplete data via the EM algorithm",
        1977 (scikit-learn's implementation).
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        covariance: str = "auto",
        n_init: int = 5,
        max_iter: int = 100,
        regularisation: float = 1e-3,
        metric: str = "euclidean",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.covariance = covariance
        self.n_init = n_init
        self.max_iter = max_iter
        self.regularisation = regularisation
        self.metric = metric
        self.random_state = random_state

    soft_assignments_: NDArray[np.float32]
    cluster_centers_: FloatArray
    n_iter_: int

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        n_clusters = check_cluster_count(self.n_clusters, len(features))
        check_distinct(features, n_clusters)
        if self.covariance not in COVARIANCES:
            raise UnusableDataError(
                f"Could not use the covariance {self.covariance!r}.",
                "Covariances: " + ", ".join(COVARIANCES) + ".",
            )
        self._mean = features.mean(axis=0, dtype=np.float64)
        rows = features - self._mean
        spread = float(rows.var(axis=0).mean())
        self._scale = 1.0 / np.sqrt(spread) if spread > 0 else 1.0
        rows *= self._scale
        if len(rows) == 1:
            rows = np.repeat(rows, 2, axis=0)  # the least that scikit-learn takes
        random = check_random_state(self.random_state)
        models = []
        for start in range(self.n_init):
            report(callback, start, self.n_init)
            models.append(self._one_start(rows, int(random.randint(2**31 - 1)), callback, start))
        report(callback, self.n_init, self.n_init)
        self.model_ = max(models, key=lambda model: model.lower_bound_)
        self.n_iter_ = int(self.model_.n_iter_)
        self.cluster_centers_ = (self.model_.means_ / self._scale + self._mean).astype(
            features.dtype
        )
        self.soft_assignments_ = self._soft(features)
        self.labels_ = self.soft_assignments_.argmax(1).astype(np.int32)
        self.confidence_ = self.soft_assignments_.max(1)

    def _one_start(
        self, rows: NDArray[np.float64], seed: int, callback: Callback | None, start: int
    ) -> mixture.GaussianMixture:
        covariance = self.covariance
        if covariance == "auto":
            enough = len(rows) >= 10 * rows.shape[1] * self.n_clusters
            covariance = "full" if rows.shape[1] <= FULL_DIMS and enough else "diag"
        model = mixture.GaussianMixture(
            self.n_clusters,
            covariance_type=covariance,
            reg_covar=max(self.regularisation, 1e-9),
            max_iter=min(STEPS, self.max_iter),
            warm_start=True,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            for _ in range(max(1, -(-self.max_iter // STEPS))):
                report(callback, start, self.n_init)
                model.fit(rows)
                if model.converged_:
                    break
        return model

    def _soft(self, features: FloatArray) -> NDArray[np.float32]:
        rows = (features - self._mean) * self._scale
        soft: NDArray[np.float32] = self.model_.predict_proba(rows).astype(np.float32)
        return soft

    def components(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """The fitted components in the mapped space, with "full", "diag" or "auto" covariances.

        Returns:
            Weights (k,), means (k, d), and (k, d, d) factors F of their precisions F @ F.T.
        """
        factors = np.asarray(self.model_.precisions_cholesky_, dtype=np.float64)
        if factors.ndim == 2:
            factors = factors[:, :, None] * np.eye(factors.shape[1])
        means = self.model_.means_ / self._scale + self._mean
        return np.asarray(self.model_.weights_), means, factors * self._scale

    def predict(self, X: ArrayLike) -> LabelArray:  # noqa: N803
        """The most probable component of each row.

        Args:
            X: (n_images, d).

        Returns:
            int32 (n_images,).
        """
        labels: LabelArray = self.predict_proba(X).argmax(1).astype(np.int32)
        return labels

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Probability of each component for each row.

        Args:
            X: (n_images, d).

        Returns:
            float32 (n_images, n_clusters).
        """
        return self._soft(self._mapped(X))
