"""Any clustering of an autoencoder's code, with an optional reward for separate centres.

    L = L_rec + lambda R,   R = mean over pairs a < b of softplus(m - |mu_a - mu_b|)

mu_a is the mean code of the batch's images in cluster a of the last k-means of all codes, m the
median distance of the centres after pretraining, so that R asks for more room where centres are
near and saturates where they are far. lambda = 0 (the default) is a plain autoencoder; 0.1 is a
mild pull. The clusters are then found by any of the methods below on the code.

k-means is the default: it is quick and always gives the wanted number of clusters. A code is only
fixed up to a linear map, which k-means feels and a mixture with full covariances ("gmm") does not.
HDBSCAN and MeanShift find their own number.

Source:
    Song et al., "Auto-encoder based data clustering", CIARP 2013; the regulariser is a bounded,
    differentiable form of theirs, between centres in place of within clusters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dclust_gui.algorithms.base import (
    FloatArray,
    LabelArray,
    UnusableDataError,
    check_distinct,
)
from dclust_gui.algorithms.deep.base import DeepClusterer
from dclust_gui.algorithms.deep.health import Health
from dclust_gui.algorithms.deep.networks import encode
from dclust_gui.algorithms.deep.parameters import check_number
from dclust_gui.algorithms.deep.precision import precision_context
from dclust_gui.algorithms.deep.pretraining import Autoencoder
from dclust_gui.algorithms.deep.progress import CLUSTERING, START, Progress, TrainingStep
from dclust_gui.algorithms.deep.session import Session, Trained
from dclust_gui.algorithms.deep.starts import given_labels
from dclust_gui.algorithms.deep.training import (
    TOTAL,
    Losses,
    Phase,
    Schedule,
    checked_epochs,
    train,
)
from dclust_gui.algorithms.registry import build, method

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

__all__ = ["Autoencoder", "AutoencoderClustering", "separation"]

METHODS = ("kmeans", "gmm", "ward", "hdbscan", "meanshift", "dbscan", "spectral")
SEPARATION_EPOCHS = 20


class AutoencoderClustering(DeepClusterer):
    """Clusters the code of an autoencoder.

    Args:
        n_clusters: Number of clusters; HDBSCAN, DBSCAN and MeanShift find their own.
        method: kmeans, gmm, ward, hdbscan, meanshift, dbscan or spectral.
        autoencoder: Pretrained (used as a copy) or only its settings; None chooses.
        initial_labels: (n_images,) labels to take in place of clustering the code; an image with
            -1 stays Unassigned.
        separation: lambda of the reward for separate centres; 0 for none.
        epochs: Epochs of training with that reward; "auto" means 20.
        batch_size: Images of a step of it.
        learning_rate: Adam's first rate in it.
        scale: As of `Autoencoder`; "auto" leaves it to the autoencoder.
        precision: "auto", "float32" or "bfloat16".
        random_state: Seed.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Attributes:
        labels_: int32 (n_images,); -1 for Unassigned where the method leaves some.
        cluster_centers_: float32 (k, dz), means of the clusters' codes.

    Source:
        See the module.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        method: str = "kmeans",
        autoencoder: Autoencoder | None = None,
        initial_labels: ArrayLike | None = None,
        separation: float = 0.0,
        epochs: int | str = "auto",
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        scale: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.method = method
        self.autoencoder = autoencoder
        self.initial_labels = initial_labels
        self.separation = separation
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.scale = scale
        self.precision = precision
        self.random_state = random_state
        self.device = device

    _keeps_noise = True

    def _check(self, features: FloatArray) -> None:
        if self.method not in METHODS:
            raise UnusableDataError(
                f"Could not cluster with {self.method!r}.", "Methods: " + ", ".join(METHODS) + "."
            )
        check_number("the autoencoder", "separation", self.separation, 0)
        check_number("the autoencoder", "batch_size", self.batch_size, 1, is_whole=True)
        check_number("the autoencoder", "learning_rate", self.learning_rate, 0, is_above=True)
        if self.method in ("kmeans", "gmm", "ward", "spectral"):
            check_distinct(features, self.n_clusters)

    def _start(
        self, code: Tensor, rows: Tensor, progress: Progress, random: np.random.RandomState
    ) -> LabelArray:
        del rows
        if self.initial_labels is not None:
            return given_labels(self.initial_labels, len(code), self.n_clusters)
        return self._clustered(code.cpu().numpy(), int(random.randint(2**31 - 1)), progress)

    def _clustered(self, code: FloatArray, seed: int, progress: Progress) -> LabelArray:
        """Labels of the chosen method on codes."""
        name = "agglomerative" if self.method == "ward" else self.method
        model = build(
            name,
            n_clusters=min(self.n_clusters, len(np.unique(code, axis=0))),
            random_state=seed,
            linkage="ward" if self.method == "ward" else None,
        )
        progress.tick()
        labels: LabelArray = model.fit(
            code, callback=progress.part(START, method(name).title)
        ).labels_
        return labels

    def _train(self, session: Session) -> Trained:
        if not self.separation:
            return Trained(session.start_labels, session.centres)
        steps = _SeparationTraining(session, self.separation).run(
            Schedule(
                checked_epochs(self.epochs, SEPARATION_EPOCHS),
                self.batch_size,
                self.learning_rate,
                0.01 * self.learning_rate,
            ),
            self.precision,
        )
        code = encode(session.network.encoder, session.rows)
        labels = self._clustered(code.cpu().numpy(), session.seed(), session.progress)
        health = Health(session.n_clusters, session.start_labels)
        health.check(labels)
        return Trained(labels, self._means(code, labels), health.is_collapsed, steps)


