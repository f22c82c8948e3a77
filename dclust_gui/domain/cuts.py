"""Cuts through a merge tree: which branches are clusters, as one line or branch by branch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.tree_layout import NO_NODE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.tree_layout import TreeLayout


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Branches that together hold each leaf exactly once.

    Attributes:
        layout: The tree.
        nodes: int64 (k,), the branches from left to right.
        height: Height of the line: where it was put, or a place between the highest merge below
            and the lowest above it; branches opened or closed one by one may lie elsewhere.
    """

    layout: TreeLayout
    nodes: NDArray[np.int64]
    height: float

    @classmethod
    def from_k(cls, layout: TreeLayout, k: int) -> Cut:
        """The k branches that are left when the last k - 1 merges are not made.

        Raises:
            ValueError: If k is not 1 to the number of leaves.
        """
        n = layout.n_leaves
        if not 1 <= k <= n:
            raise ValueError(f"k must be 1 to {n}")
        heights = layout.height
        below = float(heights[2 * n - 1 - k]) if k < n else 0.0
        above = float(heights[2 * n - k]) if k > 1 else below * 1.02
        return cls(layout, _uppermost(layout, 2 * n - k), (below + above) / 2)

    @classmethod
    def from_height(cls, layout: TreeLayout, height: float) -> Cut:
        """The branches whose merges are all at or below a height."""
        merges = int(np.searchsorted(layout.tree[:, 2], height, side="right"))
        return cls(layout, _uppermost(layout, layout.n_leaves + merges), max(height, 0.0))

    @classmethod
    def from_labels(
        cls,
        layout: TreeLayout,
        labels: NDArray[np.int32],
        is_placed: NDArray[np.bool_],
        is_refined: NDArray[np.bool_] | None = None,
    ) -> Cut:
        """The largest branches whose leaves all have one label.

        A leaf that was placed by hand, alone among others, does not break up its branch; a whole
        branch that was moved by hand counts as what it is now.

        Args:
            layout: The tree.
            labels: int32 (n_leaves,), any labels.
            is_placed: bool (n_leaves,), leaves that a person placed.
            is_refined: bool (n_leaves,), leaves that a proposal moved: they break up no branch,
                many or few.
        """
        in_order = labels[layout.order]
        counts = np.ones(layout.n_leaves, np.bool_)
        if is_refined is not None and not is_refined.all():
            counts = ~is_refined[layout.order]
        strict = _largest_pure(layout, in_order, counts)
        alone = strict[layout.stop[strict] - layout.start[strict] == 1]
        counts = counts.copy()
        counts[layout.start[alone]] &= ~is_placed[layout.order[layout.start[alone]]]
        nodes = _largest_pure(layout, in_order, counts)
        return cls(layout, nodes, _middle_height(layout, nodes))

    @property
    def k(self) -> int:
        """Number of branches."""
        return len(self.nodes)

    @property
    def starts(self) -> NDArray[np.int64]:
        """int64 (k,), first position of each branch."""
        return self.layout.start[self.nodes]

    @property
    def is_line(self) -> bool:
        """Whether the line alone gives these branches."""
        return np.array_equal(self.nodes, Cut.from_height(self.layout, self.height).nodes)

    def is_same_as(self, other: Cut) -> bool:
        """Whether both have the same branches; their lines may lie apart."""
        return np.array_equal(self.nodes, other.nodes)

    def labels(self) -> NDArray[np.int32]:
        """int32 (n_leaves,), the number of each leaf's branch, counted from the left."""
        return groups_of(self.layout, self.nodes)

    def index_of(self, position: float) -> int:
        """The number of the branch at a position; places beside the tree count as its edge."""
        return max(int(np.searchsorted(self.starts, position, side="right")) - 1, 0)

    def holder(self, node: int) -> int:
        """The branch of the cut that a node is or lies in; `NO_NODE` if the cut is below it."""
        branch = int(self.nodes[self.index_of(float(self.layout.start[node]))])
        return branch if self.layout.contains(branch, node) else NO_NODE

    def numbers_in(self, node: int) -> NDArray[np.int64]:
        """Numbers of the branches that are `node` or lie below it."""
        inside = (self.starts >= self.layout.start[node]) & (
            self.layout.stop[self.nodes] <= self.layout.stop[node]
        )
        return np.flatnonzero(inside & (self.nodes <= node))

    def opened(self, node: int) -> Cut:
        """The cut with one branch replaced by its two parts; all others stay.

        Raises:
            ValueError: If the node is not a branch of this cut, or a single leaf.
        """
        if self.holder(node) != node or self.layout.is_leaf(node):
            raise ValueError(f"node {node} is not a branch that can be opened")
        parts = np.array([self.layout.left[node], self.layout.right[node]])
        return self._replaced(np.flatnonzero(self.nodes == node), parts)

    def closed(self, node: int) -> Cut:
        """The cut with all branches below a node joined to that node; all others stay.

        A node that is a branch of the cut already, or lies in one, changes nothing.
        """
        if self.holder(node) != NO_NODE:
            return self
        return self._replaced(self.numbers_in(node), np.array([node]))

    def within(self, node: int, parts: NDArray[np.int64]) -> Cut:
        """The cut with other branches below one node; all others stay.

        Args:
            node: A branch of this cut or one above them.
            parts: int64 (m,), its parts, such as `branch_from_k` gives.

        Raises:
            ValueError: If the node lies inside a branch of this cut.
        """
        if self.holder(node) not in (NO_NODE, node):
            raise ValueError(f"node {node} lies inside a branch of the cut")
        return self._replaced(self.numbers_in(node), parts)

    def _replaced(self, numbers: NDArray[np.int64], nodes: NDArray[np.int64]) -> Cut:
        """These neighbouring branches exchanged for others that hold the same leaves."""
        first, last = int(numbers[0]), int(numbers[-1])
        merged = np.concatenate([self.nodes[:first], nodes, self.nodes[last + 1 :]])
        return Cut(self.layout, merged, self.height)


