"""Whether a generative adversarial network is in order: the ways in which one comes to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from dclust_gui.algorithms.deep.critic import WASSERSTEIN
from dclust_gui.algorithms.deep.health import COLLAPSED_SHARE
from dclust_gui.algorithms.deep.latents import draw_latents
from dclust_gui.algorithms.deep.training import generator_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.base import LabelArray
    from dclust_gui.algorithms.deep.critic import Critic
    from dclust_gui.algorithms.deep.session import Session
    from dclust_gui.algorithms.deep.stacked import StackedLayers

WIDE_GAP = 10.0
"""Critics of wgan-gp whose scores differ by so many times the rows' length have diverged: with
slopes near 1 they cannot differ by more than about twice the length."""
WIDE_LOGITS = 50.0
"""Critics of minimax that are so sure tell the generator nothing any more."""
READ_BACK = 0.25
"""Least skill above chance with which clusters must be read back from what is made of them."""
CHECKED = 512
"""Rows that are made for a look, and real ones beside them."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a look at the networks found, by network.

    Attributes:
        skill: Skill with which clusters are read back from generated rows: 0 chance, 1 always.
        is_wild: The critic has diverged, or numbers are not finite.
    """

    skill: NDArray[np.float64]
    is_wild: NDArray[np.bool_]


class Checks:
    """Looks for the ways in which a training comes to nothing.

    Args:
        session: Has the real rows, and the labels of the start: one cluster as large as there is
            no collapse.
        loss: One of `critic.LOSSES`.
        n_noise: Width of z_n.
    """

    def __init__(self, session: Session, loss: str, n_noise: int) -> None:
        self._rows, self._k = session.rows, session.n_clusters
        self._loss, self._n_noise = loss, n_noise
        sizes = np.bincount(session.start_labels, minlength=self._k)
        self._largest = max(COLLAPSED_SHARE, float(sizes.max()) / len(session.start_labels))

    @torch.no_grad()
    def look(self, generators: StackedLayers, encoders: StackedLayers, critics: Critic) -> Look:
        """Look at all networks; nothing of the training's randomness is used up."""
        source = generator_for(CHECKED, self._rows.device)
        uniform = self._rows.new_full((generators.n_networks, self._k), 1.0 / self._k)
        latents = draw_latents(uniform, CHECKED, self._n_noise, source)
        made = generators(latents.points)
        read = encoders(made)[..., self._n_noise :].argmax(2)
        hits = (read == latents.codes).float().mean(1)
        chosen = torch.randint(
            len(self._rows), (CHECKED,), generator=source, device=self._rows.device
        )
        real = self._rows[chosen]
        gap = critics.scores(real.expand(len(made), -1, -1)).mean(1) - critics.scores(made).mean(1)
        widest = WIDE_LOGITS
        if self._loss == WASSERSTEIN:
            widest = WIDE_GAP * float(real.norm(dim=1).mean())
        is_wild = ~(gap.abs() <= widest) | ~made.isfinite().all(2).all(1)
        skill = (hits - 1.0 / self._k) / (1.0 - 1.0 / self._k)
        return Look(skill.cpu().numpy(), is_wild.cpu().numpy())

    def trouble(self, found: Look, place: int, labels: LabelArray) -> str:
        """What is wrong with one network, in words; empty for nothing.

        Args:
            found: The look.
            place: Which network.
            labels: int32 (n_images,), its clusters of the images.
        """
        if found.is_wild[place]:
            return "the critic ran away from the generator"
        if found.skill[place] < READ_BACK:
            return "the generator made the same of every cluster"
        sizes = np.bincount(labels, minlength=self._k)
        n_empty = int((sizes == 0).sum())
        if n_empty:
            return f"{n_empty} of {self._k} clusters got no image"
        if sizes.max() > self._largest * len(labels):
            return "almost all images fell into one cluster"
        return ""
