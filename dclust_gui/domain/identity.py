"""Which new cluster is the old one again: ids and names carried from run to run by overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.assignment import best_pairs
from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.edits import next_colour

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def match_by_overlap(
    old: NDArray[np.int32], new: NDArray[np.int32], least_share: float = 0.5
) -> dict[int, int]:
    """Pair new clusters with old ones so that the pairs share as many images as they can.

    Of pairings that share equally many, that of the greater Jaccard overlap is taken.

    Args:
        old: int32 (n_images,), old labels; negative ones match nothing.
        new: int32 (n_images,), new labels of the same images; negative ones match nothing.
        least_share: A pair must share more than this part of the smaller of both clusters.

    Returns:
        New label to old label, for the new ones that continue an old one.
    """
    both = (old >= 0) & (new >= 0)
    # One number for each pair: sorting these is ten times faster than sorting rows.
    pairs, shared = np.unique(new[both].astype(np.int64) << 32 | old[both], return_counts=True)
    pair_new, pair_old = pairs >> 32, pairs & 0xFFFFFFFF
    size_new = dict(zip(*(a.tolist() for a in np.unique(new, return_counts=True)), strict=True))
    size_old = dict(zip(*(a.tolist() for a in np.unique(old, return_counts=True)), strict=True))
    possible = {
        (a, b): (n, n / (size_new[a] + size_old[b] - n))
        for a, b, n in zip(pair_new.tolist(), pair_old.tolist(), shared.tolist(), strict=True)
        if n > least_share * min(size_new[a], size_old[b])
    }
    # All Jaccard overlaps together weigh less than one image.
    weights = {pair: n + jaccard / (1 + len(size_new)) for pair, (n, jaccard) in possible.items()}
    return best_pairs(weights)


@dataclass(frozen=True, slots=True, eq=False)
class Adoption:
    """A run's labels as clusters of a project.

    Attributes:
        labels: int32 (n_images,), cluster ids.
        clusters: The whole new cluster table.
        ids: The cluster of each of the run's labels from 0 up; a gap in the labels has
            `UNASSIGNED`.
        own: The clusters that the run's labels became, by id, those without images, too.
    """

    labels: NDArray[np.int32]
    clusters: dict[int, Cluster]
    ids: NDArray[np.int32]
    own: Mapping[int, Cluster]


def adopt(state: Clustering, images: NDArray[np.int64], labels: NDArray[np.int32]) -> Adoption:
    """Turn a run's labels into cluster ids of the project.

    Clusters that continue an old one keep its id, name, colour and marks; hand-placed and
    approved images stay where they are; clusters with a name, notes or a pin never vanish.

    Args:
        state: The state before the run.
        images: int64 (m,), ids of the images the run has labels for.
        labels: int32 (m,), the run's labels, 0 and up, negative for Unassigned.
    """
    carried = match_by_overlap(state.labels[images], labels)
    ids: dict[int, int] = {}
    table: dict[int, Cluster] = {}
    next_id = state.next_id
    for label in np.unique(labels[labels >= 0]).tolist():
        if label in carried:
            table[carried[label]] = state.clusters[carried[label]]
            ids[label] = carried[label]
        else:
            ids[label] = next_id
            table[next_id] = Cluster(next_id, colour=next_colour(table.values()))
            next_id += 1
    own = dict(table)
    full = np.full(state.n_images, UNASSIGNED, np.int32)
    lookup = np.array([ids.get(v, UNASSIGNED) for v in range(max(ids, default=-1) + 1)], np.int32)
    assigned = labels >= 0
    full[images[assigned]] = lookup[labels[assigned]]
    kept = decided_images(state)
    full[kept] = state.labels[kept]
    needed = set(np.unique(full).tolist()) - {UNASSIGNED}
    for cluster in state.clusters.values():
        if cluster.id in needed or cluster.name or cluster.notes or cluster.is_pinned:
            table.setdefault(cluster.id, cluster)
    clusters = {
        key: value for key, value in table.items() if key in needed or key in state.clusters
    }
    return Adoption(full, clusters, lookup, own)


def adopt_labels(
    state: Clustering, images: NDArray[np.int64], labels: NDArray[np.int32]
) -> tuple[NDArray[np.int32], dict[int, Cluster]]:
    """As `adopt`: int32 (n_images,) cluster ids, and the whole new cluster table."""
    adopted = adopt(state, images, labels)
    return adopted.labels, adopted.clusters


def decided_images(state: Clustering) -> NDArray[np.bool_]:
    """Images that no run moves: placed by hand, approved, or in a pinned cluster.

    Returns:
        bool (n_images,).
    """
    said = np.uint8(ImageFlag.HAND_PLACED | ImageFlag.APPROVED)
    kept: NDArray[np.bool_] = (state.flags & said) != 0
    pinned = [c.id for c in state.clusters.values() if c.is_pinned]
    return kept | np.isin(state.labels, pinned)
