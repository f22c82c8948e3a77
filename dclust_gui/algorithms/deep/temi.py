"""TEMI: heads that find a cluster for each image such that neighbours tell most of each other.

With s the probabilities of a student head, t those of its teacher (the same head with weights
averaged over the steps), p~_c the teacher's running share of cluster c, j a neighbour of i:

    pmi(i, j) = log sum_c (s_ic t_jc)^beta / p~_c            (eq. 5; beta = 1 is the model's own)
    w_ij      = mean over the heads of sum_c t_ic t_jc       (how surely the pair is of one class)
    L         = - 1/2 sum_ij w_ij (pmi(i, j) + pmi(j, i))

The size prior. The division by p~ is what keeps clusters even: with sure assignments a pair within
cluster c gives log 1/p~_c, and the mean over the pairs is the entropy H(p~), largest for even
sizes. What is largest at p~ = pi for given shares pi is -KL(p~ || pi) = sum_c p~_c log(pi_c/p~_c),
that is, a pair within c has to give log pi_c/p~_c. Hence here

    pmi(i, j) = log sum_c (s_ic t_jc)^beta k pi_c / p~_c

which is the paper's for even pi = 1/k, and at p~ = pi favours no cluster over another. pi lies
between even sizes and those of the default clustering (`size_prior`, see the module of that name).

Defaults and why:
* beta = 0.6, temperature 0.1, running share 0.9, 50 neighbours (fewer for small clusters) as
  published.
* The teacher's momentum fits the number of steps S: 1 - 1 / max(10, 0.02 S). The published 0.996
  is for tens of thousands of steps; with a few hundred the teacher would stay where it began.
* 4 heads of 128 axes to 128 (ReLU) to 64 in place of 16 of 512 to 256: as good here at a
  thirtieth of the work. The head with the lowest loss is kept.
* size_prior = 1: see `tests/benchmarks/RESULTS.md`. Set 0 where groups are known to be of similar
  size.

Source:
    Adaloglou, Michels, Kalisch, Kollmann, "Exploring the limits of deep image clustering using
    pretrained models", BMVC 2023, https://arxiv.org/abs/2303.17896
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dclust_gui.algorithms.base import FloatArray
from dclust_gui.algorithms.deep.neighbour_heads import NeighbourHeads
from dclust_gui.algorithms.deep.pair_training import Pairs, PairTraining
from dclust_gui.algorithms.deep.parameters import check_number
from dclust_gui.algorithms.deep.size_prior import laid_on

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from dclust_gui.algorithms.deep.many_heads import ManyHeads, Weights
    from dclust_gui.algorithms.deep.training import Schedule

RUNNING = 0.9
"""How much of the clusters' shares is kept at a step."""
MEMORY = 0.02
LEAST_MEMORY = 10.0
"""The teacher remembers so large a part of the steps, and at least so many."""
LEAST_SHARE = 1e-6


class TEMI(NeighbourHeads):
    """Teacher ensemble-weighted pointwise mutual information, on frozen features.

    Args:
        n_clusters: Number of clusters.
        size_prior: 0 expects clusters of the same size, 1 sizes as uneven as those of the default
            clustering.
        beta: How far a pair may be spread over several clusters; 1 least.
        start: "n2d" (from the default clustering) or "random" (as published).
        initial_labels: (n_images,) labels in place of the default clustering; -1 leaves open.
        n_neighbors: Neighbours that pairs are drawn from; None chooses.
        n_heads: Heads trained at once.
        epochs: Passes over the images; "auto" makes about 300 steps.
        batch_size: Pairs of a step.
        learning_rate: Adam's first rate.
        temperature: What cosines are divided by.
        scale: As of `Autoencoder`.
        random_state: Seed; the same seed, device and thread count, the same labels.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Source:
        See the module.
    """

    _method = "TEMI"
    _steps = 300
    _most_neighbours = 50

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        size_prior: float = 1.0,
        beta: float = 0.6,
        start: str = "n2d",
        initial_labels: ArrayLike | None = None,
        n_neighbors: int | None = None,
        n_heads: int = 4,
        epochs: int | str = "auto",
        batch_size: int = 256,
        learning_rate: float = 3e-3,
        temperature: float = 0.1,
        scale: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.size_prior = size_prior
        self.beta = beta
        self.start = start
        self.initial_labels = initial_labels
        self.n_neighbors = n_neighbors
        self.n_heads = n_heads
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.temperature = temperature
        self.scale = scale
        self.random_state = random_state
        self.device = device

    def _check(self, features: FloatArray) -> None:
        super()._check(features)
        check_number(self._method, "beta", self.beta, 0, 1, is_above=True)

    def _pair_training(self, heads: ManyHeads, pairs: Pairs, schedule: Schedule) -> PairTraining:
        return TemiTraining(heads, pairs, schedule, self.beta)


class TemiTraining(PairTraining):
    """The loss of TEMI and its teacher; see the module."""

    def __init__(self, heads: ManyHeads, pairs: Pairs, schedule: Schedule, beta: float) -> None:
        super().__init__(heads, pairs, schedule)
        self._beta = beta
        self._keep = 1.0 - 1.0 / max(LEAST_MEMORY, MEMORY * self.steps)
        self._teacher = [weight.detach().clone() for weight in heads.weights]
        self._shares = torch.full(
            (heads.n_heads, heads.n_clusters), 1.0 / heads.n_clusters, device=pairs.rows.device
        )
        self._followed()

    @property
    def weights(self) -> Weights:
        """The teacher's."""
        return self._teacher

    def _others(self) -> list[Tensor]:
        return [*self._teacher, self._shares]

    @torch.no_grad()
    def _followed(self) -> None:
        for mine, weight in zip(self._teacher, self.heads.weights, strict=True):
            mine.copy_(weight)
        self._shares.copy_(self.heads.assignments(self.pairs.rows).mean(1))

    @torch.no_grad()
    def _moved(self, _numbers: Tensor) -> None:
        torch._foreach_lerp_(self._teacher, list(self.heads.weights), 1.0 - self._keep)

    def _per_head(self, numbers: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        rows = self.pairs.drawn(numbers)
        log_student = self.heads.logits(rows).log_softmax(2)
        with torch.no_grad():
            target, weight = self._target(rows)
        pmi = ((log_student * self._beta).exp() * target).sum(2).log()
        losses = -(pmi * weight).mean(1)
        return losses, {"pmi": pmi.mean()}

    def _target(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """What the student's probabilities are multiplied with, and the weights of the rows."""
        teacher = self.heads.logits(rows, self._teacher).softmax(2)
        self._shares.lerp_(teacher.mean(1), 1.0 - RUNNING)
        shares = self._shares.clamp_min(LEAST_SHARE)
        ratio = laid_on(shares, self.pairs.expected) * (self.heads.n_clusters / shares)
        own, other = teacher.chunk(2, dim=1)
        weight = (own * other).sum(2).mean(0)
        partner = torch.cat([other, own], 1)
        return partner.pow(self._beta) * ratio[:, None], torch.cat([weight, weight])
