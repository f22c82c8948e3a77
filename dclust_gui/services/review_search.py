"""Finds what is worth a second look among the nearest neighbours of all images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.identity import decided_images
from dclust_gui.domain.splits import SplitProposal
from dclust_gui.domain.stacks import agreed_labels
from dclust_gui.services.review_items import ReviewItem, ReviewKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.knn import Neighbours
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.engine.progress import StageMeter

LEAST_DOUBT = 0.5
"""From here on the other cluster has as many of an image's neighbours as its own."""
LEAST_MIXED = 0.25
"""Two clusters that are less mixed are not offered for merging."""
LEAST_APART = 0.75
"""A cluster whose halves are less apart is not offered for splitting."""
SMALLEST_PART = 3
MOST_ITEMS = 1_000


class QuestionFinder:
    """Turns neighbours into questions.

    Args:
        state: Labels and clusters.
        images: int32 (m,), the image of each row.
        near: Neighbours of the rows.
        space: (m, d), where the clusters were found.
        n_run: How many rows the run had; the others are arrivals.
    """

    def __init__(
        self,
        state: Clustering,
        images: NDArray[np.int32],
        near: Neighbours,
        space: NDArray[np.float32],
        n_run: int,
    ) -> None:
        ids = [key for key, cluster in state.clusters.items() if not cluster.is_ignored]
        self._state = state
        self._images = images
        self._near = near
        self._space = space
        self._ids = np.array(ids, np.int32)
        lookup = {key: number for number, key in enumerate(ids)}
        labels = state.labels[images].tolist()
        self._labels = np.array([lookup.get(label, -1) for label in labels], np.int32)
        self._is_free = ~decided_images(state)[images]
        self._is_new = np.arange(len(images)) >= n_run

    def items(self, meter: StageMeter) -> tuple[ReviewItem, ...]:
        """All questions, the greatest gain first."""
        if not len(self._ids):
            return ()
        found = [*self._images_in_doubt(), *self._merges(), *self._splits(meter)]
        found.sort(key=lambda item: (-item.gain, item.kind, int(item.images[0])))
        return tuple(found[:MOST_ITEMS])

    def _images_in_doubt(self) -> list[ReviewItem]:
        from dclust_gui.algorithms.review_scores import neighbour_votes

        votes = neighbour_votes(self._near, self._labels, len(self._ids))
        doubt = votes.doubt
        arrives = self._is_new & (self._labels < 0)
        asked = self._is_free & (votes.other >= 0)
        asked &= arrives | ((self._labels >= 0) & (doubt >= LEAST_DOUBT))
        found = []
        for row in np.flatnonzero(asked).tolist():
            is_new = bool(arrives[row])
            found.append(
                ReviewItem(
                    ReviewKind.ARRIVAL if is_new else ReviewKind.DOUBTFUL,
                    self._images[row : row + 1],
                    UNASSIGNED if is_new else int(self._ids[self._labels[row]]),
                    int(self._ids[votes.other[row]]),
                    float(votes.share[row]),
                    float(votes.share[row] if is_new else doubt[row]),
                    asked_in=self._state.labels,
                )
            )
        return found

    def _merges(self) -> list[ReviewItem]:
        from dclust_gui.algorithms.review_scores import mixed_pairs

        found = []
        for pair in mixed_pairs(self._near, self._labels, len(self._ids)):
            first, second = int(self._ids[pair.first]), int(self._ids[pair.second])
            pinned = [self._state.clusters[key].is_pinned for key in (first, second)]
            if pair.score < LEAST_MIXED or all(pinned):
                continue
            images = self._images[self._labels == pair.second]
            gain = pair.score * len(images)
            found.append(
                ReviewItem(
                    *(ReviewKind.MERGE, images, second, first, gain, pair.score),
                    asked_in=self._state.labels,
                )
            )
        return found

    def _splits(self, meter: StageMeter) -> list[ReviewItem]:
        from dclust_gui.algorithms.review_scores import apart_parts

        found = []
        for parts in apart_parts(
            self._space, self._near, self._labels, len(self._ids), callback=meter.set
        ):
            key = int(self._ids[parts.cluster])
            part = agreed_labels(self._state.stacks[self._images[parts.rows]], parts.part)
            smaller = parts.rows[part == 1]
            cluster = self._state.clusters[key]
            if parts.score < LEAST_APART or len(smaller) < SMALLEST_PART or cluster.is_pinned:
                continue
            order = np.argsort(self._images[parts.rows])
            proposal = SplitProposal(
                key, self._images[parts.rows][order], part[order].astype(np.int32)
            )
            share = (parts.score - LEAST_APART) / (1.0 - LEAST_APART)
            gain = share * len(smaller)
            leaving = self._images[smaller]
            found.append(
                ReviewItem(
                    *(ReviewKind.SPLIT, leaving, key, UNASSIGNED, gain, parts.score),
                    parts=proposal,
                    asked_in=self._state.labels,
                )
            )
        return found
