"""Questions of the review queue: what is asked, what answers do, and until when they make sense."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain import edits, image_edits
from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.identity import decided_images
from dclust_gui.domain.splits import SplitProposal, propose_merge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.edits import Edit

SAME_CLUSTER = 0.5
"""A cluster that shares less than this (Jaccard) with what it was is another one by now."""
SAME_PARTS = 0.8
"""The same of a cluster that is to be split: its parts must still be its parts."""


class ReviewKind(StrEnum):
    """What is asked."""

    DOUBTFUL = "doubtful"
    ARRIVAL = "arrival"
    MERGE = "merge"
    SPLIT = "split"


class Choice(StrEnum):
    """What a person may answer."""

    KEEP = "keep"
    SUGGESTION = "suggestion"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, eq=False)
class ReviewItem:
    """One question.

    Attributes:
        kind: What is asked.
        images: int32, the image in question; of a merge the images of the smaller cluster, of a
            split those of the part that would leave, the most typical or surest first.
        cluster: Where they are, or `UNASSIGNED`.
        suggestion: Where they would go; `UNASSIGNED` for a split, which makes a cluster.
        gain: How many images the suggestion is expected to put right.
        score: 0 to 1: doubt, how mixed, or how apart.
        parts: How a cluster would be split; else None.
        asked_in: int32 (n_images,), the labels of all images when it was asked; empty if unknown.
    """

    kind: ReviewKind
    images: NDArray[np.int32]
    cluster: int
    suggestion: int
    gain: float
    score: float
    parts: SplitProposal | None = None
    asked_in: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    def question(self, state: Clustering) -> str:
        """It in words."""
        here = _title(state, self.cluster)
        there = _title(state, self.suggestion)
        match self.kind:
            case ReviewKind.DOUBTFUL:
                return f"Is this image in the right cluster? It is in {here}; {there} fits better."
            case ReviewKind.ARRIVAL:
                return f"A new image: does it belong to {there}?"
            case ReviewKind.MERGE:
                return f"Are {here} and {there} one cluster?"
            case ReviewKind.SPLIT:
                return f"Is {here} two clusters? {count_of(len(self.images))} would leave."

    def edit(self, state: Clustering, choice: Choice) -> Edit | None:
        """The step a choice stands for; None where it needs none."""
        if choice is Choice.SKIP:
            return None
        is_image = self.kind in (ReviewKind.DOUBTFUL, ReviewKind.ARRIVAL)
        if choice is Choice.KEEP:
            return image_edits.approve(state, self.images) if is_image else None
        if is_image:
            return edits.move(state, self.images, self.suggestion)
        if self.kind is ReviewKind.MERGE:
            return propose_merge(state, (self.cluster, self.suggestion)).edit(state)
        return None if self.parts is None else self.parts.edit(state)

    def still_holds(self, state: Clustering, likeness: Likeness | None = None) -> bool:
        """Whether the question makes sense in a later state.

        It does not when one of its clusters has ended, is ignored, or has other images by now, as
        after a cut.

        Args:
            state: The later state.
            likeness: Between `asked_in` and that state; worked out if None.
        """
        wanted = {self.cluster, self.suggestion} - {UNASSIGNED}
        rows = [state.clusters.get(key) for key in wanted]
        if any(row is None or row.is_ignored for row in rows):
            return False
        known = Likeness.between(self.asked_in, state) if likeness is None else likeness
        is_pinned = [row is not None and row.is_pinned for row in rows]
        match self.kind:
            case ReviewKind.DOUBTFUL | ReviewKind.ARRIVAL:
                image = int(self.images[0])
                is_open = state.labels[image] == self.cluster and not _is_decided(state, image)
                is_same = self.cluster == UNASSIGNED or known.jaccard(self.cluster) >= SAME_CLUSTER
                return bool(is_open) and is_same and known.kept(self.suggestion) >= SAME_CLUSTER
            case ReviewKind.MERGE:
                alike = min(known.jaccard(key) for key in wanted) >= SAME_CLUSTER
                return alike and not all(is_pinned) and self._has_images(state)
            case ReviewKind.SPLIT:
                alike = known.jaccard(self.cluster) >= SAME_PARTS
                return alike and not any(is_pinned) and self._has_images(state)

    def _has_images(self, state: Clustering) -> bool:
        return bool((state.labels == self.cluster).any())


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """How much clusters are what they were.

    Attributes:
        before: int64 (n,), images by cluster id then.
        after: int64 (n,), images by cluster id now, of those known then.
        both: int64 (n,), images that are in the cluster then and now.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    both: NDArray[np.int64]

    @classmethod
    def between(cls, labels: NDArray[np.int32], state: Clustering) -> Likeness:
        """Count the images of all clusters once.

        Args:
            labels: int32 (m,), earlier labels of the first m images; empty if unknown.
            state: The state now.
        """
        now = state.labels[: len(labels)]
        n = state.next_id + 1
        stayed = labels[labels == now]
        counts = [np.bincount(some + 1, minlength=n)[1:] for some in (labels, now, stayed)]
        return cls(*(count.astype(np.int64) for count in counts))

    def kept(self, cluster: int) -> float:
        """Share of a cluster's images that are still in it; 1 if it had none, or is unknown."""
        return self._share(cluster, int(self.before[cluster]))

    def jaccard(self, cluster: int) -> float:
        """Jaccard overlap of a cluster's images then and now; 1 if it had none, or is unknown."""
        either = self.before[cluster] + self.after[cluster] - self.both[cluster]
        return self._share(cluster, int(either))

    def _share(self, cluster: int, whole: int) -> float:
        return 1.0 if whole == 0 else float(self.both[cluster]) / whole


def _title(state: Clustering, cluster: int) -> str:
    known = state.clusters.get(cluster)
    return "Unassigned" if known is None else f"'{known.title}'"


def _is_decided(state: Clustering, image: int) -> bool:
    return bool(decided_images(state)[image])
