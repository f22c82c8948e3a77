"""Which new cluster is the old one again: ids and names carried from run to run by overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.edits import next_colour

if TYPE_CHECKING:
    from numpy.typing import NDArray


def match_by_overlap(
    old: NDArray[np.int32], new: NDArray[np.int32], least_share: float = 0.5
) -> dict[int, int]:
    """Pair new clusters with the old ones that they share most images with.

    Pairs are made from the greatest Jaccard overlap downwards, each cluster once.

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
    ranked = sorted(
        (-n / (size_new[a] + size_old[b] - n), a, b, n)
        for a, b, n in zip(pair_new.tolist(), pair_old.tolist(), shared.tolist(), strict=True)
    )
    taken: dict[int, int] = {}
    used: set[int] = set()
    for _, a, b, n in ranked:
        if a not in taken and b not in used and n > least_share * min(size_new[a], size_old[b]):
            taken[a] = b
            used.add(b)
    return taken


def adopt_labels(
    state: Clustering, images: NDArray[np.int64], labels: NDArray[np.int32]
) -> tuple[NDArray[np.int32], dict[int, Cluster]]:
    """Turn a run's labels into cluster ids of the project.

    Clusters that continue an old one keep its id, name, colour and marks; hand-placed and
    approved images stay where they are; clusters with a name, notes or a pin never vanish.

    Args:
        state: The state before the run.
        images: int64 (m,), ids of the images the run has labels for.
        labels: int32 (m,), the run's labels, 0 and up, negative for Unassigned.

    Returns:
        int32 (n_images,) cluster ids, and the whole new cluster table.
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
    full = np.full(state.n_images, UNASSIGNED, np.int32)
    lookup = np.array([ids.get(v, UNASSIGNED) for v in range(max(ids, default=-1) + 1)], np.int32)
    assigned = labels >= 0
    full[images[assigned]] = lookup[labels[assigned]]
    kept = (state.flags & np.uint8(ImageFlag.HAND_PLACED | ImageFlag.APPROVED)) != 0
    pinned = [c.id for c in state.clusters.values() if c.is_pinned]
    kept |= np.isin(state.labels, pinned)
    full[kept] = state.labels[kept]
    needed = set(np.unique(full).tolist()) - {UNASSIGNED}
    for cluster in state.clusters.values():
        if cluster.id in needed or cluster.name or cluster.notes or cluster.is_pinned:
            table.setdefault(cluster.id, cluster)
    return full, {
        key: value for key, value in table.items() if key in needed or key in state.clusters
    }
