"""t-SNE: scikit-learn's, and openTSNE's where it is installed and there are many images."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from sklearn import manifold
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import Callback, FloatArray, UnusableDataError, report
from dclust_gui.algorithms.knn import nearest_neighbours
from dclust_gui.algorithms.reduce import PCA, validated

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MOST_TSNE_DIMS = 3
MOST_GRID_DIMS = 2
GRID_FROM = 5_000
"""Images from which on openTSNE is used where it is installed."""
GRID_ITERATIONS = (250, 500)
"""Exaggerated and plain iterations."""
GRID_STEP = 25


class TSNE(BaseEstimator):
    """t-SNE for maps.

    scikit-learn's Barnes-Hut method cannot be stopped half-way. openTSNE (the extra `tsne`)
    interpolates on a grid, which is faster from some thousand images on, and can be stopped.

    Args:
        n_components: 1 to 3 coordinates.
        perplexity: About the number of neighbours that count; less with few images.
        method: "barnes_hut", "fft" (openTSNE, up to 2 coordinates), or "auto": "fft" for more
            than 5,000 images where openTSNE is installed.
        random_state: Seed.

    Attributes:
        embedding_: float32 (n_images, n_components).

    Source:
        van der Maaten, "Accelerating t-SNE using tree-based algorithms", JMLR 15, 2014; Linderman
        et al., "Fast interpolation-based t-SNE", Nature Methods 16, 2019.
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: float = 30.0,
        method: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.method = method
        self.random_state = random_state

    embedding_: NDArray[np.float32]
    n_features_in_: int

    def fit(self, X: ArrayLike, y: None = None, callback: Callback | None = None) -> Self:  # noqa: N803
        """Lay out the rows of X.

        Args:
            X: (n_images, d) features, finite.
            y: Ignored, as scikit-learn asks.
            callback: Called with (done, total) before and after; may raise `Cancelled`.

        Returns:
            The estimator itself.

        Raises:
            UnusableDataError: If the features or parameters cannot be used.
        """
        del y
        rows = validated(self, X, reset=True)
        if not 1 <= self.n_components <= MOST_TSNE_DIMS or not self.perplexity > 0:
            raise UnusableDataError(
                "Could not lay out the images.",
                f"t-SNE gives 1 to {MOST_TSNE_DIMS} coordinates and takes a perplexity above 0.",
                "Use UMAP for more coordinates.",
            )
        report(callback, 0, 1)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.embedding_ = self._layout(rows, seed, self._uses_grid(len(rows)), callback)
        report(callback, 1, 1)
        return self

    def fit_transform(
        self,
        X: ArrayLike,  # noqa: N803
        y: None = None,
        callback: Callback | None = None,
    ) -> NDArray[np.float32]:
        """Lay out the rows of X and give their coordinates; see `fit`."""
        return self.fit(X, y, callback).embedding_

    def _uses_grid(self, total: int) -> bool:
        """Whether openTSNE does it."""
        if self.method not in ("auto", "barnes_hut", "fft"):
            raise UnusableDataError(
                f"Could not lay out the images by {self.method!r}.",
                "Methods: auto, barnes_hut, fft.",
            )
        possible = self.n_components <= MOST_GRID_DIMS and find_spec("openTSNE") is not None
        if self.method == "fft" and not possible:
            raise UnusableDataError(
                "Could not lay out the images by 'fft'.",
                f"It takes openTSNE, and gives at most {MOST_GRID_DIMS} coordinates.",
                "Install dclust with its extra 'tsne', or use the method 'barnes_hut'.",
            )
        return possible and (self.method == "fft" or (self.method == "auto" and total > GRID_FROM))

    def _layout(
        self, rows: FloatArray, seed: int, uses_grid: bool, callback: Callback | None
    ) -> NDArray[np.float32]:
        total = len(rows)
        start = PCA(self.n_components).fit(rows).transform(rows)
        first = np.zeros((total, self.n_components), dtype=np.float32)
        first[:, : start.shape[1]] = start
        spread = float(first[:, 0].std())
        if total < 5 or not spread > 0:
            return first
        perplexity = min(self.perplexity, max(1.0, total / 4))
        if uses_grid:
            return _by_grid(rows, first / spread * 1e-4, perplexity, seed, callback)
        model = manifold.TSNE(
            self.n_components,
            perplexity=perplexity,
            init=first / spread * 1e-4,
            learning_rate=max(total / 12, 50.0),
            random_state=seed,
        )
        placed: NDArray[np.float32] = model.fit_transform(rows).astype(np.float32)
        return placed


def _by_grid(
    rows: FloatArray,
    start: NDArray[np.float32],
    perplexity: float,
    seed: int,
    callback: Callback | None,
) -> NDArray[np.float32]:
    """OpenTSNE on our own exact neighbours, 250 iterations exaggerated and 500 plain."""
    affinity = import_module("openTSNE.affinity")
    nearest = import_module("openTSNE.nearest_neighbors")
    layout = import_module("openTSNE")
    near = nearest_neighbours(rows, min(len(rows) - 1, int(3 * perplexity)))
    index = nearest.PrecomputedNeighbors(near.indices, near.distances.astype(np.float64))
    pull = affinity.PerplexityBasedNN(perplexity=perplexity, knn_index=index)
    done = 0

    def tell(_iteration: int, _error: float, _embedding: object) -> None:
        nonlocal done
        done += GRID_STEP
        report(callback, min(done, sum(GRID_ITERATIONS)), sum(GRID_ITERATIONS))

    model = layout.TSNEEmbedding(
        start.astype(np.float64),
        pull,
        negative_gradient_method="fft",
        random_state=seed,
        n_jobs=torch.get_num_threads(),
        callbacks=[tell],
        callbacks_every_iters=GRID_STEP,
    )
    for count, (exaggeration, momentum) in zip(GRID_ITERATIONS, ((12, 0.5), (1, 0.8)), strict=True):
        model = model.optimize(count, exaggeration=exaggeration, momentum=momentum)
    return np.asarray(model, np.float32)
