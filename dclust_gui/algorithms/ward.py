"""Exact Ward trees in O(n) memory: rounds of reciprocal nearest neighbours.

All pairs of clusters that are nearest to each other merge in one round. A cluster keeps a short
list of its nearest clusters and a bound: every cluster that is not on the list is at least that
far away. Ward's distance is reducible (a merged cluster is never nearer than the nearer of its
parts), so bounds and lists outlive merges: a list entry is followed to the cluster it went into,
and the bound of a merged cluster follows from those of its parts by Lance and Williams' formula.
Only when no entry lies within the bound are all clusters searched again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist, squareform

from dclust_gui.algorithms.base import Callback, report
from dclust_gui.algorithms.nnchain import chain_merges, pairwise_squared, ward_matrix
from dclust_gui.algorithms.search import GROUP, Pool, nearest_slots, single_threaded_operations
from dclust_gui.algorithms.trees import TreeBuilder, join_duplicates

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from dclust_gui.algorithms.base import FloatArray

LIST_LENGTH = 16
DENSE = 2048
"""At so many clusters a full matrix is faster than rounds."""
EXACT_VALUES = 1 << 24
"""Up to so many values the centres are kept in float64; beyond in float32."""
CHUNK_VALUES = 1 << 22
NARROW = 100
"""Up to so many features SciPy's own distances are as fast as a matrix product."""
SMALL = 4096
"""Up to so many different images SciPy's own Ward is the fastest, given the distances."""


def ward_tree(
    features: FloatArray, *, device: str = "cpu", callback: Callback | None = None
) -> NDArray[np.float64]:
    """Ward's merge tree of images.

    Args:
        features: (n_images, d), finite.
        device: torch device.
        callback: Called with (merges done, n_images - 1); may raise `Cancelled`.

    Returns:
        float64 (n_images - 1, 4) in SciPy's layout; (0, 4) for one image.
    """
    count = len(features)
    if count < 2:
        return np.empty((0, 4))
    report(callback, 0, count - 1)
    middle = features.mean(axis=0, dtype=np.float64)
    if count <= SMALL and features.shape[1] <= NARROW and device == "cpu":
        return _of_distances(pdist(features - middle), count, callback)
    builder = TreeBuilder(count)
    first, nodes, counts = join_duplicates(features, builder)
    if len(first) == count <= SMALL and device == "cpu":
        distances = pairwise_squared(features - middle)
        return _of_distances(squareform(np.sqrt(distances), checks=False), count, callback)
    wide = features.size <= EXACT_VALUES
    rows = (features[first] - middle).astype(np.float64 if wide else np.float32)
    ward_merges(rows, counts, nodes, builder, device=device, callback=callback)
    return builder.finish()


def _of_distances(
    distances: NDArray[np.float64], count: int, callback: Callback | None
) -> NDArray[np.float64]:
    """SciPy's tree from the condensed distances of different images."""
    tree: NDArray[np.float64] = hierarchy.linkage(distances, "ward")
    np.maximum.accumulate(tree[:, 2], out=tree[:, 2])
    report(callback, count - 1, count - 1)
    return tree


