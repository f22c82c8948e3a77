"""Where a second look pays most: doubtful images, clusters to merge, clusters to split.

All three come from the graph of nearest neighbours that clustering made anyway: an image is
doubtful whose neighbours lie in another cluster; two clusters may be one whose members are each
other's neighbours as often as their own; a cluster may be two whose halves hardly touch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from dclust_gui.algorithms.base import NOISE, Callback, FloatArray, LabelArray, report
from dclust_gui.algorithms.label_spreading import similarity_graph
from dclust_gui.algorithms.partition import KMeans

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.knn import Neighbours

SMALLEST_SPLIT = 8
"""A cluster of fewer images is not looked at for parts."""
SPLIT_SAMPLE = 2_000
"""Most images of a cluster that are looked at for parts."""


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """What an image's neighbours say about its cluster.

    Attributes:
        own: float32 (n,), share of the neighbours' votes for the image's own cluster.
        other: int32 (n,), the other cluster with most votes; -1 where there is none.
        share: float32 (n,), its share.
    """

    own: NDArray[np.float32]
    other: LabelArray
    share: NDArray[np.float32]

    @property
    def doubt(self) -> NDArray[np.float32]:
        """float32 (n,): how likely the other cluster is, of the two; 0 to 1."""
        total = self.own + self.share
        found = np.zeros_like(total)
        np.divide(self.share, total, out=found, where=total > 0)
        return found


@dataclass(frozen=True, slots=True)
class Pair:
    """Two clusters that may be one.

    Attributes:
        first: The larger one.
        second: The smaller one.
        score: How mixed they are: 0 where no neighbours are shared, 1 where an image's neighbours
            lie in either as often as their sizes say.
    """

    first: int
    second: int
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A cluster that may be two.

    Attributes:
        cluster: Which.
        rows: int64, its rows, or a sample of them.
        part: int32, 0 or 1 for each of these, 0 the larger part.
        score: How apart the parts are: 1 where they share no neighbours, 0 where they are mixed.
    """

    cluster: int
    rows: NDArray[np.int64]
    part: NDArray[np.int32]
    score: float


def neighbour_votes(neighbours: Neighbours, labels: LabelArray, count: int) -> Votes:
    """Votes of the nearest images, weighted by likeness.

    Args:
        neighbours: Of rows of length 1.
        labels: int32 (n,), 0 to `count` - 1; -1 for Unassigned, which gives no vote.
        count: Number of clusters.
    """
    votes = _votes(neighbours, labels, count)
    n = len(labels)
    every = np.arange(n)
    own = np.zeros(n, np.float32)
    placed = labels >= 0
    own[placed] = np.asarray(votes[every[placed], labels[placed]]).ravel()
    rest = votes.tocoo()
    foreign = rest.coords[1] != labels[rest.coords[0]]
    row, column, value = rest.coords[0][foreign], rest.coords[1][foreign], rest.data[foreign]
    order = np.lexsort((column, -value, row))
    row, column, value = row[order], column[order], value[order]
    first = np.ones(len(row), bool)
    first[1:] = row[1:] != row[:-1]
    other = np.full(n, NOISE, np.int32)
    share = np.zeros(n, np.float32)
    other[row[first]] = column[first]
    share[row[first]] = value[first]
    return Votes(own, other, share)


def mixed_pairs(neighbours: Neighbours, labels: LabelArray, count: int) -> list[Pair]:
    """Pairs of clusters by how mixed they are, the most mixed first; pairs apart are left out.

    Args:
        neighbours: Of rows of length 1.
        labels: int32 (n,), 0 to `count` - 1; -1 for Unassigned.
        count: Number of clusters.
    """
    votes = _votes(neighbours, labels, count)
    placed = np.flatnonzero(labels >= 0)
    member = sparse.csr_array(
        (np.ones(len(placed)), (labels[placed], placed)), shape=(count, len(labels))
    )
    between = (member @ votes).toarray()
    between = between + between.T
    sizes = np.bincount(labels[placed], minlength=count)
    found = []
    for a, b in zip(*np.nonzero(np.triu(between, 1)), strict=True):
        first, second = (int(a), int(b)) if sizes[a] >= sizes[b] else (int(b), int(a))
        inside = between[a, a] + between[b, b] + 2.0 * between[a, b]
        p = sizes[a] / (sizes[a] + sizes[b])
        mixed = 2.0 * between[a, b] / max(inside, 1e-12) / (2.0 * p * (1.0 - p))
        found.append(Pair(first, second, float(min(1.0, mixed))))
    return sorted(found, key=lambda pair: (-pair.score, pair.first, pair.second))


def apart_parts(
    space: FloatArray,
    neighbours: Neighbours,
    labels: LabelArray,
    count: int,
    *,
    random_state: int = 0,
    callback: Callback | None = None,
) -> list[Parts]:
    """Clusters by how apart their two halves (2-means) are, the most apart first.

    Args:
        space: (n, d), where the clusters were found.
        neighbours: Of rows of length 1.
        labels: int32 (n,), 0 to `count` - 1; -1 for Unassigned.
        count: Number of clusters.
        random_state: Seed.
        callback: Called with (clusters done, clusters); may raise `Cancelled`.
    """
    graph = similarity_graph(neighbours)
    random = np.random.default_rng(random_state)
    found = []
    for cluster in range(count):
        report(callback, cluster, count)
        rows = np.flatnonzero(labels == cluster)
        if len(rows) < SMALLEST_SPLIT:
            continue
        if len(rows) > SPLIT_SAMPLE:
            rows = np.sort(random.choice(rows, SPLIT_SAMPLE, replace=False))
        some = np.ascontiguousarray(space[rows])
        if not (some != some[0]).any():
            continue
        part = KMeans(2, n_init=5, random_state=random_state).fit_predict(some)
        if (part == 1).sum() > (part == 0).sum():
            part = 1 - part
        inside = graph[rows][:, rows].tocoo()
        p = float((part == 0).mean())
        total = float(inside.data.sum())
        across = float(inside.data[part[inside.coords[0]] != part[inside.coords[1]]].sum())
        score = 1.0 - across / max(total * 2.0 * p * (1.0 - p), 1e-12) if total > 0 else 0.0
        found.append(Parts(cluster, rows, part.astype(np.int32), max(0.0, score)))
    report(callback, count, count)
    return sorted(found, key=lambda parts: (-parts.score, parts.cluster))


def _votes(neighbours: Neighbours, labels: LabelArray, count: int) -> sparse.csr_array:
    """float32 (n, count): share of each image's neighbours in each cluster."""
    graph = similarity_graph(neighbours)
    placed = np.flatnonzero(labels >= 0)
    shape = (len(labels), count)
    ones = np.ones(len(placed), np.float32)
    member = sparse.csr_array((ones, (placed, labels[placed])), shape=shape)
    votes = (graph @ member).tocsr()
    total = np.maximum(np.asarray(votes.sum(axis=1)).ravel(), 1e-12)
    return (sparse.diags_array((1.0 / total).astype(np.float32)) @ votes).tocsr()
