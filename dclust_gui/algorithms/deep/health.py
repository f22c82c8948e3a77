"""Whether a training is in order: collapses, and the best state to go back to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

COLLAPSED_SHARE = 0.9
"""One cluster with a larger share of the images is a collapse."""
PATIENCE = 3
"""So many evaluations in a row with fewer than half the clusters occupied are one, too."""


class Health:
    """Watches the sizes of the clusters for a collapse.

    Args:
        n_clusters: Number of clusters.
        start: int32 (n_images,), the labels before the training: what was so from the start is
            no collapse.
    """

    def __init__(self, n_clusters: int, start: NDArray[np.int32]) -> None:
        self.n_clusters = n_clusters
        sizes = np.bincount(start[start >= 0], minlength=n_clusters)
        self._largest = max(COLLAPSED_SHARE, float(sizes.max()) / max(1, len(start)))
        self._least = min(n_clusters / 2, int((sizes > 0).sum()))
        self._n_bad = 0
        self.is_collapsed = False

    def check(self, labels: NDArray[np.int32]) -> int:
        """Look at the labels of an evaluation; sets `is_collapsed`.

        Args:
            labels: int32 (n_images,).

        Returns:
            Number of occupied clusters.
        """
        sizes = np.bincount(labels[labels >= 0], minlength=self.n_clusters)
        occupied = int((sizes > 0).sum())
        self._n_bad = self._n_bad + 1 if occupied < self._least else 0
        if self.n_clusters > 1:
            is_one = float(sizes.max()) > self._largest * len(labels)
            self.is_collapsed |= is_one or self._n_bad >= PATIENCE
        return occupied


class Best:
    """The state with the lowest score among those with all clusters occupied."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._live = dict(tensors)
        self._kept: dict[str, Tensor] = {}
        self.score = math.inf
        self.step = -1

    def offer(self, score: float, step: int) -> None:
        """Keep the tensors as they are now if the score is lower than before."""
        if score < self.score:
            self.score, self.step = score, step
            with torch.no_grad():
                for name, tensor in self._live.items():
                    if name in self._kept:
                        self._kept[name].copy_(tensor)
                    else:
                        self._kept[name] = tensor.detach().clone()

    def restore(self) -> bool:
        """Put the best state back.

        Returns:
            Whether there was one.
        """
        with torch.no_grad():
            for name, tensor in self._kept.items():
                self._live[name].copy_(tensor)
        return bool(self._kept)
