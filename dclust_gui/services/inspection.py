"""What the inspector tells: why an image is in its cluster, what is near it, its place in the tree.

Everything here may take a while at the first question; ask on the query thread.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.services.feature_matrix import unit_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.runs import Run
    from dclust_gui.services.feature_matrix import FeatureMatrix
    from dclust_gui.services.similar import SimilarService
    from dclust_gui.services.snapshot import Snapshot

NEIGHBOURS = 12
"""Neighbours that the inspector shows."""

_MOST_RECOUNTED = 0.2
"""Share of changed labels above which all sums are made anew."""

_DEEP = 200
_STEPS = 16
"""Branches are thinned out in trees deeper than `_DEEP` to about so many for each factor of e."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An image near another one.

    Attributes:
        image: Its id.
        similarity: Cosine, -1 to 1.
    """

    image: int
    similarity: float


@dataclass(frozen=True, slots=True)
class ClusterFit:
    """How near an image is to the middle of a cluster.

    Attributes:
        cluster: Its id.
        similarity: Cosine with the mean of its other images, -1 to 1.
    """

    cluster: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of the tree that holds an image.

    Attributes:
        node: Its number in the tree.
        n_images: Number of images below it.
        height: Height of the merge that makes it.
        is_cluster: It is the image's cluster as the run made it.
    """

    node: int
    n_images: int
    height: float
    is_cluster: bool = False


@dataclass(frozen=True, slots=True)
class ImageReport:
    """What is found out about one image.

    Attributes:
        image: Its id.
        neighbours: The nearest images, the nearest first; empty without features.
        own: Its own cluster; None for an Unassigned image, or a cluster of its own.
        others: The nearest other clusters, the nearest first, at most two.
        branches: Those that hold it, from the whole tree down to its first merge.
        why_not: Why there are no neighbours, in words; empty where there are some.
    """

    image: int
    neighbours: tuple[Neighbour, ...] = ()
    own: ClusterFit | None = None
    others: tuple[ClusterFit, ...] = ()
    branches: tuple[Branch, ...] = ()
    why_not: str = ""

    @property
    def margin(self) -> float | None:
        """How much nearer its own cluster is than the next one; None without either."""
        if self.own is None or not self.others:
            return None
        return self.own.similarity - self.others[0].similarity


@dataclass(frozen=True, slots=True)
class SelectionReport:
    """Several images at once.

    Attributes:
        n_images: How many.
        clusters: Cluster (or `UNASSIGNED`) and number of images, the largest first.
        first_taken: Earliest capture time, `YYYY-MM-DDTHH:MM:SS`; empty when none is known.
        last_taken: Latest one.
        n_undated: Images without a capture time.
        confidence: Mean of the known ones; None when none is.
        n_bytes: Size of the files.
        cameras: Camera and number of images, the most used first; unknown ones left out.
    """

    n_images: int
    clusters: tuple[tuple[int, int], ...]
    first_taken: str
    last_taken: str
    n_undated: int
    confidence: float | None
    n_bytes: int
    cameras: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Means:
    """Sums of rows by cluster for one state."""

    matrix: FeatureMatrix
    labels: NDArray[np.int32]
    sums: NDArray[np.float64]
    counts: NDArray[np.int64]


