"""The loop that every head is trained with: batches, steps, losses, evaluations, health.

The rows lie on the device as one tensor and batches are index ranges of a permutation, drawn by a
generator of the head's own; no data loader, no global random state. Losses are added up on the
device and read only at reports, so that a GPU is not waited for at each step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TypeAlias

import torch
from torch import Tensor, nn

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.deep.progress import Progress, TrainingStep
from dclust_gui.domain.errors import ClusteringError

TOTAL = "total"
"""Name of the loss that is minimised."""
LEAST_BATCH = 16
Losses: TypeAlias = Mapping[str, Tensor]
BatchLoss: TypeAlias = Callable[[Tensor], Losses]
"""From the int64 numbers of a batch's rows to the parts of its loss, "total" among them."""
Update: TypeAlias = Callable[[int, Mapping[str, float]], bool]
"""From the steps done and the mean losses since the last call to whether to stop."""


class TrainingError(ClusteringError):
    """A training diverged: its loss is no finite number."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        epochs: Passes over the rows.
        batch_size: Rows of a step.
        rate: First learning rate of Adam.
        last_rate: Learning rate of the last step; a half cosine lies between.
        interval: Steps between two updates; 0 means an epoch.
    """

    epochs: int
    batch_size: int = 256
    rate: float = 1e-3
    last_rate: float = 1e-5
    interval: int = 0

    def batches(self, n_rows: int) -> int:
        """Steps of one epoch."""
        return max(1, -(-n_rows // self.batch_size))

    def steps(self, n_rows: int) -> int:
        """Steps in all."""
        return self.epochs * self.batches(n_rows)

    def rate_at(self, step: int, steps: int) -> float:
        """Learning rate of a step, counted from 0."""
        share = step / max(1, steps - 1)
        return self.last_rate + 0.5 * (self.rate - self.last_rate) * (1 + math.cos(math.pi * share))


def epochs_for(steps: int, n_rows: int, batch_size: int, least: int = 5, most: int = 200) -> int:
    """Epochs that make about so many optimiser steps, within bounds."""
    return max(least, min(most, math.ceil(steps * batch_size / max(1, n_rows))))


def checked_epochs(epochs: object, automatic: int) -> int:
    """The number of epochs that a parameter stands for.

    Args:
        epochs: "auto" or a number of at least 0.
        automatic: What "auto" means.

    Raises:
        UnusableDataError: If it is neither.
    """
    if epochs == "auto":
        return automatic
    if not isinstance(epochs, Real) or not 0 <= float(epochs) < math.inf:
        raise UnusableDataError(
            f"Could not train for {epochs!r} epochs.", "It must be 'auto' or a number from 0."
        )
    return int(float(epochs))


def generator_for(seed: int, device: str | torch.device = "cpu") -> torch.Generator:
    """A generator of one's own on a device."""
    generator = torch.Generator(device)
    generator.manual_seed(seed)
    return generator


class Batches:
    """Endless batches of row numbers: a fresh permutation every epoch, cut into equal parts."""

    def __init__(
        self, n_rows: int, batch_size: int, generator: torch.Generator, device: torch.device | str
    ) -> None:
        self.batch_size = batch_size
        self._n_rows = n_rows
        self._generator = generator
        self._device = device
        self._waiting: Iterator[Tensor] = iter(())

    def next(self) -> Tensor:
        """int64 (about batch_size,) numbers of the next batch's rows."""
        batch = next(self._waiting, None)
        if batch is None:
            order = torch.randperm(self._n_rows, generator=self._generator).to(self._device)
            parts = max(1, -(-self._n_rows // self.batch_size))
            self._waiting = iter(order.tensor_split(parts))
            batch = next(self._waiting)
        return batch

    def halve(self) -> None:
        """Go on with batches of half the size."""
        self.batch_size //= 2
        self._waiting = iter(())


class _Means:
    """Means of losses, added up where they are and read when asked."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def add(self, losses: Losses) -> None:
        for name, value in losses.items():
            part = value.detach()
            known = self._sums.get(name)
            self._sums[name] = part.clone() if known is None else known.add_(part)
        self._count += 1

    def read(self) -> dict[str, float]:
        if not self._count:
            return {}
        names = list(self._sums)
        values = torch.stack([self._sums[name] for name in names]).double() / self._count
        return dict(zip(names, values.tolist(), strict=True))

    def clear(self) -> None:
        self._sums.clear()
        self._count = 0


@dataclass(frozen=True, slots=True)
class Phase:
    """What a training is called in reports.

    Attributes:
        name: One of the phases of `progress`.
        detail: More words; may be empty.
        method: The method's name in error messages.
    """

    name: str
    detail: str = ""
    method: str = "the network"


def train(
    loss: BatchLoss,
    weights: Sequence[nn.Parameter],
    n_rows: int,
    schedule: Schedule,
    phase: Phase,
    progress: Progress,
    *,
    seed: int,
    update: Update | None = None,
    after_step: Callable[[Tensor], None] | None = None,
    groups: Sequence[Mapping[str, object]] | None = None,
    scaler: torch.amp.GradScaler | None = None,
) -> int:
    """Minimise a loss by Adam.

    Args:
        loss: The loss of a batch.
        weights: What is trained; all on one device.
        n_rows: Number of rows.
        schedule: How long and how fast.
        phase: Its name in reports.
        progress: Told of the steps; may raise or stop the training early.
        seed: Of the order of the rows.
        update: Called before the first step, every `schedule.interval` steps, and at the end,
            when the loss is known to be finite; True stops the training.
        after_step: Called with a batch's row numbers when the weights have moved.
        groups: Adam's parameter groups in place of `weights`, each with a "factor" of the rate.
        scaler: Keeps float16 gradients from vanishing; it leaves steps out whose gradients are
            not finite. None for other precisions.

    Returns:
        Steps done.

    Raises:
        TrainingError: If the loss is no finite number.
        torch.OutOfMemoryError: If the card has too little memory for 16 rows.
    """
    device = weights[0].device
    optimiser = torch.optim.Adam(
        [dict(g) for g in groups] if groups else weights,
        lr=schedule.rate,
        fused=device.type in ("cpu", "cuda"),
    )
    batches = Batches(n_rows, schedule.batch_size, generator_for(seed), device)
    steps = schedule.steps(n_rows)
    interval = schedule.interval or schedule.batches(n_rows)
    means, recent = _Means(), _Means()
    for step in range(steps):
        if update is not None and step % interval == 0:
            if update(step, _finite(means, phase)) or progress.is_stopped:
                return step
            means.clear()
        progress.tick()
        rate = schedule.rate_at(step, steps)
        for group in optimiser.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        losses, numbers = _step(loss, optimiser, batches, scaler)
        if after_step is not None:
            after_step(numbers)
        means.add(losses)
        recent.add(losses)
        if progress.is_due:
            now = TrainingStep(phase.name, phase.detail, step + 1, steps, _finite(recent, phase))
            recent.clear()
            if progress.tell(now):
                break
    if update is not None:
        update(step + 1 if steps else 0, _finite(means, phase))
    return step + 1 if steps else 0


def _step(
    loss: BatchLoss,
    optimiser: torch.optim.Optimizer,
    batches: Batches,
    scaler: torch.amp.GradScaler | None,
) -> tuple[Losses, Tensor]:
    """One step; with half the batch where the card's memory is too small, as often as needed."""
    while True:
        numbers = batches.next()
        optimiser.zero_grad(set_to_none=True)
        try:
            losses = loss(numbers)
            if scaler is None:
                losses[TOTAL].backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            else:
                scaler.scale(losses[TOTAL]).backward()  # type: ignore[no-untyped-call]
                scaler.step(optimiser)
                scaler.update()
        except torch.OutOfMemoryError:
            if batches.batch_size < 2 * LEAST_BATCH:
                raise
        else:
            return losses, numbers
        batches.halve()


def _finite(means: _Means, phase: Phase) -> dict[str, float]:
    """The mean losses.

    Raises:
        TrainingError: If one is no finite number.
    """
    losses = means.read()
    if not all(math.isfinite(value) for value in losses.values()):
        wrong = next(name for name, value in losses.items() if not math.isfinite(value))
        raise TrainingError(
            f"Could not train {phase.method}.",
            f"Its loss became {losses[wrong]} during the {phase.name} ({wrong}).",
            "Try a lower learning rate, or the frozen features.",
        )
    return losses
