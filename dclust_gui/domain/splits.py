"""Splitting and merging clusters: what is proposed, which name survives, and the decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain import edits
from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.edits import Edit, EditKind, count_of, distinct_ids
from dclust_gui.domain.names import clean_name
from dclust_gui.domain.stacks import whole_stacks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class MergeProposal:
    """A merge that has not been decided: which name survives can still be swapped.

    Attributes:
        survivor: Id of the cluster that stays, with its name.
        ended: Ids of the clusters that end in it, the largest first.
        n_images: Images of all of them.
        title: Name of the step: `merge 2 clusters into 'Beach'`.
    """

    survivor: int
    ended: tuple[int, ...]
    n_images: int
    title: str

    @property
    def clusters(self) -> tuple[int, ...]:
        """All of them, the one that stays first."""
        return (self.survivor, *self.ended)

    def edit(self, state: Clustering) -> Edit:
        """The decision.

        Raises:
            KeyError: If one of the clusters is gone.
        """
        return edits.merge(state, self.ended, self.survivor)


def propose_merge(
    state: Clustering, clusters: Iterable[int], survivor: int | None = None
) -> MergeProposal:
    """Propose to merge clusters.

    Args:
        state: The present state.
        clusters: Ids of at least two clusters.
        survivor: The one that stays; None for the largest with a name, or the largest.

    Raises:
        KeyError: If there is no such cluster.
        ValueError: If there are fewer than two.
    """
    ids = set(clusters) | ({survivor} if survivor is not None else set())
    if len(ids) < 2:
        raise ValueError("a merge needs at least two clusters")
    sizes = np.bincount(state.labels + 1, minlength=state.next_id + 1)[1:]
    ranked = sorted(ids, key=lambda c: (not state.clusters[c].name, -int(sizes[c]), c))
    stays = ranked[0] if survivor is None else survivor
    ended = sorted(ids - {stays}, key=lambda c: (-int(sizes[c]), c))
    names = (
        f"'{state.clusters[ended[0]].title}'"
        if len(ended) == 1
        else count_of(len(ended), "cluster")
    )
    title = f"merge {names} into '{state.clusters[stays].title}'"
    return MergeProposal(stays, tuple(ended), int(sizes[sorted(ids)].sum()), title)


def split_out(state: Clustering, images: Iterable[int], name: str = "") -> Edit:
    """Make a cluster of images that leave theirs.

    Args:
        state: The present state.
        images: Ids; repeated ids count once, and stacks go whole.
        name: Name of the new cluster; empty for none.
    """
    ids = whole_stacks(state.stacks, distinct_ids(images))
    sources = [key for key in np.unique(state.labels[ids]).tolist() if key != UNASSIGNED]
    edit = edits.new_cluster(state, ids, name)
    if not sources:
        return edit
    place = (
        f"'{state.clusters[sources[0]].title}'"
        if len(sources) == 1
        else count_of(len(sources), "cluster")
    )
    title = f"split {edits.images_of(state, ids)} out of {place}"
    if clean_name(name):
        title += f" as '{clean_name(name)}'"
    return replace(edit, kind=EditKind.SPLIT, title=title)


@dataclass(frozen=True, slots=True, eq=False)
class SplitProposal:
    """A cluster in parts, not decided yet.

    Attributes:
        cluster: Its id.
        images: int32 (m,), ascending ids of its images that were compared.
        parts: int32 (m,), the part of each, 0 and up; part 0 is the largest and stays.
    """

    cluster: int
    images: NDArray[np.int32]
    parts: NDArray[np.int32]

    @property
    def n_parts(self) -> int:
        """Number of parts."""
        return int(self.parts.max(initial=-1)) + 1

    def members(self, part: int) -> NDArray[np.int32]:
        """Ids of a part's images, ascending."""
        found: NDArray[np.int32] = self.images[self.parts == part]
        return found

    def sizes(self) -> tuple[int, ...]:
        """Images of each part."""
        return tuple(np.bincount(self.parts, minlength=self.n_parts).tolist())

    def edit(self, state: Clustering, names: Mapping[int, str] | None = None) -> Edit:
        """The decision: the largest part stays, each other one becomes a cluster; one step.

        Args:
            state: The state it was proposed for, or one in which some images have moved since;
                those are left alone.
            names: Names by the number of the part; parts that are left out get none, and part 0,
                which stays, keeps the cluster's.

        Raises:
            KeyError: If the cluster is gone.
        """
        wanted = {part: clean_name(name) for part, name in (names or {}).items()}
        source = state.clusters[self.cluster]
        is_there = state.labels[self.images] == self.cluster
        moves = is_there & (self.parts > 0)
        ids, parts = self.images[moves], self.parts[moves]
        present = np.unique(parts)
        table = dict(state.clusters)
        if len(present) and wanted.get(0):
            table[self.cluster] = replace(source, name=wanted[0])
        lookup = np.zeros(self.n_parts, np.int32)
        for number, part in enumerate(present.tolist()):
            key = state.next_id + number
            table[key] = Cluster(key, wanted.get(part, ""), edits.next_colour(table.values()))
            lookup[part] = key
        flags = state.flags[ids]
        before: dict[int, Cluster | None] = dict.fromkeys(lookup[present].tolist())
        if table[self.cluster] != source:
            before[self.cluster] = source
        return Edit(
            EditKind.SPLIT,
            f"split '{source.title}' into {count_of(len(present) + 1, 'cluster')}",
            ids,
            state.labels[ids],
            lookup[parts],
            flags,
            flags | np.uint8(ImageFlag.HAND_PLACED),
            before,
            {key: table[key] for key in before},
            state.run_id,
            state.run_id,
        )


@dataclass(frozen=True, slots=True, eq=False)
class ExampleProposal:
    """Images like some examples, not decided yet; a slider and check boxes choose among them.

    Attributes:
        examples: Ids of the images that were picked.
        images: int32 (m,), ids of the candidates without the examples, the likest first.
        scores: float32 (m,), 0 to 1, descending: how much each belongs with the examples; at 0.5
            it is as near to them as to the rest.
        suggested: Where the slider is best put first.
    """

    examples: tuple[int, ...]
    images: NDArray[np.int32]
    scores: NDArray[np.float32]
    suggested: float = 0.5

    def count(self, threshold: float) -> int:
        """Number of images that are proposed at a threshold, the examples included."""
        return len(self.examples) + self._n_above(threshold)

    def proposed(self, threshold: float) -> NDArray[np.int32]:
        """Ids of the images proposed at a threshold without the examples, the likest first."""
        return self.images[: self._n_above(threshold)]

    def chosen(self, threshold: float, unchecked: Collection[int] = ()) -> tuple[int, ...]:
        """What would be split out: the examples, and what is proposed and not unchecked."""
        found = (*self.examples, *self.proposed(threshold).tolist())
        return tuple(i for i in found if i not in unchecked)

    def edit(
        self,
        state: Clustering,
        threshold: float,
        unchecked: Collection[int] = (),
        name: str = "",
    ) -> Edit:
        """The decision: a new cluster of what is chosen.

        Raises:
            ValueError: If nothing is chosen.
        """
        ids = self.chosen(threshold, frozenset(unchecked))
        if not ids:
            raise ValueError("nothing is chosen")
        return split_out(state, ids, name)

    def _n_above(self, threshold: float) -> int:
        return int(np.searchsorted(-self.scores, -np.float32(threshold), side="right"))
