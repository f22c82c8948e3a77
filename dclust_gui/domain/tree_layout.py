"""Where the branches of a merge tree lie, in units of leaves and of height, without recursion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.tree import leaf_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_NODE = -1
"""Stands for "no node": the parent of the root, the child of a leaf."""


@dataclass(frozen=True, slots=True, eq=False)
class TreeLayout:
    """A merge tree drawn out: leaves side by side, each one unit wide.

    A node below `n_leaves` is a leaf, the node `n_leaves + i` is made by row i of the tree.

    Attributes:
        tree: float64 (n_leaves - 1, 4), SciPy linkage matrix, read-only.
        order: int64 (n_leaves,), the leaf at each position from left to right.
        position: int64 (n_leaves,), the position of each leaf.
        start: int64 (n_nodes,), first position below each node.
        stop: int64 (n_nodes,), one more than the last.
        centre: float64 (n_nodes,), where a node's stem stands; a leaf's is position + 0.5.
        height: float64 (n_nodes,), 0 for leaves.
        parent: int64 (n_nodes,), `NO_NODE` for the root.
        left: int64 (n_nodes,), child at the lower positions; `NO_NODE` for leaves.
        right: int64 (n_nodes,), the other child.
    """

    tree: NDArray[np.float64]
    order: NDArray[np.int64]
    position: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    centre: NDArray[np.float64]
    height: NDArray[np.float64]
    parent: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    _parents: list[int] = field(repr=False)

    @classmethod
    def of(cls, tree: NDArray[np.float64]) -> TreeLayout:
        """Lay out a tree.

        Args:
            tree: A merge tree, see `domain.tree.check_tree`; no rows for a single leaf.
        """
        n_leaves = len(tree) + 1
        rows = np.arange(n_leaves, 2 * n_leaves - 1)
        children = tree[:, :2].astype(np.int64)
        order = leaf_order(tree)
        position = np.empty(n_leaves, np.int64)
        position[order] = np.arange(n_leaves)
        size = np.concatenate([np.ones(n_leaves, np.int64), tree[:, 3].astype(np.int64)])
        left = np.concatenate([np.full(n_leaves, NO_NODE), children[:, 0]])
        right = np.concatenate([np.full(n_leaves, NO_NODE), children[:, 1]])
        parent = np.full(2 * n_leaves - 1, NO_NODE)
        parent[children] = rows[:, None]
        start = _starts(position, children[:, 0].tolist())
        return cls(
            tree,
            order,
            position,
            start,
            start + size,
            _centres(position, children),
            np.concatenate([np.zeros(n_leaves), tree[:, 2]]),
            parent,
            left,
            right,
            parent.tolist(),
        )

    @property
    def n_leaves(self) -> int:
        """Number of leaves."""
        return len(self.order)

    @property
    def n_nodes(self) -> int:
        """Number of leaves and merges."""
        return len(self.start)

    @property
    def root(self) -> int:
        """The node above all others."""
        return self.n_nodes - 1

    @property
    def top(self) -> float:
        """The root's height."""
        return float(self.height[-1])

    def is_leaf(self, node: int) -> bool:
        """Whether a node is a single image."""
        return node < self.n_leaves

    def size(self, node: int) -> int:
        """Number of leaves below a node."""
        return int(self.stop[node] - self.start[node])

    def leaves(self, node: int) -> NDArray[np.int64]:
        """Leaves below a node, from left to right."""
        return self.order[self.start[node] : self.stop[node]]

    def contains(self, node: int, other: int) -> bool:
        """Whether `other` is `node` or lies below it."""
        is_within = self.start[node] <= self.start[other] and self.stop[other] <= self.stop[node]
        return bool(is_within) and other <= node

    def branch_at(self, position: float, height: float) -> int:
        """The branch that is met at a place: the highest merge there that is not above it.

        Args:
            position: In leaves; places beside the tree count as its edge.
            height: In units of the tree; negative ones count as 0.

        Returns:
            The node; a leaf where no merge is low enough.
        """
        place = min(max(int(position), 0), self.n_leaves - 1)
        node, parents, heights = int(self.order[place]), self._parents, self.height
        above = parents[node]
        while above != NO_NODE and heights[above] <= height:
            node, above = above, parents[above]
        return node

    def spanning(self, start: float, stop: float) -> int:
        """The smallest branch that covers a range of positions."""
        node = self.branch_at(start, 0.0)
        last = min(max(stop, start + 1), self.n_leaves)
        while self.stop[node] < last and self._parents[node] != NO_NODE:
            node = self._parents[node]
        return node


def _starts(position: NDArray[np.int64], left: list[int]) -> NDArray[np.int64]:
    """First positions of all nodes: a merge begins where its left child does."""
    starts = position.tolist()
    for child in left:
        starts.append(starts[child])
    return np.array(starts, np.int64)


def _centres(position: NDArray[np.int64], children: NDArray[np.int64]) -> NDArray[np.float64]:
    """Places of all nodes: a merge stands in the middle between its children."""
    centres = (position + 0.5).tolist()
    for first, second in zip(children[:, 0].tolist(), children[:, 1].tolist(), strict=True):
        centres.append((centres[first] + centres[second]) / 2)
    return np.array(centres)
