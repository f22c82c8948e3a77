"""The training that DEC and IDEC share: towards a sharpened target of all images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from dclust_gui.algorithms.deep.health import Best, Health
from dclust_gui.algorithms.deep.networks import encode
from dclust_gui.algorithms.deep.precision import precision_context
from dclust_gui.algorithms.deep.progress import CLUSTERING, TrainingStep
from dclust_gui.algorithms.deep.session import Session, Trained
from dclust_gui.algorithms.deep.soft import (
    divergence,
    log_soft_assignment,
    squared_distances,
    sure_target,
    target_distribution,
)
from dclust_gui.algorithms.deep.training import TOTAL, Losses, Phase, Schedule, train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

NEAREST = 2.0
"""Median squared distance to the nearest centre that the code is scaled to."""
LEAST_INTERVAL = 30
"""Steps between two targets, at least: with few images labels hardly change within an epoch."""
START_WEIGHT = 1.0
"""Weight of the divergence beside the reconstruction meanwhile."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How DEC and IDEC train.

    Attributes:
        method: Name in messages.
        schedule: How long and how fast; its interval is that of the target.
        alpha: Degrees of freedom of Student's t.
        exponent: rho of the target.
        weight: gamma of the divergence beside the reconstruction; None without reconstruction.
        start_steps: First steps, in which the start's labels are the target.
        tol: Share of changed labels below which the training ends.
        precision: One of `training.PRECISIONS`.
    """

    method: str
    schedule: Schedule
    alpha: float = 1.0
    exponent: float = 1.0
    weight: float | None = None
    start_steps: int = 0
    tol: float = 1e-3
    precision: str = "auto"


def scale_session(session: Session, nearest: float = NEAREST) -> float:
    """Scale the code so that the median squared distance to the nearest centre is `nearest`.

    Args:
        session: Its network and centres are changed.
        nearest: Wanted median.

    Returns:
        The factor; 1 where the codes lie on their centres.
    """
    code = encode(session.network.encoder, session.rows)
    median = float(squared_distances(code, session.centres).amin(1).median())
    factor = (nearest / median) ** 0.5 if median > 1e-12 else 1.0
    session.network.scale_code(factor)
    session.centres = session.centres * factor
    return factor


class SelfTraining:
    """One training of DEC or IDEC.

    Args:
        session: What it works on; its network is trained.
        settings: How.
        log_prior: (k,) or (n_images, k), on the device, for the target and the labels.
    """

    def __init__(self, session: Session, settings: Settings, log_prior: Tensor | None) -> None:
        self._session = session
        self._settings = settings
        self._prior = log_prior
        scale_session(session)
        self.centres = nn.Parameter(session.centres.clone())
        self._network = session.network
        self._context = precision_context(settings.precision, str(session.device))
        self._target = torch.empty(0)
        self._steps = settings.schedule.steps(len(session.rows))
        self._labels = session.start_labels
        self._health = Health(session.n_clusters, session.start_labels)
        self._is_starting = False
        tensors = {**dict(self._trained().named_parameters()), "centres": self.centres}
        self._start = Best(tensors)
        self._start.offer(0.0, 0)
        self._best = Best(tensors)

    def _trained(self) -> nn.Module:
        return self._network.encoder if self._settings.weight is None else self._network

    def run(self) -> Trained:
        """Train; the best state is put back, or the start after a collapse."""
        session, settings = self._session, self._settings
        steps = train(
            self._loss,
            [*self._trained().parameters(), self.centres],
            len(session.rows),
            settings.schedule,
            Phase(CLUSTERING, method=settings.method),
            session.progress,
            seed=session.seed(),
            update=self._update,
        )
        if self._health.is_collapsed:
            self._start.restore()
            return Trained(
                session.start_labels, self.centres.detach(), is_collapsed=True, n_iter=steps
            )
        if not self._best.restore():
            session.notes.append("Some clusters lost all their images.")
        return Trained(None, self.centres.detach(), n_iter=steps)

    def _loss(self, numbers: Tensor) -> Losses:
        batch = self._session.rows.index_select(0, numbers)
        with self._context:
            code = self._network.encoder(batch)
            again = self._network.decoder(code) if self._settings.weight is not None else None
        log_q = log_soft_assignment(code, self.centres, self._settings.alpha)
        kl = divergence(self._target.index_select(0, numbers), log_q)
        if again is None:
            return {"clustering": kl, TOTAL: kl}
        error = nn.functional.mse_loss(again, batch)
        weight = START_WEIGHT if self._is_starting else self._settings.weight or 0.0
        total = error + weight * kl
        return {"reconstruction": error, "clustering": kl, TOTAL: total}

    def _update(self, step: int, losses: Mapping[str, float]) -> bool:
        """A new target from all images; whether to stop."""
        with torch.no_grad():
            code = encode(self._network.encoder, self._session.rows, self._context)
            log_q = log_soft_assignment(code, self.centres, self._settings.alpha)
            target = target_distribution(log_q, self._settings.exponent, self._prior)
            score = float(divergence(target, log_q))
            known = log_q if self._prior is None else log_q + self._prior
            labels = known.argmax(1).cpu().numpy().astype(np.int32)
        self._is_starting = step < self._settings.start_steps
        self._target = self._start_target() if self._is_starting else target
        change = float((labels != self._labels).mean())
        self._labels = labels
        occupied = self._health.check(labels)
        if occupied == self._session.n_clusters:
            # KL against one's own target grows while assignments get surer, so the latest
            # healthy state is the best one
            self._best.offer(-step, step)
        shown = dict(losses) if losses else {"clustering": score, TOTAL: score}
        now = TrainingStep(CLUSTERING, "", step, self._steps, shown, change, occupied, labels)
        is_done = step > self._settings.start_steps and change < self._settings.tol
        return self._session.progress.evaluated(now) or is_done or self._health.is_collapsed

    def _start_target(self) -> Tensor:
        """(n_images, k) the start's labels, not quite sure."""
        labels = torch.from_numpy(self._session.start_labels.astype(np.int64))
        return sure_target(labels.to(self._session.device), self._session.n_clusters)


def prior_tensor(log_prior: NDArray[np.float32] | None, device: torch.device) -> Tensor | None:
    """A prior on the device; None for none."""
    return None if log_prior is None else torch.from_numpy(log_prior).to(device)
