"""Single linkage by a minimum spanning tree in O(n) memory (Boruvka with candidate lists)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dclust_gui.algorithms.base import Callback, FloatArray, report
from dclust_gui.algorithms.search import GROUP, Pool, nearest_slots
from dclust_gui.algorithms.trees import TreeBuilder, join_duplicates

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

LIST_LENGTH = 16
CHUNK_VALUES = 1 << 22


def single_tree(
    features: FloatArray, *, device: str = "cpu", callback: Callback | None = None
) -> NDArray[np.float64]:
    """Single-linkage tree of images with Euclidean distances.

    Args:
        features: (n_images, d), finite.
        device: torch device.
        callback: Called with (edges found, n_images - 1); may raise `Cancelled`.

    Returns:
        float64 (n_images - 1, 4) in SciPy's layout.

    Source:
        Boruvka 1926; Gower, Ross, "Minimum spanning trees and single linkage", 1969.
    """
    builder = TreeBuilder(len(features))
    if len(features) < 2:
        return np.empty((0, 4))
    first, nodes, _ = join_duplicates(features, builder)
    rows = (features[first] - features.mean(axis=0, dtype=np.float64)).astype(np.float64)
    if len(rows) > 1:
        edges, lengths = _Forest(rows, device).grow(callback)
        _join(edges, lengths, nodes, builder)
    return builder.finish()


def _join(
    edges: NDArray[np.int64],
    lengths: NDArray[np.float64],
    nodes: NDArray[np.int64],
    builder: TreeBuilder,
) -> None:
    """Merge along the edges, the shortest first."""
    parent = list(range(len(nodes)))
    node = nodes.copy()
    for edge in np.argsort(lengths, kind="stable"):
        one, two = (_root(parent, int(end)) for end in edges[edge])
        made = builder.add(np.array([[node[one], node[two]]]), lengths[edge : edge + 1])
        parent[two] = one
        node[one] = made[0]


def _root(parent: list[int], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place


class _Forest:
    """Parts that grow together along their shortest outgoing edges."""

    def __init__(self, rows: NDArray[np.float64], device: str) -> None:
        self.n_rows = len(rows)
        padded = np.concatenate([rows, np.zeros((-len(rows) % GROUP, rows.shape[1]))])
        self.rows = torch.from_numpy(padded).to(device)
        alive = torch.arange(len(padded), device=self.rows.device) < self.n_rows
        ones = torch.ones(len(padded), dtype=torch.float64, device=self.rows.device)
        self.pools = [
            Pool.of(self.rows, ones, alive, dtype) for dtype in (torch.float32, torch.float64)
        ]
        self.part = torch.arange(len(padded), device=self.rows.device)
        shape = (self.n_rows, LIST_LENGTH)
        self.lists = torch.zeros(shape, dtype=torch.int64, device=self.rows.device)
        self.values = torch.full(shape, torch.inf, dtype=torch.float64, device=self.rows.device)
        self.bounds = torch.zeros(self.n_rows, dtype=torch.float64, device=self.rows.device)
        self.fresh = torch.zeros(self.n_rows, dtype=torch.bool, device=self.rows.device)

    def grow(self, callback: Callback | None) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """All edges of the spanning tree and their lengths."""
        parent = list(range(self.n_rows))
        edges: list[tuple[int, int]] = []
        lengths: list[float] = []
        self._search(torch.arange(self.n_rows, device=self.rows.device))
        while len(edges) < self.n_rows - 1:
            report(callback, len(edges), self.n_rows - 1)
            for one, two, squared in self._shortest():
                left, right = _root(parent, one), _root(parent, two)
                if left != right:
                    parent[right] = left
                    edges.append((one, two))
                    lengths.append(float(np.sqrt(squared)))
            roots = [_root(parent, i) for i in range(self.n_rows)]
            self.part[: self.n_rows] = torch.tensor(roots, device=self.rows.device)
        report(callback, self.n_rows - 1, self.n_rows - 1)
        return np.array(edges, dtype=np.int64), np.array(lengths)

    def _shortest(self) -> list[tuple[int, int, float]]:
        """For every part but the largest, its shortest edge to another part."""
        part = self.part[: self.n_rows]
        largest = torch.bincount(part, minlength=self.n_rows).argmax()
        asked = part != largest
        self.fresh[:] = False
        while True:
            inside = self.part[self.lists] == part[:, None]
            value, place = self.values.masked_fill(inside, torch.inf).min(1)
            # an edge longer than the bound might not be the row's shortest
            proven = (value <= self.bounds) | self.fresh
            value = torch.where(proven, value, torch.inf)
            best = torch.full((self.n_rows,), torch.inf, dtype=value.dtype, device=value.device)
            best.scatter_reduce_(0, part, value, "amin")
            unsure = torch.nonzero(asked & ~proven & (self.bounds < best[part])).flatten()
            if not len(unsure):
                break
            self._search(unsure)
        winners = torch.nonzero(asked & (value == best[part]) & (value < torch.inf)).flatten()
        other = self.lists[winners].gather(1, place[winners][:, None])[:, 0]
        return list(zip(winners.tolist(), other.tolist(), value[winners].tolist(), strict=True))

    def _search(self, slots: Tensor, digits: int = 0) -> None:
        """New lists of the nearest rows in other parts; anew in float64 for near-copies."""
        pool = self.pools[digits]
        ids, distance = nearest_slots(pool, slots, LIST_LENGTH, self.part)
        far = distance.max(1).values.to(torch.float64)
        width = self.rows.shape[1]
        unit = torch.finfo(pool.right.dtype).eps * (4.0 + width**0.5)
        norms = pool.right[slots, -2].to(torch.float64)
        bound = (far * (1.0 - 2.0 * unit) - 6.0 * unit * norms).clamp_(min=0.0)
        bound[far == torch.inf] = torch.inf
        real = distance < torch.inf
        ids = torch.where(real, ids, slots[:, None])
        self.lists[slots] = ids
        self.bounds[slots] = bound
        self.fresh[slots] = True
        size = max(1, CHUNK_VALUES // (LIST_LENGTH * width))
        for start in range(0, len(slots), size):
            some = slice(start, start + size)
            difference = self.rows[ids[some]] - self.rows[slots[some]][:, None, :]
            squared = torch.linalg.vecdot(difference, difference)
            self.values[slots[some]] = squared.masked_fill_(~real[some], torch.inf)
        unsure = slots[~(self.values[slots].amin(1) <= bound)]
        if digits == 0 and len(unsure):
            self._search(unsure, digits=1)
