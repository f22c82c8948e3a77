"""MeanShift: every image climbs to a peak of the density; peaks are the clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import (
    Callback,
    FloatArray,
    LabelArray,
    UnusableDataError,
    confidence_from_margin,
    report,
)
from dclust_gui.algorithms.clusterer import Clusterer
from dclust_gui.algorithms.lloyd import blocks, nearest_two, prepare

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor

BANDWIDTH_SAMPLE = 5_000


class MeanShift(Clusterer):
    """MeanShift with a flat or a Gaussian kernel, on blocks of climbing points.

    Args:
        bandwidth: Radius of the kernel (standard deviation of the Gaussian one); None takes the
            mean distance to the neighbour at `quantile` of all, as scikit-learn does.
        quantile: In (0, 1], for the automatic bandwidth.
        kernel: "flat" or "gaussian".
        max_seeds: Most images that climb; more are sampled.
        max_iter: Most steps.
        metric: Distance.
        random_state: Seed of the samples.
        device: torch device.

    Attributes:
        cluster_centers_: (n_clusters, d) peaks in the mapped space, the densest first.
        labels_: int32 (n_images,), the nearest peak.
        bandwidth_: The radius.
        n_iter_: Steps of the slowest climber.
        confidence_: float32 (n_images,), from the distances to the two nearest peaks.

    Source:
        Comaniciu, Meer, "Mean shift: a robust approach toward feature space analysis", 2002.
    """

    def __init__(
        self,
        *,
        bandwidth: float | None = None,
        quantile: float = 0.3,
        kernel: str = "flat",
        max_seeds: int = 5_000,
        max_iter: int = 300,
        metric: str = "euclidean",
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
    ) -> None:
        self.bandwidth = bandwidth
        self.quantile = quantile
        self.kernel = kernel
        self.max_seeds = max_seeds
        self.max_iter = max_iter
        self.metric = metric
        self.random_state = random_state
        self.device = device

    cluster_centers_: FloatArray
    bandwidth_: float
    n_iter_: int

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        if self.kernel not in ("flat", "gaussian"):
            raise UnusableDataError(
                f"Could not use the kernel {self.kernel!r}.", "Kernels: flat, gaussian."
            )
        if self.bandwidth is not None and not self.bandwidth > 0:
            raise UnusableDataError("Could not run MeanShift.", "bandwidth must be above 0.")
        random = check_random_state(self.random_state)
        rows, mean = prepare(features, self.device)
        self.bandwidth_ = (
            float(self.bandwidth)
            if self.bandwidth is not None
            else self._automatic_bandwidth(rows, random)
        )
        seeds = rows
        if len(rows) > self.max_seeds:
            picked = np.sort(random.choice(len(rows), self.max_seeds, replace=False))
            seeds = rows[torch.from_numpy(picked).to(rows.device)]
        peaks, self.n_iter_ = self._climb(rows, seeds, callback)
        kept = self._strongest(rows, peaks).cpu().numpy().astype(np.float64)
        self.cluster_centers_ = (kept + mean).astype(features.dtype)
        self._assign(features)

    def _assign(self, features: FloatArray) -> None:
        """Nearest peaks; those that draw no image are dropped."""
        centres = self.cluster_centers_.astype(np.float64)
        used = np.unique(nearest_two(features, centres, device=self.device)[0])
        self.cluster_centers_ = self.cluster_centers_[used]
        self.labels_, nearest, second = nearest_two(features, centres[used], device=self.device)
        self.confidence_ = confidence_from_margin(nearest, second)

    def _automatic_bandwidth(self, rows: Tensor, random: np.random.RandomState) -> float:
        """Mean distance to the neighbour at the quantile, the image itself being the first."""
        if not 0 < self.quantile <= 1:
            raise UnusableDataError("Could not run MeanShift.", "quantile must be in (0, 1].")
        if len(rows) > BANDWIDTH_SAMPLE:
            picked = random.choice(len(rows), BANDWIDTH_SAMPLE, replace=False)
            rows = rows[torch.from_numpy(np.sort(picked)).to(rows.device)]
        rank = max(1, int(len(rows) * self.quantile))
        norms = (rows * rows).sum(1)
        total = 0.0
        for block in blocks(len(rows), len(rows)):
            squared = torch.addmm(norms[None, :], rows[block], rows.T, alpha=-2.0)
            squared += norms[block][:, None]
            far = squared.kthvalue(rank, dim=1).values.clamp_(min=0.0)
            total += float(far.to(torch.float64).sqrt_().sum())
        bandwidth = total / len(rows)
        if bandwidth > 0:
            return bandwidth
        spread = float(norms.max()) ** 0.5
        return 1e-3 * spread if spread > 0 else 1.0

    def _kernel_sums(self, rows: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Kernel-weighted sums of the rows around each point, and the sums of the weights."""
        norms = (rows * rows).sum(1)
        sums = torch.empty_like(points)
        masses = torch.empty(len(points), dtype=points.dtype, device=points.device)
        limit = self.bandwidth_**2
        for block in blocks(len(points), len(rows)):
            part = points[block]
            squared = torch.addmm(norms[None, :], part, rows.T, alpha=-2.0)
            own = (part * part).sum(1)[:, None]
            if self.kernel == "flat":
                weights = squared.le_(limit - own)
            else:
                weights = squared.add_(own).clamp_(min=0.0).mul_(-0.5 / limit).exp_()
            sums[block] = weights @ rows
            masses[block] = weights.sum(1)
        return sums, masses

    def _climb(self, rows: Tensor, seeds: Tensor, callback: Callback | None) -> tuple[Tensor, int]:
        """Peaks that the seeds reach; climbers that meet go on as one."""
        finished = []
        points = torch.unique(seeds, dim=0)
        stop = 1e-3 * self.bandwidth_
        step = 0
        while len(points):
            report(callback, step, self.max_iter)
            step += 1
            sums, masses = self._kernel_sums(rows, points)
            alone = masses <= 0
            new = torch.where(alone[:, None], points, sums / masses.clamp(min=1e-30)[:, None])
            moved = (new - points).norm(dim=1)
            done = (moved < stop) | alone
            if step >= self.max_iter:
                done = torch.ones_like(done)
            finished.append(new[done])
            points = _merge_close(new[~done], stop)
        report(callback, self.max_iter, self.max_iter)
        return _merge_close(torch.cat(finished), stop), step

    def _strongest(self, rows: Tensor, peaks: Tensor) -> Tensor:
        """Peaks by falling density, without those within a bandwidth of a denser one."""
        _, masses = self._kernel_sums(rows, peaks)
        order = masses.argsort(descending=True, stable=True)
        peaks, masses = peaks[order], masses[order]
        open_ = torch.ones(len(peaks), dtype=torch.bool, device=peaks.device)
        kept = []
        while bool(open_.any()):
            best = int(open_.to(torch.uint8).argmax())
            kept.append(best)
            open_ &= (peaks - peaks[best]).norm(dim=1) > self.bandwidth_
            open_[best] = False
        return peaks[kept]

    def predict(self, X: ArrayLike) -> LabelArray:  # noqa: N803
        """Nearest peak of each row.

        Args:
            X: (n_images, d).

        Returns:
            int32 (n_images,).
        """
        features = self._mapped(X)
        return nearest_two(features, self.cluster_centers_.astype(np.float64))[0]


def _merge_close(points: Tensor, distance: float) -> Tensor:
    """One point of each cell of a grid, its cells much smaller than `distance`."""
    if len(points) < 2:
        return points
    cell = 0.1 * distance
    keys = torch.round(points / cell)
    _, inverse = torch.unique(keys, dim=0, return_inverse=True)
    first = torch.full((int(inverse.max()) + 1,), len(points), device=points.device)
    first.scatter_reduce_(0, inverse, torch.arange(len(points), device=points.device), "amin")
    return points[first]
