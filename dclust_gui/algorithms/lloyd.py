"""k-means on blocks of rows: every restart shares one matrix product."""

from __future__ import annotations

from dataclasses import dataclass
from threading import local
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dclust_gui.algorithms.base import Callback, FloatArray, LabelArray, report
from dclust_gui.algorithms.distances import column_means
from dclust_gui.algorithms.search import in_threads, single_threaded_operations

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_VALUES = 1 << 19
"""Distances computed at a time: a block stays in the cache between its passes."""
BLOCK_ROWS = 8192
LARGE_VALUES = 1 << 24
"""Features with more values are not copied where that can be avoided."""
ROWS = 512
"""Rows that are converted or shifted at a time, in the cache."""


@dataclass(frozen=True, slots=True)
class LloydResult:
    """The best restart.

    Attributes:
        labels: int32 (n_images,).
        centres: float64 (n_clusters, d), in the space of the given rows.
        inertia: Sum of squared distances to the own centre.
        n_iter: Iterations of that restart.
    """

    labels: LabelArray
    centres: NDArray[np.float64]
    inertia: float
    n_iter: int


def prepare(features: FloatArray, device: str) -> tuple[Tensor, NDArray[np.float64]]:
    """Centre the rows; float32 unless an outlier would cost the others their digits.

    Very large float32 features whose mean is small beside their spread (such as those that were
    centred and scaled to length 1) are used as they are, without a copy.

    Args:
        features: (n_images, d), finite.
        device: torch device.

    Returns:
        The centred rows on the device, and the float64 (d,) mean that was taken off.
    """
    mean = column_means(features)
    norms = _squared_norms(features, mean)
    wide = float(norms.max(initial=0.0)) > 1e4 * float(np.median(norms)) or not np.isfinite(
        np.float32(norms.max(initial=0.0))
    )
    if wide:
        centred = features.astype(np.float64) - mean
        return torch.from_numpy(centred).to(device), mean
    is_large = features.size > LARGE_VALUES and features.dtype == np.float32
    if is_large and mean @ mean <= norms.mean():
        return tensor_of(features).to(device), np.zeros(len(mean))
    offset = mean.astype(features.dtype)
    centred = np.empty(features.shape, dtype=np.float32)
    for start in range(0, len(features), ROWS):
        centred[start : start + ROWS] = features[start : start + ROWS] - offset
    return torch.from_numpy(centred).to(device), offset.astype(np.float64)


