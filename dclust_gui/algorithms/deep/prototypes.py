"""Real images that stand for what a generator makes of each cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from dclust_gui.algorithms.base import LabelArray

NONE = -1
_BLOCK_VALUES = 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class Prototypes:
    """Typical images of each cluster.

    Attributes:
        images: int32 (n_clusters, count), rows of images of the cluster: those nearest to most
            of the generated rows first, then those near to any; -1 where there are fewer.
        agreement: Share 0..1 of the generated rows whose nearest image of all is in their cluster.
    """

    images: NDArray[np.int32]
    agreement: float


def nearest_prototypes(made: Tensor, rows: Tensor, labels: LabelArray, count: int) -> Prototypes:
    """The images nearest to generated rows.

    Args:
        made: float32 (n_clusters, m, d), rows generated of each cluster.
        rows: float32 (n_images, d), on the same device.
        labels: int32 (n_images,), the clusters of the images.
        count: Images wanted of each cluster; an image comes once.

    Returns:
        The images of each cluster, which are its own.
    """
    images = np.full((len(made), count), NONE, np.int32)
    n_hits = 0
    for cluster, own in enumerate(made):
        members = np.flatnonzero(labels == cluster)
        n_hits += int((labels[_nearest(own, rows)[1]] == cluster).sum())
        if not len(members):
            continue
        placed = rows[torch.from_numpy(members).to(rows.device)]
        hits = np.bincount(_nearest(own, placed)[1], minlength=len(members))
        distance = _nearest(placed, own)[0]
        chosen = members[np.lexsort((distance, -hits))[:count]]
        images[cluster, : len(chosen)] = chosen
    return Prototypes(images, n_hits / max(1, made.shape[0] * made.shape[1]))


def _nearest(points: Tensor, others: Tensor) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Distance to and index of the nearest of the others, for each point."""
    step = max(1, _BLOCK_VALUES // max(1, len(others)))
    found = [torch.cdist(part, others).min(1) for part in torch.split(points, step)]
    distances = torch.cat([least.values for least in found]).cpu().numpy()
    return distances, torch.cat([least.indices for least in found]).cpu().numpy()
