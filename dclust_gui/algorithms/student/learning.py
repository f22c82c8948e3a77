"""How a student's weights are learnt: soft targets, weights of rows, the best epoch kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from dclust_gui.algorithms.deep.networks import DenseLayers, encode
from dclust_gui.algorithms.deep.training import (
    TOTAL,
    Losses,
    Phase,
    Schedule,
    epochs_for,
    generator_for,
    train,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.algorithms.deep.progress import Progress
    from dclust_gui.algorithms.student.lessons import Lessons

STEPS = 2_000
"""Most optimiser steps, roughly: epochs are chosen so."""
LEAST_EPOCHS, MOST_EPOCHS = 8, 150
LEAST_BATCH, MOST_BATCH, BATCHES = 16, 1_024, 16
"""An epoch has about 16 batches or more, so that there are enough moments to stop at."""
USUAL_BATCH = 256
MANY_ROWS = 20_000
MOST_RATE, MOST_RATE_MLP, LOGIT_STEP = 3e-2, 3e-3, 1.0
"""Adam moves each weight by its rate, and so the logits of rows of d values of spread 1 by up to d
times the rate: the rate is 1 / d, within bounds."""
DECAY = 1e-4
PATIENCE = 5
"""Epochs without a better agreement on held-out rows, after which training ends."""
LEAST_BETTER = 1e-3
"""A smaller gain in agreement counts as none."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What kind of student, and how it is taught.

    Attributes:
        widths: From features to classes.
        smoothing: Share of each target spread over all classes.
        device: torch device.
        epochs: Exactly so many; 0 for early stopping.
        most_epochs: At most so many; 0 for what makes about 2,000 steps.
    """

    widths: tuple[int, ...]
    smoothing: float
    device: str
    epochs: int = 0
    most_epochs: int = 0


@dataclass(slots=True, eq=False)
class Learnt:
    """A network that has been taught.

    Attributes:
        network: On the CPU, in its best state.
        epochs: After so many epochs it was best.
        agreement: Mean probability that it then gave to the teacher's class of held-out rows.
    """

    network: DenseLayers
    epochs: int
    agreement: float


@dataclass(slots=True, eq=False)
class _Best:
    """The best state so far."""

    score: float = -1.0
    epoch: int = 0
    state: Mapping[str, Tensor] = field(default_factory=dict)


def teach(
    lessons: Lessons,
    taught: NDArray[np.int64],
    held_out: NDArray[np.int64],
    recipe: Recipe,
    progress: Progress,
    *,
    seed: int,
    detail: str = "",
) -> Learnt:
    """Train one network.

    Args:
        lessons: Rows and targets.
        taught: Rows to train on, at least one.
        held_out: Rows on which agreement is watched; may be empty when `recipe.epochs` says when
            to end.
        recipe: How.
        progress: Told of the steps; may raise.
        seed: Of weights and order.
        detail: More words for reports.

    Raises:
        TrainingError: If the loss is no finite number.
    """
    device = torch.device(recipe.device)
    network = DenseLayers(recipe.widths, "relu", generator_for(seed)).to(device)
    rows = torch.from_numpy(lessons.rows[taught]).to(device)
    loss = _Loss(network, rows, lessons, taught, recipe)
    unseen = torch.from_numpy(lessons.rows[held_out]).to(device)
    answers = torch.from_numpy(lessons.classes[held_out]).to(device)
    schedule = _schedule(len(taught), recipe)
    best = _Best()
    done = [0]

    def update(step: int, _losses: Mapping[str, float]) -> bool:
        done[0] = round(step / schedule.batches(len(taught)))
        if recipe.epochs:
            return done[0] >= recipe.epochs
        score = _score(network, unseen, answers)
        if score > best.score + LEAST_BETTER:
            best.score, best.epoch = score, done[0]
            best.state = {key: part.clone() for key, part in network.state_dict().items()}
        return done[0] - best.epoch >= PATIENCE

    weights = list(network.parameters())
    groups = [{"params": weights, "weight_decay": DECAY}]
    train(
        loss,
        weights,
        len(taught),
        schedule,
        Phase("teaching", detail, "the classifier"),
        progress,
        seed=seed + 1,
        update=update,
        groups=groups,
    )
    if best.state:
        network.load_state_dict(best.state)
    network.requires_grad_(False)  # noqa: FBT003 -- torch's own signature
    return Learnt(network.cpu(), best.epoch or done[0], max(0.0, best.score))


def _schedule(n_taught: int, recipe: Recipe) -> Schedule:
    """How long and how fast."""
    usual = MOST_BATCH if n_taught > MANY_ROWS else USUAL_BATCH
    batch = max(LEAST_BATCH, min(usual, n_taught // BATCHES))
    most = recipe.most_epochs or epochs_for(STEPS, n_taught, batch, LEAST_EPOCHS, MOST_EPOCHS)
    highest = MOST_RATE if len(recipe.widths) == 2 else MOST_RATE_MLP
    rate = min(highest, LOGIT_STEP / recipe.widths[0])
    return Schedule(most, batch, rate, rate / 30)


class _Loss:
    """Cross entropy with smoothed, possibly soft targets, weighted by row."""

    def __init__(
        self,
        network: DenseLayers,
        rows: Tensor,
        lessons: Lessons,
        taught: NDArray[np.int64],
        recipe: Recipe,
    ) -> None:
        self._network = network
        self._rows = rows
        self._smoothing = recipe.smoothing
        self._classes = torch.from_numpy(lessons.classes[taught]).to(rows.device)
        self._weights = torch.from_numpy(lessons.weights[taught]).to(rows.device)
        soft = lessons.soft
        self._soft = None if soft is None else torch.from_numpy(soft[taught]).to(rows.device)

    def __call__(self, numbers: Tensor) -> Losses:
        """The loss of a batch."""
        logs = functional.log_softmax(self._network(self._rows[numbers]), 1)
        if self._soft is None:
            wanted = logs.gather(1, self._classes[numbers][:, None])[:, 0]
        else:
            wanted = (self._soft[numbers] * logs).sum(1)
        each = (self._smoothing - 1.0) * wanted - self._smoothing * logs.mean(1)
        weights = self._weights[numbers]
        return {TOTAL: (each * weights).sum() / weights.sum()}


@torch.no_grad()
def _score(network: DenseLayers, rows: Tensor, classes: Tensor) -> float:
    """Expected agreement: mean probability of the right class, which is less left to chance.

    The share of rows with the right class jumps by a row at a time, and has its maximum at
    another epoch in each fold.
    """
    if not len(rows):
        return 0.0
    shares = functional.softmax(encode(network, rows), 1)
    return float(shares.gather(1, classes[:, None]).double().mean())


def logits_of(
    network: DenseLayers, rows: NDArray[np.float32], device: str = "cpu"
) -> NDArray[np.float32]:
    """float32 (n, k): what the network gives for rows, on a device of one's choice."""
    moved = network.to(device)
    found: NDArray[np.float32] = encode(moved, torch.from_numpy(rows).to(device)).cpu().numpy()
    network.to("cpu")
    return found