def _squared_norms(features: FloatArray, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n_images,) squared distances to the mean."""
    norms = np.empty(len(features))
    offset = mean.astype(features.dtype)
    for start in range(0, len(features), ROWS):
        part = features[start : start + ROWS] - offset
        norms[start : start + ROWS] = np.einsum("ij,ij->i", part, part)
    return norms


def tensor_of(array: FloatArray) -> Tensor:
    """A tensor that shares the array's memory, or a copy where the array is read-only.

    Args:
        array: Any shape, float32 or float64.
    """
    contiguous = np.ascontiguousarray(array)
    return torch.from_numpy(contiguous if contiguous.flags.writeable else contiguous.copy())


def blocks(n_rows: int, width: int) -> list[slice]:
    """Row ranges so that one block of `width` columns has about BLOCK_VALUES values."""
    step = min(max(256, BLOCK_VALUES // max(width, 1)), BLOCK_ROWS)
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def plus_plus(
    rows: Tensor, n_clusters: int, n_restarts: int, random: np.random.RandomState
) -> Tensor:
    """Greedy k-means++ seeds of all restarts at once.

    Args:
        rows: (n_images, d), centred.
        n_clusters: Seeds per restart.
        n_restarts: Restarts.
        random: Source of randomness.

    Returns:
        (n_restarts, n_clusters, d) seeds.

    Source:
        Arthur, Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007;
        the greedy variant tries 2 + log k candidates at each step, as scikit-learn does.
    """
    n_rows = len(rows)
    n_trials = 2 + int(np.log(n_clusters))
    norms = _lengths(rows)
    first = torch.from_numpy(random.randint(n_rows, size=n_restarts))
    draws = torch.from_numpy(random.uniform(size=(n_clusters - 1, n_restarts, n_trials)))
    chosen = torch.empty((n_restarts, n_clusters), dtype=torch.long)

    def choose(some: slice) -> None:
        chosen[some] = _seeds(rows, norms, first[some], draws[:, some].to(rows.device))

    with single_threaded_operations() as n_threads:
        n_parts = min(n_threads, n_restarts) if rows.device.type == "cpu" else 1
        bounds = np.linspace(0, n_restarts, n_parts + 1).astype(int)
        parts = [slice(bounds[i], bounds[i + 1]) for i in range(n_parts)]
        in_threads(choose, parts, n_parts)
    return rows[chosen.to(rows.device)]


def _seeds(rows: Tensor, norms: Tensor, first: Tensor, draws: Tensor) -> Tensor:
    """Row numbers (n_restarts, n_clusters) that greedy k-means++ takes.

    Args:
        rows: (n_images, d).
        norms: (n_images,) their squared lengths.
        first: int64 (n_restarts,) first seeds.
        draws: (n_clusters - 1, n_restarts, n_trials) random numbers in [0, 1).
    """
    n_restarts, n_trials, n_rows = len(first), draws.shape[2], len(rows)
    chosen = [first]
    closest = _squared_to(rows, norms, first)
    every = torch.arange(n_restarts, device=rows.device)
    for draw in draws:
        cumulated = closest.cumsum(1, dtype=torch.float64)
        trials = torch.searchsorted(cumulated, draw * cumulated[:, -1:]).clamp_(max=n_rows - 1)
        reached = _squared_to(rows, norms, trials.reshape(-1)).view(n_restarts, n_trials, n_rows)
        torch.minimum(reached, closest[:, None, :], out=reached)
        best = reached.sum(2, dtype=torch.float64).argmin(1)
        closest = reached[every, best]
        chosen.append(trials[every, best].cpu())
    return torch.stack(chosen, 1)


def _squared_to(rows: Tensor, norms: Tensor, indices: Tensor) -> Tensor:
    """(len(indices), n_rows) squared distances of the rows `indices` to all rows."""
    indices = indices.to(rows.device)
    squared = torch.addmm(norms[None, :], rows[indices], rows.T, alpha=-2.0)
    squared.add_(norms[indices][:, None]).clamp_(min=0.0)
    # a row is at distance 0 from itself, whatever rounding says
    squared[torch.arange(len(indices), device=rows.device), indices] = 0.0
    return squared


def lloyd(
    rows: Tensor,
    seeds: Tensor,
    *,
    max_iter: int,
    tol: float,
    normalise: bool = False,
    callback: Callback | None = None,
) -> LloydResult:
    """Run Lloyd's iterations of all restarts in step; keep the best.

    Args:
        rows: (n_images, d), centred.
        seeds: (n_restarts, n_clusters, d).
        max_iter: Most iterations of a restart.
        tol: A restart ends when its centres move by less than `tol` x the mean variance.
        normalise: Put the centres on the unit sphere (spherical k-means; rows have length 1).
        callback: Called with (iterations, `max_iter`).

    Returns:
        The restart with the least inertia; the inertia is exact, in float64.
    """
    with single_threaded_operations() as n_threads:
        finished = _iterate(
            _Restarts(rows, seeds, n_threads, normalise=normalise), max_iter, tol, callback
        )
    report(callback, max_iter, max_iter)
    least = min(range(len(finished)), key=lambda i: finished[i][0])
    return _exact(rows, finished[least][1], seeds.shape[1], finished[least][2], normalise=normalise)


def _iterate(
    state: _Restarts, max_iter: int, tol: float, callback: Callback | None
) -> list[tuple[float, Tensor, int]]:
    """Inertia, labels and iterations of each restart, when it has ended."""
    rows = state.rows
    # rows in float64 have far outliers (`prepare`), whose variance says nothing of the others
    spread = 0.0
    if rows.dtype != torch.float64:
        mean = rows.mean(0)
        spread = float(state.norms.mean() - mean @ mean) / rows.shape[1]
    limit = tol * spread
    finished: list[tuple[float, Tensor, int]] = []
    n_iter = 0
    while state.active:
        report(callback, n_iter, max_iter)
        n_iter += 1
        changed, inertia = state.assign()
        shift = state.move()
        done = (changed == 0) | (shift <= limit)
        if n_iter >= max_iter:
            done = torch.ones_like(done)
        if bool(done.any()):
            if bool((done & (changed > 0)).any()):
                _, inertia = state.assign()
            finished += [
                (float(inertia[r]), state.labels[r].clone(), n_iter)
                for r in torch.nonzero(done).flatten().tolist()
            ]
            state.keep(~done)
    return finished


def _exact(
    rows: Tensor, labels: Tensor, n_clusters: int, n_iter: int, *, normalise: bool
) -> LloydResult:
    """Centres and inertia of a labelling in float64, from differences."""
    label_array = labels.cpu().numpy().astype(np.int32)
    centres = cluster_means(rows.cpu().numpy(), label_array, n_clusters)
    if normalise:
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-300)
    inertia = float(squared_to_own(rows.cpu().numpy(), label_array, centres).sum())
    return LloydResult(label_array, centres, inertia, n_iter)


def cluster_means(features: FloatArray, labels: LabelArray, n_clusters: int) -> NDArray[np.float64]:
    """Mean of each cluster's rows.

    Args:
        features: (n_images, d).
        labels: int (n_images,), 0 <= label < `n_clusters`, or -1 for rows that do not count.
        n_clusters: Number of clusters.

    Returns:
        float64 (n_clusters, d); zeros for a cluster without rows.
    """
    sums = np.zeros((n_clusters, features.shape[1]))
    middle = features[: min(len(features), 1)].astype(np.float64)
    for start in range(0, len(features), ROWS):
        some = labels[start : start + ROWS]
        rows = np.flatnonzero(some >= 0)
        # off a row of the data: sums of large constants would cost digits
        part = features[start : start + ROWS].astype(np.float64) - middle
        ones = sparse.csr_array(
            (np.ones(len(rows)), (some[rows], rows)), shape=(n_clusters, len(some))
        )
        sums += ones @ part
    counts = np.bincount(labels[labels >= 0], minlength=n_clusters)
    means: NDArray[np.float64] = sums / np.maximum(counts, 1)[:, None]
    means[counts > 0] += middle
    return means


def squared_to_own(
    rows: FloatArray, codes: NDArray[np.integer], centres: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Squared distance of each row to its own centre.

    Args:
        rows: (n_images, d).
        codes: int (n_images,), a row of `centres` for each.
        centres: float64 (k, d).

    Returns:
        float64 (n_images,), from differences.
    """
    squared = np.empty(len(rows))
    for start in range(0, len(rows), ROWS):
        part = slice(start, start + ROWS)
        difference = rows[part] - centres[codes[part]]
        np.einsum("ij,ij->i", difference, difference, out=squared[part])
    return squared


