"""Moves points until near ones are those that a graph joins: the optimisation inside UMAP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.optimize import curve_fit

from dclust_gui.algorithms.base import Callback, report
from dclust_gui.algorithms.search import single_threaded_operations

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from numpy.typing import NDArray
    from scipy import sparse
    from torch import Tensor

CHUNKS = 48
"""Steps of an epoch: so few that points move many at a time, so many that few move twice."""
LEAST_CHUNK = 64
PART = 8192
"""Edges of a step that one thread takes."""
NEGATIVES = 16
"""Points drawn in a step; all edges of the step are pushed away from them."""
PUSH = 5.0
"""Pushes for each pull."""
CLIP = 4.0
SOFTENING = 1e-3
EXTENT = 10.0
"""Half the width of the starting positions."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Likeness of two placed points at distance d: 1 / (1 + a d^(2 b))."""

    a: float
    b: float


def likeness_curve(min_dist: float, spread: float = 1.0) -> Curve:
    """The curve that is 1 up to `min_dist` and falls off over `spread` beyond.

    Args:
        min_dist: At least 0.
        spread: Above `min_dist`.
    """
    if min_dist == 0.0 and spread == 1.0:
        return Curve(1.9321, 0.7905)  # the usual case needs no fit
    distance = np.linspace(0, spread * 3, 300)
    wanted = np.where(distance < min_dist, 1.0, np.exp(-(distance - min_dist) / spread))

    def curve(d: NDArray[np.float64], a: float, b: float) -> NDArray[np.float64]:
        value: NDArray[np.float64] = 1.0 / (1.0 + a * d ** (2 * b))
        return value

    (a, b), _ = curve_fit(curve, distance, wanted, p0=(1.0, 1.0))
    return Curve(float(a), float(b))


def starting_positions(
    vectors: NDArray[np.floating], dims: int, *, seed: int = 0
) -> NDArray[np.float32]:
    """Positions to start from: vectors scaled to [-10, 10], with a little noise.

    Args:
        vectors: (n, at most dims); missing columns are noise only.
        dims: Wanted width.
        seed: Of the noise.

    Returns:
        float32 (n, dims).
    """
    noise = np.random.default_rng(seed).normal(0.0, 1e-4, (len(vectors), dims))
    start = noise.astype(np.float32)
    if vectors.size:
        largest = float(np.abs(vectors).max())
        factor = EXTENT / largest if largest > 0 else 0.0
        start[:, : vectors.shape[1]] += (vectors * factor).astype(np.float32)
    return start