def separation(code: Tensor, labels: Tensor, n_clusters: int, margin: float) -> Tensor:
    """R: mean over pairs of a batch's clusters of softplus(margin - distance of their means).

    Args:
        code: (n, dz).
        labels: int64 (n,), 0 to `n_clusters` - 1.
        n_clusters: Number of clusters.
        margin: Distance from which a pair counts little.

    Returns:
        Scalar, >= 0; 0 with fewer than two clusters in the batch.
    """
    counts = torch.bincount(labels, minlength=n_clusters)
    sums = code.new_zeros(n_clusters, code.shape[1]).index_add(0, labels, code)
    present = counts > 0
    means = sums[present] / counts[present, None]
    if len(means) < 2:
        return code.new_zeros(())
    return functional.softplus(margin - torch.pdist(means)).mean()


class _SeparationTraining:
    """Reconstruction plus separate centres, the clusters moved on by a step of k-means an epoch."""

    def __init__(self, session: Session, weight: float) -> None:
        self._session = session
        self._weight = weight
        labels = torch.from_numpy(session.start_labels.astype(np.int64)).to(session.device)
        self._labels = labels.clamp_(min=0)
        self._centres = session.centres
        distances = torch.pdist(self._centres)
        self._margin = float(distances.median()) if len(distances) else 1.0
        self._steps = 0

    def run(self, schedule: Schedule, precision: str) -> int:
        """Train; gives the steps done."""
        session, network = self._session, self._session.network
        self._steps = schedule.steps(len(session.rows))
        context = precision_context(precision, str(session.device))

        def loss(numbers: Tensor) -> Losses:
            batch = session.rows.index_select(0, numbers)
            with context:
                code, again = network(batch)
            error = nn.functional.mse_loss(again, batch)
            apart = separation(code, self._labels[numbers], len(self._centres), self._margin)
            total = error + self._weight * apart
            return {"reconstruction": error, "separation": apart, TOTAL: total}

        return train(
            loss,
            list(network.parameters()),
            len(session.rows),
            schedule,
            Phase(CLUSTERING, method="the autoencoder"),
            session.progress,
            seed=session.seed(),
            update=self._update,
        )

    def _update(self, step: int, losses: Mapping[str, float]) -> bool:
        code = encode(self._session.network.encoder, self._session.rows)
        counts = torch.bincount(self._labels, minlength=len(self._centres))
        sums = torch.zeros_like(self._centres).index_add_(0, self._labels, code)
        is_kept = (counts == 0)[:, None]
        self._centres = torch.where(is_kept, self._centres, sums / counts.clamp(min=1)[:, None])
        labels = torch.cdist(code, self._centres).argmin(1)
        change = float((labels != self._labels).double().mean())
        self._labels = labels
        shown = labels.cpu().numpy().astype(np.int32)
        now = TrainingStep(
            CLUSTERING, "", step, self._steps, losses, change, len(np.unique(shown)), shown
        )
        return self._session.progress.evaluated(now)
