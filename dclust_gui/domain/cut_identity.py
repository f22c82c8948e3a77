"""Which cluster each branch of a cut becomes: ids, names and marks carried over by overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import (
    PALETTE_SIZE,
    UNASSIGNED,
    Cluster,
    Clustering,
    ImageFlag,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAVE = -1
"""Group of images that stay as they are."""

_MOST_CELLS = 1 << 19
_LEAST_SHARE = 0.5


def adopt_groups(
    state: Clustering, images: NDArray[np.integer], groups: NDArray[np.int32]
) -> tuple[NDArray[np.int32], dict[int, Cluster]]:
    """Labels and clusters after some images were grouped anew.

    A group that continues a cluster keeps its id, name, colour and marks. Hand-placed and approved
    images and those of pinned clusters stay where they are, and so do images of no group. Images
    that an accepted proposal moved stay with the cluster that they were moved to: in it while it
    lives, else where most of it has gone. Clusters with a name, notes or a mark never vanish;
    others do when they are empty.

    Args:
        state: The present state.
        images: (m,), ids.
        groups: int32 (m,), 0 and up, or `LEAVE`.

    Returns:
        int32 (n_images,) cluster ids, read-only, and the whole new cluster table.
    """
    is_kept = kept_images(state)
    is_free = (groups >= 0) & ~is_kept[images]
    if not is_free.any():
        return state.labels, dict(state.clusters)
    chosen, own = (images, groups) if is_free.all() else (images[is_free], groups[is_free])
    labels = state.labels.copy()
    carried, present = _carried(state, labels[chosen], own, labels, is_kept)
    table = dict(state.clusters)
    lookup = np.full(int(present[-1]) + 1, UNASSIGNED, np.int32)
    stays = np.zeros(state.next_id + 1, np.int64)
    if len(chosen) < len(labels):
        is_left = np.ones(len(labels), np.bool_)
        is_left[chosen] = False
        stays = np.bincount(labels[is_left] + 1, minlength=state.next_id + 1)
    used = {*carried.values(), *(key for key in table if stays[key + 1])}
    next_id = give_ids(state.next_id, present, carried, table, used, lookup)
    labels[chosen] = lookup[own]
    is_refined = refined_images(state)
    if is_refined.any():
        _follow(state.labels, labels, chosen, is_refined)
    labels.setflags(write=False)
    is_used = np.bincount(labels + 1, minlength=next_id + 1)[1:] > 0
    return labels, {key: c for key, c in table.items() if is_used[key] or has_meaning(c)}


def kept_images(state: Clustering) -> NDArray[np.bool_]:
    """Tell which images a new grouping does not regroup: bool (n_images,)."""
    return _said(state, ImageFlag.HAND_PLACED | ImageFlag.APPROVED | ImageFlag.REFINED)


def refined_images(state: Clustering) -> NDArray[np.bool_]:
    """Those of them that only an accepted proposal keeps where they are: bool (n_images,)."""
    return kept_images(state) & ~_said(state, ImageFlag.HAND_PLACED | ImageFlag.APPROVED)


def _said(state: Clustering, flags: ImageFlag) -> NDArray[np.bool_]:
    """Images with one of these flags, or in a pinned cluster."""
    kept: NDArray[np.bool_] = (state.flags & np.uint8(flags)) != 0
    pinned = [c.id for c in state.clusters.values() if c.is_pinned]
    return kept | np.isin(state.labels, pinned) if pinned else kept


def has_meaning(cluster: Cluster) -> bool:
    """Whether a cluster stays in the table without images."""
    has_mark = cluster.is_pinned or cluster.is_reviewed or cluster.is_ignored
    return bool(cluster.name or cluster.notes or has_mark)


def give_ids(
    next_id: int,
    groups: NDArray[np.int64],
    carried: dict[int, int],
    table: dict[int, Cluster],
    used: set[int],
    lookup: NDArray[np.int32],
) -> int:
    """Fill `lookup` with the cluster of each group and `table` with the new ones.

    Args:
        next_id: First id that is free.
        groups: The groups there are.
        carried: Group to the cluster that it continues.
        table: Clusters by id.
        used: Ids of the clusters that will have images, whose colours are best left to them.
        lookup: int32, by group.

    Returns:
        The first id that is free now.
    """
    colours = [0] * PALETTE_SIZE
    for key in used:
        colours[table[key].colour % PALETTE_SIZE] += 1
    for group in groups.tolist():
        if group in carried:
            lookup[group] = carried[group]
            continue
        colour = colours.index(min(colours))
        colours[colour] += 1
        table[next_id] = Cluster(next_id, colour=colour)
        lookup[group] = next_id
        next_id += 1
    return next_id


def _follow(
    before: NDArray[np.int32],
    labels: NDArray[np.int32],
    chosen: NDArray[np.integer],
    is_refined: NDArray[np.bool_],
) -> None:
    """Take refined images along where nothing else of their cluster is left; changes `labels`.

    Args:
        before: int32 (n_images,), old labels.
        labels: int32 (n_images,), new labels.
        chosen: Ids of the images that were grouped anew.
        is_refined: bool (n_images,).
    """
    lives = np.zeros(max(int(before.max()), int(labels.max())) + 2, np.bool_)
    lives[labels[~is_refined] + 1] = True
    regrouped = before[chosen]
    for cluster in np.unique(before[is_refined & (before != UNASSIGNED)]).tolist():
        went = labels[chosen[regrouped == cluster]]
        if len(went) and not lives[cluster + 1]:
            most = int(np.bincount(went + 1).argmax()) - 1
            labels[is_refined & (before == cluster)] = most


def _carried(
    state: Clustering,
    old: NDArray[np.int32],
    new: NDArray[np.int32],
    labels: NDArray[np.int32],
    is_kept: NDArray[np.bool_],
) -> tuple[dict[int, int], NDArray[np.int64]]:
    """Pair groups with clusters, see `paired`.

    Args:
        state: Gives the highest id.
        old: int32 (m,), present labels of the images that are grouped anew.
        new: int32 (m,), their groups.
        labels: int32 (n_images,), all present labels.
        is_kept: bool (n_images,), images that never move.

    Returns:
        Group to cluster, for groups that continue one, and int64, the groups there are.
    """
    n_old = state.next_id + 1
    sizes = None
    if len(old) < len(labels):
        sizes = np.bincount(labels[~is_kept] + 1, minlength=n_old)
    return paired(*_overlaps(new, old + 1, n_old), sizes)


def paired(
    group: NDArray[np.int64],
    cluster: NDArray[np.int64],
    shared: NDArray[np.int64],
    sizes: NDArray[np.int64] | None,
) -> tuple[dict[int, int], NDArray[np.int64]]:
    """Pair groups with clusters, from the greatest Jaccard overlap downwards, each once.

    Args:
        group: int64 (p,), group of each pair that shares an image.
        cluster: int64 (p,), its cluster's id plus one, so that Unassigned is 0.
        shared: int64 (p,), how many images they share.
        sizes: int64 (n_ids + 1,), images of each cluster that may move; None when all of them
            are grouped anew.

    Returns:
        Group to cluster id, for groups that continue one, and int64, the groups there are.
    """
    present, of_group = np.unique(group, return_inverse=True)
    size_new = np.bincount(of_group, shared)[of_group]
    moved = np.bincount(cluster, shared)[cluster]
    size_old = moved if sizes is None else sizes[cluster]
    fits = (shared > _LEAST_SHARE * np.minimum(size_new, size_old)) & (2 * moved > size_old)
    fits &= cluster > 0
    group, cluster, shared = group[fits], cluster[fits], shared[fits]
    jaccard = shared / (size_new[fits] + size_old[fits] - shared)
    carried: dict[int, int] = {}
    used: set[int] = set()
    order = np.lexsort((cluster, group, -jaccard))
    for a, b in zip(group[order].tolist(), (cluster[order] - 1).tolist(), strict=True):
        if a not in carried and b not in used:
            carried[a] = b
            used.add(b)
    return carried, present


def _overlaps(
    new: NDArray[np.int32], old: NDArray[np.int32], n_old: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """All pairs that share an image, and how many they share."""
    pairs = new.astype(np.int64) * n_old + old
    if (int(new.max()) + 1) * n_old <= _MOST_CELLS:
        table = np.bincount(pairs)
        found = np.flatnonzero(table)
        shared = table[found]
    else:
        found, shared = np.unique(pairs, return_counts=True)
    return found // n_old, found % n_old, shared
