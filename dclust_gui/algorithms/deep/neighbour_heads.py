"""What TEMI and SCAN share: heads on frozen features that learn from pairs of neighbours.

    features -> centred, length 1 -> 128 leading axes -> many heads at once
    pairs (i, a random one of the nearest images of i); the head with the lowest loss is kept

* Neighbours: a quarter (TEMI) or an eighth (SCAN) of a cluster of average size, so that they lie
  within it; at least 5, and never more than in the papers (50 and 25).
* Above 20,000 images neighbours are found on the 128 axes, too.
* Start: the heads are first fitted to the default clustering (k-means on a UMAP layout; "n2d") and
  go on from there. From random weights, as published ("random"), they find even groups well but
  miss what the layout tells.
* A training that collapsed, or was stopped before it began, gives back the default clustering,
  which the heads are then fitted to.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch import Tensor
from torch.nn import functional

from dclust_gui.algorithms.base import FloatArray, LabelArray, UnusableDataError
from dclust_gui.algorithms.deep.base import DeepClusterer
from dclust_gui.algorithms.deep.many_heads import HeadNetwork, ManyHeads
from dclust_gui.algorithms.deep.networks import encode
from dclust_gui.algorithms.deep.pair_training import Pairs, PairTraining
from dclust_gui.algorithms.deep.parameters import check_number
from dclust_gui.algorithms.deep.progress import START, Progress
from dclust_gui.algorithms.deep.scaling import learn_scaling
from dclust_gui.algorithms.deep.size_prior import expected_sizes
from dclust_gui.algorithms.deep.starts import (
    LAYOUT_DIMS,
    LEAST_LAYOUT,
    RESTARTS,
    given_labels,
)
from dclust_gui.algorithms.deep.training import (
    Schedule,
    checked_epochs,
    epochs_for,
    generator_for,
)
from dclust_gui.algorithms.fuzzy_graph import fuzzy_graph
from dclust_gui.algorithms.knn import Neighbours, nearest_neighbours
from dclust_gui.algorithms.lloyd import cluster_means, nearest_two
from dclust_gui.algorithms.partition import KMeans
from dclust_gui.algorithms.projection import LEARN_FROM, leading_axes
from dclust_gui.algorithms.umap import graph_layout, neighbour_count

AXES = 128
WIDTHS = (128, 64)
"""Of a head's hidden layer and output."""
STARTS = ("n2d", "random")
LEAST_NEIGHBOURS = 5
FULL_CLUSTER = 200
"""Images of a cluster of which as many neighbours are taken as in the papers."""


