"""One edit of every kind, chosen at random: for the benchmark, and for tests that stream edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain import edits, image_edits, splits
from dclust_gui.domain.clustering import PALETTE_SIZE, UNASSIGNED
from dclust_gui.domain.names import free_name
from dclust_gui.domain.splits import SplitProposal
from dclust_gui.services import marks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator
    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Cluster, Clustering
    from dclust_gui.domain.edits import Edit


class RandomEdits:
    """Makes edits of a state.

    Args:
        state: The state; one without clusters gets only new ones.
        random: Chooses.
        n_images: Images of an edit at most.
    """

    def __init__(self, state: Clustering, random: Generator, n_images: int) -> None:
        self._state = state
        self._random = random
        self._n_images = min(n_images, state.n_images)

    def move(self) -> Edit:
        """Move images into a cluster."""
        return edits.move(self._state, self._images(), self._cluster().id)

    def new(self) -> Edit:
        """Make a cluster of images."""
        return edits.new_cluster(self._state, self._images(), self._name())

    def split_out(self) -> Edit:
        """Split images out of their clusters."""
        return splits.split_out(self._state, self._images(), self._name())

    def split_in_three(self) -> Edit:
        """Split a cluster in three."""
        cluster = self._cluster().id
        images = self._state.members(cluster).astype(np.int32)
        parts = self._random.integers(3, size=len(images)).astype(np.int32)
        return SplitProposal(cluster, images, parts).edit(self._state)

    def merge(self) -> Edit:
        """Merge some clusters."""
        rows = self._random.permutation(list(self._state.clusters))[:3].tolist()
        if len(rows) < 2:
            return self.new()
        return splits.propose_merge(self._state, rows).edit(self._state)

    def unassign(self) -> Edit:
        """Take images out of their clusters."""
        return image_edits.unassign(self._state, self._images())

    def not_here(self) -> Edit:
        """Send images each to a cluster of its own."""
        images = self._images().tolist()
        keys = self._random.choice(list(self._state.clusters), len(images)).tolist()
        return image_edits.not_here(self._state, dict(zip(images, keys, strict=True)))

    def approve(self) -> Edit:
        """Approve images, or take that back."""
        is_approved = bool(self._random.integers(4))
        return image_edits.approve(self._state, self._images(), is_approved=is_approved)

    def rename(self) -> Edit:
        """Rename a cluster."""
        return edits.rename(self._state, self._cluster().id, self._name())

    def mark(self) -> Edit:
        """Pin, review or ignore clusters, or take that back."""
        marks_ = list(marks.Mark)
        mark = marks_[int(self._random.integers(len(marks_)))]
        return marks.toggle_mark(self._state, [self._cluster()], mark)

    def colour(self) -> Edit:
        """Give a cluster another colour and mark."""
        index = int(self._random.integers(PALETTE_SIZE))
        return marks.recolour(self._state, [self._cluster()], index)

    def note(self) -> Edit:
        """Change a cluster's notes."""
        return marks.annotate(self._state, self._cluster(), self._word())

    def keep_run(self) -> Edit:
        """Give two clusters the images of another grouping."""
        keys = [UNASSIGNED, *self._state.clusters]
        labels = self._random.choice(keys, self._state.n_images).astype(np.int32)
        wanted = keys[1:3]
        return image_edits.keep_groups(self._state, labels, self._state.clusters, wanted, "run 1")

    def all(self) -> Mapping[str, Edit]:
        """One edit of every kind by its name."""
        return {name: self.make(name) for name in KINDS}

    def make(self, kind: str) -> Edit:
        """An edit of a kind; a new cluster where there is none yet.

        Args:
            kind: One of `KINDS`.
        """
        if not self._state.clusters:
            return self.new()
        edit: Edit = getattr(self, kind.replace(" ", "_"))()
        return edit

    def any(self) -> Edit:
        """An edit of any kind."""
        return self.make(KINDS[int(self._random.integers(len(KINDS)))])

    def _images(self) -> NDArray[np.int32]:
        count = int(self._random.integers(1, self._n_images + 1))
        return self._random.choice(self._state.n_images, count, replace=False).astype(np.int32)

    def _cluster(self) -> Cluster:
        keys = list(self._state.clusters)
        return self._state.clusters[keys[int(self._random.integers(len(keys)))]]

    def _name(self) -> str:
        return free_name(self._word(), (row.title for row in self._state.clusters.values()))

    def _word(self) -> str:
        return ("", "Beach", "Sea", "Küste", "海")[int(self._random.integers(5))]


KINDS = (
    *("move", "new", "split out", "split in three", "merge", "unassign", "not here", "approve"),
    *("rename", "mark", "colour", "note", "keep run"),
)
"""Names of all kinds."""
