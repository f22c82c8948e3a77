"""VaDE: a variational autoencoder whose codes are drawn from a mixture, a Gaussian a cluster.

    p(c) = pi_c,   p(z | c) = N(mu_c, s2_c I),   p(x | z) Bernoulli for pixels, Gaussian else
    ELBO = E log p(x | z) - KL(q(z, c | x) || p(z, c)),   gamma_c = q(c | x) = p(c | z)

Training: deterministic pretraining (`Autoencoder`), a mixture of its codes, then the negative ELBO
by Adam, the divergence's weight rising over the first fifth of the steps. Half the steps hold the
images in the clusters they start from (ours: the code takes their shape first). The labels are
those of gamma at the mean code, or of a mixture with full covariances fitted to the mean codes from
there, whichever explains the codes better by Schwarz's criterion; no labels are looked at.

What is known of memberships enters as a prior: log gamma_ic += log alpha_ic. Alpha of 1 - epsilon
for one cluster holds an image there; without any, the prior is the mixture's own.

Source:
    Jiang, Zheng, Tan, Tang, Zhou, "Variational deep embedding: an unsupervised and generative
    approach to clustering", IJCAI 2017.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dclust_gui.algorithms.base import FloatArray, LabelArray, UnusableDataError
from dclust_gui.algorithms.deep.base import DeepClusterer
from dclust_gui.algorithms.deep.gaussians import (
    GaussianDensity,
    density_of_labels,
    information_gain,
    refitted,
)
from dclust_gui.algorithms.deep.networks import encode
from dclust_gui.algorithms.deep.parameters import check_number
from dclust_gui.algorithms.deep.progress import START, Progress
from dclust_gui.algorithms.deep.session import Session, Trained
from dclust_gui.algorithms.deep.soft import log_membership_prior
from dclust_gui.algorithms.deep.starts import STARTS
from dclust_gui.algorithms.deep.training import Schedule, checked_epochs, epochs_for
from dclust_gui.algorithms.deep.variational import Settings, VariationalTraining, output_logits
from dclust_gui.algorithms.mixture import GaussianMixture

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from dclust_gui.algorithms.deep.pretraining import Autoencoder

LIKELIHOODS = ("auto", "bernoulli", "gaussian")
LABELS_FROM = ("auto", "mixture", "refit")
STEPS = 6000
TRIAL_SHARE = 0.1
"""Length of a restart's trial, as a share of the training."""
START_ROWS = 20_000
"""Most codes from which the first mixture is learnt."""
START_RUNS = 5


