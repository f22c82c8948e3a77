"""Decisions on images one by one: approve, send each to a place of its own, keep an older run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.comparison import ABSENT
from dclust_gui.domain.edits import (
    Edit,
    EditKind,
    count_of,
    distinct_ids,
    images_of,
    move,
    replace_all,
)
from dclust_gui.domain.identity import decided_images
from dclust_gui.domain.names import free_name
from dclust_gui.domain.stacks import agreed_labels, whole_stacks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

_SHOWN = 3


def unassign(state: Clustering, images: Iterable[int]) -> Edit:
    """Take images out of their clusters; their files stay where they are.

    Args:
        state: The present state.
        images: Ids; repeated ids count once.
    """
    return move(state, images, UNASSIGNED)


def approve(state: Clustering, images: Iterable[int], *, is_approved: bool = True) -> Edit:
    """Say that images are where they belong: no run moves them any more.

    Args:
        state: The present state.
        images: Ids; repeated ids count once.
        is_approved: False takes the approval back.
    """
    ids = whole_stacks(state.stacks, distinct_ids(images))
    before = state.flags[ids]
    flag = np.uint8(ImageFlag.APPROVED)
    after = before | flag if is_approved else before & ~flag
    what = images_of(state, ids)
    return Edit(
        EditKind.APPROVE,
        f"approve {what}" if is_approved else f"take back the approval of {what}",
        ids,
        state.labels[ids],
        state.labels[ids],
        before,
        after,
        run_before=state.run_id,
        run_after=state.run_id,
    )


def not_here(state: Clustering, second_best: Mapping[int, int]) -> Edit:
    """Send each image to the cluster that fits it second best, a stack where most of it goes.

    Args:
        state: The present state.
        second_best: Cluster by image; images without one are left out by the caller.

    Raises:
        KeyError: If there is no such cluster.
    """
    ids, targets = _with_stacks(state, second_best)
    titles = [state.clusters[int(key)].title for key in np.unique(targets)]
    place = f"'{titles[0]}'" if len(titles) == 1 else count_of(len(titles), "cluster")
    fit = "its second-best fit" if len(ids) == 1 else "their second-best fit"
    flags = state.flags[ids]
    return Edit(
        EditKind.MOVE,
        f"move {images_of(state, ids)} to {place}, {fit}",
        ids,
        state.labels[ids],
        targets,
        flags,
        flags | np.uint8(ImageFlag.HAND_PLACED),
        run_before=state.run_id,
        run_after=state.run_id,
    )


def _with_stacks(
    state: Clustering, wanted: Mapping[int, int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Images with the clusters they go to: int32 (m,) each; stacks are whole and agree."""
    ids = np.array(sorted(wanted), np.int32)
    targets = np.full(state.n_images, ABSENT, np.int32)
    targets[ids] = [wanted[i] for i in ids.tolist()]
    ids = whole_stacks(state.stacks, ids)
    return ids, agreed_labels(state.stacks, targets, without=ABSENT)[ids]


def keep_groups(
    state: Clustering,
    labels: NDArray[np.int32],
    clusters: Mapping[int, Cluster],
    wanted: Iterable[int],
    name: str,
) -> Edit:
    """Give some clusters the images again that an older run gave them.

    Images placed by hand, approved or pinned stay. Images that the older run did not have in one
    of these clusters go back to where it had them if that cluster is still there, else they
    become Unassigned; those it did not know stay.

    Args:
        state: The present state.
        labels: int32 (n_images,), clusters in the older run, `UNASSIGNED` or `ABSENT`.
        clusters: The older run's clusters by id.
        wanted: Ids of those to keep.
        name: What the older run is called: `run 2`.

    Raises:
        KeyError: If the older run has no such cluster.
    """
    kept = sorted(set(wanted))
    table = dict(state.clusters)
    for key in kept:
        if key not in table:
            table[key] = _come_back(clusters[key], table.values())
    is_free = ~decided_images(state)
    after = state.labels.copy()
    leaves = is_free & np.isin(state.labels, kept) & (labels != state.labels) & (labels != ABSENT)
    goes_back = np.isin(labels, np.fromiter(table, np.int32))
    after[leaves] = np.where(goes_back, labels, UNASSIGNED)[leaves]
    comes = is_free & np.isin(labels, kept)
    after[comes] = labels[comes]
    used = set(np.unique(after).tolist())
    was_used = set(np.unique(state.labels).tolist())
    final = {
        key: row
        for key, row in table.items()
        if key in used or key in kept or key not in was_used or has_meaning(row)
    }
    names = [f"'{table[key].title}'" for key in kept]
    shown = ", ".join(names) if len(names) <= _SHOWN else count_of(len(names), "cluster")
    title = f"keep {name} for {shown}"
    return replace_all(state, EditKind.KEEP, title, after, final, state.run_id)


def _come_back(gone: Cluster, others: Iterable[Cluster]) -> Cluster:
    """A cluster that ended, under a name that no other has taken meanwhile."""
    return replace(gone, name=free_name(gone.name, (other.title for other in others)))


def has_meaning(cluster: Cluster) -> bool:
    """Whether a person has said something of a cluster, so that it stays without images, too."""
    has_mark = cluster.is_pinned or cluster.is_reviewed or cluster.is_ignored
    return bool(cluster.name or cluster.notes or has_mark)