class InspectionService:
    """Answers the inspector; keeps the means of the last state's clusters.

    Args:
        similar: Has the features.
    """

    def __init__(self, similar: SimilarService) -> None:
        self._similar = similar
        self._lock = threading.Lock()
        self._means: _Means | None = None

    def inspect(
        self,
        snapshot: Snapshot,
        image: int,
        n_neighbours: int = NEIGHBOURS,
        token: CancelToken | None = None,
    ) -> ImageReport:
        """Find out about one image; what cannot be found out is left empty.

        Raises:
            BackboneError: If there is no run and no backbone.
            Cancelled: If the token says so.
        """
        branches = branches_of(snapshot.run, image)
        try:
            matrix = self._similar.matrix(snapshot, token)
        except (InputError, StorageError) as error:
            return ImageReport(image, branches=branches, why_not=f"{error.what} {error.why}")
        direction = matrix.direction_of(np.array([image]))
        if direction is None:
            why_not = "This image could not be read, or has not been read yet."
            return ImageReport(image, branches=branches, why_not=why_not)
        found = matrix.nearest(direction, n_neighbours, np.array([image]), token)
        pairs = zip(found[0].tolist(), found[1].tolist(), strict=True)
        own, others = self._fits(matrix, snapshot.clustering, image, direction, token)
        near = tuple(Neighbour(i, s) for i, s in pairs)
        return ImageReport(image, near, own, others, branches)

    def cluster_sums(
        self, snapshot: Snapshot, token: CancelToken | None = None
    ) -> tuple[FeatureMatrix, NDArray[np.float64], NDArray[np.int64]]:
        """The features, and the sum of the rows of each cluster.

        Returns:
            The matrix, float64 (n_labels, d) sums by cluster id, int64 (n_labels,) rows of each.

        Raises:
            InputError: If no image has features yet.
            StorageError: If the cache cannot be read.
            Cancelled: If the token says so.
        """
        matrix = self._similar.matrix(snapshot, token)
        with self._lock:
            means = self._means_of(matrix, snapshot.clustering, token)
        return matrix, means.sums, means.counts

    def forget(self) -> None:
        """Give the memory back."""
        with self._lock:
            self._means = None

    def _fits(
        self,
        matrix: FeatureMatrix,
        clustering: Clustering,
        image: int,
        direction: NDArray[np.float32],
        token: CancelToken | None,
    ) -> tuple[ClusterFit | None, tuple[ClusterFit, ...]]:
        """The image's own cluster, without itself, and the nearest two others."""
        with self._lock:
            means = self._means_of(matrix, clustering, token)
        own = int(clustering.labels[image])
        sums, counts = means.sums, means.counts
        if own != UNASSIGNED:
            sums, counts = sums.copy(), counts.copy()
            sums[own] -= direction
            counts[own] -= 1
        used = np.flatnonzero(counts > 0)
        similarity = unit_rows(sums[used].astype(np.float32)) @ direction
        fits = [
            ClusterFit(cluster, value)
            for cluster, value in zip(used.tolist(), similarity.tolist(), strict=True)
        ]
        fits.sort(key=lambda fit: (-fit.similarity, fit.cluster))
        mine = next((fit for fit in fits if fit.cluster == own), None)
        return mine, tuple(fit for fit in fits if fit.cluster != own)[:2]

    def _means_of(
        self, matrix: FeatureMatrix, clustering: Clustering, token: CancelToken | None
    ) -> _Means:
        """Sums by cluster; after an edit only those of the moved images change."""
        labels, n_labels, known = clustering.labels, clustering.next_id, self._means
        if known is not None and known.matrix is matrix:
            if known.labels is labels:
                return known
            changed = np.flatnonzero(known.labels != labels)
            if len(changed) <= _MOST_RECOUNTED * len(labels):
                n = max(n_labels, len(known.sums))
                less, n_less = matrix.sums(known.labels[changed], changed, n, token)
                more, n_more = matrix.sums(labels[changed], changed, n, token)
                sums, counts = np.zeros_like(more), np.zeros_like(n_more)
                sums[: len(known.sums)], counts[: len(known.counts)] = known.sums, known.counts
                self._means = _Means(matrix, labels, sums + more - less, counts + n_more - n_less)
                return self._means
        sums, counts = matrix.sums(labels, np.arange(len(labels)), n_labels, token)
        self._means = _Means(matrix, labels, sums, counts)
        return self._means


