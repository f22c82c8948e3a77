"""N2D: cluster where near images stay near, on a UMAP layout of an autoencoder's code.

    image -> code (autoencoder) -> 10 coordinates (UMAP) -> Gaussian mixture, k-means or Ward

An autoencoder keeps what tells images apart, UMAP brings the neighbours in its code together, and
what is then far apart is easily split. Features of a backbone are a code already: an autoencoder
only loses there, so it is left out. Nothing is trained after the layout, so N2D cannot collapse.

New images are encoded, placed among those laid out, and given to the nearest cluster.

Source:
    McConville, Santos-Rodriguez, Piechocki, Craddock, "N2D: (not too) deep clustering via
    clustering the local manifold of an autoencoded embedding", ICPR 2020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.utils import check_random_state

from dclust_gui.algorithms.agglomerative import Agglomerative
from dclust_gui.algorithms.base import FloatArray, LabelArray, UnusableDataError
from dclust_gui.algorithms.deep.base import DeepClusterer
from dclust_gui.algorithms.deep.gaussians import GaussianDensity, density_of_mixture
from dclust_gui.algorithms.deep.inputs import finite_rows
from dclust_gui.algorithms.deep.networks import encode
from dclust_gui.algorithms.deep.parameters import check_number
from dclust_gui.algorithms.deep.pretraining import Autoencoder
from dclust_gui.algorithms.deep.progress import START, Progress
from dclust_gui.algorithms.deep.scaling import learn_scaling
from dclust_gui.algorithms.deep.soft import log_soft_assignment
from dclust_gui.algorithms.deep.starts import (
    LEAST_LAYOUT,
    RESTARTS,
    given_labels,
    likeliest_mixture,
)
from dclust_gui.algorithms.lloyd import cluster_means
from dclust_gui.algorithms.partition import KMeans
from dclust_gui.algorithms.umap import UMAP

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from torch import Tensor

NO_AUTOENCODER = "none"
CLUSTERERS = ("auto", "gmm", "kmeans", "ward")


class N2D(DeepClusterer):
    """Clusters a UMAP layout of an autoencoder's code, or of features as they are.

    Args:
        n_clusters: Number of clusters.
        clusterer: "gmm" (full covariances, as published), "kmeans" or "ward"; "auto" takes "gmm"
            on codes and "kmeans" on features.
        autoencoder: Pretrained (used as a copy) or only its settings; "none" for no autoencoder;
            None takes one for small images only.
        initial_labels: (n_images,) labels to take in place of clustering the layout; an image
            with -1 goes to the nearest of the clusters.
        dims: Coordinates of the layout.
        n_neighbors: Neighbours of UMAP; None chooses.
        min_dist: Of UMAP; 0 packs near images tightly.
        scale: As of `Autoencoder`; "auto" leaves it to the autoencoder.
        random_state: Seed; the same seed, device and thread count, the same labels.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Attributes:
        embedding_: float32 (n_images, dims), the layout; with fewer than 50 images the code.
        code_: float32 (n_images, d), what was laid out.
        cluster_centers_: float32 (n_clusters, dims), means in the layout.
        uses_code_: An autoencoder was used.
        layout_: The fitted UMAP; None with fewer than 50 images.
        mixture_: The mixture in the layout; None with k-means and Ward.

    Source:
        See the module.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        clusterer: str = "auto",
        autoencoder: Autoencoder | str | None = None,
        initial_labels: ArrayLike | None = None,
        dims: int = 10,
        n_neighbors: int | None = None,
        min_dist: float = 0.0,
        scale: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.clusterer = clusterer
        self.autoencoder = autoencoder  # type: ignore[assignment] # "none" is this head's own
        self.initial_labels = initial_labels
        self.dims = dims
        self.n_neighbors = n_neighbors
        self.min_dist = min_dist
        self.scale = scale
        self.random_state = random_state
        self.device = device

    code_: NDArray[np.float32]
    uses_code_: bool
    layout_: UMAP | None
    mixture_: GaussianDensity | None

    def _check(self, features: FloatArray) -> None:
        super()._check(features)
        if self.clusterer not in CLUSTERERS:
            raise UnusableDataError(
                f"Could not cluster with {self.clusterer!r}.",
                "Clusterers: " + ", ".join(CLUSTERERS) + ".",
            )
        given = self.autoencoder
        if not (given is None or given == NO_AUTOENCODER or isinstance(given, Autoencoder)):
            raise UnusableDataError(
                f"Could not use autoencoder={self.autoencoder!r}.",
                "It must be an Autoencoder, 'none', or None for the automatic choice.",
            )
        check_number("N2D", "dims", self.dims, 1, is_whole=True)

    def _run(self, features: FloatArray, device: str, progress: Progress, notes: list[str]) -> None:
        random = check_random_state(self.random_state)
        rows = self._coded(features, device, progress, random)
        seed = int(random.randint(2**31 - 1))
        self.code_ = rows.cpu().numpy()
        self.embedding_ = self._laid_out(self.code_, seed, progress)
        labels = self._clustered(self.embedding_, seed, progress)
        self.labels_ = self.start_labels_ = labels
        self.cluster_centers_ = cluster_means(self.embedding_, labels, self.n_clusters).astype(
            np.float32
        )
        self.soft_assignments_ = self._soft_of(self.embedding_)
        self.history_ = progress.history
        self.collapsed_ = False
        self.n_iter_ = 0
        if progress.is_stopped:
            notes.append("Stopped early.")
        self.note_ = " ".join(notes)
        self._n_features_out = self.embedding_.shape[1]

    def _coded(
        self,
        features: FloatArray,
        device: str,
        progress: Progress,
        random: np.random.RandomState,
    ) -> Tensor:
        """What is laid out: the autoencoder's code, or the scaled features."""
        given = self.autoencoder
        has_network = isinstance(given, Autoencoder)
        if not has_network:
            self.scaling_ = learn_scaling(features, self.scale)
        self.uses_code_ = has_network or (given is None and self.scaling_.is_pixels)
        if self.uses_code_:
            network, rows = self._pretrained(features, device, progress, random)
            code = encode(network.encoder, rows)
            self.network_ = network.to("cpu")
            return code
        return torch.from_numpy(self.scaling_.apply(features)).to(device)

    def _laid_out(self, rows: FloatArray, seed: int, progress: Progress) -> NDArray[np.float32]:
        self.layout_ = None
        if len(rows) < max(LEAST_LAYOUT, 3 * self.n_clusters):
            return np.ascontiguousarray(rows, dtype=np.float32)
        self.layout_ = UMAP(
            self.dims,
            n_neighbors=self.n_neighbors,
            min_dist=self.min_dist,
            random_state=seed,
        )
        return self.layout_.fit_transform(rows, callback=progress.part(START, "layout"))

    def _clustered(self, layout: FloatArray, seed: int, progress: Progress) -> LabelArray:
        """Labels of the chosen clusterer; sets the mixture where that is it."""
        self.mixture_ = None
        if self.initial_labels is not None:
            return self._completed(layout, self.initial_labels)
        count = min(self.n_clusters, len(np.unique(layout, axis=0)))
        name = self.clusterer
        if name == "auto":
            name = "gmm" if self.uses_code_ else "kmeans"
        told = progress.part(START, "clusters")
        if name == "gmm" and count == self.n_clusters:
            mixture = likeliest_mixture(layout, count, seed, told)
            self.mixture_ = density_of_mixture(mixture)
            return mixture.predict(layout)
        model: KMeans | Agglomerative
        if name == "ward":
            model = Agglomerative(count, linkage="ward")
        else:
            model = KMeans(count, n_init=RESTARTS, random_state=seed)
        return model.fit(layout, callback=told).labels_

    def _completed(self, layout: FloatArray, given: ArrayLike) -> LabelArray:
        """The given labels, open images at the nearest centre."""
        labels = given_labels(given, len(layout), self.n_clusters)
        placed = labels >= 0
        centres = cluster_means(layout[placed], labels[placed], self.n_clusters)
        nearest = _student(layout, centres.astype(np.float32)).argmax(1)
        completed: LabelArray = np.where(placed, labels, nearest).astype(np.int32)
        return completed

    def _soft_of(self, layout: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities by the mixture, or by Student's t of the distances to the centres."""
        if self.mixture_ is not None:
            joint = self.mixture_.log_joint(torch.from_numpy(layout).double())
            soft: NDArray[np.float32] = joint.softmax(1).float().numpy()
            return soft
        return _student(layout, self.cluster_centers_)

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Coordinates of rows in the layout; those laid out get about their own.

        Args:
            X: (m, d) features.

        Returns:
            float32 (m, dims).
        """
        code: NDArray[np.float32] = self._encoded(X).numpy()
        return code if self.layout_ is None else self.layout_.transform(code)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Probabilities of the clusters for rows.

        Args:
            X: (m, d) features.

        Returns:
            float32 (m, n_clusters), rows sum to 1.
        """
        return self._soft_of(self.transform(X))

    def _encoded(self, X: ArrayLike) -> Tensor:  # noqa: N803
        features = finite_rows(self, X, reset=False, is_float32=True)
        rows = torch.from_numpy(self.scaling_.apply(features))
        return encode(self.network_.encoder, rows) if self.uses_code_ else rows


def _student(layout: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Student's t of the distances to centres."""
    rows, means = torch.from_numpy(layout), torch.from_numpy(centres)
    logs = log_soft_assignment(rows, means)
    soft: NDArray[np.float32] = logs.exp().float().numpy()
    return soft
