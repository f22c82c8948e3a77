"""A fine-tuning's reports as progress of a stage and points of the curve."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.runs import FINETUNE_PREFIX, RunSettings
from dclust_gui.engine.heads import Follower

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.control import CancelToken, EventSink

PICTURES = "pictures"
"""The phase in which pictures are read and their views are made."""

_PARTS = {PICTURES: (0.0, 0.4), "clustering": (0.4, 1.0)}


class TuningFollower(Follower):
    """Follows the reading of pictures and the training after it.

    Args:
        features: (n, dims), frozen; clusters are measured in them.
        method: "dec" or "dcn".
        seed: Of the sample that is measured.
        sink: Takes messages.
        token: Looked at in every step.
    """

    def __init__(
        self,
        features: NDArray[np.float16],
        method: str,
        seed: int,
        sink: EventSink,
        token: CancelToken,
    ) -> None:
        settings = RunSettings(head=f"{FINETUNE_PREFIX}{method}", seed=seed)
        super().__init__(directions(features), settings, sink, token, _PARTS)

    def learns_from(self, features: NDArray[np.float16]) -> None:
        """The images are these: those that could be read."""
        rows = directions(features)
        self._sample = self._sample[self._sample < len(rows)]
        self._rows = rows[self._sample]

    def has_read(self, done: int, total: int) -> None:
        """Pictures are ready.

        Raises:
            Cancelled: If the job was cancelled.
        """
        from dclust_gui.algorithms.deep.progress import TrainingStep

        self(TrainingStep(PICTURES, "", done, total))


def directions(features: NDArray[np.float16]) -> NDArray[np.float32]:
    """float32 (n, dims): features about their mean, of length 1."""
    rows = features.astype(np.float32)
    rows -= rows.mean(axis=0)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), math.ulp(1.0))
    return rows