class NeighbourHeads(DeepClusterer):
    """Base of TEMI and SCAN; a subclass gives `_steps`, `_most_neighbours` and `_pair_training`."""

    _method = ""
    _steps = 200
    _most_neighbours = 25

    size_prior: float
    start: str
    n_neighbors: int | None
    n_heads: int
    epochs: int | str
    batch_size: int
    learning_rate: float
    temperature: float
    scale: str

    network_: HeadNetwork  # type: ignore[assignment] # a head has no decoder

    def _check(self, features: FloatArray) -> None:
        super()._check(features)
        name = self._method
        if self.start not in STARTS:
            raise UnusableDataError(
                f"Could not start from {self.start!r}.", "Starts: " + ", ".join(STARTS) + "."
            )
        check_number(name, "size_prior", self.size_prior, 0, 1)
        check_number(name, "n_heads", self.n_heads, 1, is_whole=True)
        check_number(name, "batch_size", self.batch_size, 1, is_whole=True)
        check_number(name, "learning_rate", self.learning_rate, 0, is_above=True)
        check_number(name, "temperature", self.temperature, 0, is_above=True)
        if self.n_neighbors is not None:
            check_number(name, "n_neighbors", self.n_neighbors, 1, is_whole=True)

    def _run(self, features: FloatArray, device: str, progress: Progress, notes: list[str]) -> None:
        random = check_random_state(self.random_state)
        self.scaling_ = learn_scaling(features, self.scale)
        scaled = self.scaling_.apply(features)
        seed = int(random.randint(2**31 - 1))
        rows = torch.from_numpy(scaled).to(device)
        axes = None
        if rows.shape[1] > AXES:
            step = -(-len(rows) // LEARN_FROM)
            axes = leading_axes(rows[::step].contiguous(), AXES, seed=seed)
        narrow = rows if axes is None else rows @ axes
        compared = scaled if len(rows) <= LEARN_FROM else narrow.cpu().numpy()
        near = self._near(compared, device, progress)
        self.start_labels_ = self._first(compared, near, seed, progress)
        count = self._neighbour_number(len(rows))
        pairs = Pairs(
            narrow,
            torch.from_numpy(near.indices[:, :count].astype(np.int64)).to(device),
            torch.from_numpy(
                expected_sizes(self.start_labels_, self.n_clusters, self.size_prior)
            ).to(device),
            generator_for(seed),
        )
        training = self._trained(pairs, progress, seed, notes)
        self.network_, centres = training.heads.chosen(training.head, axes, training.weights)
        code = encode(self.network_.encoder, rows)
        self._keep(code, centres, training)
        self.history_ = progress.history
        self.note_ = " ".join(notes)

    def _neighbour_number(self, n_images: int) -> int:
        if self.n_neighbors is not None:
            return max(1, min(self.n_neighbors, n_images - 1))
        wanted = round(n_images / self.n_clusters * self._most_neighbours / FULL_CLUSTER)
        return max(1, min(max(wanted, LEAST_NEIGHBOURS), self._most_neighbours, n_images - 1))

    def _near(self, scaled: FloatArray, device: str, progress: Progress) -> Neighbours:
        """Neighbours for the pairs and for the layout, found once."""
        if len(scaled) < 2:
            return Neighbours(np.zeros((1, 1), np.int32), np.zeros((1, 1), np.float32))
        count = max(self._neighbour_number(len(scaled)), neighbour_count(len(scaled)))
        told = progress.part(START, "neighbours")
        return nearest_neighbours(scaled, count, device=device, callback=told)

    def _first(
        self, scaled: FloatArray, near: Neighbours, seed: int, progress: Progress
    ) -> LabelArray:
        """The default clustering, or the labels that were given."""
        if self.initial_labels is not None:
            labels = given_labels(self.initial_labels, len(scaled), self.n_clusters)
            if (labels >= 0).all():
                return labels
            placed = labels >= 0
            centres = cluster_means(scaled[placed], labels[placed], self.n_clusters)
            nearest = nearest_two(scaled, centres)[0]
            return np.where(placed, labels, nearest).astype(np.int32)
        space = scaled
        if len(scaled) >= max(LEAST_LAYOUT, 3 * self.n_clusters):
            graph = fuzzy_graph(near.first(neighbour_count(len(scaled))))
            told = progress.part(START, "layout")
            space = graph_layout(graph, scaled, LAYOUT_DIMS, min_dist=0.0, seed=seed, callback=told)
        distinct = min(self.n_clusters, len(np.unique(space, axis=0)))
        model = KMeans(distinct, n_init=RESTARTS, random_state=seed)
        return model.fit(space, callback=progress.part(START, "clusters")).labels_

    def _trained(
        self, pairs: Pairs, progress: Progress, seed: int, notes: list[str]
    ) -> PairTraining:
        """Fitted to the start if wished, then trained on pairs."""
        epochs = checked_epochs(
            self.epochs, epochs_for(self._steps, len(pairs.rows), self.batch_size)
        )
        rate = self.learning_rate
        schedule = Schedule(epochs, self.batch_size, rate, 0.05 * rate)
        heads = ManyHeads(
            (pairs.rows.shape[1], *WIDTHS),
            self.n_clusters,
            self.n_heads,
            self.temperature,
            generator_for(seed + 1),
            pairs.rows.device,
        )
        training = self._pair_training(heads, pairs, schedule)
        training.progress, training.start, training.method = (
            progress,
            self.start_labels_,
            self._method,
        )
        if self.n_clusters == 1:
            return training
        if self.start == "n2d":
            training.follow(seed)
        if not progress.is_stopped:
            training.run(seed)
        if training.is_collapsed:
            notes.append(
                "The training collapsed, so the clusters are those it started from; "
                "the frozen features may serve better."
            )
        elif progress.is_stopped:
            notes.append("Stopped early.")
        elif not training.is_whole:
            notes.append("Some clusters lost all their images.")
        if training.is_collapsed or training.n_iter == 0:
            # the labels will be the start's; to know its clusters takes a second
            training.progress = Progress(tick=progress.tick)
            training.follow(seed)
        return training

    def _pair_training(self, heads: ManyHeads, pairs: Pairs, schedule: Schedule) -> PairTraining:
        raise NotImplementedError

    def _soft(self, code: Tensor, centres: Tensor) -> Tensor:
        with torch.no_grad():
            return functional.softmax(code @ centres.T / self.temperature, 1)

    def _keep(self, code: Tensor, centres: Tensor, training: PairTraining) -> None:
        """What is known after the fit."""
        soft = self._soft(code, centres)
        self.embedding_ = code.cpu().numpy()
        self.soft_assignments_ = soft.float().cpu().numpy()
        self.cluster_centers_ = centres.cpu().numpy()
        self.labels_ = self.soft_assignments_.argmax(1).astype(np.int32)
        if training.is_collapsed or training.n_iter == 0:
            self.labels_ = self.start_labels_.copy()
        self.network_ = self.network_.to("cpu")
        self.collapsed_ = training.is_collapsed
        self.n_iter_ = training.n_iter
        self._n_features_out = self.embedding_.shape[1]
