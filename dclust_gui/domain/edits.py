"""Reversible decisions on a clustering: each edit holds what it changes, before and after."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import PALETTE_SIZE, UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.names import clean_name, same_name, wanted_name
from dclust_gui.domain.stacks import stack_count, whole_stacks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray


class EditKind(StrEnum):
    """What a person did."""

    MOVE = "move"
    NEW = "new"
    MERGE = "merge"
    SPLIT = "split"
    RENAME = "rename"
    MARK = "mark"
    RUN = "run"
    CUT = "cut"
    APPROVE = "approve"
    KEEP = "keep"
    RECLUSTER = "recluster"
    IMPORT = "import"
    BIND = "bind"
    UNBIND = "unbind"


def _no_ids() -> NDArray[np.int32]:
    return np.empty(0, np.int32)


def _no_flags() -> NDArray[np.uint8]:
    return np.empty(0, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """One reversible decision.

    Attributes:
        kind: What was done.
        title: Its name in menus, after "Undo": `move 12 images to 'Beach'`.
        images: int32 (m,), ids of the images it touches.
        labels_before: int32 (m,), their labels before.
        labels_after: int32 (m,), their labels after.
        flags_before: uint8 (m,), their `ImageFlag` values before.
        flags_after: uint8 (m,), their `ImageFlag` values after.
        clusters_before: Touched rows of the cluster table before; None where there was none.
        clusters_after: The same rows after.
        run_before: Accepted run before.
        run_after: Accepted run after.
        stacks_before: int32 (m,), stacks of the images before; empty where no stack changes.
        stacks_after: int32 (m,), their stacks after; empty likewise.
    """

    kind: EditKind
    title: str
    images: NDArray[np.int32] = field(default_factory=_no_ids)
    labels_before: NDArray[np.int32] = field(default_factory=_no_ids)
    labels_after: NDArray[np.int32] = field(default_factory=_no_ids)
    flags_before: NDArray[np.uint8] = field(default_factory=_no_flags)
    flags_after: NDArray[np.uint8] = field(default_factory=_no_flags)
    clusters_before: Mapping[int, Cluster | None] = field(default_factory=dict)
    clusters_after: Mapping[int, Cluster | None] = field(default_factory=dict)
    run_before: int | None = None
    run_after: int | None = None
    stacks_before: NDArray[np.int32] = field(default_factory=_no_ids)
    stacks_after: NDArray[np.int32] = field(default_factory=_no_ids)

    @property
    def changes_nothing(self) -> bool:
        """Whether applying it would leave everything as it is."""
        return (
            np.array_equal(self.labels_before, self.labels_after)
            and np.array_equal(self.flags_before, self.flags_after)
            and np.array_equal(self.stacks_before, self.stacks_after)
            and dict(self.clusters_before) == dict(self.clusters_after)
            and self.run_before == self.run_after
        )

    def inverse(self) -> Edit:
        """The edit that takes this one back; same kind and title."""
        return Edit(
            self.kind,
            self.title,
            self.images,
            self.labels_after,
            self.labels_before,
            self.flags_after,
            self.flags_before,
            self.clusters_after,
            self.clusters_before,
            self.run_after,
            self.run_before,
            self.stacks_after,
            self.stacks_before,
        )


def apply(state: Clustering, edit: Edit) -> Clustering:
    """The state after an edit.

    Args:
        state: The state the edit was made for; images added since do no harm.
        edit: The edit.

    Returns:
        The new state. Ids are never given out twice, so `next_id` never falls.

    Raises:
        ValueError: If the state is not the one that the edit describes as "before".
    """
    ids = edit.images
    if len(ids) and not (int(ids.min()) >= 0 and int(ids.max()) < state.n_images):
        raise ValueError("the edit names images that the clustering does not have")
    same_labels = np.array_equal(state.labels[edit.images], edit.labels_before)
    same_flags = np.array_equal(state.flags[edit.images], edit.flags_before)
    same_table = all(state.clusters.get(k) == v for k, v in edit.clusters_before.items())
    has_stacks = len(edit.stacks_before) > 0
    same_stacks = not has_stacks or np.array_equal(state.stacks[ids], edit.stacks_before)
    same_images = same_labels and same_flags and same_stacks
    if not (same_images and same_table and state.run_id == edit.run_before):
        raise ValueError("the edit was made for another state")
    labels = state.labels.copy()
    flags = state.flags.copy()
    labels[edit.images] = edit.labels_after
    flags[edit.images] = edit.flags_after
    table = dict(state.clusters)
    for key, cluster in edit.clusters_after.items():
        if cluster is None:
            table.pop(key, None)
        else:
            table[key] = cluster
    stacks = state.stacks
    if has_stacks:
        stacks = stacks.copy()
        stacks[ids] = edit.stacks_after
    for array in (labels, flags, stacks):
        array.setflags(write=False)
    next_id = max(state.next_id, max(table, default=0) + 1)
    return Clustering(labels, flags, table, next_id, edit.run_after, stacks)


def count_of(n: int, noun: str = "image") -> str:
    """`1 image`, `12 images`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def images_of(state: Clustering, ids: NDArray[np.int32]) -> str:
    """`12 images`, or `12 images (1 stack)` where some are bound.

    Args:
        state: The present state.
        ids: int32 (m,), distinct images, whole stacks.
    """
    n_stacks = stack_count(state.stacks, ids)
    return count_of(len(ids)) + (f" ({count_of(n_stacks, 'stack')})" if n_stacks else "")