def ward_tree_of_centres(
    centres: NDArray[np.float64], sizes: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Ward's merge tree of clusters given by their centres and sizes.

    Args:
        centres: float64 (k, d).
        sizes: int (k,), at least 1.

    Returns:
        float64 (k - 1, 4); the last column counts clusters.
    """
    builder = TreeBuilder(len(centres))
    nodes = np.arange(len(centres), dtype=np.int64)
    ward_merges(centres - centres.mean(axis=0), sizes, nodes, builder)
    return builder.finish()


def ward_merges(
    centres: FloatArray,
    weights: NDArray[np.integer],
    nodes: NDArray[np.int64],
    builder: TreeBuilder,
    *,
    device: str = "cpu",
    callback: Callback | None = None,
) -> None:
    """Merge distinct weighted clusters into one by Ward's criterion.

    Args:
        centres: (k, d), centred; left as they are.
        weights: (k,) numbers of images, at least 1.
        nodes: int64 (k,) their nodes in the tree.
        builder: Takes the k - 1 merges with heights sqrt(2 wa wb / (wa + wb)) |ca - cb|.
        device: torch device.
        callback: Called with (merges done, k - 1); may raise `Cancelled`.
    """
    total = len(centres) - 1
    nodes = nodes.copy()
    mass = weights.astype(np.float64)
    exact: FloatArray = centres
    if len(centres) > DENSE:
        with single_threaded_operations() as n_threads:
            rounds = _Rounds(centres, mass, nodes, device, n_threads)
            while rounds.n_alive > DENSE:
                report(callback, total + 1 - rounds.n_alive, total)
                rounds.step(builder)
            exact, mass, nodes = rounds.rest()
    report(callback, total + 1 - len(exact), total)
    _finish_dense(exact.astype(np.float64), mass, nodes, builder)
    report(callback, total, total)


def _finish_dense(
    centres: NDArray[np.float64],
    weights: NDArray[np.float64],
    nodes: NDArray[np.int64],
    builder: TreeBuilder,
) -> None:
    """The last merges from a full matrix; heights anew from the centres."""
    if len(centres) < 2:
        return
    pairs, _ = chain_merges(ward_matrix(centres, weights), weights, "ward")
    for gone, kept in pairs.tolist():
        one, two = weights[gone], weights[kept]
        difference = centres[gone] - centres[kept]
        height = np.sqrt(2.0 * one * two / (one + two) * (difference @ difference))
        new = builder.add(np.array([[nodes[gone], nodes[kept]]]), np.array([height]))
        centres[kept] += difference * (one / (one + two))
        weights[kept] += one
        nodes[kept] = new[0]


class _Rounds:
    """Clusters in slots, their candidate lists and bounds."""

    def __init__(
        self,
        centres: FloatArray,
        weights: NDArray[np.float64],
        nodes: NDArray[np.int64],
        device: str,
        n_threads: int,
    ) -> None:
        self.n_threads = n_threads
        dtype = torch.float64 if centres.size <= EXACT_VALUES else torch.float32
        self.device = torch.device(device)
        self.centres = torch.from_numpy(centres).to(self.device, dtype, copy=True)
        self.weights = torch.from_numpy(weights).to(self.device)
        self.nodes = torch.from_numpy(nodes).to(self.device)
        self.n_alive = len(centres)
        n_slots = self.n_alive
        self.lists = torch.zeros((n_slots, LIST_LENGTH), dtype=torch.int64, device=self.device)
        self.bounds = torch.full((n_slots,), -1.0, dtype=torch.float64, device=self.device)
        self.nearest = torch.zeros(n_slots, dtype=torch.int64, device=self.device)
        self.distance = torch.full((n_slots,), torch.inf, dtype=torch.float64, device=self.device)
        self.alive = torch.ones(n_slots, dtype=torch.bool, device=self.device)
        self.target = torch.arange(n_slots, device=self.device)
        self._pad()
        self._make_pools()
        self.pending = torch.nonzero(self.alive).flatten()

    # --- slots -------------------------------------------------------------------------------

    def _pad(self) -> None:
        """Fill up with dead slots to a multiple of the search's group size."""
        missing = -len(self.centres) % GROUP
        if not missing:
            return

        def longer(values: Tensor, fill: float) -> Tensor:
            shape = (missing, *values.shape[1:])
            tail = torch.full(shape, fill, dtype=values.dtype, device=values.device)
            return torch.cat([values, tail])

        self.centres = longer(self.centres, 0.0)
        self.weights = longer(self.weights, 1.0)
        self.nodes = longer(self.nodes, -1)
        self.lists = longer(self.lists, 0)
        self.bounds = longer(self.bounds, 0.0)
        self.nearest = longer(self.nearest, 0)
        self.distance = longer(self.distance, torch.inf)
        self.alive = longer(self.alive, 0)
        self.target = torch.arange(len(self.centres), device=self.device)

    def _make_pools(self) -> None:
        self.pool = Pool.of(self.centres, self.weights, self.alive, torch.float32)

    def _compact(self) -> None:
        """Drop the dead slots."""
        kept = torch.nonzero(self.alive).flatten()
        place = torch.zeros_like(self.target)
        place[kept] = torch.arange(len(kept), device=self.device)
        self.lists = place[self._follow(self.lists[kept])]
        self.nearest = place[self._follow(self.nearest[kept])]
        self.centres, self.weights = self.centres[kept], self.weights[kept]
        self.nodes, self.bounds = self.nodes[kept], self.bounds[kept]
        self.distance, self.alive = self.distance[kept], self.alive[kept]
        self.pending = place[self.pending]
        self.target = torch.arange(len(kept), device=self.device)
        self._pad()
        self._make_pools()

    def _follow(self, slots: Tensor) -> Tensor:
        """The living slots into which clusters went."""
        while True:
            further = self.target[slots]
            if bool((further == slots).all()):
                return slots
            slots = further

    def rest(
        self,
    ) -> tuple[FloatArray, NDArray[np.float64], NDArray[np.int64]]:
        """Centres, weights and nodes of the living clusters."""
        living = self.alive
        return (
            self.centres[living].cpu().numpy(),
            self.weights[living].cpu().numpy(),
            self.nodes[living].cpu().numpy(),
        )

    # --- rounds ------------------------------------------------------------------------------

    def step(self, builder: TreeBuilder) -> None:
        """Find missing neighbours, then merge every mutually nearest pair."""
        self._find_neighbours(self.pending)
        one, two = self._mutual_pairs()
        room = self.n_alive - 1
        self._merge(one[:room], two[:room], builder)
        if self.n_alive < 0.7 * len(self.alive) and self.n_alive > DENSE:
            self._compact()

    def _mutual_pairs(self) -> tuple[Tensor, Tensor]:
        every = torch.arange(len(self.alive), device=self.device)
        mutual = (self.nearest[self.nearest] == every) & (every < self.nearest) & self.alive
        one = torch.nonzero(mutual).flatten()
        if not len(one):
            # ties can form a ring; the least distance of all is always a right merge
            first = self.distance.argmin()[None]
            return first, self.nearest[first]
        return one, self.nearest[one]

    def _merge(self, one: Tensor, two: Tensor, builder: TreeBuilder) -> None:
        """Merge pairs of slots; the new cluster lives on in the first."""
        between = self.distance[one]
        mass_one, mass_two = self.weights[one], self.weights[two]
        nodes = torch.stack([self.nodes[one], self.nodes[two]], 1).cpu().numpy()
        made = builder.add(nodes, between.sqrt().cpu().numpy())
        share = (mass_two / (mass_one + mass_two)).to(self.centres.dtype)[:, None]
        self.centres[one] += (self.centres[two] - self.centres[one]) * share
        self.weights[one] = mass_one + mass_two
        self.nodes[one] = torch.from_numpy(made).to(self.device)
        bound = _merged_bound(self.bounds[one], self.bounds[two], between, mass_one, mass_two)
        both = torch.cat([self.lists[one], self.lists[two]], 1)
        self.alive[two] = False
        self.distance[two] = torch.inf
        self.target[two] = one
        self.pool.uniform = False
        self.pool.put(one, self.centres[one], self.weights[one])
        self.pool.kill(two)
        self.n_alive -= len(two)
        gone = torch.zeros_like(self.alive)
        gone[one] = True
        gone[two] = True
        orphans = torch.nonzero(gone[self.nearest] & self.alive & ~gone).flatten()
        self.bounds[one] = bound
        self._shorten(one, both)
        self.pending = torch.cat([one, orphans])

    def _shorten(self, slots: Tensor, candidates: Tensor) -> None:
        """Keep the nearest candidates as lists; the bound falls to the nearest one dropped."""
        size = self._chunk(candidates.shape[1])
        for start in range(0, len(slots), size):
            part = slots[start : start + size]
            ids = self._follow(candidates[start : start + size])
            ids = ids.sort(1).values
            distance = self._exact(part, ids)
            twice = torch.zeros_like(ids, dtype=torch.bool)
            twice[:, 1:] = ids[:, 1:] == ids[:, :-1]
            distance[twice] = torch.inf
            value, place = distance.topk(LIST_LENGTH + 1, dim=1, largest=False)
            self.lists[part] = ids.gather(1, place[:, :LIST_LENGTH])
            self.bounds[part] = torch.minimum(self.bounds[part], value[:, LIST_LENGTH])

    # --- neighbours --------------------------------------------------------------------------

    def _chunk(self, columns: int) -> int:
        return max(1, CHUNK_VALUES // (columns * self.centres.shape[1]))

    def _exact(self, slots: Tensor, ids: Tensor) -> Tensor:
        """Squared Ward distances (r, c) from differences in float64; inf to itself."""
        difference = self.centres[ids] - self.centres[slots][:, None, :]
        squared: Tensor = torch.linalg.vecdot(difference, difference).to(torch.float64)
        one, two = self.weights[slots][:, None], self.weights[ids]
        squared *= 2.0 * one * two / (one + two)
        squared[ids == slots[:, None]] = torch.inf
        return squared

    def _find_neighbours(self, slots: Tensor) -> None:
        """Nearest cluster of each slot, from its list if that suffices, else from all."""
        unsure = self._from_lists(slots)
        if len(unsure):
            self._search(unsure, self.pool)
            unsure = self._from_lists(unsure)
        if len(unsure) and self.centres.dtype == torch.float64:
            # copies nearer than float32 can tell apart
            self._search(unsure, Pool.of(self.centres, self.weights, self.alive, torch.float64))
            self._from_lists(unsure)

    def _search(self, slots: Tensor, pool: Pool) -> None:
        ids, distance = nearest_slots(pool, slots, LIST_LENGTH, n_threads=self.n_threads)
        far = distance.max(1).values.to(torch.float64)
        norms = pool.right[slots, -2].to(torch.float64)
        width = pool.right.shape[1]
        unit = torch.finfo(pool.right.dtype).eps * (4.0 + width**0.5)
        bound = far * (1.0 - 2.0 * unit) - 6.0 * unit * norms * self.weights[slots]
        bound[far == torch.inf] = torch.inf
        self.lists[slots] = torch.where(distance < torch.inf, ids, slots[:, None])
        self.bounds[slots] = bound.clamp_(min=0.0)

    def _from_lists(self, slots: Tensor) -> Tensor:
        """Set the nearest listed cluster; gives the slots whose bound does not prove it."""
        unsure = []
        size = self._chunk(LIST_LENGTH)
        for start in range(0, len(slots), size):
            part = slots[start : start + size]
            ids = self._follow(self.lists[part])
            distance = self._exact(part, ids)
            least = distance.amin(1, keepdim=True)
            # among equally near ones the pair with the least mixed number wins, for both alike
            mixed = _mixed(part[:, None], ids).masked_fill_(distance > least, 1 << 62)
            best = mixed.argmin(1, keepdim=True)
            self.lists[part] = ids
            self.nearest[part] = ids.gather(1, best)[:, 0]
            self.distance[part] = least[:, 0]
            unsure.append(part[~(least[:, 0] <= self.bounds[part])])
        return torch.cat(unsure)


def _mixed(one: Tensor, two: Tensor) -> Tensor:
    """A scattered number for each pair of slots, the same in both orders."""
    low, high = torch.minimum(one, two), torch.maximum(one, two)
    return ((low * 2654435761 + high * 40503) * 2246822519) & 0x3FFFFFFFFFFF


def _merged_bound(
    bound_one: Tensor, bound_two: Tensor, between: Tensor, mass_one: Tensor, mass_two: Tensor
) -> Tensor:
    """Least possible distance of a merged cluster to any cluster on neither part's list.

    Lance and Williams' distance is monotone in the third cluster's weight, so it is least at
    weight 1 or at infinity.
    """
    light = (mass_one + 1.0) * bound_one + (mass_two + 1.0) * bound_two - between
    light /= mass_one + mass_two + 1.0
    heavy = bound_one + bound_two - between
    bound = torch.minimum(light, heavy).clamp_(min=0.0)
    bound.nan_to_num_(nan=0.0, posinf=torch.inf)
    return bound
