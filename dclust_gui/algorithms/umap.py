"""UMAP: few coordinates in which near images stay near, for clustering and for maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from dclust_gui.algorithms.base import Callback, FloatArray, UnusableDataError
from dclust_gui.algorithms.distances import Metric, MetricMap, learn_metric
from dclust_gui.algorithms.fuzzy_graph import connected, fuzzy_graph, leading_vectors
from dclust_gui.algorithms.knn import Neighbours, nearest_among, nearest_neighbours
from dclust_gui.algorithms.umap_layout import (
    likeness_curve,
    optimise,
    place_new,
    starting_positions,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from scipy import sparse

FEW_IMAGES = 800
"""Below so many images a dozen neighbours are enough."""
MANY_IMAGES = 10_000
"""Above so many images fewer epochs are enough."""
ALLOWED = (
    Metric.EUCLIDEAN,
    Metric.SQEUCLIDEAN,
    Metric.COSINE,
    Metric.CORRELATION,
    Metric.MAHALANOBIS,
)


def neighbour_count(n_images: int) -> int:
    """How many neighbours a graph of so many images takes."""
    return 12 if n_images < FEW_IMAGES else 20


def epoch_count(n_images: int) -> int:
    """How many epochs a layout of so many images takes."""
    return 150 if n_images <= MANY_IMAGES else 100


def graph_layout(
    graph: sparse.csr_array,
    features: FloatArray,
    dims: int,
    *,
    min_dist: float = 0.0,
    n_epochs: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    callback: Callback | None = None,
) -> NDArray[np.float32]:
    """A layout of a graph; several, for clustering and for a map, can follow the same graph.

    Args:
        graph: (n, n) of `fuzzy_graph`.
        features: (n, d), looked at only where the graph falls apart.
        dims: Wanted number of coordinates.
        min_dist: Least distance of neighbours: 0 for clustering, 0.1 for a map.
        n_epochs: Epochs; None chooses.
        seed: Of everything random; the same seed, the same layout.
        device: torch device.
        callback: Called with (epochs done, epochs); may raise `Cancelled`.

    Returns:
        float32 (n, dims).
    """
    if graph.shape[0] == 1:
        return np.zeros((1, dims), dtype=np.float32)
    vectors = leading_vectors(connected(graph, features), dims, seed=seed)
    start = starting_positions(vectors, dims, seed=seed)
    epochs = epoch_count(graph.shape[0]) if n_epochs is None else n_epochs
    curve = likeness_curve(min_dist)
    return optimise(graph, start, curve, epochs, seed=seed, device=device, callback=callback)


class UMAP(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Uniform manifold approximation and projection, on exact neighbours.

    Args:
        n_components: Number of coordinates: 10 for clustering, 2 for a map.
        n_neighbors: Neighbours of each image; None means 20, or 12 below 800 images.
        min_dist: Least distance of neighbours: 0 for clustering, 0.1 for a map.
        n_epochs: Epochs; None means 150, or 100 above 10,000 images.
        metric: Distance.
        random_state: Seed; the same seed and thread count, the same coordinates on a CPU.
        device: torch device.

    Attributes:
        embedding_: float32 (n_images, n_components).
        graph_: float32 (n_images, n_images) sparse weights; `graph_layout` makes further layouts.
        neighbours_: What the graph was made of.

    Source:
        McInnes, Healy, Melville, "UMAP: uniform manifold approximation and projection for
        dimension reduction", arXiv 1802.03426.
    """

    def __init__(
        self,
        n_components: int = 10,
        *,
        n_neighbors: int | None = None,
        min_dist: float = 0.0,
        n_epochs: int | None = None,
        metric: str = "euclidean",
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
    ) -> None:
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.min_dist = min_dist
        self.n_epochs = n_epochs
        self.metric = metric
        self.random_state = random_state
        self.device = device

    embedding_: NDArray[np.float32]
    graph_: sparse.csr_array
    neighbours_: Neighbours
    n_features_in_: int
    _rows: FloatArray
    _map: MetricMap
    _seed: int
    _n_features_out: int

    def __sklearn_tags__(self) -> Tags:
        """scikit-learn's facts: results are float32 whatever comes in, half the memory."""
        tags: Tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def fit(self, X: ArrayLike, y: None = None, callback: Callback | None = None) -> Self:  # noqa: N803
        """Lay out the rows of X.

        Args:
            X: (n_images, d) features, finite.
            y: Ignored, as scikit-learn asks.
            callback: Called with (done, total), first for the neighbours, then for the epochs;
                may raise `Cancelled`.

        Returns:
            The estimator itself.

        Raises:
            UnusableDataError: If the features or parameters cannot be used.
        """
        del y
        self._check()
        features = self._validated(X, reset=True)
        self._map = learn_metric(features, self.metric)
        self._rows = self._map.apply(features)
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        count = self.n_neighbors or neighbour_count(len(features))
        self.neighbours_ = nearest_neighbours(
            self._rows, count, device=self.device, callback=callback
        )
        self.graph_ = fuzzy_graph(self.neighbours_)
        self.embedding_ = graph_layout(
            self.graph_,
            self._rows,
            self.n_components,
            min_dist=self.min_dist,
            n_epochs=self.n_epochs,
            seed=self._seed,
            device=self.device,
            callback=callback,
        )
        self._n_features_out = self.n_components
        return self

    def fit_transform(
        self,
        X: ArrayLike,  # noqa: N803
        y: None = None,
        callback: Callback | None = None,
    ) -> NDArray[np.float32]:
        """Lay out the rows of X and give their coordinates; see `fit`."""
        return self.fit(X, y, callback).embedding_

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Coordinates of new rows among those laid out, which stay where they are.

        Args:
            X: (m, d) features; rows that were laid out get about their own coordinates.

        Returns:
            float32 (m, n_components).

        Raises:
            NotFittedError: If nothing has been laid out.
            UnusableDataError: If the features cannot be used.
        """
        checked = self._validated(X, reset=False)
        features = self._map.apply(checked)
        near = nearest_among(features, self._rows, 10, device=self.device)
        scale = near.distances.mean(axis=1, keepdims=True)
        floor = near.distances[:, :1]
        weights = np.exp(-(near.distances - floor) / np.maximum(0.3 * scale, 1e-12))
        curve = likeness_curve(self.min_dist)
        placed = place_new(self.embedding_, near.indices, weights, curve, seed=self._seed)
        known = near.distances[:, 0] <= 1e-6 * np.maximum(scale[:, 0], 1e-12)
        placed[known] = self.embedding_[near.indices[known, 0]]
        return placed

    def _check(self) -> None:
        for name, value, least in (
            ("n_components", self.n_components, 1),
            ("n_neighbors", self.n_neighbors or 20, 2),
            ("n_epochs", 1 if self.n_epochs is None else self.n_epochs, 0),
            ("min_dist", self.min_dist, 0),
        ):
            if not value >= least:
                raise UnusableDataError(
                    "Could not lay out the images.", f"{name} must be at least {least}."
                )
        if self.metric not in ALLOWED:
            raise UnusableDataError(
                f"Could not use the distance {self.metric!r} with UMAP.",
                f"It allows: {', '.join(ALLOWED)}.",
            )

    def _validated(self, X: ArrayLike, *, reset: bool) -> FloatArray:  # noqa: N803
        """X as finite, C-ordered float32, its width checked."""
        if not reset:
            check_is_fitted(self)
        try:
            checked: FloatArray = validate_data(
                self, X, reset=reset, dtype=[np.float32, np.float64], order="C"
            )
        except ValueError as error:
            raise UnusableDataError("Could not use the features.", str(error)) from error
        return checked
