"""A fine-tuning's reports as progress of a stage and points of the curve."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms.deep.progress import TrainingStep
from dclust_gui.domain.runs import FINETUNE_PREFIX, RunSettings
from dclust_gui.engine.heads import _Follower

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.control import CancelToken, EventSink

PICTURES = "pictures"
"""The phase in which pictures are read and their views are made."""
_READING = 0.4
"""Part of the whole that reading pictures is, about."""


class TuningFollower(_Follower):
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
        self._token_seen = token
        super().__init__(directions(features), settings, sink, token)

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
        self._show(TrainingStep(PICTURES, "", done, total), 0.0, _READING)

    def __call__(self, step: TrainingStep) -> bool:
        """Take a report; True asks to stop and keep the best state so far."""
        self._show(step, _READING, 1.0)
        self.stopped = self._token_seen.is_ending_early
        return self.stopped

    def _show(self, step: TrainingStep, low: float, high: float) -> None:
        self._token_seen.checkpoint()
        share = min(1.0, step.step / max(step.steps, 1))
        self._done = max(self._done, low + (high - low) * share)
        self._meter.set(min(999, int(1000 * self._done)), 1000)
        self._send(self._point(step))


def directions(features: NDArray[np.float16]) -> NDArray[np.float32]:
    """float32 (n, dims): features about their mean, of length 1."""
    rows = features.astype(np.float32)
    rows -= rows.mean(axis=0)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), math.ulp(1.0))
    return rows
