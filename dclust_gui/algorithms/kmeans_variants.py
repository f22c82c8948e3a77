"""k-means for very many images, and k-means of directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import Callback, FloatArray, report
from dclust_gui.algorithms.distances import normalise_rows
from dclust_gui.algorithms.lloyd import LloydResult, lloyd, plus_plus
from dclust_gui.algorithms.partition import KMeans
from dclust_gui.algorithms.search import single_threaded_operations

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from torch import Tensor

PATIENCE = 10
"""Mini-batches without improvement after which the passes end."""


class MiniBatchKMeans(KMeans):
    """k-means by small random batches, then a few full iterations.

    Args:
        n_clusters: Number of clusters.
        n_init: Seedings tried on a sample; "auto" means 3.
        max_iter: Most passes over the images.
        tol: As in `KMeans`, for the full iterations.
        batch_size: Images of a batch.
        full_iter: Full iterations at the end.
        metric: Distance.
        random_state: Seed.
        device: torch device.

    Source:
        Sculley, "Web-scale k-means clustering", WWW 2010.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        n_init: int | str = "auto",
        max_iter: int = 100,
        tol: float = 1e-4,
        batch_size: int = 4096,
        full_iter: int = 10,
        metric: str = "euclidean",
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
    ) -> None:
        super().__init__(
            n_clusters,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            metric=metric,
            random_state=random_state,
            device=device,
        )
        self.batch_size = batch_size
        self.full_iter = full_iter

    def _restart_count(self, n_images: int, n_clusters: int) -> int:
        return 3 if self.n_init == "auto" else super()._restart_count(n_images, n_clusters)

    def _restarts(self, rows: Tensor, n_clusters: int, callback: Callback | None) -> LloydResult:
        random = check_random_state(self.random_state)
        size = min(len(rows), max(3 * self.batch_size, 3 * n_clusters))
        sample = rows[_draw(random, len(rows), size).to(rows.device)]
        seeds = plus_plus(sample, n_clusters, self._restart_count(len(rows), n_clusters), random)
        first = lloyd(sample, seeds, max_iter=1, tol=0.0)
        centres = torch.from_numpy(first.centres).to(rows.dtype).to(rows.device)
        with single_threaded_operations():
            self._batches(rows, centres, random, callback)
        return lloyd(
            rows, centres[None], max_iter=max(1, self.full_iter), tol=self.tol, callback=callback
        )

    def _batches(
        self,
        rows: Tensor,
        centres: Tensor,
        random: np.random.RandomState,
        callback: Callback | None,
    ) -> None:
        """Move the centres, in place, by batches until the error stops falling."""
        size = min(self.batch_size, len(rows))
        steps = max(1, self.max_iter * len(rows) // size)
        counts = torch.zeros(len(centres), dtype=rows.dtype, device=rows.device)
        best, mean, waited = np.inf, 0.0, 0
        for step in range(steps):
            report(callback, step, steps)
            batch = rows[_draw(random, len(rows), size).to(rows.device)]
            scores = torch.addmm((centres * centres).sum(1)[None], batch, centres.T, alpha=-2.0)
            least, label = scores.min(1)
            member = torch.nn.functional.one_hot(label, len(centres)).to(rows.dtype)
            found = member.sum(0)
            counts += found
            pull = (member.T @ batch - found[:, None] * centres) / counts.clamp(min=1.0)[:, None]
            centres += pull
            error = float((least + (batch * batch).sum(1)).mean())
            mean = error if step == 0 else 0.7 * mean + 0.3 * error
            waited = 0 if mean < best * (1.0 - 1e-4) else waited + 1
            best = min(best, mean)
            if waited >= PATIENCE:
                return


def _draw(random: np.random.RandomState, count: int, size: int) -> Tensor:
    return (
        torch.from_numpy(random.randint(count, size=size)) if size < count else torch.arange(count)
    )


class SphericalKMeans(KMeans):
    """k-means of directions: rows and centres have length 1, the cosine decides.

    Args:
        n_clusters: Number of clusters.
        n_init: Restarts; as in `KMeans`.
        max_iter: Most iterations of a restart.
        tol: As in `KMeans`.
        random_state: Seed.
        device: torch device.

    Source:
        Dhillon, Modha, "Concept decompositions for large sparse text data using clustering", 2001.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        n_init: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
    ) -> None:
        super().__init__(
            n_clusters,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            random_state=random_state,
            device=device,
        )

    @classmethod
    def _get_param_names(cls) -> list[str]:
        return [name for name in super()._get_param_names() if name != "metric"]

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        super()._fit(_directions(features), callback)

    def _solve(
        self, features: FloatArray, n_clusters: int, callback: Callback | None
    ) -> tuple[LloydResult, NDArray[np.float64]]:
        rows = torch.from_numpy(features).to(self.device)
        n_init = self._restart_count(len(rows), n_clusters)
        seeds = plus_plus(rows, n_clusters, n_init, check_random_state(self.random_state))
        result = lloyd(
            rows,
            seeds,
            max_iter=self.max_iter,
            tol=self.tol,
            normalise=True,
            callback=callback,
        )
        return result, np.zeros(features.shape[1])

    def _mapped(self, X: ArrayLike) -> FloatArray:  # noqa: N803
        return _directions(super()._mapped(X))


def _directions(features: FloatArray) -> FloatArray:
    rows = features.astype(features.dtype, copy=True)
    normalise_rows(rows)
    return rows