def _lengths(rows: Tensor) -> Tensor:
    """(n,) squared lengths; on the CPU without a product as large as the rows."""
    if rows.device.type != "cpu":
        return (rows * rows).sum(1)
    return torch.from_numpy(np.einsum("ij,ij->i", rows.numpy(), rows.numpy()))


class _Restarts:
    """Labels, sums and centres of the restarts that still run."""

    def __init__(self, rows: Tensor, seeds: Tensor, n_threads: int, *, normalise: bool) -> None:
        self.rows = rows
        self.centres = seeds
        self.normalise = normalise
        n_restarts, n_clusters, width = seeds.shape
        self.labels = torch.full((n_restarts, len(rows)), -1, dtype=torch.long, device=rows.device)
        self.nearest = torch.zeros((n_restarts, len(rows)), dtype=rows.dtype, device=rows.device)
        self.sums = torch.zeros((n_restarts * n_clusters, width), dtype=rows.dtype).to(rows.device)
        self.counts = torch.zeros((n_restarts, n_clusters), dtype=rows.dtype, device=rows.device)
        self.norms = _lengths(rows)
        self.n_threads = n_threads if rows.device.type == "cpu" else 1

    @property
    def active(self) -> int:
        """How many restarts still run."""
        return len(self.centres)

    def keep(self, mask: Tensor) -> None:
        """Go on with the restarts of the mask only."""
        width = self.centres.shape[2]
        n_clusters = self.centres.shape[1]
        self.centres, self.labels, self.nearest, self.counts = (
            self.centres[mask],
            self.labels[mask],
            self.nearest[mask],
            self.counts[mask],
        )
        self.sums = self.sums.view(-1, n_clusters, width)[mask].reshape(-1, width)

    def assign(self) -> tuple[Tensor, Tensor]:
        """Give every row its nearest centre and bring the sums up to date.

        Returns:
            Per restart: how many rows changed, and the inertia before the centres move.
        """
        n_restarts, n_clusters, width = self.centres.shape
        flat = self.centres.reshape(-1, width)
        offset = (flat * flat).sum(1)
        labels = torch.empty_like(self.labels)
        every = blocks(len(self.rows), len(flat))
        buffers = local()

        def compare(block: slice) -> None:
            buffer: Tensor | None = getattr(buffers, "values", None)
            if buffer is None:
                # one for all blocks of a thread: fresh memory costs as much as the product
                size = (every[0].stop, len(flat))
                buffer = torch.empty(size, dtype=self.rows.dtype, device=self.rows.device)
                buffers.values = buffer
            part = self.rows[block]
            scores = buffer[: len(part)]
            torch.addmm(offset[None, :], part, flat.T, alpha=-2.0, out=scores)
            labels[:, block], self.nearest[:, block] = _nearest_of(
                scores.view(-1, n_restarts, n_clusters), self.labels[:, block].T
            )

        in_threads(compare, every, self.n_threads)
        self.nearest.add_(self.norms[None, :]).clamp_(min=0.0)
        moved = labels != self.labels
        changed = moved.sum(1)
        self._update_sums(labels, moved, int(changed.sum()))
        self.labels = labels
        return changed, self.nearest.sum(1, dtype=torch.float64)

    def _update_sums(self, labels: Tensor, moved: Tensor, n_moved: int) -> None:
        n_restarts, n_clusters, _ = self.centres.shape
        shift = torch.arange(n_restarts, device=labels.device)[:, None] * n_clusters
        if n_moved * 8 > labels.numel() or bool((self.labels[:, :1] < 0).any()):
            self._sum_anew(labels + shift)
        elif n_moved:
            _, row = torch.nonzero(moved, as_tuple=True)
            moving = self.rows[row]
            self.sums.index_add_(0, (labels + shift)[moved], moving)
            self.sums.index_add_(0, (self.labels + shift)[moved], moving, alpha=-1.0)
        flat = (labels + shift).reshape(-1)
        self.counts = (
            torch.bincount(flat, minlength=n_restarts * n_clusters)
            .view(n_restarts, n_clusters)
            .to(self.rows.dtype)
        )

    def _sum_anew(self, slots: Tensor) -> None:
        """Sums as products with the membership matrix, block by block."""
        n_slots = len(self.sums)
        every = blocks(len(self.rows), n_slots)
        n_parts = min(self.n_threads, len(every))
        sums = self.sums.new_zeros((n_parts, *self.sums.shape))

        def add(k: int) -> None:
            for block in every[k::n_parts]:
                members = sums.new_zeros((block.stop - block.start, n_slots))
                members.scatter_(1, slots[:, block].T, 1.0)
                sums[k].addmm_(members.T, self.rows[block])

        in_threads(add, range(n_parts), n_parts)
        self.sums = sums.sum(0)

    def move(self) -> Tensor:
        """Move each centre to the mean of its rows; an empty one to the worst-placed row.

        Returns:
            Per restart: the sum of the squared moves.
        """
        n_restarts, n_clusters, width = self.centres.shape
        sums = self.sums.view(n_restarts, n_clusters, width)
        centres = sums / self.counts.clamp(min=1.0)[:, :, None]
        empty = self.counts == 0
        if bool(empty.any()):
            for restart in torch.nonzero(empty.any(1)).flatten().tolist():
                slots = torch.nonzero(empty[restart]).flatten()
                worst = torch.topk(self.nearest[restart], len(slots)).indices
                centres[restart, slots] = self.rows[worst]
        if self.normalise:
            centres = torch.nn.functional.normalize(centres, dim=2)
        shift = (centres - self.centres).pow_(2).sum((1, 2))
        self.centres = centres
        return torch.where(empty.any(1), torch.full_like(shift, torch.inf), shift)


