"""The training of DCN: steps of the network, new assignments and moved centres in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from dclust_gui.algorithms.deep.health import Best, Health
from dclust_gui.algorithms.deep.networks import encode
from dclust_gui.algorithms.deep.precision import precision_context
from dclust_gui.algorithms.deep.progress import CLUSTERING, TrainingStep
from dclust_gui.algorithms.deep.session import Session, Trained
from dclust_gui.algorithms.deep.soft import squared_distances
from dclust_gui.algorithms.deep.training import TOTAL, Losses, Phase, Schedule, train

if TYPE_CHECKING:
    from collections.abc import Mapping

START_WEIGHT = 1.0
"""lambda while the images stay in the clusters of the start."""
FIRST_COUNT = 100.0
"""Images that each of the start's centres counts as."""


def move_centres(centres: Tensor, counts: Tensor, code: Tensor, labels: Tensor) -> None:
    """Eq. 9 for a whole batch at once, in place.

    Args:
        centres: (k, dz); changed.
        counts: (k,) images that each centre stands for; changed.
        code: (b, dz).
        labels: int64 (b,), the codes' clusters.
    """
    added = torch.bincount(labels, minlength=len(centres)).to(counts.dtype)
    sums = (centres * counts[:, None]).index_add_(0, labels, code)
    counts += added
    centres.copy_(sums / counts[:, None])


class Alternation:
    """One training of DCN."""

    def __init__(
        self,
        session: Session,
        schedule: Schedule,
        weight: float,
        tol: float,
        precision: str,
        start_steps: int = 0,
    ) -> None:
        self._session, self._schedule, self._weight, self._tol = session, schedule, weight, tol
        self._start_steps = start_steps
        self._is_starting = start_steps > 0
        self._network = session.network
        self._context = precision_context(precision, str(session.device))
        self._scale()
        self._centres = session.centres.clone()
        self._counts = torch.full_like(self._centres[:, 0], FIRST_COUNT)
        self._labels = torch.from_numpy(session.start_labels.astype(np.int64)).to(session.device)
        self._shown = session.start_labels
        self._code = torch.empty(0)
        self._steps = schedule.steps(len(session.rows))
        self._health = Health(session.n_clusters, session.start_labels)
        self._n_revived = 0
        tensors = {**dict(self._network.named_parameters()), "centres": self._centres}
        self._start, self._best = Best(tensors), Best(tensors)
        self._start.offer(0.0, 0)

    def _scale(self) -> None:
        """Scale the code to unit variance."""
        code = encode(self._network.encoder, self._session.rows)
        spread = float((code - code.mean(0)).square().mean().sqrt())
        if spread > 1e-12:
            self._network.scale_code(1.0 / spread)
            self._session.centres = self._session.centres / spread

    def run(self) -> Trained:
        """Train; the best state is put back, or the start after a collapse."""
        session = self._session
        steps = train(
            self._loss,
            list(self._network.parameters()),
            len(session.rows),
            self._schedule,
            Phase(CLUSTERING, method="DCN"),
            session.progress,
            seed=session.seed(),
            update=self._update,
            after_step=self._after_step,
        )
        if self._health.is_collapsed:
            self._start.restore()
            return Trained(session.start_labels, self._centres, is_collapsed=True, n_iter=steps)
        self._best.restore()
        if self._n_revived:
            session.notes.append(f"{self._n_revived} times a cluster without images was revived.")
        return Trained(None, self._centres, n_iter=steps)

    def _loss(self, numbers: Tensor) -> Losses:
        batch = self._session.rows.index_select(0, numbers)
        with self._context:
            code, again = self._network(batch)
        self._code = code.detach()
        error = nn.functional.mse_loss(again, batch)
        own = self._centres.index_select(0, self._labels.index_select(0, numbers))
        distance = (code - own).square().sum(1).mean()
        weight = START_WEIGHT if self._is_starting else self._weight
        total = error + (0.5 * weight) * distance
        return {"reconstruction": error, "clustering": distance, TOTAL: total}

    @torch.no_grad()
    def _after_step(self, numbers: Tensor) -> None:
        """Assign the batch anew and move the centres."""
        if self._is_starting:
            labels = self._labels.index_select(0, numbers)
        else:
            labels = squared_distances(self._code, self._centres).argmin(1)
            self._labels.index_copy_(0, numbers, labels)
        if self._weight:
            move_centres(self._centres, self._counts, self._code, labels)

    @torch.no_grad()
    def _update(self, step: int, losses: Mapping[str, float]) -> bool:
        """Assign all images anew, revive empty clusters, judge the state; whether to stop."""
        code = encode(self._network.encoder, self._session.rows, self._context)
        squared = squared_distances(code, self._centres)
        nearest, labels = squared.min(1)
        counts = torch.bincount(labels, minlength=len(self._centres))
        shown = labels.cpu().numpy().astype(np.int32)
        change = float((shown != self._shown).mean())
        occupied = self._health.check(shown)
        was_starting = self._is_starting
        self._is_starting = step < self._start_steps
        if occupied == self._session.n_clusters and losses and not was_starting:
            self._best.offer(losses[TOTAL], step)
        empty = torch.nonzero(counts == 0).flatten()
        if len(empty) and step < self._steps and not self._is_starting:
            far = nearest.topk(len(empty)).indices
            self._centres[empty] = code[far]
            self._counts[empty] = FIRST_COUNT
            labels[far] = empty
            self._n_revived += len(empty)
        self._shown = shown
        if not self._is_starting:
            self._labels = labels
        reported = dict(losses) if losses else {"clustering": float(nearest.mean())}
        now = TrainingStep(CLUSTERING, "", step, self._steps, reported, change, occupied, shown)
        is_done = step > self._start_steps and change < self._tol
        return self._session.progress.evaluated(now) or is_done or self._health.is_collapsed
