"""VaDE's training: an autoencoder made variational, its prior a mixture with a cluster each.

    L = rec(x, x^) + KL(q(z, c | x) || p(z, c)),   the mean over images of the negative ELBO
    q(z | x) = N(mu~, s2~),  q(c | x) = gamma(z) with one sample of z,  p(z, c) the mixture

rec is summed over the features: cross entropy for pixels in [0, 1] (Bernoulli), alpha times the
squared error for features (Gaussian).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dclust_gui.algorithms.deep.gaussians import (
    LEAST_LOG_VARIANCE,
    MOST_LOG_VARIANCE,
    GaussianDensity,
)
from dclust_gui.algorithms.deep.health import Best, Health
from dclust_gui.algorithms.deep.mixtures import MixturePrior, divergence_from_mixture
from dclust_gui.algorithms.deep.networks import AutoencoderNetwork, encode
from dclust_gui.algorithms.deep.precision import precision_context
from dclust_gui.algorithms.deep.progress import CLUSTERING, TrainingStep
from dclust_gui.algorithms.deep.training import TOTAL, Losses, Phase, Schedule, generator_for, train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dclust_gui.algorithms.deep.session import Session

GAIN = 6.0
"""Steepness of the first logits: a pretrained output of 0 or 1 becomes a logit of -3 or 3."""
FIRST_SPREAD = 0.5
"""First variance of q(z | x), as a share of the mean variance within a cluster."""
PRIOR_FACTOR = 2.0
"""Learning rate of the mixture over that of the network."""
REVIVED_UNTIL = 0.8
"""Share of the steps in which empty clusters are put elsewhere."""
ANCHOR = 12.0
"""Added to log gamma of an image's start cluster while the start is held."""
SCORED_ROWS = 4096
"""Most images on which the start is scored."""
METHOD = "VaDE"


@dataclass(frozen=True, slots=True)
class Settings:
    """How VaDE trains.

    Attributes:
        schedule: How long and how fast.
        is_bernoulli: Pixels in [0, 1] rather than features.
        weight: alpha of the squared error; 1 for pixels.
        warm_up: Share of the steps in which the divergence's weight rises from 0 to 1.
        start_share: Share of the steps in which images are held in their start clusters.
        precision: One of `training.PRECISIONS`.
    """

    schedule: Schedule
    is_bernoulli: bool
    weight: float = 1.0
    warm_up: float = 0.2
    start_share: float = 0.0
    precision: str = "auto"


@torch.no_grad()
def output_logits(network: AutoencoderNetwork, peak: float) -> None:
    """Make a decoder of values from 0 to `peak` one of Bernoulli logits.

    Args:
        network: Its decoder's last layer is changed.
        peak: The rows' largest value, > 0.
    """
    last = network.decoder.last
    last.weight.mul_(GAIN / peak)
    last.bias.div_(peak).sub_(0.5).mul_(GAIN)