def _nearest_of(scores: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """Index and value of the least score; an index that still holds is not searched for.

    Args:
        scores: (b, n_restarts, n_clusters).
        before: int64 (b, n_restarts) indices of the last iteration; -1 in the first.

    Returns:
        int64 (n_restarts, b) and (n_restarts, b).
    """
    if len(before) and int(before[0, 0]) < 0:
        least, index = scores.min(2)
        return index.T, least.T
    least = scores.amin(2)
    held = scores.gather(2, before[:, :, None])[:, :, 0]
    index = before.clone()
    changed = least < held
    index[changed] = scores[changed].argmin(1)
    return index.T, least.T


def nearest_two(
    features: FloatArray, centres: NDArray[np.float64], *, device: str = "cpu"
) -> tuple[LabelArray, NDArray[np.float64], NDArray[np.float64]]:
    """The nearest and the second nearest centre of each row.

    Args:
        features: (n_images, d).
        centres: float64 (n_clusters, d).
        device: torch device.

    Returns:
        int32 labels, the distance to the nearest centre, and to the second nearest (inf with one
        centre).
    """
    rows = tensor_of(features).to(device)
    centre_rows = torch.from_numpy(centres).to(rows.dtype).to(device)
    middle = centre_rows.median(0).values  # not the mean: a far centre would cost digits
    shifted = centre_rows - middle
    offset = (shifted * shifted).sum(1)
    wanted = min(2, len(centres))
    labels = np.empty(len(features), dtype=np.int32)
    nearest = np.empty(len(features))
    second = np.full(len(features), np.inf)

    def compare(block: slice) -> None:
        part = rows[block] - middle
        scores = torch.addmm(offset[None, :], part, shifted.T, alpha=-2.0)
        least, index = scores.topk(wanted, dim=1, largest=False)
        norms = (part * part).sum(1, keepdim=True)
        least = (least + norms).clamp_(min=0.0)
        # where a product loses digits, or two centres are about equally near: from differences
        doubt = least[:, 0] < 0.05 * norms[:, 0]
        doubt |= (least[:, -1] - least[:, 0] < 1e-4 * norms[:, 0]) & (wanted == 2)
        unsure = torch.nonzero(doubt).flatten()
        for i in range(wanted):
            difference = part[unsure] - shifted[index[unsure, i]]
            least[unsure, i] = (difference * difference).sum(1)
        order = least.argsort(dim=1, stable=True)
        labels[block] = index.gather(1, order)[:, 0].cpu().numpy()
        found = least.gather(1, order).sqrt_()
        nearest[block] = found[:, 0].cpu().numpy()
        if wanted == 2:
            second[block] = found[:, 1].cpu().numpy()

    n_threads = torch.get_num_threads() if rows.device.type == "cpu" else 1
    in_threads(compare, blocks(len(rows), max(len(centres), rows.shape[1])), n_threads)
    return labels, nearest, second
