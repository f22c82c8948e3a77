"""Tries out one cut after another on the same state, in time that grows with the cut alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.cut_identity import (
    give_ids,
    has_meaning,
    kept_images,
    paired,
    refined_images,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Cluster, Clustering
    from dclust_gui.domain.cuts import Cut
    from dclust_gui.domain.tree_layout import TreeLayout


@dataclass(frozen=True, slots=True, eq=False)
class TriedCut:
    """What a cut would give.

    Attributes:
        clusters_of_branches: int64 (k,), the cluster of each branch; `UNASSIGNED` for a branch
            whose images all stay where they are.
        labels: int32 (n_leaves,), cluster ids by position in the tree.
        clusters: The whole cluster table.
    """

    clusters_of_branches: NDArray[np.int64]
    labels: NDArray[np.int32]
    clusters: Mapping[int, Cluster]


class CutTrial:
    """What cuts of one tree would give; the same as `cut_identity.adopt_groups`, but sooner.

    The images of a branch lie side by side in the tree, so that overlaps with the present
    clusters are counted by stretches, not by images.

    Args:
        state: The present state.
        images: int (n_leaves,), the image of each leaf.
        layout: The tree.
    """

    def __init__(self, state: Clustering, images: NDArray[np.integer], layout: TreeLayout) -> None:
        self._state = state
        self._layout = layout
        in_order = images[layout.order]
        is_kept = kept_images(state)
        self._is_free = ~is_kept[in_order]
        self._all_free = bool(self._is_free.all())
        self._labels = state.labels[in_order]
        self._free_before = np.concatenate([[0], np.cumsum(self._is_free)])
        free = self._labels[self._is_free]
        changes = np.flatnonzero(free[1:] != free[:-1]) + 1
        self._run_starts = np.concatenate([[0], changes])[: len(free)]
        self._run_labels = free[self._run_starts].astype(np.int64) + 1
        n_old = state.next_id + 1
        self._sizes: NDArray[np.int64] | None = None
        self._stays = np.zeros(n_old, np.int64)
        if len(free) < len(state.labels):
            self._sizes = np.bincount(state.labels[~is_kept] + 1, minlength=n_old)
            total = np.bincount(state.labels + 1, minlength=n_old)
            self._stays = total - np.bincount(free + 1, minlength=n_old)
        is_refined = refined_images(state)
        self._is_refined = is_refined[in_order]
        refined = np.bincount(state.labels[is_refined] + 1, minlength=n_old)
        only_refined = (refined > 0) & (self._stays == refined)
        self._may_follow = (np.flatnonzero(only_refined[1:])).tolist()

    def of(self, cut: Cut) -> TriedCut:
        """What a cut of the whole tree would give."""
        branches = np.full(cut.k, UNASSIGNED, np.int64)
        table = dict(self._state.clusters)
        if not len(self._run_starts):
            return TriedCut(branches, self._labels, table)
        overlaps = self._overlaps(cut)
        carried, present = paired(*overlaps, self._sizes)
        used = {*carried.values(), *(key for key in table if self._stays[key + 1])}
        lookup = branches.astype(np.int32)
        give_ids(self._state.next_id, present, carried, table, used, lookup)
        branches = lookup.astype(np.int64)
        goes = self._followers(overlaps, carried, lookup)
        has_images = {*branches[present].tolist(), *used} - goes.keys()
        shown = {key: c for key, c in table.items() if key in has_images or has_meaning(c)}
        stops = self._layout.stop[cut.nodes]
        labels = np.repeat(lookup, stops - cut.starts)
        if not self._all_free:
            labels = np.where(self._is_free, labels, self._labels)
        for cluster, target in goes.items():
            labels[self._is_refined & (self._labels == cluster)] = target
        return TriedCut(branches, labels, shown)

    def _followers(
        self,
        overlaps: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
        carried: Mapping[int, int],
        lookup: NDArray[np.int32],
    ) -> dict[int, int]:
        """Clusters of which only refined images are left, and where these go along to."""
        group, cluster, shared = overlaps
        lives = set(carried.values())
        goes: dict[int, int] = {}
        for key in self._may_follow:
            at = np.flatnonzero(cluster == key + 1)
            if len(at) and key not in lives:
                targets = lookup[group[at]]
                goes[key] = int(targets[np.lexsort((targets, -shared[at]))[0]])
        return goes

    def _overlaps(self, cut: Cut) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Pairs of branch and present cluster that share images, and how many."""
        firsts = self._free_before[cut.starts]
        edges = np.union1d(firsts, self._run_starts)
        edges = edges[edges < self._free_before[-1]]
        lengths = np.diff(edges, append=self._free_before[-1])
        group = np.searchsorted(firsts, edges, side="right") - 1
        cluster = self._run_labels[np.searchsorted(self._run_starts, edges, side="right") - 1]
        n_old = self._state.next_id + 1
        pairs, place = np.unique(group * n_old + cluster, return_inverse=True)
        shared = np.bincount(place, lengths).astype(np.int64)
        return pairs // n_old, pairs % n_old, shared
