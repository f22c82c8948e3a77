"""Labels from elsewhere as clusters: one step that makes what is missing and uses what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import (
    PALETTE_SIZE,
    UNASSIGNED,
    Cluster,
    Clustering,
    ImageFlag,
)
from dclust_gui.domain.comparison import ABSENT
from dclust_gui.domain.edits import Edit, EditKind, images_of, new_cluster
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.image_edits import has_meaning
from dclust_gui.domain.names import (
    UNASSIGNED_NAME,
    check_names,
    clean_name,
    same_name,
    title_number,
    wanted_name,
)
from dclust_gui.domain.stacks import agreed_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_MOST_SKIPPED_IDS = 1_000
"""Numbers in titles further above the next id are not kept: ids would become unwieldy."""
_SAID = np.uint8(ImageFlag.HAND_PLACED | ImageFlag.APPROVED | ImageFlag.REFINED)


@dataclass(frozen=True, slots=True, eq=False)
class ImageLabels:
    """Labels of some images by name.

    Attributes:
        images: int32 (m,), ids, ascending, each once.
        codes: int32 (m,), places in `names`; negative for Unassigned.
        names: The labels, no two alike to a person.
        source: Where they come from, in words: `'labels.csv'`, `folder names`.
    """

    images: NDArray[np.int32]
    codes: NDArray[np.int32]
    names: tuple[str, ...]
    source: str

    def counts(self) -> NDArray[np.int64]:
        """Images of each name: int64 (n_names,)."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))


@dataclass(frozen=True, slots=True, eq=False)
class ClusterImport:
    """What labels make of a clustering.

    Attributes:
        edit: The step.
        clusters: Id of the cluster that each name stands for.
        created: Ids of those that are new.
        held: int32, images that stay where they are: they lie in a pinned cluster, or their label
            is one.
        outvoted: int32, images that get another label: that of most of their stack.
    """

    edit: Edit
    clusters: tuple[int, ...]
    created: frozenset[int]
    held: NDArray[np.int32]
    outvoted: NDArray[np.int32]


def label_problem(text: str) -> str:
    """Why a label cannot be a cluster's name, in words; empty if it can.

    Args:
        text: The label; titles like `Cluster 07` stand for clusters without a name.
    """
    if title_number(text) is not None or is_unassigned(text):
        return ""
    try:
        check_names({}, new_cluster(Clustering.empty(0), (), wanted_name(text)))
    except InputError as error:
        return error.why or error.what
    return ""


def is_unassigned(text: str) -> bool:
    """Whether a label says that an image belongs to no cluster."""
    return same_name(text) in (same_name(UNASSIGNED_NAME), str(UNASSIGNED))


def import_clusters(
    state: Clustering, labels: ImageLabels, *, others_unassigned: bool = False
) -> ClusterImport:
    """Give images the clusters of their labels, as one step.

    A label stands for the cluster that is called so or shown so, else for a new one. The images
    count as placed by hand, but for those that become Unassigned, which are free again. Nothing
    enters or leaves a pinned cluster. The label of one image is that of its whole stack; of
    several, that of most. Clusters without a name or a mark that lose their last image end.

    Args:
        state: The present state.
        labels: The labels; `label_problem` finds nothing against their names.
        others_unassigned: All other images go to Unassigned and are free again.
    """
    rows, created = _clusters_for(state, labels.names)
    targets = np.array([row.id for row in rows], np.int32)
    wanted = np.full(state.n_images, ABSENT, np.int32)
    wanted[labels.images] = np.append(targets, UNASSIGNED)[labels.codes]  # -1 is the last
    agreed = agreed_labels(state.stacks, wanted, without=ABSENT)
    pinned = [key for key, row in state.clusters.items() if row.is_pinned]
    is_held = (agreed != ABSENT) & (state.labels != agreed)
    is_held &= np.isin(state.labels, pinned) | np.isin(agreed, pinned)
    taken = np.flatnonzero((agreed != ABSENT) & ~is_held).astype(np.int32)
    after, flags = state.labels.copy(), state.flags.copy()
    if others_unassigned:
        free = (agreed == ABSENT) & ~np.isin(state.labels, pinned)
        after[free] = UNASSIGNED
        flags[free] &= ~_SAID
    after[taken] = agreed[taken]
    is_out = agreed[taken] == UNASSIGNED
    flags[taken[is_out]] &= ~_SAID
    placed = taken[~is_out]
    flags[placed] = (flags[placed] | np.uint8(ImageFlag.HAND_PLACED)) & ~np.uint8(ImageFlag.REFINED)
    used = set(np.unique(after).tolist())
    table = {**state.clusters, **{row.id: row for row in rows if row.id in created & used}}
    ended = set(np.unique(state.labels).tolist()) - used - {UNASSIGNED, *targets.tolist()}
    for key in ended:
        if not has_meaning(table[key]):
            del table[key]
    title = f"import labels of {images_of(state, taken)} from {labels.source}"
    outvoted = labels.images[agreed[labels.images] != wanted[labels.images]]
    return ClusterImport(
        _difference(state, title, after, flags, table),
        tuple(targets.tolist()),
        created & used,
        np.intersect1d(np.flatnonzero(is_held), labels.images).astype(np.int32),
        outvoted.astype(np.int32),
    )


def _difference(
    state: Clustering,
    title: str,
    labels: NDArray[np.int32],
    flags: NDArray[np.uint8],
    clusters: Mapping[int, Cluster],
) -> Edit:
    """The edit that leads from a state to other labels, flags and clusters."""
    ids = np.flatnonzero((state.labels != labels) | (state.flags != flags)).astype(np.int32)
    touched = [
        key
        for key in sorted({*state.clusters, *clusters})
        if state.clusters.get(key) != clusters.get(key)
    ]
    return Edit(
        EditKind.IMPORT,
        title,
        ids,
        state.labels[ids],
        labels[ids],
        state.flags[ids],
        flags[ids],
        {key: state.clusters.get(key) for key in touched},
        {key: clusters.get(key) for key in touched},
        state.run_id,
        state.run_id,
    )


def _clusters_for(
    state: Clustering, names: Sequence[str]
) -> tuple[tuple[Cluster, ...], frozenset[int]]:
    """The cluster of each name, and the ids of new ones; `Cluster 07` gets id 7 if it is free."""
    by_name: dict[str, Cluster] = {}
    for row in state.clusters.values():
        by_name.setdefault(same_name(row.title), row)
    found = [by_name.get(same_name(name)) for name in names]
    numbers = [title_number(name) for name in names]
    missing = [place for place, row in enumerate(found) if row is None]
    ids: dict[int, int] = {}
    for place in missing:
        number = numbers[place]
        if number is not None and 0 <= number - state.next_id < _MOST_SKIPPED_IDS:
            ids[place] = number
    reserved = set(ids.values())
    next_id = state.next_id
    colours = np.bincount(
        np.fromiter((row.colour for row in state.clusters.values()), np.int64),
        minlength=PALETTE_SIZE,
    )[:PALETTE_SIZE]
    for place in missing:
        if place not in ids:
            while next_id in reserved:
                next_id += 1
            ids[place] = next_id
            next_id += 1
        name = "" if numbers[place] is not None else clean_name(names[place])
        colour = int(np.argmin(colours))
        colours[colour] += 1
        found[place] = Cluster(ids[place], name, colour)
    return tuple(row for row in found if row is not None), frozenset(ids.values())
