"""ClusterGAN's training: several generators, encoders and critics side by side, judged unlabelled.

Each step moves the critics a few times and then generators and encoders once. Now and then every
encoder groups the images; the partition that stands out best in a layout of the features, with an
image in every cluster, is kept over all starts and times. No labels are looked at.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import Tensor

from dclust_gui.algorithms.deep.critic import Critic, CriticLoss, generator_loss
from dclust_gui.algorithms.deep.gan_checks import Checks
from dclust_gui.algorithms.deep.health import Best
from dclust_gui.algorithms.deep.latents import cycle_losses, damped_prior, draw_latents
from dclust_gui.algorithms.deep.networks import ENCODED_ROWS
from dclust_gui.algorithms.deep.precision import precision_context
from dclust_gui.algorithms.deep.progress import CLUSTERING, TrainingStep
from dclust_gui.algorithms.deep.stacked import StackedLayers, drawn
from dclust_gui.algorithms.deep.training import (
    TOTAL,
    Losses,
    Phase,
    Schedule,
    TrainingError,
    generator_for,
    train,
)

if TYPE_CHECKING:
    from dclust_gui.algorithms.base import LabelArray
    from dclust_gui.algorithms.deep.session import Session

Judge: TypeAlias = Callable[["LabelArray"], float]
"""From int32 (n_images,) labels to how well they hold; higher is better, nan for not at all."""

BETAS = (0.5, 0.9)
TRIALS = 3
OPTIMISERS = 1.25
"""The optimisers' and the evaluations' part of the time, on top of the networks' own."""


