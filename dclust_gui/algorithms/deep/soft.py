"""Soft assignments by Student's t and their sharpened target: what DEC and IDEC are made of.

    q_ij = (1 + d_ij^2 / alpha)^(-(alpha + 1) / 2) / sum over j'          (eq. 1)
    f_j  = sum over all images i of q_ij
    p_ij = (q_ij^2 / f_j^rho) / sum over j'                               (eq. 3; rho = 1)
    KL(P || Q) = mean over i of sum over j of p_ij log(p_ij / q_ij)       (eq. 2), P held constant

All in logarithms, so that nothing over- or underflows at any distance.

Source:
    Xie, Girshick, Farhadi, "Unsupervised deep embedding for clustering analysis", ICML 2016.
    rho < 1 (ours) pushes less towards equal sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dclust_gui.algorithms.base import UnusableDataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BLOCK_VALUES = 1 << 22
LEAST_SHARE = 1e-6
"""Least soft size of a cluster, as a share of the images."""
LEAST_LOG_PRIOR = -6.0
"""A prior never rules a cluster out: below exp(-6) = 0.25 % it counts as that."""


def squared_distances(code: Tensor, centres: Tensor) -> Tensor:
    """Squared distance of each code to each centre, from differences.

    Args:
        code: (n, dz).
        centres: (k, dz).

    Returns:
        (n, k), >= 0.
    """
    size = len(code) * centres.numel()
    if size <= BLOCK_VALUES or torch.is_grad_enabled():
        return (code[:, None, :] - centres[None]).square().sum(2)
    step = max(1, BLOCK_VALUES // centres.numel())
    return torch.cat([squared_distances(part, centres) for part in torch.split(code, step)])


def log_soft_assignment(code: Tensor, centres: Tensor, alpha: float = 1.0) -> Tensor:
    """Logarithm of eq. 1.

    Args:
        code: (n, dz).
        centres: (k, dz).
        alpha: Degrees of freedom, > 0.

    Returns:
        (n, k); the exponentials of a row sum to 1.
    """
    logits = torch.log1p(squared_distances(code, centres) / alpha) * (-0.5 * (alpha + 1.0))
    return functional.log_softmax(logits, 1)


def target_distribution(
    log_q: Tensor, exponent: float = 1.0, log_prior: Tensor | None = None
) -> Tensor:
    """Eq. 3: q squared and divided by the soft sizes of the clusters, of all images at once.

    Args:
        log_q: (n, k), of all images.
        exponent: rho; 1 as published, less for uneven cluster sizes, 0 for no pull to equal ones.
        log_prior: (k,) or (n, k), added to the soft assignments before they are sharpened.

    Returns:
        (n, k), rows sum to 1; without a gradient.
    """
    with torch.no_grad():
        if log_prior is not None:
            log_q = functional.log_softmax(log_q + log_prior, 1)
        log_size = torch.logsumexp(log_q, 0).clamp_(min=float(np.log(LEAST_SHARE * len(log_q))))
        return functional.softmax(2.0 * log_q - exponent * log_size, 1)


SURE = 0.9
"""Probability of an image's start cluster while the start is the target."""


def sure_target(labels: Tensor, n_clusters: int) -> Tensor:
    """Labels as a target that is not quite sure.

    Args:
        labels: int64 (n,), 0 to n_clusters - 1.
        n_clusters: Number of clusters.

    Returns:
        float32 (n, n_clusters), rows sum to 1, on the same device.
    """
    target = torch.full(
        (len(labels), n_clusters), (1.0 - SURE) / max(1, n_clusters - 1), device=labels.device
    )
    target[torch.arange(len(labels), device=labels.device), labels] = SURE
    return target


def divergence(target: Tensor, log_q: Tensor) -> Tensor:
    """Eq. 2: mean over the rows of KL(P || Q), P constant.

    Args:
        target: (n, k), rows sum to 1.
        log_q: (n, k).

    Returns:
        Scalar, >= 0.
    """
    entropy = torch.xlogy(target, target).sum(1)
    return (entropy - (target * log_q).sum(1)).mean()


def log_membership_prior(
    prior: ArrayLike | None, n_images: int, n_clusters: int
) -> NDArray[np.float32] | None:
    """The bounded logarithm of a prior on memberships.

    Args:
        prior: (n_clusters,) or (n_images, n_clusters), >= 0, no row all zero; None for none.
        n_images: Number of images.
        n_clusters: Number of clusters.

    Returns:
        float32 of the same shape, -6 to 0; None for none.

    Raises:
        UnusableDataError: If the prior has another shape or is none.
    """
    if prior is None:
        return None
    try:
        values = np.asarray(prior, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UnusableDataError(
            "Could not use membership_prior.", "It is no table of numbers."
        ) from error
    if values.shape not in ((n_clusters,), (n_images, n_clusters)):
        raise UnusableDataError(
            "Could not use membership_prior.",
            f"Its shape is {values.shape}, not ({n_clusters},) or ({n_images}, {n_clusters}).",
        )
    sums = values.sum(-1, keepdims=True)
    if not np.isfinite(values).all() or values.min() < 0 or sums.min() <= 0:
        raise UnusableDataError(
            "Could not use membership_prior.",
            "Its numbers must be finite and at least 0, and each row needs one above 0.",
        )
    shares = np.maximum(values / sums, np.exp(LEAST_LOG_PRIOR))
    logs: NDArray[np.float32] = np.log(shares).astype(np.float32)
    return logs
