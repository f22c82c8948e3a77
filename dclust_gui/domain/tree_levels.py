"""A merge tree at several levels of detail, so that a view visits only what can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.tree_layout import NO_NODE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.tree_layout import TreeLayout


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The merges of which both parts have at least `least` leaves; all else is left out.

    Of n leaves there are fewer than n / least such merges, even in a tree that is one long chain.

    Attributes:
        least: Number of leaves that a part must have to be shown.
        nodes: int64 (m,), the merges, ascending.
        below: int64 (m, 2), what is shown below each of them on the left and on the right: the
            next such merge, or the branch itself where none is left.
        is_end: bool (m, 2), whether the branch is shown as one block.
        low: float64 (m,), leftmost place of the merge's bar.
        high: float64 (m,), its rightmost place.
        top: The uppermost node shown; the root where there is no merge.
    """

    least: int
    nodes: NDArray[np.int64]
    below: NDArray[np.int64]
    is_end: NDArray[np.bool_]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    top: int

    def ends(self, layout: TreeLayout, start: float, stop: float) -> NDArray[np.int64]:
        """Branches shown as one block that lie within a range of positions, from the left."""
        if not len(self.nodes):
            return np.array([layout.root])
        ends = self.below[self.is_end]
        ends = ends[(layout.stop[ends] > start) & (layout.start[ends] < stop)]
        return ends[np.argsort(layout.start[ends])]


class TreeLevels:
    """All levels of one tree: least sizes 1, 2, 4, ... up to all leaves.

    Args:
        layout: The tree.
    """

    def __init__(self, layout: TreeLayout) -> None:
        self._layout = layout
        self._levels: list[Level] = []
        self._gaps = np.zeros(layout.n_leaves + 1)
        self._rests: dict[int, NDArray[np.float64]] = {}
        n = layout.n_leaves
        size = layout.stop - layout.start
        nodes = np.arange(n, layout.n_nodes)
        self._gaps[layout.start[layout.right[n:]]] = layout.tree[:, 2]
        light = np.minimum(size[layout.left[n:]], size[layout.right[n:]])
        above = layout.parent[n:].copy()
        least = 1
        while True:
            self._levels.append(_level(layout, least, nodes, above))
            least *= 2
            if least > n:
                break
            nodes, light, above = _coarser(nodes, light, above, least)

    def level(self, least: float) -> Level:
        """The finest level whose blocks have at least half of so many leaves, coarsely.

        Args:
            least: Number of leaves below which a part cannot be seen; may be below 1.

        Returns:
            The level of the greatest power of two not above `least`.
        """
        number = int(max(least, 1.0)).bit_length() - 1
        return self._levels[min(number, len(self._levels) - 1)]

    def rest(self, level: Level) -> NDArray[np.float64]:
        """Heights of the merges that a level leaves out, by the place between both their parts.

        Returns:
            float64 (n_leaves + 1,), 0 where the level shows the merge; entry p belongs to the
            leaves at positions p - 1 and p.
        """
        if level.least not in self._rests:
            gaps = self._gaps.copy()
            gaps[self._layout.start[self._layout.right[level.nodes]]] = 0.0
            self._rests[level.least] = gaps
        return self._rests[level.least]


def _coarser(
    nodes: NDArray[np.int64], light: NDArray[np.int64], above: NDArray[np.int64], least: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Keep merges whose smaller part is large enough, with the next kept merge above each."""
    is_kept = light >= least
    # Pointers by row; the last row stands for "none" and points at itself.
    up = np.append(np.searchsorted(nodes, above), len(nodes))
    up[:-1][above == NO_NODE] = len(nodes)
    stays = np.append(is_kept, True)
    target = np.where(stays, np.arange(len(up)), up)
    while True:
        further = target[target]
        if np.array_equal(further, target):
            break
        target = further
    kept_above = target[up[:-1]][is_kept]
    names = np.append(nodes, NO_NODE)
    return nodes[is_kept], light[is_kept], names[kept_above]


def _level(
    layout: TreeLayout, least: int, nodes: NDArray[np.int64], above: NDArray[np.int64]
) -> Level:
    below = np.stack([layout.left[nodes], layout.right[nodes]], axis=1)
    is_end = np.ones(below.shape, np.bool_)
    inner = np.flatnonzero(above != NO_NODE)
    rows = np.searchsorted(nodes, above[inner])
    side = (layout.start[nodes[inner]] >= layout.start[layout.right[above[inner]]]).astype(np.int64)
    below[rows, side] = nodes[inner]
    is_end[rows, side] = False
    places = layout.centre[below]
    own = layout.centre[nodes]
    tops = nodes[above == NO_NODE]
    return Level(
        least,
        nodes,
        below,
        is_end,
        np.minimum(places.min(axis=1, initial=np.inf), own),
        np.maximum(places.max(axis=1, initial=-np.inf), own),
        int(tops[-1]) if len(tops) else layout.root,
    )