class VariationalNetwork(nn.Module):
    """An autoencoder whose code has a variance.

    Args:
        network: The autoencoder; its code becomes the mean of q(z | x).
        log_variance: First value of the logarithm of the variance, the same everywhere.
    """

    def __init__(self, network: AutoencoderNetwork, log_variance: float) -> None:
        super().__init__()
        last = network.encoder.last
        self.network = network
        self.spread = nn.Linear(last.in_features, last.out_features, device="meta")
        self.spread = self.spread.to_empty(device=last.weight.device)
        with torch.no_grad():
            self.spread.weight.zero_()
            self.spread.bias.fill_(log_variance)

    def encode(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of q(z | x): (n, dz) each."""
        encoder = self.network.encoder
        for layer in encoder.layers[:-1]:
            rows = encoder.bend(layer(rows))
        with torch.autocast(rows.device.type, enabled=False):
            hidden = rows.float()
            logs = self.spread(hidden).clamp(LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE)
            return encoder.last(hidden), logs


class VariationalTraining:
    """One training of VaDE.

    Args:
        session: What it works on; its network is trained.
        settings: How.
        start: Mixture to start from.
        log_membership: (k,) or (n_images, k), on the device; None for nothing known.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        start: GaussianDensity,
        log_membership: Tensor | None = None,
    ) -> None:
        self._session = session
        self._settings = settings
        self._context = precision_context(settings.precision, str(session.device))
        within = float(np.exp(start.log_variances()).mean())
        first = max(LEAST_LOG_VARIANCE, math.log(FIRST_SPREAD * within))
        self.network = VariationalNetwork(session.network, first)
        self.prior = MixturePrior(start, log_membership).to(session.device)
        self.targets = session.rows
        if settings.is_bernoulli:
            self.targets = session.rows.clamp(min=0.0) / session.rows.max().clamp(min=1e-6)
        self._noise = generator_for(session.seed(), session.device)
        self._seed = session.seed()
        self._steps = settings.schedule.steps(len(session.rows))
        self._step = 0
        self._labels = session.start_labels
        labels = torch.from_numpy(session.start_labels.astype(np.int64))
        self._start_labels = labels.to(session.device)
        self._seen = self._start_labels.clone()
        self._health = Health(session.n_clusters, session.start_labels)
        tensors = {
            **dict(self.network.named_parameters()),
            **{f"prior.{name}": value for name, value in self.prior.named_parameters()},
        }
        self._start = Best(tensors)
        self._start.offer(0.0, 0)
        self._best = Best(tensors)
        self.n_revived = 0

    @property
    def loss(self) -> float:
        """The lowest mean loss of an epoch so far, without the warm-up's discount."""
        return self._best.score

    @property
    def is_collapsed(self) -> bool:
        """The training collapsed, and the start was put back."""
        return self._health.is_collapsed

    def run(self, detail: str = "") -> int:
        """Train and put the best state back, or the start after a collapse; gives the steps."""
        settings, session = self._settings, self._session
        network = list(self.network.parameters())
        prior = list(self.prior.parameters())
        self._detail = detail
        steps = train(
            self._loss,
            [*network, *prior],
            len(session.rows),
            settings.schedule,
            Phase(CLUSTERING, detail, METHOD),
            session.progress,
            seed=self._seed,
            update=self._update,
            groups=[{"params": network}, {"params": prior, "factor": PRIOR_FACTOR}],
        )
        if self._health.is_collapsed:
            self._start.restore()
        elif not self._best.restore() and steps:
            session.notes.append("Some clusters lost all their images.")
        return steps

    def _loss(self, numbers: Tensor) -> Losses:
        self._step += 1
        is_held = self._step <= self._settings.start_share * self._steps
        losses, log_gamma = self._parts(numbers, is_held=is_held)
        self._seen[numbers] = log_gamma.detach().argmax(1)
        losses[TOTAL] = losses["reconstruction"] + self._warmth() * losses["divergence"]
        return losses

    def _parts(self, numbers: Tensor, *, is_held: bool) -> tuple[dict[str, Tensor], Tensor]:
        """Parts of the negative ELBO of some images, and log gamma."""
        rows = self._session.rows.index_select(0, numbers)
        with self._context:
            mean, logs = self.network.encode(rows)
        noise = torch.randn(mean.shape, generator=self._noise, device=mean.device)
        code = mean + noise * torch.exp(0.5 * logs)
        with self._context:
            again = self.network.network.decoder(code)
        weights = self.prior.log_weights(numbers)
        log_gamma = self.prior.log_responsibilities(code, weights)
        if is_held:
            held = functional.one_hot(self._start_labels[numbers], log_gamma.shape[1])
            log_gamma = functional.log_softmax(log_gamma + ANCHOR * held, 1)
        divergence = divergence_from_mixture(
            mean, logs, log_gamma, weights, self.prior.means, self.prior.log_variances
        )
        error = self._error(again, self.targets.index_select(0, numbers))
        return {"reconstruction": error, "divergence": divergence}, log_gamma

    def _error(self, again: Tensor, rows: Tensor) -> Tensor:
        """-log p(x | z), the mean over images."""
        if self._settings.is_bernoulli:
            summed = functional.binary_cross_entropy_with_logits(again, rows, reduction="sum")
        else:
            summed = self._settings.weight * functional.mse_loss(again, rows, reduction="sum")
        return summed / len(rows)

    def _warmth(self) -> float:
        """Weight of the divergence at this step."""
        rising = self._settings.warm_up * self._steps
        return min(1.0, self._step / rising) if rising > 0 else 1.0

    def _update(self, step: int, losses: Mapping[str, float]) -> bool:
        """Look at an epoch; whether to stop."""
        if step == 0:
            self._best.offer(self._start_score(), 0)
            return False
        labels = self._seen.cpu().numpy().astype(np.int32)
        change = float((labels != self._labels).mean())
        self._labels = labels
        occupied = self._health.check(labels)
        if occupied == self._session.n_clusters:
            self._best.offer(losses["reconstruction"] + losses["divergence"], step)
        elif step < REVIVED_UNTIL * self._steps:
            self._revive(labels)
        now = TrainingStep(
            CLUSTERING, self._detail, step, self._steps, losses, change, occupied, labels
        )
        return self._session.progress.evaluated(now) or self._health.is_collapsed

    def _start_score(self) -> float:
        """The negative ELBO before the first step: a training that is worse is not kept."""
        numbers = torch.arange(len(self._seen), device=self._seen.device)
        if len(numbers) > SCORED_ROWS:
            numbers = numbers[:: -(-len(numbers) // SCORED_ROWS)]
        with torch.no_grad():
            parts, _ = self._parts(numbers, is_held=False)
        score = float(parts["reconstruction"] + parts["divergence"])
        return score if math.isfinite(score) else math.inf

    def give_up(self) -> None:
        """Put the start back after all: the labels of the trained state are a collapse."""
        self._health.is_collapsed = True
        self._start.restore()

    def is_sound(self, labels: NDArray[np.int32]) -> bool:
        """Whether final labels are no collapse."""
        sizes = np.bincount(labels, minlength=self._session.n_clusters)
        self._health.check(labels)
        occupied = int((sizes > 0).sum())
        return not self._health.is_collapsed and 2 * occupied >= min(
            self._session.n_clusters, 2 * len(np.unique(self._session.start_labels))
        )

    def _revive(self, labels: NDArray[np.int32]) -> None:
        """Put each empty cluster at an image that the mixture explains badly."""
        sizes = np.bincount(labels, minlength=self._session.n_clusters)
        empty = np.flatnonzero(sizes == 0)
        with torch.no_grad():
            code = encode(self._session.network.encoder, self._session.rows, self._context)
            fit = self.prior.density().log_joint(code).logsumexp(1)
            worst = fit.argsort()[: max(len(empty), len(code) // 20)]
            picked = worst[:: max(1, len(worst) // len(empty))][: len(empty)]
            self.prior.move(empty, code[picked])
        self.n_revived += len(empty)
