"""What a person decides on groups of copies: which to keep, which are none, ignore the others."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain import edits
from dclust_gui.domain.clustering import NO_STACK
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.names import same_name
from dclust_gui.services.best_copy import best_copy
from dclust_gui.services.duplicate_groups import DuplicateGroup

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.edits import Edit
    from dclust_gui.domain.images import ImageRecord

CLUSTER_NAME = "Duplicates"
"""Name of the ignored cluster that copies are put into."""


def open_groups(
    groups: Iterable[DuplicateGroup],
    records: Sequence[ImageRecord],
    state: Clustering,
    dismissed: Collection[frozenset[bytes]] = (),
) -> list[DuplicateGroup]:
    """Groups that are still to be decided on.

    Images in ignored clusters count no more, nor do files that are gone; where the best one is
    out, the next best takes its place. Images that are bound together are one, such as a burst.

    Args:
        groups: All groups.
        records: The project's images now.
        state: The present clusters.
        dismissed: Contents of groups of which a person has said that they are no copies.
    """
    groups = tuple(groups)
    is_out = _is_out(records, state)
    has_stacks, found = bool((state.stacks != NO_STACK).any()), []
    for group, n_out in zip(groups, _n_out(groups, is_out), strict=True):
        if n_out:
            keep = [n for n, image in enumerate(group.images) if not is_out[image]]
            if len(keep) < 2:
                continue
            group = _without_some(group, keep, records)  # noqa: PLW2901 -- the same, smaller
        if has_stacks:
            stacks = {int(state.stacks[i]) for i in group.images}
            if len(stacks) == 1 and NO_STACK not in stacks:
                continue
        if dismissed:
            contents = frozenset(records[i].content for i in group.images)
            if any(contents <= one for one in dismissed):
                continue
        found.append(group)
    return found


def _is_out(records: Sequence[ImageRecord], state: Clustering) -> NDArray[np.bool_]:
    """Images that count no more: bool (n_images,)."""
    ignored = [key for key, cluster in state.clusters.items() if cluster.is_ignored]
    is_missing = np.fromiter((r.is_missing for r in records), np.bool_, len(records))
    is_out = np.isin(state.labels, ignored)
    is_out[: len(records)] |= is_missing[: len(is_out)]
    return is_out


def _n_out(groups: Sequence[DuplicateGroup], is_out: NDArray[np.bool_]) -> list[int]:
    """How many images of each group count no more."""
    if not groups:
        return []
    sizes = np.fromiter((len(group.images) for group in groups), np.int64, len(groups))
    flat = np.fromiter(chain.from_iterable(g.images for g in groups), np.int64, int(sizes.sum()))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    counts: list[int] = np.add.reduceat(is_out[flat].astype(np.int64), starts).tolist()
    return counts


def _without_some(
    group: DuplicateGroup, keep: Sequence[int], records: Sequence[ImageRecord]
) -> DuplicateGroup:
    """A group of which only some images are left; `keep` are places, ascending."""
    images = [group.images[n] for n in keep]
    first = keep[0]
    is_best_kept = first == 0
    same = {records[i].content for i in images}
    chosen = best_copy(records, images, is_identical=len(same) == 1)
    best = group.images[0] if is_best_kept else chosen.image
    ranked = sorted(keep, key=lambda n: group.images[n] != best)
    content = records[best].content
    return DuplicateGroup(
        tuple(group.images[n] for n in ranked),
        tuple(1.0 if group.images[n] == best else group.similarity[n] for n in ranked),
        tuple(records[group.images[n]].content == content for n in ranked),
        tuple(0 if group.images[n] == best else group.turns[n] for n in ranked),
        group.reason if is_best_kept and chosen.image == best else chosen.reason,
    )


def with_best(group: DuplicateGroup, image: int, records: Sequence[ImageRecord]) -> DuplicateGroup:
    """The same group with another image to keep: a person's choice.

    Args:
        group: The group.
        image: One of its images.
        records: The project's images.
    """
    if image == group.best:
        return group
    rows = list(group.rows)
    rows.sort(key=lambda row: row[0] != image)
    images, similarity, _, turns = zip(*rows, strict=True)
    content = records[image].content
    identical = tuple(records[i].content == content for i in images)
    # How the others are to the new one is not known; to the old best it was as to each other.
    return DuplicateGroup(images, (1.0, *similarity[1:]), identical, (0, *turns[1:]), "your choice")


def ignore_edit(state: Clustering, images: Iterable[int]) -> Edit | None:
    """The step that puts copies into the ignored cluster `CLUSTER_NAME`; no file is touched.

    Images that are bound to others which stay, such as a burst, stay with them.

    Args:
        state: The present state.
        images: Ids.

    Returns:
        The edit; None if there is nothing to do.
    """
    ids = edits.distinct_ids(images)
    stays = np.ones(state.n_images, np.bool_)
    stays[ids] = False
    kept = np.unique(state.stacks[stays & (state.stacks != NO_STACK)])
    ids = ids[~np.isin(state.stacks[ids], kept)]
    if not len(ids):
        return None
    wanted = same_name(CLUSTER_NAME)
    known = next((c for c in state.clusters.values() if same_name(c.title) == wanted), None)
    if known is None:
        edit = edits.new_cluster(state, ids, CLUSTER_NAME)
        made = max(edit.clusters_after)
        cluster = edit.clusters_after[made]
        assert cluster is not None
        edit = replace(edit, clusters_after={made: replace(cluster, is_ignored=True)})
    else:
        edit = edits.move(state, ids, known.id)
        if not known.is_ignored:
            after = replace(known, is_ignored=True)
            edit = replace(
                edit, clusters_before={known.id: known}, clusters_after={known.id: after}
            )
    return replace(edit, title=f"ignore {count_of(len(ids), 'duplicate')}")


def others_of(groups: Iterable[DuplicateGroup]) -> tuple[int, ...]:
    """All images but the best of each group, ascending."""
    return tuple(sorted(image for group in groups for image in group.others))