def move(state: Clustering, images: Iterable[int], target: int) -> Edit:
    """Put images into a cluster by hand, or take them out to Unassigned, whole stacks at once.

    Args:
        state: The present state.
        images: Ids; repeated ids count once.
        target: A cluster's id or `UNASSIGNED`.

    Raises:
        KeyError: If there is no such cluster.
    """
    name = "Unassigned" if target == UNASSIGNED else f"'{state.clusters[target].title}'"
    ids = whole_stacks(state.stacks, distinct_ids(images))
    return _relabel(
        state,
        EditKind.MOVE,
        f"move {images_of(state, ids)} to {name}",
        ids,
        target,
        ImageFlag.HAND_PLACED,
    )


def new_cluster(state: Clustering, images: Iterable[int] = (), name: str = "") -> Edit:
    """Make a cluster, with the given images and their stacks in it.

    Args:
        state: The present state.
        images: Ids of its first members; may be none.
        name: Its name; empty for none.
    """
    ids = whole_stacks(state.stacks, distinct_ids(images))
    cluster = Cluster(state.next_id, clean_name(name), next_colour(state.clusters.values()))
    title = f"new cluster '{cluster.title}'"
    if len(ids):
        title += f" from {images_of(state, ids)}"
    edit = _relabel(state, EditKind.NEW, title, ids, cluster.id, ImageFlag.HAND_PLACED)
    return replace(edit, clusters_before={cluster.id: None}, clusters_after={cluster.id: cluster})


def merge(state: Clustering, sources: Iterable[int], target: int) -> Edit:
    """Put all images of some clusters into one; the target's name and id survive.

    Notes of the clusters that end are added to the target's, each under its cluster's title.

    Args:
        state: The present state.
        sources: Ids of the clusters that end; the target among them is passed over.
        target: Id of the cluster that stays.

    Raises:
        KeyError: If there is no such cluster.
    """
    ended = sorted(set(sources) - {target})
    into = state.clusters[target]
    before: dict[int, Cluster | None] = {key: state.clusters[key] for key in ended}
    after: dict[int, Cluster | None] = dict.fromkeys(ended)
    notes = _notes_together(into, [state.clusters[key] for key in ended])
    if notes != into.notes:
        before[target], after[target] = into, replace(into, notes=notes)
    names = (
        f"'{state.clusters[ended[0]].title}'"
        if len(ended) == 1
        else count_of(len(ended), "cluster")
    )
    ids = np.flatnonzero(np.isin(state.labels, ended)).astype(np.int32)
    title = f"merge {names} into '{into.title}'"
    edit = _relabel(state, EditKind.MERGE, title, ids, target, ImageFlag.HAND_PLACED)
    return replace(edit, clusters_before=before, clusters_after=after)


def update_cluster(state: Clustering, cluster: Cluster, kind: EditKind, title: str) -> Edit:
    """Change a row of the cluster table: its name, colour, notes or marks.

    Args:
        state: The present state.
        cluster: The row as it shall be; its id names the row.
        kind: RENAME or MARK.
        title: The edit's name.

    Raises:
        KeyError: If there is no such cluster.
    """
    return update_clusters(state, {cluster.id: cluster}, kind, title)


