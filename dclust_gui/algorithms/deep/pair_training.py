"""The training of many heads on pairs of neighbours: fitted to a start, then by a method's loss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dclust_gui.algorithms.base import LabelArray
from dclust_gui.algorithms.deep.health import Best, Health
from dclust_gui.algorithms.deep.many_heads import ManyHeads, Weights
from dclust_gui.algorithms.deep.progress import CLUSTERING, START, Progress, TrainingStep
from dclust_gui.algorithms.deep.training import TOTAL, Losses, Phase, Schedule, train

if TYPE_CHECKING:
    from collections.abc import Mapping

START_STEPS = 120
SURE = 0.9
"""Probability of an image's cluster while the heads are fitted to a clustering."""
EVALUATIONS = 20
BEFORE = 1e30
"""Score of the state before the first step: any other is better."""


@dataclass(slots=True, eq=False)
class Pairs:
    """What the heads of one fit learn from.

    Attributes:
        rows: float32 (n_images, at most 128), on the device.
        near: int64 (n_images, count) neighbours, on the device.
        expected: float32 (n_clusters,) expected shares of the clusters, ascending, on the device.
        generator: Draws the neighbours, on the CPU.
    """

    rows: Tensor
    near: Tensor
    expected: Tensor
    generator: torch.Generator

    def drawn(self, numbers: Tensor) -> Tensor:
        """Rows of some images, then those of a random neighbour of each."""
        column = torch.randint(self.near.shape[1], (len(numbers),), generator=self.generator)
        partner = self.near[numbers, column.to(numbers.device)]
        return self.rows.index_select(0, torch.cat([numbers, partner]))


class PairTraining:
    """One training of many heads on pairs; a subclass gives `_per_head`.

    Args:
        heads: What is trained.
        pairs: What they learn from.
        schedule: How long and how fast.
    """

    progress: Progress
    start: LabelArray
    method: str

    def __init__(self, heads: ManyHeads, pairs: Pairs, schedule: Schedule) -> None:
        self.heads = heads
        self.pairs = pairs
        self.schedule = schedule
        self.steps = schedule.steps(len(pairs.rows))
        self.head = 0
        self.n_iter = 0
        self.is_collapsed = False
        self.is_whole = True
        self._sums = torch.zeros(heads.n_heads, device=pairs.rows.device)
        self._count = 0

    @property
    def weights(self) -> Weights:
        """Those that assign images."""
        return self.heads.weights

    def _per_head(self, numbers: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss (heads,) of a batch, and its parts, means over the heads."""
        raise NotImplementedError

    def _moved(self, _numbers: Tensor) -> None:
        """Called when the heads' weights have moved."""

    def follow(self, seed: int) -> None:
        """Fit the heads to the start's clusters."""
        labels = torch.from_numpy(self.start.astype(np.int64)).to(self.pairs.rows.device)
        smooth = (1.0 - SURE) * self.heads.n_clusters / max(1, self.heads.n_clusters - 1)

        def loss(numbers: Tensor) -> Losses:
            logits = self.heads.logits(self.pairs.rows.index_select(0, numbers))
            wanted = labels.index_select(0, numbers).expand(self.heads.n_heads, -1)
            total = functional.cross_entropy(
                logits.flatten(0, 1), wanted.flatten(), label_smoothing=smooth
            )
            return {TOTAL: total}

        batch = self.schedule.batch_size
        epochs = -(-START_STEPS // self.schedule.batches(len(self.pairs.rows)))
        schedule = Schedule(epochs, batch, self.schedule.rate, self.schedule.rate)
        phase = Phase(START, "first clusters", self.method)
        train(
            loss,
            self.heads.weights,
            len(self.pairs.rows),
            schedule,
            phase,
            self.progress,
            seed=seed,
            update=lambda _step, _losses: False,  # each epoch's losses are then seen to be finite
        )
        self._followed()

    def _followed(self) -> None:
        """Called when the heads were fitted to clusters."""

    def run(self, seed: int) -> None:
        """Train; the best state is put back, and its best head chosen."""
        self._labels = self.start
        self._health = Health(self.heads.n_clusters, self.start)
        tensors = {str(i): w for i, w in enumerate([*self.heads.weights, *self._others()])}
        self._best = Best(tensors)
        self.n_iter = train(
            self._loss,
            self.heads.weights,
            len(self.pairs.rows),
            replace(self.schedule, interval=max(1, self.steps // EVALUATIONS)),
            Phase(CLUSTERING, method=self.method),
            self.progress,
            seed=seed,
            update=self._update,
            after_step=self._moved,
        )
        self.is_collapsed = self._health.is_collapsed
        self.is_whole = self._best.restore()
        if self.is_whole:
            self.head = self._best_head

    def _others(self) -> list[Tensor]:
        """Tensors that belong to the state beside the heads' weights."""
        return []

    def _loss(self, numbers: Tensor) -> Losses:
        losses, parts = self._per_head(numbers)
        self._sums += losses.detach()
        self._count += 1
        return {**parts, TOTAL: losses.mean()}

    def _update(self, step: int, losses: Mapping[str, float]) -> bool:
        """Look at the clusters of every head; whether to stop."""
        labels = self.heads.assignments(self.pairs.rows, self.weights).argmax(2)
        k = self.heads.n_clusters
        occupied = torch.stack([torch.bincount(mine, minlength=k) > 0 for mine in labels]).sum(1)
        scores = torch.full_like(self._sums, BEFORE)
        if self._count:
            scores = self._sums / self._count
        self._sums.zero_()
        self._count = 0
        # a head with an empty cluster is only chosen where all have one
        ranks = torch.where(occupied == occupied.max(), scores, torch.inf)
        self.head = int(ranks.argmin())
        chosen = labels[self.head].cpu().numpy().astype(np.int32)
        change = float((chosen != self._labels).mean())
        self._labels = chosen
        count = self._health.check(chosen)
        score = float(scores[self.head])
        if count == k and score < self._best.score:
            self._best.offer(score, step)
            self._best_head = self.head
        shown = dict(losses) if losses else {TOTAL: 0.0}
        now = TrainingStep(CLUSTERING, "", step, self.steps, shown, change, count, chosen)
        return self.progress.evaluated(now) or self._health.is_collapsed