def branch_from_k(layout: TreeLayout, node: int, k: int) -> NDArray[np.int64]:
    """The k branches that one branch falls into when its last k - 1 merges are not made.

    Args:
        layout: The tree.
        node: The branch.
        k: Number of parts.

    Returns:
        int64 (k,), from left to right.

    Raises:
        ValueError: If k is not 1 to the number of leaves below the node.
    """
    size = layout.size(node)
    if not 1 <= k <= size:
        raise ValueError(f"k must be 1 to {size}")
    inside = _below(layout, node)
    merges = inside[inside >= layout.n_leaves]
    undone = np.sort(merges)[len(merges) - (k - 1) :]
    first_undone = int(undone[0]) if k > 1 else node + 1
    return _parts(layout, node, inside, inside < first_undone)


def branch_from_height(layout: TreeLayout, node: int, height: float) -> NDArray[np.int64]:
    """The branches that one branch falls into when no merge above a height is made.

    Returns:
        int64 (k,), from left to right.
    """
    inside = _below(layout, node)
    return _parts(layout, node, inside, layout.height[inside] <= max(height, 0.0))


def groups_of(layout: TreeLayout, nodes: NDArray[np.int64]) -> NDArray[np.int32]:
    """The number of the branch each leaf is in.

    Args:
        layout: The tree.
        nodes: int64 (k,), branches from left to right, none inside another.

    Returns:
        int32 (n_leaves,), 0 to k - 1, or -1 for leaves in none.
    """
    sizes = layout.stop[nodes] - layout.start[nodes]
    numbers = np.repeat(np.arange(len(nodes), dtype=np.int32), sizes)
    if len(numbers) == layout.n_leaves:
        return numbers[layout.position]
    groups = np.full(layout.n_leaves, -1, np.int32)
    steps = np.arange(len(numbers)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    groups[layout.order[layout.start[nodes][numbers] + steps]] = numbers
    return groups


def _below(layout: TreeLayout, node: int) -> NDArray[np.int64]:
    """The node and all below it, ascending."""
    nodes = np.arange(node + 1)
    is_inside = (layout.start[: node + 1] >= layout.start[node]) & (
        layout.stop[: node + 1] <= layout.stop[node]
    )
    inside: NDArray[np.int64] = nodes[is_inside]
    return inside


def _parts(
    layout: TreeLayout, node: int, inside: NDArray[np.int64], is_made: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Of the nodes inside a branch those that are made while the one above is not."""
    made = np.zeros(layout.n_nodes + 1, np.bool_)
    made[inside] = is_made
    parents = np.where(inside == node, layout.n_nodes, layout.parent[inside])
    parts = inside[is_made & ~made[parents]]
    return parts[np.argsort(layout.start[parts])]


def _uppermost(layout: TreeLayout, n_made: int) -> NDArray[np.int64]:
    """The nodes without a parent once only nodes below `n_made` are made, from the left."""
    if n_made >= layout.n_nodes:
        return np.array([layout.root], np.int64)
    children = np.concatenate([layout.left[n_made:], layout.right[n_made:]])
    nodes = children[children < n_made]
    return nodes[np.argsort(layout.start[nodes])]


def _largest_pure(
    layout: TreeLayout, in_order: NDArray[np.int32], counts: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The largest branches with one label among the leaves that count, from the left.

    Args:
        layout: The tree.
        in_order: int32 (n_leaves,), labels by position.
        counts: bool (n_leaves,), by position, which leaves count.
    """
    before = np.concatenate([[0], np.cumsum(counts)])
    seen = in_order[counts]
    changes = np.concatenate([[0, 0], np.cumsum(seen[1:] != seen[:-1])])[: len(seen) + 1]
    first, last = before[layout.start], before[layout.stop]
    is_pure = changes[last] == changes[np.minimum(first + 1, last)]
    is_root = layout.parent == NO_NODE
    nodes = np.flatnonzero(is_pure & (is_root | ~is_pure[layout.parent]))
    return nodes[np.argsort(layout.start[nodes])]


def _middle_height(layout: TreeLayout, nodes: NDArray[np.int64]) -> float:
    """A line that goes through as many of the branches' stems as can be had, nearly."""
    low = layout.height[nodes]
    parents = layout.parent[nodes]
    high = np.where(parents == NO_NODE, layout.top * 1.04, layout.height[parents])
    ends = np.concatenate([low, high])
    order = np.argsort(ends, kind="stable")
    crossed = np.cumsum(np.where(order < len(low), 1, -1))
    best = int(np.argmax(crossed))
    following = order[min(best + 1, len(order) - 1)]
    return float((ends[order[best]] + ends[following]) / 2)
