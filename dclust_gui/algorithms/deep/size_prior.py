"""Which sizes of clusters a head expects: even ones, those of the default clustering, or between.

    pi_c = (1 - a) / k + a n_c / n        a = size_prior, n_c = sizes of the default clustering

A head's clusters have no order, so pi has none either: it is laid on the clusters in the order of
their present sizes. By the rearrangement inequality that is the order in which the divergence
KL(p || pi) = sum_c p_c log(p_c / pi_c) is least, p being the present sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms.base import LabelArray

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


def expected_sizes(start: LabelArray, n_clusters: int, size_prior: float) -> NDArray[np.float32]:
    """Shares of the images that clusters are expected to have, the least first.

    Args:
        start: int32 (n_images,), clusters whose sizes are those of a `size_prior` of 1.
        n_clusters: Number of clusters.
        size_prior: 0 for even sizes, 1 for those of `start`.

    Returns:
        float32 (n_clusters,), ascending, sum 1, none 0.
    """
    counts = np.maximum(np.bincount(start[start >= 0], minlength=n_clusters), 1)
    shares = (1.0 - size_prior) / n_clusters + size_prior * counts / counts.sum()
    ascending: NDArray[np.float32] = np.sort(shares).astype(np.float32)
    return ascending


def laid_on(sizes: Tensor, expected: Tensor) -> Tensor:
    """The expected shares in the order of the present ones.

    Args:
        sizes: (heads, n_clusters) present shares.
        expected: (n_clusters,) ascending.

    Returns:
        (heads, n_clusters): of a row, the smallest present share's place has the smallest.
    """
    order = sizes.argsort(1)
    laid: Tensor = expected.expand_as(sizes).new_empty(sizes.shape)
    return laid.scatter_(1, order, expected.expand_as(sizes))