class VaDE(DeepClusterer):
    """Variational deep embedding.

    Args:
        n_clusters: Number of clusters.
        autoencoder: Pretrained (used as a copy) or only its settings; None chooses.
        start: "n2d" (k-means on a UMAP layout), "gmm" (a mixture of the codes, as published) or
            "kmeans" (on the code).
        initial_labels: (n_images,) labels to start from in place of `start`; -1 leaves open.
        membership_prior: (n_clusters,) or (n_images, n_clusters) probabilities known beforehand.
        likelihood: "bernoulli" for pixels, "gaussian" for features; "auto" looks at the data.
        reconstruction_weight: alpha of the squared error, with "gaussian".
        labels_from: "mixture" (gamma), "refit", or "auto" for what explains the codes better.
        restarts: So many short trials from different starts; the one with the best ELBO goes on.
        epochs: Passes over the images; "auto" makes about 6,000 steps, at most 200 epochs.
        warm_up: Share of the steps in which the divergence's weight rises to 1.
        start_share: Share of the steps in which images are held in the clusters they start from,
            so that the code takes their shape; 0 as published.
        batch_size: Images of a step.
        learning_rate: Adam's first rate; twice that for the mixture. It falls to a hundredth.
        scale: As of `Autoencoder`; "auto" leaves it to the autoencoder.
        precision: "auto", "float32" or "bfloat16".
        random_state: Seed; the same seed, device and thread count, the same labels.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Attributes:
        cluster_centers_: float32 (n_clusters, dz), means of the mixture that gives the labels.
        mixture_labels_: int32 (n_images,), by gamma.
        refit_labels_: int32 (n_images,), by the refitted mixture; as before where there is none.
        information_gain_: What the refit gains in log-likelihood, less the price of its further
            parameters; above 0 its labels are taken.
        mixture_: The density that gives the labels.

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
        membership_prior: ArrayLike | None = None,
        likelihood: str = "auto",
        reconstruction_weight: float = 1.0,
        labels_from: str = "auto",
        restarts: int = 1,
        epochs: int | str = "auto",
        warm_up: float = 0.2,
        start_share: float = 0.5,
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
        self.likelihood = likelihood
        self.reconstruction_weight = reconstruction_weight
        self.labels_from = labels_from
        self.restarts = restarts
        self.epochs = epochs
        self.warm_up = warm_up
        self.start_share = start_share
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.scale = scale
        self.precision = precision
        self.random_state = random_state
        self.device = device

    mixture_: GaussianDensity
    mixture_labels_: LabelArray
    refit_labels_: LabelArray
    information_gain_: float
    _log_prior: NDArray[np.float32] | None

    def _check(self, features: FloatArray) -> None:
        super()._check(features)
        for name, known in (
            ("start", (*STARTS, "gmm")),
            ("likelihood", LIKELIHOODS),
            ("labels_from", LABELS_FROM),
        ):
            if getattr(self, name) not in known:
                raise UnusableDataError(
                    "Could not train VaDE.",
                    f"{name}={getattr(self, name)!r} cannot be used.",
                    f"Choose one of: {', '.join(known)}.",
                )
        weight = self.reconstruction_weight
        check_number("VaDE", "reconstruction_weight", weight, 0, is_above=True)
        check_number("VaDE", "restarts", self.restarts, 1, is_whole=True)
        check_number("VaDE", "warm_up", self.warm_up, 0, 1)
        check_number("VaDE", "start_share", self.start_share, 0, 1)
        check_number("VaDE", "batch_size", self.batch_size, 1, is_whole=True)
        check_number("VaDE", "learning_rate", self.learning_rate, 0, is_above=True)
        self._log_prior = log_membership_prior(
            self.membership_prior, len(features), self.n_clusters
        )

    def _session(
        self,
        features: FloatArray,
        device: str,
        progress: Progress,
        random: np.random.RandomState,
        notes: list[str],
    ) -> Session:
        session = super()._session(features, device, progress, random, notes)
        code = encode(session.network.encoder, session.rows)
        spread = float(code.std(correction=0))
        factor = 1.0 / spread if spread > 1e-6 else 1.0
        session.network.scale_code(factor)
        session.centres = session.centres * factor
        self._forget(session)
        return session

    def _forget(self, session: Session) -> None:
        """The mixture and labels of the start."""
        values = self._code(session).cpu().numpy()
        self.mixture_ = density_of_labels(values, session.start_labels, self.n_clusters)
        self.mixture_labels_ = self.refit_labels_ = session.start_labels
        self.information_gain_ = 0.0

    @staticmethod
    def _code(session: Session) -> Tensor:
        """Mean codes of all images."""
        return encode(session.network.encoder, session.rows)

    def _start(
        self, code: Tensor, rows: Tensor, progress: Progress, random: np.random.RandomState
    ) -> LabelArray:
        if self.start != "gmm" or self.initial_labels is not None:
            return super()._start(code, rows, progress, random)
        seed = int(random.randint(2**31 - 1))
        values = code.cpu().numpy()
        learnt = values
        if len(values) > START_ROWS:
            chosen = np.random.default_rng(seed).choice(len(values), START_ROWS, replace=False)
            learnt = values[np.sort(chosen)]
        distinct = len(np.unique(learnt, axis=0))
        model = GaussianMixture(
            min(self.n_clusters, distinct), n_init=START_RUNS, random_state=seed
        )
        model.fit(learnt, callback=progress.part(START, "mixture"))
        return model.labels_ if learnt is values else model.predict(values)

    def _train(self, session: Session) -> Trained:
        settings = self._settings(session)
        if settings.is_bernoulli:
            output_logits(session.network, float(session.rows.max().clamp(min=1e-6)))
        known = self._known(session.device)
        self._choose_start(session, settings, known)
        training = VariationalTraining(session, settings, self.mixture_, known)
        steps = training.run()
        if training.is_collapsed:
            self._forget(session)
            return Trained(session.start_labels, session.centres, is_collapsed=True, n_iter=steps)
        if training.n_revived:
            session.notes.append(f"Revived {training.n_revived} empty clusters.")
        self._label(session, training.prior.density())
        if not training.is_sound(self._labels_by(self.mixture_, self._code(session))):
            training.give_up()
            self._forget(session)
            return Trained(session.start_labels, session.centres, is_collapsed=True, n_iter=steps)
        centres = torch.from_numpy(self.mixture_.means.astype(np.float32))
        return Trained(None, centres, n_iter=steps)

    def _settings(self, session: Session) -> Settings:
        epochs = checked_epochs(self.epochs, epochs_for(STEPS, len(session.rows), self.batch_size))
        is_bernoulli = self.likelihood == "bernoulli"
        if self.likelihood == "auto":
            is_bernoulli = self.scaling_.is_pixels
        elif is_bernoulli and float(session.rows.min()) < 0:
            raise UnusableDataError(
                "Could not train VaDE on these features.",
                "likelihood='bernoulli' needs values from 0 upwards, as pixels are.",
                "Leave likelihood at 'auto'.",
            )
        return Settings(
            Schedule(epochs, self.batch_size, self.learning_rate, 0.01 * self.learning_rate),
            is_bernoulli,
            1.0 if is_bernoulli else self.reconstruction_weight,
            self.warm_up,
            self.start_share,
            self.precision,
        )

    def _choose_start(self, session: Session, settings: Settings, known: Tensor | None) -> None:
        """With restarts, try several starts shortly and keep the one with the best ELBO."""
        if self.restarts < 2:
            return
        pretrained = {k: v.clone() for k, v in session.network.state_dict().items()}
        plan = settings.schedule
        epochs = max(1, round(TRIAL_SHARE * plan.epochs))
        short = replace(settings, schedule=replace(plan, epochs=epochs))
        best = (np.inf, session.start_labels, self.mixture_)
        for trial in range(self.restarts):
            if session.progress.is_stopped:
                break
            if trial:
                self._restart(session)
            training = VariationalTraining(session, short, self.mixture_, known)
            training.run(f"trial {trial + 1} of {self.restarts}")
            best = min(
                best, (training.loss, session.start_labels, self.mixture_), key=lambda b: b[0]
            )
            session.network.load_state_dict(pretrained)
        session.start_labels, self.mixture_ = best[1], best[2]
        self.start_labels_ = session.start_labels

    def _restart(self, session: Session) -> None:
        """Another start of the same kind."""
        code = encode(session.network.encoder, session.rows)
        labels = self._start(code, session.rows, session.progress, session.random)
        if (labels < 0).any():
            labels = session.start_labels
        session.start_labels = labels
        self.mixture_ = density_of_labels(code.cpu().numpy(), labels, self.n_clusters)

    def _label(self, session: Session, own: GaussianDensity) -> None:
        """Choose between gamma and a refitted mixture."""
        code = self._code(session)
        self.mixture_labels_ = self._labels_by(own, code)
        self.refit_labels_, self.mixture_ = self.mixture_labels_, own
        if self.labels_from == "mixture":
            return
        rich = refitted(code.cpu().numpy(), own, seed=session.seed(), tick=session.progress.tick)
        if rich is None:
            return
        self.refit_labels_ = self._labels_by(rich, code)
        self.information_gain_ = information_gain(code, own, rich)
        if self.labels_from == "refit" or self.information_gain_ > 0:
            self.mixture_ = rich

    def _labels_by(self, density: GaussianDensity, code: Tensor) -> LabelArray:
        """Labels by a density and what is known of single images."""
        soft = self._prior_soft(density.log_joint(code).softmax(1))
        labels: LabelArray = soft.argmax(1).cpu().numpy().astype(np.int32)
        return labels

    def _known(self, device: torch.device) -> Tensor | None:
        """The prior on memberships, on the device."""
        return None if self._log_prior is None else torch.from_numpy(self._log_prior).to(device)

    def _soft(self, code: Tensor, centres: Tensor) -> Tensor:
        del centres
        return self.mixture_.log_joint(code).softmax(1)

    def _prior_soft(self, soft: Tensor) -> Tensor:
        if self._log_prior is None or self._log_prior.ndim == 1:
            return soft
        known = torch.from_numpy(self._log_prior).to(soft.device)
        return (soft.clamp(min=1e-30).log() + known).softmax(1)
