"""MeanShift: every image climbs to a peak of the density; peaks are the clusters."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    outcome_note,
    report,
)
from dclust_gui.algorithms.clusterer import Clusterer
from dclust_gui.algorithms.internal import silhouette_values
from dclust_gui.algorithms.lloyd import blocks, nearest_two, prepare
from dclust_gui.algorithms.projection import LEARN_FROM, leading_axes
from dclust_gui.algorithms.search import in_threads, single_threaded_operations

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike
    from torch import Tensor

BANDWIDTH_SAMPLE = 5_000
TRIAL_SAMPLE = 2_000
AXES = 8
"""Leading axes for an automatic radius: 5 sets of features gave one cluster on all 1,280."""
QUANTILES = (0.3, 0.2, 0.1, 0.05, 0.03, 0.02)
LARGEST_SHARE = 0.3
SEPARATED = 0.5
"""Mean silhouette of clusters that stand by themselves, however large."""


class MeanShift(Clusterer):
    """MeanShift with a flat or a Gaussian kernel, on blocks of climbing points.

    Args:
        bandwidth: Radius of the kernel (standard deviation of the Gaussian one); None takes the
            mean distance to the neighbour at `quantile` of all, as scikit-learn does.
        quantile: In (0, 1], for the automatic bandwidth; None tries 0.3 and smaller ones on a
            sample of 2,000 images, until no cluster has more than 30 % of them or the clusters
            are clearly separated.
        kernel: "flat" or "gaussian".
        max_seeds: Most images that climb; more are sampled.
        max_iter: Most steps.
        metric: Distance.
        axes: Leading principal axes on which images climb; None means 8 where `bandwidth` is
            None and there are more than 32 features, else all features.
        random_state: Seed of the samples.
        device: torch device.

    Attributes:
        cluster_centers_: (n_clusters, d) peaks in the mapped space, the densest first.
        labels_: int32 (n_images,), the nearest peak.
        bandwidth_: The radius.
        note_: What to tell the user about the outcome; empty if nothing.
        n_iter_: Steps of the slowest climber.
        confidence_: float32 (n_images,), from the distances to the two nearest peaks.

    Source:
        Comaniciu, Meer, "Mean shift: a robust approach toward feature space analysis", 2002.
    """

    def __init__(
        self,
        *,
        bandwidth: float | None = None,
        quantile: float | None = None,
        kernel: str = "flat",
        max_seeds: int = 5_000,
        max_iter: int = 300,
        metric: str = "euclidean",
        axes: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
    ) -> None:
        self.bandwidth = bandwidth
        self.quantile = quantile
        self.kernel = kernel
        self.max_seeds = max_seeds
        self.max_iter = max_iter
        self.metric = metric
        self.axes = axes
        self.random_state = random_state
        self.device = device

    cluster_centers_: FloatArray
    bandwidth_: float
    n_iter_: int
    note_: str

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        if self.kernel not in ("flat", "gaussian"):
            raise UnusableDataError(
                f"Could not use the kernel {self.kernel!r}.", "Kernels: flat, gaussian."
            )
        if self.bandwidth is not None and not self.bandwidth > 0:
            raise UnusableDataError("Could not run MeanShift.", "bandwidth must be above 0.")
        random = check_random_state(self.random_state)
        rows, mean = prepare(features, self.device)
        axes = self._axes(rows)
        if axes is not None:
            rows = rows @ axes
        with single_threaded_operations() as n_threads:
            field = _Field(rows, self.kernel, self.max_iter, n_threads)
            self.bandwidth_ = (
                float(self.bandwidth)
                if self.bandwidth is not None
                else self._automatic_bandwidth(field, random, callback)
            )
            seeds = rows
            if len(rows) > self.max_seeds:
                picked = np.sort(random.choice(len(rows), self.max_seeds, replace=False))
                seeds = rows[torch.from_numpy(picked).to(rows.device)]
            peaks, self.n_iter_ = field.peaks(seeds, self.bandwidth_, callback)
        kept = peaks[self._assign(rows, peaks)]
        if axes is not None:
            kept = kept @ axes.T
        centres = kept.cpu().numpy().astype(np.float64) + mean
        self.cluster_centers_ = centres.astype(features.dtype)
        finer = "a smaller quantile" if self.bandwidth is None else "a smaller bandwidth"
        self.note_ = outcome_note("MeanShift", self.labels_, finer, "")

    def _axes(self, rows: Tensor) -> Tensor | None:
        """The axes on which images climb; None for all features."""
        dims = self.axes
        if dims is not None and dims < 1:
            raise UnusableDataError("Could not run MeanShift.", "axes must be at least 1.")
        if dims is None:
            is_wide = self.bandwidth is None and rows.shape[1] > 4 * AXES
            dims = AXES if is_wide else rows.shape[1]
        if dims >= rows.shape[1]:
            return None
        return leading_axes(rows[:: -(-len(rows) // LEARN_FROM)], dims)

    def _assign(self, rows: Tensor, peaks: Tensor) -> Tensor:
        """Labels by the nearest peak; gives the peaks that draw an image, the others go."""
        array, centres = rows.cpu().numpy(), peaks.cpu().numpy().astype(np.float64)
        used = np.unique(nearest_two(array, centres, device=self.device)[0])
        self.labels_, nearest, second = nearest_two(array, centres[used], device=self.device)
        self.confidence_ = confidence_from_margin(nearest, second)
        return torch.from_numpy(used.astype(np.int64)).to(peaks.device)

    def _automatic_bandwidth(
        self, field: _Field, random: np.random.RandomState, callback: Callback | None
    ) -> float:
        """The radius at the quantile, or at the first of several that separates the images."""
        if self.quantile is not None:
            if not 0 < self.quantile <= 1:
                raise UnusableDataError("Could not run MeanShift.", "quantile must be in (0, 1].")
            return field.of_sample(BANDWIDTH_SAMPLE, random).bandwidth_at(self.quantile)
        field = field.of_sample(TRIAL_SAMPLE, random)
        array = field.rows.cpu().numpy()
        found: list[tuple[float, float]] = []
        for done, quantile in enumerate(QUANTILES):
            report(callback, done, len(QUANTILES))
            bandwidth = field.bandwidth_at(quantile)
            self._assign(field.rows, field.peaks(field.rows, bandwidth, None)[0])
            largest = float(np.bincount(self.labels_).max()) / len(array)
            found.append((largest, bandwidth))
            if largest <= LARGEST_SHARE:
                break
            if largest < 1 and float(silhouette_values(array, self.labels_).mean()) >= SEPARATED:
                return bandwidth
        return min(found)[1]

    def predict(self, X: ArrayLike) -> LabelArray:  # noqa: N803
        """Nearest peak of each row.

        Args:
            X: (n_images, d).

        Returns:
            int32 (n_images,).
        """
        features = self._mapped(X)
        return nearest_two(features, self.cluster_centers_.astype(np.float64))[0]


@dataclass(frozen=True, slots=True)
class _Field:
    """Rows and the density around them.

    Attributes:
        rows: (n, d), centred.
        kernel: flat or gaussian.
        max_iter: Most steps.
        n_threads: Threads to which blocks of points are shared out.
    """

    rows: Tensor
    kernel: str
    max_iter: int
    n_threads: int

    def of_sample(self, size: int, random: np.random.RandomState) -> _Field:
        """The field of at most `size` of the rows."""
        if len(self.rows) <= size:
            return self
        picked = np.sort(random.choice(len(self.rows), size, replace=False))
        return replace(self, rows=self.rows[torch.from_numpy(picked).to(self.rows.device)])

    def _in_blocks(self, work: Callable[[slice], None], n_points: int) -> None:
        n_threads = self.n_threads if self.rows.device.type == "cpu" else 1
        in_threads(work, blocks(n_points, len(self.rows)), n_threads)

    def bandwidth_at(self, quantile: float) -> float:
        """Mean distance to the neighbour at the quantile, the image itself being the first."""
        rows = self.rows
        rank = max(1, int(len(rows) * quantile))
        norms = (rows * rows).sum(1)
        far = torch.empty_like(norms)

        def measure(block: slice) -> None:
            squared = torch.addmm(norms[None, :], rows[block], rows.T, alpha=-2.0)
            squared += norms[block][:, None]
            far[block] = squared.kthvalue(rank, dim=1).values.clamp_(min=0.0)

        self._in_blocks(measure, len(rows))
        bandwidth = float(far.to(torch.float64).sqrt_().mean())
        if bandwidth > 0:
            return bandwidth
        spread = float(norms.max()) ** 0.5
        return 1e-3 * spread if spread > 0 else 1.0

    def _kernel_sums(self, points: Tensor, bandwidth: float) -> tuple[Tensor, Tensor]:
        """Kernel-weighted sums of the rows around each point, and the sums of the weights."""
        rows = self.rows
        norms = (rows * rows).sum(1)
        sums = torch.empty_like(points)
        masses = torch.empty(len(points), dtype=points.dtype, device=points.device)
        limit = bandwidth**2

        def add(block: slice) -> None:
            part = points[block]
            squared = torch.addmm(norms[None, :], part, rows.T, alpha=-2.0)
            own = (part * part).sum(1)[:, None]
            if self.kernel == "flat":
                weights = squared.le_(limit - own)
            else:
                weights = squared.add_(own).clamp_(min=0.0).mul_(-0.5 / limit).exp_()
            sums[block] = weights @ rows
            masses[block] = weights.sum(1)

        self._in_blocks(add, len(points))
        return sums, masses

    def peaks(
        self, seeds: Tensor, bandwidth: float, callback: Callback | None
    ) -> tuple[Tensor, int]:
        """Peaks that the seeds reach, the densest first, and the steps of the slowest climber.

        Climbers that meet go on as one.
        """
        finished = []
        points = torch.unique(seeds, dim=0)
        stop = 1e-3 * bandwidth
        step = 0
        while len(points):
            report(callback, step, self.max_iter)
            step += 1
            sums, masses = self._kernel_sums(points, bandwidth)
            alone = masses <= 0
            new = torch.where(alone[:, None], points, sums / masses.clamp(min=1e-30)[:, None])
            moved = (new - points).norm(dim=1)
            done = (moved < stop) | alone
            if step >= self.max_iter:
                done = torch.ones_like(done)
            finished.append(new[done])
            points = _merge_close(new[~done], stop)
        report(callback, self.max_iter, self.max_iter)
        return self._strongest(_merge_close(torch.cat(finished), stop), bandwidth), step

    def _strongest(self, peaks: Tensor, bandwidth: float) -> Tensor:
        """Peaks by falling density, without those within a bandwidth of a denser one."""
        _, masses = self._kernel_sums(peaks, bandwidth)
        order = masses.argsort(descending=True, stable=True)
        peaks = peaks[order]
        open_ = torch.ones(len(peaks), dtype=torch.bool, device=peaks.device)
        kept = []
        while bool(open_.any()):
            best = int(open_.to(torch.uint8).argmax())
            kept.append(best)
            open_ &= (peaks - peaks[best]).norm(dim=1) > bandwidth
            open_[best] = False
        return peaks[kept]


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