def update_clusters(
    state: Clustering, rows: Mapping[int, Cluster], kind: EditKind, title: str
) -> Edit:
    """Change rows of the cluster table as one step.

    Args:
        state: The present state.
        rows: The rows as they shall be, by id.
        kind: RENAME or MARK.
        title: The edit's name.

    Raises:
        KeyError: If there is no such cluster.
    """
    return Edit(
        kind,
        title,
        clusters_before={key: state.clusters[key] for key in rows},
        clusters_after=dict(rows),
        run_before=state.run_id,
        run_after=state.run_id,
    )


def rename(state: Clustering, cluster_id: int, name: str) -> Edit:
    """Give a cluster a name; an empty name takes it away, and so does the title it has without.

    Raises:
        InputError: If nothing of the name can be seen.
        KeyError: If there is no such cluster.
    """
    before = state.clusters[cluster_id]
    unnamed = replace(before, name="")
    wanted = wanted_name(name)
    is_title = same_name(wanted) == same_name(unnamed.title)
    after = unnamed if is_title else replace(before, name=wanted)
    title = f"rename '{before.title}' to '{after.title}'"
    return update_cluster(state, after, EditKind.RENAME, title)


def replace_all(
    state: Clustering,
    kind: EditKind,
    title: str,
    labels: NDArray[np.int32],
    clusters: Mapping[int, Cluster],
    run_id: int | None,
) -> Edit:
    """Accept new labels for all images as one step: a run, or a cut of its tree.

    Args:
        state: The present state.
        kind: RUN, CUT, KEEP or RECLUSTER. The last marks the moved images as refined; a cut
            leaves that mark alone, a run takes it from all images, the others from those that
            they move.
        title: The edit's name.
        labels: int32 (n_images,), ids of `clusters` or `UNASSIGNED`.
        clusters: The whole new table.
        run_id: The run these labels come from.
    """
    refined = np.uint8(ImageFlag.REFINED)
    moves = state.labels != labels
    if kind is EditKind.RUN:
        moves |= (state.flags & refined) != 0  # what a proposal moved is what the run says now
    changed = np.flatnonzero(moves).astype(np.int32)
    touched = [
        key
        for key in sorted({*state.clusters, *clusters})
        if state.clusters.get(key) != clusters.get(key)
    ]
    flags = state.flags[changed]
    flags_after = flags & ~refined
    if kind is EditKind.RECLUSTER:
        flags_after = flags | refined
    elif kind is EditKind.CUT:
        flags_after = flags
    return Edit(
        kind,
        title,
        changed,
        state.labels[changed],
        labels[changed].astype(np.int32),
        flags,
        flags_after,
        {key: state.clusters.get(key) for key in touched},
        {key: clusters.get(key) for key in touched},
        state.run_id,
        run_id,
    )


def next_colour(clusters: Iterable[Cluster]) -> int:
    """The palette index used least so far, the lowest of equals."""
    colours = np.fromiter((cluster.colour for cluster in clusters), np.int64)
    return int(np.argmin(np.bincount(colours, minlength=PALETTE_SIZE)[:PALETTE_SIZE]))


def distinct_ids(images: Iterable[int]) -> NDArray[np.int32]:
    """Sorted distinct ids: int32."""
    if isinstance(images, np.ndarray):
        return np.unique(images.astype(np.int32))
    return np.unique(np.fromiter(images, np.int32))


def _notes_together(into: Cluster, ended: Iterable[Cluster]) -> str:
    parts = [into.notes, *(f"{c.title}: {c.notes}" for c in ended if c.notes)]
    return "\n".join(part for part in parts if part)


def _relabel(
    state: Clustering,
    kind: EditKind,
    title: str,
    ids: NDArray[np.int32],
    target: int,
    flag: ImageFlag,
) -> Edit:
    """Give all `ids` one label and set a flag on them."""
    flags = state.flags[ids]
    return Edit(
        kind,
        title,
        ids,
        state.labels[ids],
        np.full(len(ids), target, np.int32),
        flags,
        flags | np.uint8(flag),
        run_before=state.run_id,
        run_after=state.run_id,
    )