def optimise(
    graph: sparse.csr_array,
    start: NDArray[np.float32],
    curve: Curve,
    n_epochs: int,
    *,
    seed: int = 0,
    device: str = "cpu",
    callback: Callback | None = None,
) -> NDArray[np.float32]:
    """Pull joined points together and push others apart, less and less from epoch to epoch.

    An epoch takes each edge with a chance in proportion to its weight, in random order, some at
    a time. Unlike the original, the points from which edges are pushed away are shared by all
    edges of a step, so that the pushes are matrix products.

    Args:
        graph: (n, n), symmetric.
        start: float32 (n, dims).
        curve: Likeness of placed points.
        n_epochs: Epochs.
        seed: Of the choice of edges and points.
        device: torch device.
        callback: Called with (epochs done, epochs); may raise `Cancelled`.

    Returns:
        float32 (n, dims).

    Source:
        McInnes, Healy, Melville, "UMAP", arXiv 1802.03426, section 3.2.
    """
    edges = graph.tocoo()
    places = torch.from_numpy(start.copy()).to(device)
    if not edges.nnz or n_epochs < 1:
        return start.copy()
    random = torch.Generator().manual_seed(seed)
    chance = torch.from_numpy(edges.data / edges.data.max())
    ends = torch.from_numpy(np.stack([edges.row, edges.col]).astype(np.int64))
    n_chunks = max(1, min(CHUNKS, int(chance.sum()) // LEAST_CHUNK))
    with single_threaded_operations() as n_threads, ThreadPoolExecutor(n_threads) as pool:
        for epoch in range(n_epochs):
            report(callback, epoch, n_epochs)
            taken = torch.nonzero(torch.rand(len(chance), generator=random) < chance).flatten()
            taken = taken[torch.randperm(len(taken), generator=random)]
            drawn = torch.randint(len(start), (n_chunks, NEGATIVES), generator=random).to(device)
            rate = 1.0 - epoch / n_epochs
            chosen = ends[:, taken].to(device)
            for some, far in zip(chosen.chunk(n_chunks, dim=1), drawn, strict=False):
                _step(places, some, far, curve, rate, pool)
    report(callback, n_epochs, n_epochs)
    result: NDArray[np.float32] = places.cpu().numpy()
    return result


def _step(
    places: Tensor, edges: Tensor, far: Tensor, curve: Curve, rate: float, pool: Executor
) -> None:
    """Pull both ends of edges together; push the heads from the points `far`.

    Parts of a step are worked out at the same time and added in order: threads change nothing.
    """

    def moves(part: Tensor) -> Tensor:
        head = places.index_select(0, part[0])
        pull = _pull(head, places.index_select(0, part[1]), curve, rate)
        return torch.cat([_push(head, others, curve, rate).sub_(pull), pull])

    others = places.index_select(0, far)
    starts = range(0, edges.shape[1], PART)
    parts = [edges[:, start : start + PART] for start in starts]
    mapped = map(moves, parts) if len(parts) == 1 or places.is_cuda else pool.map(moves, parts)
    for part, moved in zip(parts, list(mapped), strict=True):
        places.index_add_(0, part.reshape(-1), moved)


def _power(squared: Tensor, exponent: float) -> Tensor:
    """The power of squared distances; several times as fast as `pow`."""
    return squared.log().mul_(exponent).exp_()


def _pull(head: Tensor, tail: Tensor, curve: Curve, rate: float) -> Tensor:
    """The step of the tails towards the heads."""
    pull = head - tail
    squared = torch.linalg.vecdot(pull, pull).clamp_(min=1e-12)
    power = _power(squared, curve.b)
    strength = power.mul(2.0 * curve.a * curve.b * rate)
    strength.div_(squared.mul_(power.mul_(curve.a).add_(1.0)))
    limit = CLIP * rate
    return pull.mul_(strength[:, None]).clamp_(-limit, limit)


def _push(head: Tensor, far: Tensor, curve: Curve, rate: float) -> Tensor:
    """The step of the heads away from the points `far`."""
    base = torch.linalg.vecdot(far, far)[None] + torch.linalg.vecdot(head, head)[:, None]
    squared = torch.addmm(base, head, far.T, alpha=-2.0).clamp_(min=1e-12)
    strength = _power(squared, curve.b).mul_(curve.a).add_(1.0)
    strength.mul_(squared + SOFTENING).reciprocal_().mul_(2.0 * curve.b)
    torch.minimum(strength, squared.rsqrt_().mul_(CLIP), out=strength)
    strength.mul_(rate * PUSH / len(far))
    return head.mul(strength.sum(1, keepdim=True)).sub_(strength @ far)


def place_new(
    positions: NDArray[np.float32],
    indices: NDArray[np.integer],
    weights: NDArray[np.floating],
    curve: Curve,
    *,
    n_steps: int = 30,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Positions of new points between placed ones, which stay where they are.

    Args:
        positions: float32 (n, dims) of the placed points.
        indices: int (m, count) placed neighbours of each new point.
        weights: (m, count) their weights, rows not all 0.
        curve: Likeness of placed points.
        n_steps: Local steps after the weighted mean.
        seed: Of the choice of points.

    Returns:
        float32 (m, dims).
    """
    if not len(indices):
        return np.empty((0, positions.shape[1]), np.float32)
    fixed = torch.from_numpy(positions.copy())
    near = torch.from_numpy(indices.astype(np.int64))
    share = torch.from_numpy(weights.astype(np.float32))
    moving = (fixed[near] * (share / share.sum(1, keepdim=True))[:, :, None]).sum(1)
    random = torch.Generator().manual_seed(seed)
    for step in range(n_steps):
        rate = 0.25 * (1.0 - step / n_steps)
        column = torch.multinomial(share, 1, generator=random)
        pull = _pull(moving, fixed[near.gather(1, column)[:, 0]], curve, rate)
        far = fixed[torch.randint(len(fixed), (NEGATIVES,), generator=random)]
        moving = moving - pull + _push(moving, far, curve, rate)
    result: NDArray[np.float32] = moving.numpy()
    return result