def summarise(snapshot: Snapshot, images: Iterable[int]) -> SelectionReport:
    """Find out about several images; any thread, some tens of milliseconds for 100,000."""
    ids = np.fromiter(images, np.int64)
    values, counts = np.unique(snapshot.clustering.labels[ids], return_counts=True)
    clusters = sorted(
        zip(values.tolist(), counts.tolist(), strict=True), key=lambda row: (-row[1], row[0])
    )
    records = [snapshot.images[i] for i in ids.tolist()]
    taken = [record.facts.taken_at for record in records if record.facts.taken_at]
    cameras: dict[str, int] = {}
    for record in records:
        if record.facts.camera:
            cameras[record.facts.camera] = cameras.get(record.facts.camera, 0) + 1
    confidence = snapshot.confidence[ids]
    known = confidence[~np.isnan(confidence)]
    return SelectionReport(
        len(ids),
        tuple(clusters),
        min(taken, default=""),
        max(taken, default=""),
        len(ids) - len(taken),
        float(known.mean(dtype=np.float64)) if len(known) else None,
        sum(record.stamp.size for record in records),
        tuple(sorted(cameras.items(), key=lambda row: (-row[1], row[0]))),
    )


def branches_of(run: Run | None, image: int) -> tuple[Branch, ...]:
    """The branches of a run's tree that hold an image, from the whole tree downwards.

    Of a very deep tree, such as a chain, only those are given whose sizes differ by some percent.
    """
    row = _row_of(run, image)
    if run is None or row is None or not len(run.tree):
        return ()
    n_leaves = len(run.images)
    parent = np.full(2 * n_leaves - 1, -1, np.int64)
    parent[run.tree[:, :2].astype(np.int64)] = np.arange(n_leaves, 2 * n_leaves - 1)[:, None]
    above = parent.tolist()
    path, node = [], above[row]
    while node >= 0:
        path.append(node)
        node = above[node]
    nodes = np.array(path[::-1], np.int64)
    heights, sizes = run.tree[nodes - n_leaves, 2], run.tree[nodes - n_leaves, 3].astype(np.int64)
    label = int(run.labels[row])
    is_cluster = sizes == (np.count_nonzero(run.labels == label) if label >= 0 else 0)
    if len(nodes) > _DEEP:
        step = np.floor(np.log(sizes) * _STEPS)
        is_kept = (np.diff(step, prepend=np.inf) != 0) | is_cluster
        is_kept[-1] = True
        nodes, heights = nodes[is_kept], heights[is_kept]
        sizes, is_cluster = sizes[is_kept], is_cluster[is_kept]
    columns = (nodes.tolist(), sizes.tolist(), heights.tolist(), is_cluster.tolist())
    return tuple(Branch(*values) for values in zip(*columns, strict=True))


def branch_images(run: Run, node: int) -> tuple[int, ...]:
    """Ids of the images below a node of a run's tree, ascending.

    Raises:
        ValueError: If there is no such node.
    """
    n_leaves = len(run.images)
    if not 0 <= node < 2 * n_leaves - 1:
        raise ValueError("no such node")
    children = run.tree[:, :2].astype(np.int64)
    leaves: list[NDArray[np.int64]] = []
    level = np.array([node], np.int64)
    while len(level):
        leaves.append(level[level < n_leaves])
        level = children[level[level >= n_leaves] - n_leaves].ravel()
    return tuple(np.sort(run.images[np.concatenate(leaves)]).tolist())


def chosen_branches(branches: tuple[Branch, ...], most: int) -> tuple[Branch, ...]:
    """The few branches that say most: the whole, the cluster, the first merge, and large steps.

    Args:
        branches: From the whole tree downwards.
        most: How many at most, at least 3.
    """
    if len(branches) <= most:
        return branches
    places = {0, len(branches) - 1}
    places.update(i for i, branch in enumerate(branches) if branch.is_cluster)
    sizes = np.log([branch.n_images for branch in branches])
    # One after another the branch whose size is farthest from all that are chosen.
    while len(places) < most:
        distance = np.abs(sizes[:, None] - sizes[sorted(places)]).min(1)
        place = int(np.argmax(distance))
        if distance[place] <= 0:
            break
        places.add(place)
    return tuple(branches[i] for i in sorted(places))


def _row_of(run: Run | None, image: int) -> int | None:
    if run is None:
        return None
    rows = np.flatnonzero(run.images == image)
    return int(rows[0]) if len(rows) else None
