"""A proposal: other clusters for some images, listed cluster by cluster, decided on by a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import Edit, EditKind, count_of, replace_all
from dclust_gui.domain.identity import decided_images

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering


@dataclass(frozen=True, slots=True, eq=False)
class ClusterChange:
    """What a proposal means for one cluster.

    Attributes:
        cluster: Its id, or `UNASSIGNED`.
        arriving: int32, images that would come, the surest first.
        leaving: int32, images that would go, the surest first.
        size: Images in it now.
    """

    cluster: int
    arriving: NDArray[np.int32]
    leaving: NDArray[np.int32]
    size: int

    @property
    def size_after(self) -> int:
        """Images in it if all is accepted."""
        return self.size + len(self.arriving) - len(self.leaving)


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """Moves of images between the clusters there are; nothing has changed yet.

    Attributes:
        way: How it was found, in words.
        images: int32 (m,), ids of the images that would move, the surest first.
        before: int32 (m,), their clusters when it was made, or `UNASSIGNED`.
        after: int32 (m,), where they would go, or `UNASSIGNED`.
        margin: float32 (m,), how sure each move is; higher is surer.
        n_decided: Images that steered it and stay.
        note: What else the user should know; may be empty.
        n_held: Images that would fit pinned clusters and are left where they are.
    """

    way: str
    images: NDArray[np.int32]
    before: NDArray[np.int32]
    after: NDArray[np.int32]
    margin: NDArray[np.float32]
    n_decided: int
    note: str = ""
    n_held: int = 0

    @classmethod
    def of(
        cls,
        way: str,
        state: Clustering,
        images: NDArray[np.int32],
        labels: NDArray[np.int32],
        margin: NDArray[np.float32],
        n_decided: int,
        note: str = "",
        n_held: int = 0,
    ) -> Proposal:
        """The moves that lead from a state to other labels.

        Args:
            way: How the labels were found.
            state: The present state.
            images: int32 (m,), ids of the images that have new labels.
            labels: int32 (m,), cluster ids or `UNASSIGNED`.
            margin: float32 (m,), how sure each label is.
            n_decided: Images that steered it.
            note: What else the user should know.
            n_held: Images that would fit pinned clusters and are left where they are.
        """
        moved = np.flatnonzero(state.labels[images] != labels)
        moved = moved[np.argsort(-margin[moved], kind="stable")]
        ids = images[moved].astype(np.int32)
        return cls(
            way, ids, state.labels[ids], labels[moved].astype(np.int32), margin[moved], n_decided,
            note, n_held,
        )  # fmt: skip

    def changes(self, state: Clustering) -> tuple[ClusterChange, ...]:
        """The same, cluster by cluster: those that most images come to first.

        Args:
            state: The present state; images that moved since are left out.
        """
        valid = self._valid(state)
        images, before, after = self.images[valid], self.before[valid], self.after[valid]
        counts = state.counts()
        found = [
            ClusterChange(key, images[after == key], images[before == key], counts.get(key, 0))
            for key in np.unique(np.concatenate([before, after])).tolist()
        ]
        return tuple(sorted(found, key=lambda c: (-len(c.arriving), -len(c.leaving), c.cluster)))

    def edit(
        self,
        state: Clustering,
        clusters: Collection[int] | None = None,
        without: Collection[int] = (),
    ) -> Edit:
        """Accept it, or a part, as one step.

        Args:
            state: The present state; images that were moved or decided on since stay.
            clusters: Only images that would come to one of these; None for all.
            without: Ids of images that stay all the same.
        """
        chosen = self._valid(state)
        if clusters is not None:
            chosen &= np.isin(self.after, list(clusters))
        chosen &= ~np.isin(self.images, list(without))
        labels = state.labels.copy()
        labels[self.images[chosen]] = self.after[chosen]
        n_moved = int(chosen.sum())
        where = _places(state, np.unique(self.after[chosen]).tolist())
        title = f"re-cluster the rest: move {count_of(n_moved)} to {where}"
        return replace_all(
            state, EditKind.RECLUSTER, title, labels, dict(state.clusters), state.run_id
        )

    def _valid(self, state: Clustering) -> NDArray[np.bool_]:
        """Which moves still make sense: bool (m,)."""
        known = [UNASSIGNED, *state.clusters]
        valid: NDArray[np.bool_] = state.labels[self.images] == self.before
        valid &= np.isin(self.after, known)
        valid &= ~decided_images(state)[self.images]
        return valid


def _places(state: Clustering, targets: Collection[int]) -> str:
    """Where images go, in words."""
    named = [key for key in targets if key != UNASSIGNED]
    if not named and targets:
        return "Unassigned"
    if len(targets) == 1:
        return f"'{state.clusters[named[0]].title}'"
    where = count_of(len(named), "cluster")
    return where if len(named) == len(targets) else f"{where} and Unassigned"
