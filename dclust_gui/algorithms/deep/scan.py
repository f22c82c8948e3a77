"""SCAN: images and their nearest ones shall fall into the same cluster, and none be empty.

    p_i = softmax(head(x_i) / 0.1), j a random neighbour of i, m = mean of p over the batch
    L   = - mean_i log sum_c p_ic p_jc  +  lambda KL(m || pi)

The paper's second term is -lambda H(m), which is lambda KL(m || uniform) less a constant: even
sizes. Here pi lies between even sizes and those of the default clustering (`size_prior`, see
`size_prior`): on collections with uneven groups the entropy tears large groups apart.

Defaults and why:
* lambda = 5, as published; 25 neighbours as published for large clusters, fewer for small ones.
* 4 heads, 128 axes to 128 (ReLU) to 64, cosines over 0.1; the head with the lowest loss is kept.
* About 200 steps of Adam: on 2,000 images 20 epochs were as good as 60.
* size_prior = 1: see `tests/benchmarks/RESULTS.md`. Set 0 where groups are known to be of similar
  size.

The paper's self-labelling needs augmented images; on frozen features there are none, so it is
left out.

Source:
    Van Gansbeke, Vandenhende, Georgoulis, Proesmans, Van Gool, "SCAN: learning to classify images
    without labels", ECCV 2020, https://arxiv.org/abs/2005.12320
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dclust_gui.algorithms.base import FloatArray
from dclust_gui.algorithms.deep.neighbour_heads import NeighbourHeads
from dclust_gui.algorithms.deep.pair_training import Pairs, PairTraining
from dclust_gui.algorithms.deep.parameters import check_number
from dclust_gui.algorithms.deep.size_prior import laid_on

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike
    from torch import Tensor

    from dclust_gui.algorithms.deep.many_heads import ManyHeads
    from dclust_gui.algorithms.deep.training import Schedule

LEAST = 1e-8
"""Below this a probability's logarithm is not taken."""


class SCAN(NeighbourHeads):
    """Semantic clustering by adopting nearest neighbours, on frozen features.

    Args:
        n_clusters: Number of clusters.
        size_prior: 0 expects clusters of the same size, 1 sizes as uneven as those of the default
            clustering.
        entropy_weight: lambda, how strongly sizes are held to what is expected.
        start: "n2d" (from the default clustering) or "random" (as published).
        initial_labels: (n_images,) labels in place of the default clustering; -1 leaves open.
        n_neighbors: Neighbours that pairs are drawn from; None chooses.
        n_heads: Heads trained at once.
        epochs: Passes over the images; "auto" makes about 200 steps.
        batch_size: Pairs of a step.
        learning_rate: Adam's first rate.
        temperature: What cosines are divided by.
        scale: As of `Autoencoder`.
        random_state: Seed; the same seed, device and thread count, the same labels.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Source:
        See the module.
    """

    _method = "SCAN"
    _steps = 200
    _most_neighbours = 25

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        size_prior: float = 1.0,
        entropy_weight: float = 5.0,
        start: str = "n2d",
        initial_labels: ArrayLike | None = None,
        n_neighbors: int | None = None,
        n_heads: int = 4,
        epochs: int | str = "auto",
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        temperature: float = 0.1,
        scale: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.size_prior = size_prior
        self.entropy_weight = entropy_weight
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
        check_number(self._method, "entropy_weight", self.entropy_weight, 0)

    def _pair_training(self, heads: ManyHeads, pairs: Pairs, schedule: Schedule) -> PairTraining:
        return ScanTraining(heads, pairs, schedule, self.entropy_weight)


class ScanTraining(PairTraining):
    """The loss of SCAN; see the module."""

    def __init__(
        self, heads: ManyHeads, pairs: Pairs, schedule: Schedule, entropy_weight: float
    ) -> None:
        super().__init__(heads, pairs, schedule)
        self._weight = entropy_weight

    def _per_head(self, numbers: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        soft = self.heads.logits(self.pairs.drawn(numbers)).softmax(2)
        own, other = soft.chunk(2, dim=1)
        agreement = -(own * other).sum(2).add(LEAST).log().mean(1)
        sizes = soft.mean(1)
        wanted = laid_on(sizes.detach(), self.pairs.expected)
        uneven = (sizes * (sizes.add(LEAST) / wanted).log()).sum(1)
        parts = {"agreement": agreement.mean(), "sizes": uneven.mean()}
        return agreement + self._weight * uneven, parts
