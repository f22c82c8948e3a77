"""What the steps of a head's fit hand to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

    from dclust_gui.algorithms.base import LabelArray
    from dclust_gui.algorithms.deep.networks import AutoencoderNetwork
    from dclust_gui.algorithms.deep.progress import Progress


@dataclass(slots=True, eq=False)
class Session:
    """What one fit works on.

    Attributes:
        rows: float32 (n_images, d), scaled, on the device.
        network: The head's own copy of the pretrained network, on the device.
        n_clusters: Number of clusters.
        progress: Told of every step.
        random: Source of seeds.
        start_labels: int32 (n_images,), before the head's own training.
        centres: float32 (n_clusters, dz), on the device: means of the start's clusters.
        notes: Sentences for the user.
    """

    rows: Tensor
    network: AutoencoderNetwork
    n_clusters: int
    progress: Progress
    random: np.random.RandomState
    start_labels: LabelArray
    centres: Tensor
    notes: list[str]

    @property
    def device(self) -> torch.device:
        """Where everything lies."""
        return self.rows.device

    def seed(self) -> int:
        """A fresh seed."""
        return int(self.random.randint(2**31 - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What a head's training gives back.

    Attributes:
        labels: int32 (n_images,); None where the most probable cluster of the assignments is it.
        centres: float32 (n_clusters, dz).
        is_collapsed: The training collapsed and the start was put back.
        n_iter: Optimiser steps done.
    """

    labels: LabelArray | None
    centres: Tensor
    is_collapsed: bool = False
    n_iter: int = 0
