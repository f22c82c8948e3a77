"""The parts of a pretraining: dropped values, layers trained by themselves, the end of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from dclust_gui.algorithms.deep.progress import PRETRAINING, Progress, TrainingStep
from dclust_gui.algorithms.deep.training import TOTAL, Losses, Phase, Schedule, train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dclust_gui.algorithms.deep.networks import AutoencoderNetwork, DenseLayers

SLOW = 0.005
"""A smaller gain of the five-epoch mean, as a share, ends an automatic pretraining."""


class Corruption:
    """Drops a share of a batch's values and scales the others up, as dropout does.

    Args:
        share: In [0, 1); 0 changes nothing.
        generator: Source of randomness, on the rows' device.
    """

    def __init__(self, share: float, generator: torch.Generator) -> None:
        self._kept = 1.0 - share
        self._generator = generator

    def __call__(self, batch: Tensor) -> Tensor:
        """A corrupted copy, or the batch itself."""
        if self._kept >= 1.0:
            return batch
        mask = torch.empty_like(batch).bernoulli_(self._kept, generator=self._generator)
        return mask.mul_(batch).mul_(1.0 / self._kept)


class EpochWatch:
    """Reports each epoch, and ends a training whose loss falls no more."""

    def __init__(
        self, progress: Progress, schedule: Schedule, n_rows: int, detail: str, *, may_stop: bool
    ) -> None:
        self._progress = progress
        self._steps = schedule.steps(n_rows)
        self._detail = detail
        self._may_stop = may_stop
        self._losses: list[float] = []
        self.last_loss = float("nan")

    def __call__(self, step: int, losses: Mapping[str, float]) -> bool:
        """Report the epoch that has ended; whether to stop."""
        if step == 0:
            return False
        self.last_loss = losses[TOTAL]
        self._losses.append(self.last_loss)
        now = TrainingStep(PRETRAINING, self._detail, step, self._steps, losses)
        return self._progress.evaluated(now) or (self._may_stop and self._is_slow())

    def _is_slow(self) -> bool:
        if len(self._losses) < 20 or len(self._losses) % 5:
            return False
        before, now = np.mean(self._losses[-10:-5]), np.mean(self._losses[-5:])
        return bool(now > (1.0 - SLOW) * before)


class LayerPair(nn.Module):
    """One layer of the encoder and its mirror in the decoder, sharing their weights."""

    def __init__(self, network: AutoencoderNetwork, number: int) -> None:
        super().__init__()
        count = len(network.encoder.layers)
        self.up = _OneLayer(network.encoder, number, is_linear=number == count - 1)
        self.down = _OneLayer(network.decoder, count - 1 - number, is_linear=number == 0)

    def forward(self, rows: Tensor) -> Tensor:
        """The layer's input, given back."""
        out: Tensor = self.down(self.up(rows))
        return out


class _OneLayer(nn.Module):
    """One layer of a stack with its activation."""

    def __init__(self, stack: DenseLayers, number: int, *, is_linear: bool) -> None:
        super().__init__()
        self.layer = stack.layers[number]
        self._bend = None if is_linear else stack.bend

    def forward(self, rows: Tensor) -> Tensor:
        out: Tensor = self.layer(rows)
        return out if self._bend is None else self._bend(out)


def train_pair(
    pair: LayerPair,
    inputs: Tensor,
    drop: Corruption,
    schedule: Schedule,
    progress: Progress,
    detail: str,
    seed: int,
) -> None:
    """Train one layer and its mirror to give their input back."""

    def loss(numbers: Tensor) -> Losses:
        batch = inputs.index_select(0, numbers)
        error = nn.functional.mse_loss(pair(drop(batch)), batch)
        return {"reconstruction": error, TOTAL: error}

    watch = EpochWatch(progress, schedule, len(inputs), detail, may_stop=False)
    phase = Phase(PRETRAINING, detail, "the autoencoder")
    weights = list(pair.parameters())
    train(loss, weights, len(inputs), schedule, phase, progress, seed=seed, update=watch)
