"""ClusterGAN: a generator that makes images of each cluster, and an encoder that reads them back.

    z = (z_n, z_c)  ->  G(z) = x  ->  E(x) = (z^_n, logits);   the cluster of x is argmax logits
    critic:               max  E D(x) - E D(G(z)) - 10 E (|grad D(x^)| - 1)^2
    generator, encoder:   min  -E D(G(z)) + 10 |z_n - z^_n|^2 + 10 CE(z_c, logits)

Adam with betas (0.5, 0.9), five steps of the critic for one of the generator, batches of 64, as
published; its rate is 2e-3, not 1e-4, which would take the published hundreds of thousands of steps
(after 800 steps on 2,000 photographs the clusters' silhouette in the layout was -0.13 with 1e-4,
0.00 with 2e-3; no labels were looked at). `loss="minimax"` puts the discriminator of the first such
networks in the critic's place, -log sigmoid as the generator's loss, and a penalty on its slope at
real images in place of the other one; one step of each then.

Ours: it works on features (64 principal components with one common scale, networks of two hidden
layers of 256); the clusters' prior pi follows what the encoder finds among the images, damped by
0.9 at each evaluation, so that sizes may differ; and as results vary much from seed to seed,
several networks are trained side by side, and the one is taken whose clusters stand out best (mean
silhouette in a UMAP layout of the features, every cluster with an image). No labels are looked at.
What comes to nothing (the generator passes over the code, clusters stay empty, the critic runs
away) is not taken; where that is so of all, the clusters are those of the start: k-means in the
same layout.

Experimental. The encoder never sees an image in training, only what the generator makes.

Source:
    Mukherjee, Asnani, Lin, Kannan, "ClusterGAN: latent space clustering in generative adversarial
    networks", AAAI 2019. Losses: see `critic`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dclust_gui.algorithms.base import FloatArray, LabelArray, UnusableDataError
from dclust_gui.algorithms.deep.adversarial import AdversarialTraining, GanSettings
from dclust_gui.algorithms.deep.base import DeepClusterer
from dclust_gui.algorithms.deep.critic import LOSSES
from dclust_gui.algorithms.deep.inputs import finite_rows
from dclust_gui.algorithms.deep.latents import draw_latents, latent_of
from dclust_gui.algorithms.deep.layouts import laid_out
from dclust_gui.algorithms.deep.networks import AutoencoderNetwork, encode
from dclust_gui.algorithms.deep.parameters import check_number
from dclust_gui.algorithms.deep.progress import START, Progress
from dclust_gui.algorithms.deep.prototypes import NONE, nearest_prototypes
from dclust_gui.algorithms.deep.scaling import learn_scaling
from dclust_gui.algorithms.deep.session import Session, Trained
from dclust_gui.algorithms.deep.soft import log_soft_assignment
from dclust_gui.algorithms.deep.stacked import ACTIVATION
from dclust_gui.algorithms.deep.starts import given_labels
from dclust_gui.algorithms.deep.training import generator_for
from dclust_gui.algorithms.lloyd import cluster_means
from dclust_gui.algorithms.reduce import PCA

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

METHOD = "ClusterGAN"
PRIORS = ("estimated", "uniform")
PASSES = 500
LEAST_STEPS, MOST_STEPS = 2_000, 10_000
EVALUATIONS = 25
DAMPING = 0.9
CRITIC_STEPS = {"wgan-gp": 5, "minimax": 1}
PENALTIES = {"wgan-gp": 10.0, "minimax": 0.5}
"""lambda of wgan-gp; gamma / 2 of minimax."""
_WHOLE = {"n_seeds": 1, "noise_size": 1, "dims": 1, "batch_size": 2, "n_prototypes": 0}
MADE = 256
"""Rows generated of a cluster to find its typical images."""
CLEARLY = 0.02
"""Silhouettes that differ by more are worth a word."""


class ClusterGAN(DeepClusterer):
    """Clustering by a generator, a critic and an encoder of the features.

    Args:
        n_clusters: Number of clusters.
        loss: "wgan-gp" or "minimax".
        n_seeds: Networks trained side by side, of which the best is taken.
        initial_labels: (n_images,) labels of the start, in place of k-means in the layout; -1
            leaves an image open. The training does not look at them: they are what it is compared
            with, and what is left if it comes to nothing.
        steps: Steps of the generator; "auto" shows the critic every image about 500 times, within
            2,000 to 10,000 steps.
        prior: "estimated" or "uniform": how often each cluster is drawn.
        noise_size: Width of z_n.
        dims: Principal components that are imitated.
        hidden: Widths of the hidden layers of all three networks.
        noise_weight: beta_n.
        code_weight: beta_c.
        penalty: Weight of the penalty on the critic's slope; "auto" is 10, or 0.5 for minimax.
        critic_steps: Critic steps for a step of the generator; "auto" is 5, or 1 for minimax.
        batch_size: Rows of a step.
        learning_rate: Adam's.
        n_prototypes: Typical images of each cluster to find.
        scale: As of `Autoencoder`.
        precision: "auto", "float32" or "bfloat16".
        random_state: Seed; the same seed, device and thread count, the same labels.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Attributes:
        embedding_: float32 (n_images, noise_size + n_clusters): z^_n, then the probabilities of
            the clusters; where the start was kept, the principal components.
        prototypes_: int32 (n_clusters, n_prototypes), rows of the images nearest to what the
            generator makes of each cluster, among its own; -1 for none.
        prototype_agreement_: Share of what it makes whose nearest image of all is in that cluster.
        prior_: float32 (n_clusters,), pi at the end.
        silhouette_: Of the clusters, in the layout; nan where not defined.
        start_silhouette_: Of the start's.
        network_: Encoder E, and generator G as its decoder.

    Source:
        See the module.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        loss: str = "wgan-gp",
        n_seeds: int = 3,
        initial_labels: ArrayLike | None = None,
        steps: int | str = "auto",
        prior: str = "estimated",
        noise_size: int = 16,
        dims: int = 64,
        hidden: tuple[int, ...] = (256, 256),
        noise_weight: float = 10.0,
        code_weight: float = 10.0,
        penalty: float | str = "auto",
        critic_steps: int | str = "auto",
        batch_size: int = 64,
        learning_rate: float = 2e-3,
        n_prototypes: int = 8,
        scale: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.loss = loss
        self.n_seeds = n_seeds
        self.initial_labels = initial_labels
        self.steps = steps
        self.prior = prior
        self.noise_size = noise_size
        self.dims = dims
        self.hidden = hidden
        self.noise_weight = noise_weight
        self.code_weight = code_weight
        self.penalty = penalty
        self.critic_steps = critic_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.n_prototypes = n_prototypes
        self.scale = scale
        self.precision = precision
        self.random_state = random_state
        self.device = device

    prototypes_: NDArray[np.int32]
    prototype_agreement_: float
    prior_: NDArray[np.float32]
    silhouette_: float
    start_silhouette_: float
    pca_: PCA
    _factor: float
    _is_start: bool

    def _check(self, features: FloatArray) -> None:
        super()._check(features)
        for name, known in (("loss", LOSSES), ("prior", PRIORS)):
            if getattr(self, name) not in known:
                raise UnusableDataError(
                    f"Could not train {METHOD}.",
                    f"{name}={getattr(self, name)!r} is unknown.",
                    f"Choose one of: {', '.join(known)}.",
                )
        for name, least in _WHOLE.items():
            check_number(METHOD, name, getattr(self, name), least, is_whole=True)
        for name, least in (("steps", 0), ("critic_steps", 1)):
            value = getattr(self, name)
            check_number(METHOD, name, value, least, is_whole=True, may_be_auto=True)
        for name in ("noise_weight", "code_weight"):
            check_number(METHOD, name, getattr(self, name), 0)
        check_number(METHOD, "penalty", self.penalty, 0, may_be_auto=True)
        check_number(METHOD, "learning_rate", self.learning_rate, 0, is_above=True)
        for width in self.hidden or (0,):
            check_number(METHOD, "hidden", width, 1, is_whole=True)

    def _session(
        self,
        features: FloatArray,
        device: str,
        progress: Progress,
        random: np.random.RandomState,
        notes: list[str],
    ) -> Session:
        rows = self._learnt_rows(features, progress)
        self._layout = laid_out(rows, self.n_clusters, int(random.randint(2**31 - 1)), progress)
        labels = self._start_labels(rows)
        self.start_silhouette_ = self.silhouette_ = self._layout.silhouette(labels)
        self.prior_ = np.full(self.n_clusters, 1.0 / self.n_clusters, np.float32)
        self.prototypes_ = np.full((self.n_clusters, self.n_prototypes), NONE, np.int32)
        self.prototype_agreement_ = math.nan
        self._is_start = True
        widths = (rows.shape[1], *self.hidden, self.noise_size + self.n_clusters)
        network = AutoencoderNetwork(widths, ACTIVATION, generator_for(0)).to(device)
        placed = torch.from_numpy(rows).to(device)
        centres = self._means(placed, labels)
        return Session(placed, network, self.n_clusters, progress, random, labels, centres, notes)

    def _learnt_rows(self, features: FloatArray, progress: Progress) -> NDArray[np.float32]:
        """Learn how rows are made of features; those of the images."""
        self.scaling_ = learn_scaling(features, self.scale)
        scaled = self.scaling_.apply(features)
        self.pca_ = PCA(self.dims).fit(scaled, callback=progress.part(START, "components"))
        self._factor = 1.0
        spread = float(self._rows(scaled).std(dtype=np.float64))
        self._factor = 1.0 / spread if spread > 1e-12 else 1.0
        return self._rows(scaled)

    def _rows(self, scaled: FloatArray) -> NDArray[np.float32]:
        """What the networks see: components with one common scale, so that none gets louder."""
        rows: NDArray[np.float32] = self.pca_.transform(scaled) * np.float32(self._factor)
        return rows

    def _start_labels(self, rows: NDArray[np.float32]) -> LabelArray:
        """The labels to compare with and to fall back to."""
        if self.initial_labels is None:
            return self._layout.labels
        labels = given_labels(self.initial_labels, len(rows), self.n_clusters)
        placed = labels >= 0
        centres = cluster_means(rows[placed], labels[placed], self.n_clusters).astype(np.float32)
        nearest = log_soft_assignment(torch.from_numpy(rows), torch.from_numpy(centres)).argmax(1)
        return np.where(placed, labels, nearest.numpy()).astype(np.int32)

    def _train(self, session: Session) -> Trained:
        settings = self._settings(len(session.rows))
        training = AdversarialTraining(session, settings, self._layout.silhouette)
        steps = training.run()
        if training.chosen < 0:
            is_collapsed = not session.progress.is_stopped
            if training.trouble and is_collapsed:
                networks = "The network was" if self.n_seeds == 1 else "None of the networks was"
                word = "no use" if self.n_seeds == 1 else "of use"
                session.notes.append(f"{networks} {word}: {training.trouble}.")
            return Trained(session.start_labels, session.centres, is_collapsed, steps)
        training.encoders.copy_to(session.network.encoder, training.chosen)
        training.generators.copy_to(session.network.decoder, training.chosen)
        self.prior_ = training.prior[training.chosen].cpu().numpy()
        self.silhouette_ = training.score
        self._is_start = False
        code = self._final_code(session)
        labels = code[:, self.noise_size :].argmax(1).cpu().numpy().astype(np.int32)
        self._find_prototypes(session, labels)
        if self.start_silhouette_ - self.silhouette_ > CLEARLY:
            session.notes.append(
                "Laid out by likeness, the clusters before stood out better (silhouette "
                f"{self.start_silhouette_:.2f} before, {self.silhouette_:.2f} after)."
            )
        return Trained(None, self._means(code, labels), n_iter=steps)

    def _settings(self, n_images: int) -> GanSettings:
        times = CRITIC_STEPS[self.loss] if self.critic_steps == "auto" else int(self.critic_steps)
        steps = self.steps
        if steps == "auto":
            whole = math.ceil(PASSES * n_images / (CRITIC_STEPS["wgan-gp"] * self.batch_size))
            steps = max(LEAST_STEPS, min(MOST_STEPS, whole))
        return GanSettings(
            loss=self.loss,
            n_noise=self.noise_size,
            hidden=tuple(self.hidden),
            n_seeds=self.n_seeds,
            steps=int(steps),
            evaluations=EVALUATIONS,
            batch_size=self.batch_size,
            critic_steps=times,
            rate=self.learning_rate,
            penalty=PENALTIES[self.loss] if self.penalty == "auto" else float(self.penalty),
            noise_weight=self.noise_weight,
            code_weight=self.code_weight,
            damping=DAMPING if self.prior == "estimated" else 1.0,
            precision=self.precision,
        )

    def _final_code(self, session: Session) -> Tensor:
        return self._code(session.network, session.rows)

    def _code(self, network: AutoencoderNetwork, rows: Tensor) -> Tensor:
        """The encoder's reading of rows; where the start was kept, the rows as they are."""
        if self._is_start:
            return rows
        return latent_of(encode(network.encoder, rows), self.noise_size)

    @torch.no_grad()
    def _find_prototypes(self, session: Session, labels: LabelArray) -> None:
        """The images nearest to what the generator makes of each cluster."""
        k, device = self.n_clusters, session.device
        codes = torch.arange(k, device=device).repeat_interleave(MADE)[None]
        uniform = torch.full((1, k), 1.0 / k, device=device)
        latents = draw_latents(
            uniform, k * MADE, self.noise_size, generator_for(session.seed(), device), codes=codes
        )
        made = session.network.decoder(latents.points[0]).unflatten(0, (k, MADE))
        found = nearest_prototypes(made, session.rows, labels, self.n_prototypes)
        self.prototypes_, self.prototype_agreement_ = found.images, found.agreement

    def _finish(self, session: Session, trained: Trained) -> None:
        super()._finish(session, trained)
        del self._layout

    def _soft(self, code: Tensor, centres: Tensor) -> Tensor:
        return super()._soft(code, centres) if self._is_start else code[:, self.noise_size :]

    def _encoded(self, X: ArrayLike) -> Tensor:  # noqa: N803
        features = finite_rows(self, X, reset=False, is_float32=True)
        rows = torch.from_numpy(self._rows(self.scaling_.apply(features)))
        return self._code(self.network_, rows)
