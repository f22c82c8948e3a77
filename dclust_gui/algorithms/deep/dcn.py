"""Deep clustering network: k-means and the autoencoder take turns on the code.

    L = L_rec + (lambda / 2) mean_i |f(x_i) - m_{s(i)}|^2                        (eq. 4 and 6)
    s(i) = argmin_c |f(x_i) - m_c|                                                (eq. 8)
    m_c <- m_c - (1 / c_c) (m_c - f(x_i)) for i in turn, c_c <- c_c + 1           (eq. 9)

Each step of the network holds s and m; then the batch's images are assigned anew and the centres
moved. One image at a time, eq. 9 is a running mean, so a whole batch with Delta_c new images in
cluster c is m_c <- (c_c m_c + sum z) / (c_c + Delta_c) at once: no loop, no wait for a GPU. The
counts start at 100, so that the first batches do not overthrow the start's centres. The code of
the step itself is used for both (the authors encode the batch a second time), a sixth of the cost.

Defaults and why: L_rec is the mean squared error of features of unit variance, and the code is
scaled to unit variance once, so that lambda means the same on any data; lambda = 0.1 as in the
paper's sweep. All images are assigned anew once an epoch, and a centre without images moves to the
image furthest from its own centre. Without L_rec the code would shrink to a point; with it a large
lambda may, too: that is noticed, said, and the start put back. The clusters of N2D are not round
in the code; for the first quarter of the steps the images therefore stay in them, with lambda = 1.

The running means lag behind the code; started from k-means, DCN therefore ends with k-means on the
final code (20 restarts) and keeps whichever centres have the lower inertia.

Source:
    Yang, Fu, Sidiropoulos, Hong, "Towards k-means-friendly spaces: simultaneous deep learning and
    clustering", ICML 2017, https://arxiv.org/abs/1610.04794
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dclust_gui.algorithms.base import FloatArray, UnusableDataError, check_distinct
from dclust_gui.algorithms.deep.base import DeepClusterer, Session, Trained
from dclust_gui.algorithms.deep.networks import encode
from dclust_gui.algorithms.deep.pretraining import Autoencoder
from dclust_gui.algorithms.deep.progress import CLUSTERING, TrainingStep
from dclust_gui.algorithms.deep.selftraining import LEAST_INTERVAL
from dclust_gui.algorithms.deep.soft import squared_distances
from dclust_gui.algorithms.deep.starts import RESTARTS, check_start
from dclust_gui.algorithms.deep.training import (
    TOTAL,
    Best,
    Health,
    Losses,
    Phase,
    Schedule,
    checked_epochs,
    epochs_for,
    precision_context,
    train,
)
from dclust_gui.algorithms.partition import KMeans

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

STEPS = 2000
START_SHARE = 0.25
START_WEIGHT = 1.0
"""lambda while the images stay in the clusters of the start."""
FIRST_COUNT = 100.0
"""Images that each of the start's centres counts as."""


class DCN(DeepClusterer):
    """Deep clustering network.

    Args:
        n_clusters: Number of clusters.
        autoencoder: Pretrained (used as a copy) or only its settings; None chooses.
        start: "n2d" (k-means on a UMAP layout) or "kmeans" (on the code).
        initial_labels: (n_images,) labels to start from in place of `start`; -1 leaves open.
        start_share: Share of the steps in which the images stay in their start's clusters, pulled
            by lambda = 1; "auto" means a quarter, or none with start="kmeans".
        weight: lambda of the distance to the own centre; 0 trains the autoencoder alone.
        epochs: Passes over the images; "auto" makes about 2,000 steps, at most 200 epochs.
        tol: The training ends when a smaller share of the labels changes within an epoch.
        batch_size: Images of a step.
        learning_rate: Adam's first rate; it falls to a tenth.
        scale: As of `Autoencoder`; "auto" leaves it to the autoencoder.
        precision: "auto", "float32" or "bfloat16".
        random_state: Seed; the same seed, device and thread count, the same labels.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Attributes:
        soft_assignments_: float32 (n_images, n_clusters), of equal round Gaussians at the centres
            with the variance found within the clusters.

    Source:
        See the module.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        autoencoder: Autoencoder | None = None,
        start: str = "n2d",
        initial_labels: ArrayLike | None = None,
        start_share: float | str = "auto",
        weight: float = 0.1,
        epochs: int | str = "auto",
        tol: float = 1e-3,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        scale: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.autoencoder = autoencoder
        self.start = start
        self.initial_labels = initial_labels
        self.start_share = start_share
        self.weight = weight
        self.epochs = epochs
        self.tol = tol
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.scale = scale
        self.precision = precision
        self.random_state = random_state
        self.device = device

    variance_: float

    def _check(self, features: FloatArray) -> None:
        check_start(self.start)
        for name, fits in (
            ("start_share", self.start_share == "auto" or 0 <= float(self.start_share) <= 1),
            ("weight", self.weight >= 0),
            ("batch_size", self.batch_size >= 1),
            ("learning_rate", self.learning_rate > 0),
        ):
            if not fits:
                raise UnusableDataError("Could not train DCN.", f"{name}={getattr(self, name)!r}.")
        check_distinct(features, self.n_clusters)

    def _train(self, session: Session) -> Trained:
        n_images, rate = len(session.rows), self.learning_rate
        epochs = checked_epochs(self.epochs, epochs_for(STEPS, n_images, self.batch_size))
        interval = max(LEAST_INTERVAL, -(-n_images // self.batch_size))
        schedule = Schedule(epochs, self.batch_size, rate, 0.1 * rate, interval)
        share = self.start_share
        is_round = self.start == "kmeans" and self.initial_labels is None
        if share == "auto":
            share = START_SHARE if self.weight and not is_round else 0.0
        first = int(float(share) * schedule.steps(n_images))
        training = _Alternation(session, schedule, self.weight, self.tol, self.precision, first)
        trained = training.run()
        if (
            is_round
            and self.weight
            and not trained.is_collapsed
            and not session.progress.is_stopped
        ):
            return self._refitted(session, trained)
        return trained

    def _refitted(self, session: Session, trained: Trained) -> Trained:
        """k-means with fresh restarts on the final code, where its inertia is lower."""
        code = encode(session.network.encoder, session.rows)
        inertia = float(squared_distances(code, trained.centres).amin(1).sum())
        model = KMeans(session.n_clusters, n_init=RESTARTS, random_state=session.seed())
        model.fit(code.cpu().numpy(), callback=session.progress.part(CLUSTERING, "k-means"))
        if model.inertia_ >= inertia:
            return trained
        centres = torch.from_numpy(model.cluster_centers_.astype(np.float32)).to(code.device)
        return Trained(None, centres, n_iter=trained.n_iter)

    def _finish(self, session: Session, trained: Trained) -> None:
        code = encode(session.network.encoder, session.rows)
        nearest = squared_distances(code, trained.centres).amin(1).mean()
        self.variance_ = max(float(nearest) / code.shape[1], 1e-12)
        super()._finish(session, trained)

    def _soft(self, code: Tensor, centres: Tensor) -> Tensor:
        with torch.no_grad():
            return functional.softmax(squared_distances(code, centres) / (-2 * self.variance_), 1)


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


class _Alternation:
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
