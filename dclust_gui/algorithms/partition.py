"""Clusterers that split images around centres: k-means and its relatives."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.cluster import KMeans as Reference
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import (
    Callback,
    FloatArray,
    LabelArray,
    UnusableDataError,
    check_cluster_count,
    check_distinct,
    confidence_from_margin,
    report,
)
from dclust_gui.algorithms.clusterer import Clusterer
from dclust_gui.algorithms.lloyd import (
    LloydResult,
    cluster_means,
    lloyd,
    nearest_two,
    plus_plus,
    prepare,
    tensor_of,
)
from dclust_gui.algorithms.projection import leading_axes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LARGE = 50_000
"""Above so many images the restarts run on a sample; the best goes on with all images."""
LARGE_VALUES = 1 << 25
"""As many values of the features mean the same."""
SAMPLE = 20_000
FULL_ITERATIONS = 10
"""Most last iterations with all features, after those on the leading axes."""


class KMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Clusterer):
    """k-means with greedy k-means++ seeds; all restarts share one matrix product.

    Above 50,000 images (26,000 with 1,280 features) the restarts run on 20,000 of them, of wide
    features on the leading principal axes, and the best goes on with all images and features.

    Args:
        n_clusters: Number of clusters.
        n_init: Restarts; "auto" means 20 for up to 20 clusters and 20,000 images, else 10.
        max_iter: Most iterations of a restart.
        tol: A restart ends when its centres move by less than `tol` x the mean variance.
        metric: Distance; the centres are means in the space where it is Euclidean.
        random_state: Seed.
        device: torch device.

    Attributes:
        labels_: int32 (n_images,).
        cluster_centers_: (n_clusters, d) in that space, the type of the features.
        inertia_: Sum of squared distances to the own centre.
        n_iter_: Iterations of the best restart.
        confidence_: float32 (n_images,), 1 - nearest / second nearest centre's distance.

    Source:
        Lloyd, "Least squares quantization in PCM", 1982; see `lloyd.plus_plus` for the seeds.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        n_init: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        metric: str = "euclidean",
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
    ) -> None:
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.metric = metric
        self.random_state = random_state
        self.device = device

    cluster_centers_: FloatArray
    inertia_: float
    n_iter_: int

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        n_clusters = check_cluster_count(self.n_clusters, len(features))
        check_distinct(features, n_clusters)
        result, mean = self._solve(features, n_clusters, callback)
        self.cluster_centers_ = (result.centres + mean).astype(features.dtype)
        self.n_iter_ = result.n_iter
        self._finish(features, result.labels)

    def _solve(
        self, features: FloatArray, n_clusters: int, callback: Callback | None
    ) -> tuple[LloydResult, NDArray[np.float64]]:
        rows, mean = prepare(features, self.device)
        basis = None
        if len(rows) < rows.shape[1]:
            # an orthogonal basis of the rows keeps every distance and has fewer columns
            basis, triangle = torch.linalg.qr(rows.T)
            rows = triangle.T.contiguous()
        result = self._restarts(rows, n_clusters, callback)
        if basis is not None:
            centres = result.centres @ basis.cpu().numpy().T.astype(np.float64)
            result = LloydResult(result.labels, centres, result.inertia, result.n_iter)
        return result, mean

    def _restarts(
        self, rows: torch.Tensor, n_clusters: int, callback: Callback | None
    ) -> LloydResult:
        random = check_random_state(self.random_state)

        def run(part: torch.Tensor, seeds: torch.Tensor) -> LloydResult:
            return lloyd(part, seeds, max_iter=self.max_iter, tol=self.tol, callback=callback)

        n_init = self._restart_count(len(rows), n_clusters)
        is_large = len(rows) > LARGE or rows.numel() > LARGE_VALUES
        if not is_large or len(rows) <= SAMPLE or n_clusters > SAMPLE // 10:
            n_init = max(1, min(n_init, n_init * LARGE // len(rows)))
            seeds = plus_plus(rows, n_clusters, n_init, random)
            if _is_narrow(rows, n_clusters):
                return _one_by_one(rows, seeds, self.max_iter, self.tol, callback)
            return run(rows, seeds)
        picked = torch.from_numpy(np.sort(random.choice(len(rows), SAMPLE, replace=False)))
        sample = rows[picked.to(rows.device)]
        dims = min(128, max(64, 2 * n_clusters))
        if rows.shape[1] <= 2 * dims:
            first = run(sample, plus_plus(sample, n_clusters, n_init, random))
            return run(rows, _one_seed(first.centres, rows))
        # restarts and most iterations on the leading axes, the last ones with all features
        axes = leading_axes(sample, dims, seed=int(random.randint(2**31 - 1)))
        sample = sample @ axes
        first = run(sample, plus_plus(sample, n_clusters, n_init, random))
        del sample
        narrow = rows @ axes
        second = run(narrow, _one_seed(first.centres, narrow))
        centres = cluster_means(rows.cpu().numpy(), second.labels, n_clusters)
        n_full = min(self.max_iter, FULL_ITERATIONS)
        seeds = _one_seed(centres, rows)
        last = lloyd(rows, seeds, max_iter=n_full, tol=self.tol, callback=callback)
        return replace(last, n_iter=min(self.max_iter, last.n_iter + second.n_iter))

    def _restart_count(self, n_images: int, n_clusters: int) -> int:
        if self.n_init == "auto":
            return 20 if n_clusters <= 20 and n_images <= 20_000 else 10
        if isinstance(self.n_init, str) or self.n_init < 1:
            raise UnusableDataError(
                f"Could not run k-means with n_init={self.n_init!r}.",
                "It must be 'auto' or a whole number of at least 1.",
            )
        return int(self.n_init)

    def _finish(self, features: FloatArray, fallback: LabelArray) -> None:
        """Labels, inertia and confidence against the final centres."""
        labels, nearest, second = nearest_two(
            features, np.asarray(self.cluster_centers_, dtype=np.float64), device=self.device
        )
        if len(np.unique(labels)) < len(self.cluster_centers_):
            labels = fallback
        self.labels_ = labels
        self.inertia_ = float((nearest**2).sum())
        self.confidence_ = confidence_from_margin(nearest, second)

    @property
    def _n_features_out(self) -> int:
        return len(self.cluster_centers_)

    def predict(self, X: ArrayLike) -> LabelArray:  # noqa: N803
        """Nearest centre of each row.

        Args:
            X: (n_images, d).

        Returns:
            int32 (n_images,).
        """
        features = self._mapped(X)
        centres = np.asarray(self.cluster_centers_, dtype=np.float64)
        return nearest_two(features, centres, device=self.device)[0]

    def transform(self, X: ArrayLike) -> FloatArray:  # noqa: N803
        """Distance of each row to each centre.

        Args:
            X: (n_images, d).

        Returns:
            (n_images, n_clusters), the type of X.
        """
        features = self._mapped(X)
        rows = tensor_of(features)
        centres = torch.from_numpy(self.cluster_centers_.astype(features.dtype))
        distances: FloatArray = torch.cdist(
            rows, centres, compute_mode="donot_use_mm_for_euclid_dist"
        ).numpy()
        return distances

    def fit_transform(
        self,
        X: ArrayLike,  # noqa: N803
        y: None = None,
        callback: Callback | None = None,
    ) -> FloatArray:
        """Fit, then distance of each row to each centre.

        Args:
            X: (n_images, d).
            y: Ignored.
            callback: As in `fit`.

        Returns:
            (n_images, n_clusters).
        """
        fitted: Self = self.fit(X, y, callback)
        return fitted.transform(X)


def _one_seed(centres: NDArray[np.float64], rows: torch.Tensor) -> torch.Tensor:
    """Centres as the seeds of a single restart."""
    return torch.from_numpy(centres).to(rows.dtype).to(rows.device)[None]


def _is_narrow(rows: torch.Tensor, n_clusters: int) -> bool:
    """Whether products have so few columns that scikit-learn's fused loop is faster."""
    fits = rows.device.type == "cpu" and rows.dtype == torch.float32
    return fits and rows.shape[1] <= 32 and n_clusters > 24 and len(rows) * n_clusters <= 2_000_000


def _one_by_one(
    rows: torch.Tensor,
    seeds: torch.Tensor,
    max_iter: int,
    tol: float,
    callback: Callback | None,
) -> LloydResult:
    """Lloyd's iterations by scikit-learn, a restart at a time (well under a second each)."""
    features = rows.numpy()
    best: Reference | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for done, start in enumerate(seeds.numpy()):
            report(callback, done, len(seeds))
            model = Reference(len(start), init=start, n_init=1, max_iter=max_iter, tol=tol)
            model.fit(features)
            if best is None or model.inertia_ < best.inertia_:
                best = model
    report(callback, len(seeds), len(seeds))
    assert best is not None
    labels = best.labels_.astype(np.int32)
    centres = cluster_means(features, labels, seeds.shape[1])
    return LloydResult(labels, centres, float(best.inertia_), int(best.n_iter_))
