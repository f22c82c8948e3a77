"""Deep embedded clustering: the encoder and the centres are moved towards surer assignments.

    q_ij  Student's t similarity of code z_i to centre mu_j, rows normalised       (eq. 1)
    p_ij  q_ij^2 / f_j^rho, rows normalised, f_j = sum_i q_ij over ALL images      (eq. 3)
    L     KL(P || Q), P held constant between updates                              (eq. 2)
    dL/dz_i = (alpha + 1)/alpha sum_j (p_ij - q_ij) (z_i - mu_j) / (1 + d_ij^2/alpha)    (eq. 4)

Defaults and why:
* alpha = 1 as published; rho = 1 as published, 0.5 for collections with uneven clusters: the
  division by f_j pushes towards equal sizes.
* The target is computed from all images every max(30, an epoch's) steps, never from a batch: a
  batch's own target sharpens its noise.
* Start: k-means on the code as published, or the clusters of N2D ("n2d", the default): on 10,000
  digits DEC then ends at an accuracy of .95 in place of .65 to .76. The clusters of N2D are not
  round in the code and DEC would lose half of the gain (.86); for the first quarter of the steps
  they are therefore the target.
* The code is scaled once so that the median squared distance to the nearest centre is 2: far above,
  assignments learn nothing; far below, all are equal.
* Adam with 1e-3 falling along a cosine; the training ends when fewer than 0.1 % of the labels
  change between two targets.

On frozen features of a backbone there is little to learn from their own clusters: compare with the
start before keeping the result (`tests/benchmarks/RESULTS.md`).

Source:
    Xie, Girshick, Farhadi, "Unsupervised deep embedding for clustering analysis", ICML 2016,
    https://arxiv.org/abs/1511.06335
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from dclust_gui.algorithms.base import FloatArray, check_distinct
from dclust_gui.algorithms.deep.base import DeepClusterer
from dclust_gui.algorithms.deep.parameters import check_number
from dclust_gui.algorithms.deep.pretraining import Autoencoder
from dclust_gui.algorithms.deep.selftraining import (
    LEAST_INTERVAL,
    SelfTraining,
    Settings,
    prior_tensor,
)
from dclust_gui.algorithms.deep.session import Session, Trained
from dclust_gui.algorithms.deep.soft import log_membership_prior, log_soft_assignment
from dclust_gui.algorithms.deep.starts import check_start
from dclust_gui.algorithms.deep.training import Schedule, checked_epochs, epochs_for

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

STEPS = 2000
START_SHARE = 0.25


class DEC(DeepClusterer):
    """Deep embedded clustering.

    Args:
        n_clusters: Number of clusters.
        autoencoder: Pretrained (used as a copy) or only its settings; None chooses.
        start: "n2d" (k-means on a UMAP layout) or "kmeans" (on the code).
        initial_labels: (n_images,) labels to start from in place of `start`; -1 leaves open.
        membership_prior: (n_clusters,) or (n_images, n_clusters) probabilities known beforehand.
        alpha: Degrees of freedom of Student's t.
        exponent: rho, how strongly the target evens out cluster sizes, 0 to 1.
        start_share: Share of the steps in which the start's labels are the target; "auto" means a
            quarter, or none with start="kmeans".
        epochs: Passes over the images; "auto" makes about 2,000 steps, at most 200 epochs.
        update_interval: Steps between two targets; "auto" means an epoch's, at least 30.
        tol: The training ends when a smaller share of the labels changes between two targets;
            0 or less for never.
        batch_size: Images of a step.
        learning_rate: Adam's first rate; it falls to a hundredth.
        scale: As of `Autoencoder`; "auto" leaves it to the autoencoder.
        precision: "auto", "float32" or "bfloat16".
        random_state: Seed; the same seed, device and thread count, the same labels.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Source:
        See the module.
    """

    _method = "DEC"

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        autoencoder: Autoencoder | None = None,
        start: str = "n2d",
        initial_labels: ArrayLike | None = None,
        membership_prior: ArrayLike | None = None,
        alpha: float = 1.0,
        exponent: float = 1.0,
        start_share: float | str = "auto",
        epochs: int | str = "auto",
        update_interval: int | str = "auto",
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
        self.membership_prior = membership_prior
        self.alpha = alpha
        self.exponent = exponent
        self.start_share = start_share
        self.epochs = epochs
        self.update_interval = update_interval
        self.tol = tol
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.scale = scale
        self.precision = precision
        self.random_state = random_state
        self.device = device

    _log_prior: NDArray[np.float32] | None

    def _check(self, features: FloatArray) -> None:
        check_start(self.start)
        name = self._method
        check_number(name, "alpha", self.alpha, 0, is_above=True)
        check_number(name, "exponent", self.exponent, 0, 1)
        check_number(name, "batch_size", self.batch_size, 1, is_whole=True)
        check_number(name, "learning_rate", self.learning_rate, 0, is_above=True)
        check_number(name, "start_share", self.start_share, 0, 1, may_be_auto=True)
        interval = self.update_interval
        check_number(name, "update_interval", interval, 1, is_whole=True, may_be_auto=True)
        check_distinct(features, self.n_clusters)
        self._log_prior = log_membership_prior(
            self.membership_prior, len(features), self.n_clusters
        )

    def _weight(self) -> float | None:
        """The weight of the divergence beside the reconstruction; None without the latter."""
        return None

    def _settings(self, n_images: int) -> Settings:
        epochs = checked_epochs(self.epochs, epochs_for(STEPS, n_images, self.batch_size))
        of_epoch = max(LEAST_INTERVAL, -(-n_images // self.batch_size))
        interval = of_epoch if self.update_interval == "auto" else int(self.update_interval)
        rate = self.learning_rate
        schedule = Schedule(epochs, self.batch_size, rate, 0.01 * rate, interval)
        share = self.start_share
        if share == "auto":
            is_round = self.start == "kmeans" and self.initial_labels is None
            share = 0.0 if is_round else START_SHARE
        return Settings(
            self._method,
            schedule,
            self.alpha,
            self.exponent,
            self._weight(),
            int(float(share) * schedule.steps(n_images)),
            self.tol,
            self.precision,
        )

    def _train(self, session: Session) -> Trained:
        prior = prior_tensor(self._log_prior, session.device)
        return SelfTraining(session, self._settings(len(session.rows)), prior).run()

    def _soft(self, code: Tensor, centres: Tensor) -> Tensor:
        with torch.no_grad():
            log_q = log_soft_assignment(code, centres, self.alpha)
            if self._log_prior is not None and self._log_prior.ndim == 1:
                log_q = log_q + torch.from_numpy(self._log_prior).to(code.device)
            return functional.softmax(log_q, 1)

    def _prior_soft(self, soft: Tensor) -> Tensor:
        if self._log_prior is None or self._log_prior.ndim == 1:
            return soft
        known = torch.from_numpy(self._log_prior).to(soft.device)
        return functional.softmax(soft.log() + known, 1)
