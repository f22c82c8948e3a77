"""Clusters of the nearest-neighbour graph by its leading eigenvectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigsh
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import (
    Callback,
    FloatArray,
    UnusableDataError,
    check_cluster_count,
    report,
)
from dclust_gui.algorithms.clusterer import Clusterer
from dclust_gui.algorithms.distances import normalise_rows
from dclust_gui.algorithms.neighbours import nearest_rows
from dclust_gui.algorithms.partition import KMeans

if TYPE_CHECKING:
    from numpy.typing import NDArray

DENSE_UP_TO = 500
"""Up to so many images all eigenvectors are computed."""


class SpectralClustering(Clusterer):
    """Normalised cuts of the graph of nearest neighbours.

    Args:
        n_clusters: Number of clusters.
        n_neighbors: Neighbours of each image in the graph.
        metric: Distance.
        random_state: Seed.

    Attributes:
        labels_: int32 (n_images,).
        embedding_: float64 (n_images, n_clusters), rows of length 1, in which k-means ran.
        confidence_: float32 (n_images,), of that k-means.

    Source:
        Ng, Jordan, Weiss, "On spectral clustering", NIPS 2001.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        n_neighbors: int = 15,
        metric: str = "euclidean",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.random_state = random_state

    embedding_: NDArray[np.float64]

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        n_clusters = check_cluster_count(self.n_clusters, len(features))
        if self.n_neighbors < 1:
            raise UnusableDataError("Could not build the graph.", "n_neighbors must be above 0.")
        random = check_random_state(self.random_state)
        graph = self._graph(features, callback)
        self.embedding_ = _leading_vectors(graph, n_clusters, random)
        report(callback, 1, 2)
        seed = int(random.randint(2**31 - 1))
        model = KMeans(n_clusters, random_state=seed).fit(self.embedding_, callback=callback)
        self.labels_, self.confidence_ = model.labels_, model.confidence_

    def _graph(self, features: FloatArray, callback: Callback | None) -> sparse.csr_array:
        """Symmetric weights: 1 for mutual neighbours, 1/2 for one-sided ones."""
        total = len(features)
        ids, _ = nearest_rows(features, self.n_neighbors, callback=callback)
        rows = np.repeat(np.arange(total), ids.shape[1])
        one_way = sparse.csr_array((np.ones(ids.size), (rows, ids.ravel())), shape=(total, total))
        return (one_way + one_way.T) * 0.5 + sparse.eye_array(total, format="csr")


def _leading_vectors(
    graph: sparse.csr_array, count: int, random: np.random.RandomState
) -> NDArray[np.float64]:
    """Eigenvectors of the normalised graph with the largest eigenvalues, rows of length 1."""
    scale = sparse.diags_array(1.0 / np.sqrt(graph.sum(axis=1)))
    normalised = scale @ graph @ scale
    total = graph.shape[0]
    if total <= DENSE_UP_TO or count >= total - 1:
        vectors = np.linalg.eigh(normalised.toarray())[1][:, -count:]
    else:
        start = random.uniform(-1.0, 1.0, total)
        width = min(total - 1, max(2 * count + 1, 40))
        vectors = eigsh(normalised, k=count, which="LA", v0=start, ncv=width, tol=1e-5)[1]
    rows: NDArray[np.float64] = np.ascontiguousarray(vectors, dtype=np.float64)
    normalise_rows(rows)
    # rounding apart, equal rows shall be equal for the count of distinct images
    return rows
