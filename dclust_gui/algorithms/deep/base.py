"""The base of the deep heads: pretraining, a start, the head's own training, predictions."""

from __future__ import annotations

from copy import deepcopy
from numbers import Integral
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
    clone,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from dclust_gui.algorithms.base import (
    FloatArray,
    LabelArray,
    UnusableDataError,
    check_cluster_count,
    check_distinct,
)
from dclust_gui.algorithms.deep.inputs import finite_rows
from dclust_gui.algorithms.deep.networks import AutoencoderNetwork, code_width, encode
from dclust_gui.algorithms.deep.parameters import check_number
from dclust_gui.algorithms.deep.pretraining import Autoencoder
from dclust_gui.algorithms.deep.progress import Callback, Progress, Tick, TrainingStep
from dclust_gui.algorithms.deep.scaling import Scaling, learn_scaling
from dclust_gui.algorithms.deep.session import Session, Trained
from dclust_gui.algorithms.deep.soft import log_soft_assignment
from dclust_gui.algorithms.deep.starts import given_labels, starting_labels
from dclust_gui.algorithms.lloyd import cluster_means
from dclust_gui.compute.devices import pick_device
from dclust_gui.domain.errors import ClusteringError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from sklearn.utils import Tags


class DeepClusterer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Base of the heads: `fit(X, y=None, *, callback=None, tick=None)`.

    A head gives `_train`, and where its soft assignments are not Student's t, `_soft`.

    Attributes:
        labels_: int32 (n_images,).
        soft_assignments_: float32 (n_images, n_clusters), rows sum to 1.
        cluster_centers_: float32 (n_clusters, dz), in the space of the code.
        embedding_: float32 (n_images, dz), the code.
        start_labels_: int32 (n_images,), before the head's own training.
        history_: Evaluations, one `TrainingStep` each, without labels.
        collapsed_: The training collapsed; labels and network are those of the start.
        note_: What the user should know; empty for nothing.
        n_iter_: Optimiser steps of the head's own training.
        network_: The trained network, on the CPU.
        scaling_: What is done to the features first.
    """

    _keeps_noise = False

    n_clusters: int
    autoencoder: Autoencoder | None
    initial_labels: ArrayLike | None
    random_state: int | np.random.RandomState | None
    device: str

    labels_: LabelArray
    soft_assignments_: NDArray[np.float32]
    cluster_centers_: NDArray[np.float32]
    embedding_: NDArray[np.float32]
    start_labels_: LabelArray
    history_: tuple[TrainingStep, ...]
    collapsed_: bool
    note_: str
    n_iter_: int
    n_features_in_: int
    network_: AutoencoderNetwork
    scaling_: Scaling

    def __sklearn_tags__(self) -> Tags:
        """scikit-learn's facts: codes are float32 whatever comes in."""
        tags: Tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def fit(
        self,
        X: ArrayLike,  # noqa: N803
        y: None = None,
        *,
        callback: Callback | None = None,
        tick: Tick | None = None,
    ) -> Self:
        """Train the head and cluster the rows of X.

        Args:
            X: (n_images, d) features or flattened small images, finite.
            y: Ignored, as scikit-learn asks.
            callback: Takes a `TrainingStep` at evaluations and every half second; True stops
                early and keeps the best state so far. What it raises goes through, and the
                estimator is then as it was before.
            tick: Called at every optimiser step; may raise `Cancelled`.

        Returns:
            The estimator itself.

        Raises:
            UnusableDataError: If the features or parameters cannot be used.
            TrainingError: If the training diverges.
        """
        del y
        before = self.__dict__.copy()
        try:
            self._fit(X, callback, tick)
        except BaseException:  # cancelled, diverged, refused: as if it had not been called
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _fit(self, rows: ArrayLike, callback: Callback | None, tick: Tick | None) -> None:
        features = finite_rows(self, rows, reset=True, is_float32=True)
        _check_whole(self.n_clusters)
        self._check_count(len(features))
        self._check(features)
        device = pick_device(self.device).torch_name
        try:
            self._run(features, device, Progress(callback, tick), [])
        except torch.OutOfMemoryError as error:
            if device == "cpu":
                raise ClusteringError("Could not train the head.", "The memory is full.") from error
            note = "The GPU's memory is too small for this; the processor was used."
            self._run(features, "cpu", Progress(callback, tick), [note])

    def _check_count(self, n_images: int) -> None:
        """Refuse a number of clusters that there cannot be."""
        check_cluster_count(self.n_clusters, n_images)

    def _check(self, features: FloatArray) -> None:
        """Refuse parameters and data that cannot be used."""
        check_distinct(features, self.n_clusters)

    def _run(self, features: FloatArray, device: str, progress: Progress, notes: list[str]) -> None:
        random = check_random_state(self.random_state)
        session = self._session(features, device, progress, random, notes)
        self.start_labels_ = session.start_labels
        if session.n_clusters == 1 or progress.is_stopped:
            trained = Trained(session.start_labels, session.centres)
        else:
            trained = self._train(session)
        if trained.is_collapsed:
            notes.append(
                "The training collapsed, so the clusters are those it started from; "
                "the frozen features may serve better."
            )
        elif progress.is_stopped:
            notes.append("Stopped early.")
        self._finish(session, trained)

    def _session(
        self,
        features: FloatArray,
        device: str,
        progress: Progress,
        random: np.random.RandomState,
        notes: list[str],
    ) -> Session:
        """Pretraining and start."""
        network, rows = self._pretrained(features, device, progress, random)
        code = encode(network.encoder, rows)
        labels = self._start(code, rows, progress, random)
        centres = self._means(code, labels)
        if (labels < 0).any() and not self._keeps_noise:
            nearest = log_soft_assignment(code, centres).argmax(1).cpu().numpy()
            labels = np.where(labels < 0, nearest, labels).astype(np.int32)
        return Session(rows, network, len(centres), progress, random, labels, centres, notes)

    def _means(self, code: Tensor, labels: LabelArray) -> Tensor:
        """float32 (k, dz) mean code of each cluster."""
        count = max(1, int(labels.max()) + 1) if self._keeps_noise else self.n_clusters
        means = cluster_means(code.cpu().numpy(), labels, count)
        return torch.from_numpy(means.astype(np.float32)).to(code.device)

    def _pretrained(
        self,
        features: FloatArray,
        device: str,
        progress: Progress,
        random: np.random.RandomState,
    ) -> tuple[AutoencoderNetwork, Tensor]:
        """A network of one's own and the scaled rows; sets `scaling_`."""
        given = self.autoencoder
        if not (given is None or isinstance(given, Autoencoder)):
            raise UnusableDataError(
                f"Could not use autoencoder={given!r}.", "It must be an Autoencoder, or None."
            )
        if given is not None and hasattr(given, "network_"):
            if given.n_features_in_ != features.shape[1]:
                raise UnusableDataError(
                    "Could not use the autoencoder.",
                    f"It was trained on {given.n_features_in_} features, not on "
                    f"{features.shape[1]}.",
                )
            self.scaling_ = given.scaling_
            rows = torch.from_numpy(self.scaling_.apply(features)).to(device)
            return deepcopy(given.network_).to(device), rows
        autoencoder = Autoencoder() if given is None else clone(given)
        if autoencoder.code_size == "auto":
            autoencoder.code_size = self._code_size(features.shape[1])
        if autoencoder.random_state is None:
            autoencoder.random_state = int(random.randint(2**31 - 1))
        self.scaling_ = learn_scaling(features, self._scale(autoencoder))
        autoencoder.scaling_ = self.scaling_
        rows = torch.from_numpy(self.scaling_.apply(features)).to(device)
        autoencoder.fit_rows(rows, progress)
        return autoencoder.network_.to(device), rows

    def _code_size(self, n_features: int) -> int:
        """Width of the code where it was not set."""
        return code_width(n_features, self.n_clusters)

    def _scale(self, autoencoder: Autoencoder) -> str:
        """The kind of scaling; the head's own where it has one."""
        own = str(getattr(self, "scale", "auto"))
        return autoencoder.scale if own == "auto" else own

    def _start(
        self, code: Tensor, rows: Tensor, progress: Progress, random: np.random.RandomState
    ) -> LabelArray:
        """Labels to start from; -1 is allowed."""
        seed = int(random.randint(2**31 - 1))
        if self.initial_labels is not None:
            return given_labels(self.initial_labels, len(code), self.n_clusters)
        kind = str(getattr(self, "start", "kmeans"))
        is_frozen = not self.scaling_.is_pixels and rows.shape[1] > code.shape[1]
        space = rows if kind == "n2d" and is_frozen else code
        return starting_labels(
            kind,
            space.cpu().numpy(),
            self.n_clusters,
            seed,
            progress,
            is_code=space is code,
        )

    def _train(self, session: Session) -> Trained:
        raise NotImplementedError

    def _soft(self, code: Tensor, centres: Tensor) -> Tensor:
        """(n, n_clusters) soft assignments of codes, without the prior of single images."""
        with torch.no_grad():
            return log_soft_assignment(code, centres).exp()

    def _prior_soft(self, soft: Tensor) -> Tensor:
        """The fitted images' soft assignments with what is known of single images."""
        return soft

    def _final_code(self, session: Session) -> Tensor:
        """(n_images, dz) codes of the images after the training."""
        return encode(session.network.encoder, session.rows)

    def _finish(self, session: Session, trained: Trained) -> None:
        code = self._final_code(session)
        soft = self._prior_soft(self._soft(code, trained.centres))
        self.embedding_ = code.cpu().numpy()
        self.soft_assignments_ = soft.float().cpu().numpy()
        self.cluster_centers_ = trained.centres.detach().cpu().numpy()
        labels = trained.labels
        if labels is None:
            labels = self.soft_assignments_.argmax(1).astype(np.int32)
        self.labels_ = labels
        self.network_ = session.network.to("cpu")
        self.history_ = session.progress.history
        self.collapsed_ = trained.is_collapsed
        self.n_iter_ = trained.n_iter
        self.note_ = " ".join(session.notes)
        self._n_features_out = self.embedding_.shape[1]

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Codes of rows.

        Args:
            X: (m, d) features.

        Returns:
            float32 (m, dz).
        """
        code: NDArray[np.float32] = self._encoded(X).numpy()
        return code

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Soft assignments of rows.

        Args:
            X: (m, d) features.

        Returns:
            float32 (m, n_clusters), rows sum to 1.
        """
        code = self._encoded(X)
        soft = self._soft(code, torch.from_numpy(self.cluster_centers_))
        probabilities: NDArray[np.float32] = soft.float().numpy()
        return probabilities

    def predict(self, X: ArrayLike) -> LabelArray:  # noqa: N803
        """The most probable cluster of each row.

        Args:
            X: (m, d) features.

        Returns:
            int32 (m,).
        """
        labels: LabelArray = self.predict_proba(X).argmax(1).astype(np.int32)
        return labels

    def _encoded(self, X: ArrayLike) -> Tensor:  # noqa: N803
        check_is_fitted(self)
        features = finite_rows(self, X, reset=False, is_float32=True)
        return encode(self.network_.encoder, torch.from_numpy(self.scaling_.apply(features)))


def _check_whole(n_clusters: object) -> None:
    """Refuse a number of clusters that is none; None is left to the head."""
    if n_clusters is not None and not isinstance(n_clusters, Integral):
        check_number("the head", "n_clusters", n_clusters, 1, is_whole=True)
