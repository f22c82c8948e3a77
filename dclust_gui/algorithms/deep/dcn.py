"""Deep clustering network: k-means and the autoencoder take turns on the code.

    L = L_rec + (lambda / 2) mean_i |f(x_i) - m_{s(i)}|^2                        (eq. 4 and 6)
    s(i) = argmin_c |f(x_i) - m_c|                                                (eq. 8)
    m_c <- m_c - (1 / c_c) (m_c - f(x_i)) for i in turn, c_c <- c_c + 1           (eq. 9)

Each step of the network holds s and m; then the batch's images are assigned anew and the centres
moved. One image at a time, eq. 9 is a running mean, so a whole batch with Delta_c new images in
cluster c is m_c <- (c_c m_c + sum z) / (c_c + Delta_c) at once: no loop, no wait for a GPU. The
counts start at 100, so that the first batches do not overthrow the start's centres. The code of
the step itself is used for both (the authors encode the batch a second time).

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
from torch import Tensor
from torch.nn import functional

from dclust_gui.algorithms.base import FloatArray, check_distinct
from dclust_gui.algorithms.deep.alternation import Alternation
from dclust_gui.algorithms.deep.base import DeepClusterer
from dclust_gui.algorithms.deep.networks import encode
from dclust_gui.algorithms.deep.parameters import check_number
from dclust_gui.algorithms.deep.pretraining import Autoencoder
from dclust_gui.algorithms.deep.progress import CLUSTERING
from dclust_gui.algorithms.deep.selftraining import LEAST_INTERVAL
from dclust_gui.algorithms.deep.session import Session, Trained
from dclust_gui.algorithms.deep.soft import squared_distances
from dclust_gui.algorithms.deep.starts import RESTARTS, check_start
from dclust_gui.algorithms.deep.training import Schedule, checked_epochs, epochs_for
from dclust_gui.algorithms.partition import KMeans

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

STEPS = 2000
START_SHARE = 0.25


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
        check_number("DCN", "start_share", self.start_share, 0, 1, may_be_auto=True)
        check_number("DCN", "weight", self.weight, 0)
        check_number("DCN", "batch_size", self.batch_size, 1, is_whole=True)
        check_number("DCN", "learning_rate", self.learning_rate, 0, is_above=True)
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
        training = Alternation(session, schedule, self.weight, self.tol, self.precision, first)
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
