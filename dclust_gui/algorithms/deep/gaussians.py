"""Fitted Gaussian mixtures of codes: what a start's labels are, and what gives VaDE's labels."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn import mixture
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from dclust_gui.algorithms.lloyd import cluster_means

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dclust_gui.algorithms.base import FloatArray, LabelArray
    from dclust_gui.algorithms.mixture import GaussianMixture

LOG_2PI = math.log(2.0 * math.pi)
LEAST_LOG_VARIANCE = -6.0
MOST_LOG_VARIANCE = 4.0
LEAST_VARIANCE = 1e-3
"""Added to variances, as a share of the codes' mean variance."""
BLOCK_VALUES = 1 << 22
REFIT_ROWS = 20_000
"""Most codes from which a mixture is refitted."""
REFIT_ITERATIONS = 100
ITERATIONS_AT_ONCE = 5
"""Iterations of a refit between two looks at the callback; one where they are slow."""
SLOW_VALUES = 1 << 28


@dataclass(frozen=True, slots=True, eq=False)
class GaussianDensity:
    """A fitted mixture with any covariances.

    Attributes:
        log_weights: float64 (k,); the exponentials sum to 1.
        means: float64 (k, dz).
        factors: float64 (k, dz, dz); a cluster's precision matrix is F @ F.T.
    """

    log_weights: NDArray[np.float64]
    means: NDArray[np.float64]
    factors: NDArray[np.float64]

    @classmethod
    def diagonal(
        cls,
        log_weights: NDArray[np.float64],
        means: NDArray[np.float64],
        log_variances: NDArray[np.float64],
    ) -> GaussianDensity:
        """A mixture with diagonal covariances."""
        width = means.shape[1]
        factors = np.exp(-0.5 * log_variances)[:, :, None] * np.eye(width)
        return cls(log_weights, means, factors)

    def log_variances(self) -> NDArray[np.float64]:
        """float64 (k, dz), the logarithm of the variances along the axes, within [-6, 4]."""
        identity = np.broadcast_to(np.eye(self.factors.shape[1]), self.factors.shape)
        halves = np.linalg.solve(self.factors, identity)
        logs = np.log(np.square(halves).sum(1))
        clipped: NDArray[np.float64] = np.clip(logs, LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE)
        return clipped

    def log_joint(self, codes: Tensor) -> Tensor:
        """Logarithm of p(c, z): (n, k), in the codes' type, on their device."""
        device, dtype = codes.device, codes.dtype
        with torch.no_grad():
            means = torch.from_numpy(self.means).to(device, dtype)
            factors = torch.from_numpy(self.factors).to(device, dtype)
            logs = factors.diagonal(dim1=1, dim2=2).log().sum(1) - 0.5 * LOG_2PI * means.shape[1]
            logs += torch.from_numpy(self.log_weights).to(device, dtype)
            step = max(1, BLOCK_VALUES // max(1, means.numel()))
            parts = []
            for part in torch.split(codes, step):
                turned = torch.einsum("nkd,kde->nke", part[:, None, :] - means, factors)
                parts.append(logs - 0.5 * turned.square().sum(2))
            return torch.cat(parts)

    def log_likelihood(self, codes: Tensor) -> float:
        """Sum over the codes of log p(z)."""
        return float(self.log_joint(codes).cpu().double().logsumexp(1).sum())


def density_of_labels(codes: FloatArray, labels: LabelArray, n_clusters: int) -> GaussianDensity:
    """The diagonal mixture of labelled codes; clusters of few images borrow from the others.

    Args:
        codes: (n, dz).
        labels: int32 (n,), 0 to `n_clusters` - 1.
        n_clusters: Number of clusters.

    Returns:
        Weights (one image more for each cluster), means, and variances with two images' worth of
        the mean within-cluster variance.
    """
    counts = np.bincount(labels, minlength=n_clusters)
    means = cluster_means(codes, labels, n_clusters).astype(np.float64)
    means[counts == 0] = codes.mean(axis=0, dtype=np.float64)
    apart = np.square(codes - means[labels])
    sums = np.zeros((n_clusters, codes.shape[1]))
    np.add.at(sums, labels, apart)
    floor = LEAST_VARIANCE * float(codes.var(dtype=np.float64)) + 1e-12
    shared = sums.sum(0) / max(1, len(codes))
    variances = (sums + 2.0 * shared) / (counts + 2.0)[:, None] + floor
    logs = np.clip(np.log(variances), LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE)
    weights = (counts + 1.0) / (counts.sum() + n_clusters)
    return GaussianDensity.diagonal(np.log(weights), means, logs)


def density_of_mixture(model: GaussianMixture) -> GaussianDensity:
    """The density of a fitted mixture with full or diagonal covariances."""
    weights, means, factors = model.components()
    return GaussianDensity(np.log(np.maximum(weights, 1e-12)), means, factors)


def refitted(
    codes: FloatArray, start: GaussianDensity, *, seed: int, tick: Callable[[], None]
) -> GaussianDensity | None:
    """A mixture with full covariances fitted to codes by EM, from another mixture.

    Args:
        codes: (n, dz); above 20,000 a sample is used.
        start: Where EM starts; the clusters keep their numbers.
        seed: Of the sample.
        tick: Called every few iterations; may raise.

    Returns:
        The mixture; None where the codes are too few or too alike for full covariances.
    """
    n_clusters, width = start.means.shape
    if len(codes) < 2 * n_clusters or len(codes) < 2 * width:
        return None
    if len(codes) > REFIT_ROWS:
        chosen = np.random.default_rng(seed).choice(len(codes), REFIT_ROWS, replace=False)
        codes = codes[np.sort(chosen)]
    rows = codes.astype(np.float64)
    at_once = 1 if rows.size * start.factors.shape[0] * width > SLOW_VALUES else ITERATIONS_AT_ONCE
    model = mixture.GaussianMixture(
        n_clusters,
        covariance_type="full",
        reg_covar=LEAST_VARIANCE * float(rows.var()) + 1e-12,
        max_iter=at_once,
        warm_start=True,
        weights_init=_normalised(np.exp(start.log_weights)),
        means_init=start.means,
        precisions_init=start.factors @ start.factors.transpose(0, 2, 1),
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            for _ in range(REFIT_ITERATIONS // at_once):
                tick()
                model.fit(rows)
                if model.converged_:
                    break
        except (ValueError, np.linalg.LinAlgError):
            return None
    weights = np.log(np.maximum(model.weights_, 1e-12))
    return GaussianDensity(weights, model.means_, model.precisions_cholesky_)


def _normalised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def information_gain(codes: Tensor, simple: GaussianDensity, rich: GaussianDensity) -> float:
    """How much better a mixture with full covariances explains codes than a diagonal one.

    Args:
        codes: (n, dz).
        simple: With diagonal covariances.
        rich: With full ones.

    Returns:
        Gain of log-likelihood less Schwarz's price of the further parameters; above 0 the rich
        one is worth it.
    """
    n_clusters, width = simple.means.shape
    further = n_clusters * width * (width - 1) // 2
    gain = rich.log_likelihood(codes) - simple.log_likelihood(codes)
    return float(gain - 0.5 * further * math.log(len(codes)))