@dataclass(frozen=True, slots=True)
class GanSettings:
    """How ClusterGAN trains.

    Attributes:
        loss: One of `critic.LOSSES`.
        n_noise: Width of z_n.
        hidden: Widths of the hidden layers of all three networks.
        n_seeds: Networks trained side by side.
        steps: Steps of the generators.
        evaluations: How often the images are grouped and judged on the way.
        batch_size: Rows of a step.
        critic_steps: Steps of the critics for each of the generators'.
        rate: Learning rate.
        penalty: Weight of the critics' penalty.
        noise_weight: beta_n.
        code_weight: beta_c.
        damping: How much of the prior stays at an evaluation; 1 leaves it uniform.
        precision: One of `precision.PRECISIONS`.
    """

    loss: str
    n_noise: int
    hidden: tuple[int, ...]
    n_seeds: int
    steps: int
    evaluations: int
    batch_size: int
    critic_steps: int
    rate: float
    penalty: float
    noise_weight: float
    code_weight: float
    damping: float
    precision: str

    @property
    def interval(self) -> int:
        """Steps between two evaluations."""
        return max(1, self.steps // self.evaluations)


class AdversarialTraining:
    """One training of several ClusterGANs.

    Args:
        session: Its rows are those to imitate.
        settings: How.
        judge: Says how well labels hold.

    Attributes:
        generators: G of each network.
        encoders: E of each network.
        prior: float32 (n_seeds, n_clusters), pi.
        chosen: The best network so far; -1 for none.
        score: What the judge said of it.
        trouble: Why there is none, in words.
        n_steps: Steps of the generators done.
    """

    def __init__(self, session: Session, settings: GanSettings, judge: Judge) -> None:
        self._session, self._settings, self._judge = session, settings, judge
        device, width = session.device, session.rows.shape[1]
        count, k = settings.n_seeds, session.n_clusters
        seed = session.seed()
        source = generator_for(seed)
        deep = (*settings.hidden, settings.n_noise + k)
        self.encoders = StackedLayers(drawn((width, *deep), count, source)).to(device)
        self.generators = StackedLayers(drawn((*deep[::-1], width), count, source)).to(device)
        critics = Critic(drawn((width, *settings.hidden, 1), count, source))
        self.critics = critics.to(device).requires_grad_(requires_grad=False)
        self.prior = torch.full((count, k), 1.0 / k, device=device)
        self.chosen, self.score, self.trouble, self.n_steps = -1, -math.inf, "", 0
        self._random = generator_for(seed, device)
        self._context = precision_context(settings.precision, str(device))
        self._sharpen = torch.optim.Adam(
            self.critics.parameters(),
            lr=settings.rate,
            betas=BETAS,
            fused=device.type in ("cpu", "cuda"),
        )
        self._checks = Checks(session, settings.loss, settings.n_noise)
        self._best = Best(
            {
                **{f"encoders.{name}": part for name, part in self.encoders.named_parameters()},
                **{f"generators.{name}": part for name, part in self.generators.named_parameters()},
                "prior": self.prior,
            }
        )
        self._labels: dict[int, LabelArray] = {}
        self._detail = ""

    def run(self) -> int:
        """Train; the best state is put back where there is one.

        Returns:
            Steps done.
        """
        session, settings = self._session, self._settings
        weights = [*self.generators.parameters(), *self.encoders.parameters()]
        self._detail = _about(self._seconds())
        rate, size = settings.rate, settings.batch_size
        try:
            train(
                self._loss,
                weights,
                size,  # rows are drawn here: an epoch is one step, however many images there are
                Schedule(settings.steps, size, rate, rate, settings.interval),
                Phase(CLUSTERING, self._detail, "ClusterGAN"),
                session.progress,
                seed=session.seed(),
                update=self._update,
                groups=[{"params": weights, "betas": BETAS}],
            )
        except TrainingError:
            if self.chosen < 0:
                self.trouble = "its numbers ran out of range"
        self._best.restore()
        return self.n_steps

    def _loss(self, _numbers: Tensor) -> Losses:
        """The critics' steps, then the loss of generators and encoders."""
        self.n_steps += 1
        found = self._move_critics()
        losses = self._made_losses()
        return {**losses, "critic": _mean(found.loss), "gap": _mean(found.gap)}

    @torch.no_grad()
    def _move_critics(self) -> CriticLoss:
        """Some steps of the critics, all against the same generators."""
        settings, rows = self._settings, self._session.rows
        count, size = settings.n_seeds, settings.batch_size
        n = settings.critic_steps * size
        chosen = torch.randint(
            len(rows), (count, n), generator=self._random, device=self._session.device
        )
        mix = torch.rand(count, n, 1, generator=self._random, device=self._session.device)
        latents = draw_latents(self.prior, n, settings.n_noise, self._random)
        with self._context:
            made = self.generators(latents.points)
            real = rows[chosen]
            parts = zip(*(torch.split(whole, size, 1) for whole in (real, made, mix)), strict=True)
            return [self._move_critic(*part) for part in parts][-1]

    def _move_critic(self, real: Tensor, made: Tensor, mix: Tensor) -> CriticLoss:
        """One step of the critics."""
        self._session.progress.tick()
        settings = self._settings
        found = self.critics.accumulate(real, made, mix, settings.loss, settings.penalty)
        self._sharpen.step()
        return found

    def _made_losses(self) -> Losses:
        """The loss of generators and encoders on freshly made rows, and its parts."""
        settings = self._settings
        latents = draw_latents(self.prior, settings.batch_size, settings.n_noise, self._random)
        with self._context:
            made = self.generators(latents.points)
            read = self.encoders(made)
            scores = self.critics.scores(made)
        fooled = generator_loss(scores, settings.loss)
        noise, code = cycle_losses(read, latents.noise, latents.codes)
        whole = fooled + settings.noise_weight * noise + settings.code_weight * code
        parts = {"generator": fooled, "noise": noise, "code": code}
        means: dict[str, Tensor] = {name: _mean(part.detach()) for name, part in parts.items()}
        return {**means, TOTAL: _mean(whole)}

    def _seconds(self) -> float:
        """How long the training will take, from a step of each kind; nothing is changed by it."""
        settings, state = self._settings, self._random.get_state()
        size = settings.batch_size
        real = self._session.rows[:1].expand(settings.n_seeds, size, -1)
        mix = real.new_full((settings.n_seeds, size, 1), 0.5)
        spent = [math.inf, math.inf]
        for _ in range(TRIALS):
            begun = time.perf_counter()
            with self._context:
                self.critics.accumulate(real, real, mix, settings.loss, settings.penalty)
            _wait_for(self._session.device)
            middle = time.perf_counter()
            self._made_losses()[TOTAL].backward()  # type: ignore[no-untyped-call]
            _wait_for(self._session.device)
            spent = [min(spent[0], middle - begun), min(spent[1], time.perf_counter() - middle)]
            self._session.progress.tick()
        self._random.set_state(state)
        return settings.steps * (settings.critic_steps * spent[0] + spent[1]) * OPTIMISERS

    def _update(self, step: int, losses: Mapping[str, float]) -> bool:
        """Group the images by every encoder and judge them; whether to stop."""
        session, settings = self._session, self._settings
        labels, shares = self._grouped()
        found = self._checks.look(self.generators, self.encoders, self.critics)
        values = np.full(settings.n_seeds, math.nan)
        troubles = []
        for place, own in enumerate(labels):
            troubles.append(self._checks.trouble(found, place, own))
            if not troubles[-1]:
                values[place] = self._judge(own)
        is_sound = not np.isnan(values).all()
        leader = int(np.nanargmax(values)) if is_sound else 0
        if is_sound and values[leader] > self.score:
            self.score, self.chosen = float(values[leader]), leader
            self._best.offer(-self.score, step)
        self.trouble = "" if self.chosen >= 0 else troubles[leader]
        if settings.damping < 1.0 and step:
            self.prior.copy_(damped_prior(self.prior, shares, settings.damping))
        before = self._labels.get(leader)
        change = None if before is None else float((before != labels[leader]).mean())
        self._labels = dict(enumerate(labels))
        now = TrainingStep(
            CLUSTERING,
            self._detail,
            step,
            settings.steps,
            dict(losses),
            change,
            len(np.unique(labels[leader])),
            labels[leader],
        )
        return session.progress.evaluated(now)

    @torch.no_grad()
    def _grouped(self) -> tuple[list[LabelArray], Tensor]:
        """Each encoder's clusters of all images, and their mean probabilities (n_seeds, k)."""
        n_noise, rows = self._settings.n_noise, self._session.rows
        found, sums = [], torch.zeros_like(self.prior)
        for part in torch.split(rows, ENCODED_ROWS):
            self._session.progress.tick()
            logits = self.encoders(part.expand(len(self.prior), -1, -1))[..., n_noise:]
            sums += logits.softmax(2).sum(1)
            found.append(logits.argmax(2))
        labels = torch.cat(found, 1).cpu().numpy().astype(np.int32)
        shares = torch.where(sums.isfinite(), sums / len(rows), self.prior)
        return list(labels), shares


def _mean(values: Tensor) -> Tensor:
    """The mean over the networks whose numbers are finite; nan where none is."""
    return torch.where(values.isfinite(), values, math.nan).nanmean()


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _about(seconds: float) -> str:
    """`about 2 minutes`."""
    if seconds < 90:
        return f"about {max(1, round(seconds / 10)) * 10} seconds"
    return f"about {round(seconds / 60)} minutes"
