"""Gaussian mixtures of codes: VaDE's prior while it is trained, and the density that labels.

    log p(c, z) = log pi_c - 1/2 sum over d of (log 2 pi + log s2_cd + (z_d - mu_cd)^2 / s2_cd)
    gamma_c     = p(c | z) = softmax over c of log p(c, z)

Everything stays in logarithms, and log s2 within [-6, 4] of a code of unit variance, so that no
code and no variance over- or underflows.

Source:
    Jiang, Zheng, Tan, Tang, Zhou, "Variational deep embedding: an unsupervised and generative
    approach to clustering", IJCAI 2017, eqs. 4 to 12 and 16.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from dclust_gui.algorithms.deep.gaussians import (
    BLOCK_VALUES,
    LEAST_LOG_VARIANCE,
    LOG_2PI,
    MOST_LOG_VARIANCE,
    GaussianDensity,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def log_joint(codes: Tensor, log_weights: Tensor, means: Tensor, log_variances: Tensor) -> Tensor:
    """Logarithm of p(c, z) under a mixture with diagonal covariances.

    Args:
        codes: (n, dz).
        log_weights: (k,), or (n, k) where the images' priors differ; exponentials sum to 1.
        means: (k, dz).
        log_variances: (k, dz); taken as within [-6, 4].

    Returns:
        (n, k).
    """
    if codes.numel() * len(means) > BLOCK_VALUES and not torch.is_grad_enabled():
        step = max(1, BLOCK_VALUES // means.numel())
        parts = torch.split(codes, step)
        is_own = log_weights.ndim == 2
        weights = torch.split(log_weights, step) if is_own else [log_weights] * len(parts)
        return torch.cat(
            [
                log_joint(part, weight, means, log_variances)
                for part, weight in zip(parts, weights, strict=True)
            ]
        )
    logs = log_variances.clamp(LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE)
    squared = (codes[:, None, :] - means).square() * torch.exp(-logs)
    return log_weights - 0.5 * (squared + (LOG_2PI + logs)).sum(2)


def divergence_from_mixture(
    mean: Tensor,
    log_variance: Tensor,
    log_gamma: Tensor,
    log_weights: Tensor,
    means: Tensor,
    log_variances: Tensor,
) -> Tensor:
    """KL(q(z, c | x) || p(z, c)), the mean over images: the ELBO without its reconstruction.

    Args:
        mean: (n, dz) of q(z | x).
        log_variance: (n, dz) likewise, within [-6, 4].
        log_gamma: (n, k) logarithm of q(c | x).
        log_weights: (k,) or (n, k) logarithm of p(c).
        means: (k, dz) of p(z | c).
        log_variances: (k, dz) likewise; taken as within [-6, 4].

    Returns:
        Scalar, >= 0.
    """
    gamma = log_gamma.exp()
    logs = log_variances.clamp(LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE)
    apart = (mean[:, None, :] - means).square() + log_variance.exp()[:, None, :]
    of_codes = 0.5 * (gamma * (apart * torch.exp(-logs) + logs).sum(2)).sum(1)
    entropy = 0.5 * (1.0 + log_variance).sum(1)
    of_clusters = (gamma * (log_gamma - log_weights)).sum(1)
    return (of_codes - entropy + of_clusters).mean()


class MixturePrior(nn.Module):
    """VaDE's prior: weights, means and variances of its clusters, all trained.

    Args:
        start: Where it starts.
        log_membership: (k,) or (n, k) logarithm of what is known of the memberships; None for
            nothing.
    """

    def __init__(self, start: GaussianDensity, log_membership: Tensor | None = None) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.from_numpy(start.log_weights).float())
        self.means = nn.Parameter(torch.from_numpy(start.means).float())
        self.log_variances = nn.Parameter(torch.from_numpy(start.log_variances()).float())
        self.log_membership = log_membership

    def log_weights(self, numbers: Tensor | None = None) -> Tensor:
        """Logarithm of p(c): (k,), or (n, k) of these images where their priors differ."""
        known = self.log_membership
        if known is None:
            return functional.log_softmax(self.logits, 0)
        if known.ndim == 2 and numbers is not None:
            known = known.index_select(0, numbers)
        return functional.log_softmax(self.logits + known, -1)

    def log_responsibilities(self, codes: Tensor, log_weights: Tensor) -> Tensor:
        """Logarithm of gamma, (n, k)."""
        joint = log_joint(codes, log_weights, self.means, self.log_variances)
        return functional.log_softmax(joint, 1)

    @torch.no_grad()
    def move(self, clusters: NDArray[np.integer], codes: Tensor) -> None:
        """Put clusters anew at these codes, as large and wide as the mean cluster.

        Args:
            clusters: (m,) their numbers.
            codes: (m, dz).
        """
        chosen = torch.from_numpy(clusters.astype("int64")).to(codes.device)
        self.means[chosen] = codes
        self.log_variances[chosen] = self.log_variances.logsumexp(0) - math.log(len(self.means))
        self.logits[chosen] = self.logits.logsumexp(0) - math.log(len(self.logits))

    def density(self) -> GaussianDensity:
        """The mixture as it is now, without what is known of single images."""
        with torch.no_grad():
            known = self.log_membership
            shared = self.logits + (known if known is not None and known.ndim == 1 else 0.0)
            logs = self.log_variances.clamp(LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE)
            return GaussianDensity.diagonal(
                functional.log_softmax(shared, 0).cpu().double().numpy(),
                self.means.cpu().double().numpy(),
                logs.cpu().double().numpy(),
            )
