"""Merge trees under construction: node numbers, order, duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.base import FloatArray


class TreeBuilder:
    """Collects merges in any order in which parts come before wholes.

    Leaf i is node i; the j-th merge makes node n_leaves + j.

    Args:
        n_leaves: Number of images.
    """

    def __init__(self, n_leaves: int) -> None:
        self._n_leaves = n_leaves
        self._pairs = np.empty((max(n_leaves - 1, 0), 2), dtype=np.int64)
        self._heights = np.empty(max(n_leaves - 1, 0))
        self.count = 0

    @property
    def top(self) -> float:
        """The greatest height so far; 0 without merges."""
        return float(self._heights[: self.count].max(initial=0.0))

    def add(self, pairs: NDArray[np.int64], heights: NDArray[np.float64]) -> NDArray[np.int64]:
        """Add merges of existing nodes.

        Args:
            pairs: (m, 2) nodes; none of them made by these same merges.
            heights: (m,); raised to the heights of the parts where rounding put it below.

        Returns:
            (m,) the new nodes.
        """
        places = slice(self.count, self.count + len(pairs))
        parts = np.where(
            pairs >= self._n_leaves, self._heights[np.maximum(pairs - self._n_leaves, 0)], 0.0
        )
        self._pairs[places] = pairs
        self._heights[places] = np.maximum(heights, parts.max(axis=1, initial=0.0))
        self.count += len(pairs)
        return self._n_leaves + np.arange(places.start, places.stop)

    def add_tree(self, tree: NDArray[np.float64], leaf_nodes: NDArray[np.int64]) -> int:
        """Add a whole tree whose leaf i is the node `leaf_nodes[i]`.

        Args:
            tree: float64 (k - 1, 4), SciPy's layout.
            leaf_nodes: (k,).

        Returns:
            The node of its root.
        """
        if len(leaf_nodes) == 1:
            return int(leaf_nodes[0])
        new = self._n_leaves + self.count + np.arange(len(tree))
        places = slice(self.count, self.count + len(tree))
        self._pairs[places] = np.concatenate([leaf_nodes, new])[tree[:, :2].astype(np.int64)]
        self._heights[places] = tree[:, 2]
        self.count += len(tree)
        return int(new[-1])

    def finish(self, n_first: int = 0) -> NDArray[np.float64]:
        """The tree in SciPy's layout, its heights ascending.

        Args:
            n_first: The first so many merges stay below all others.

        Returns:
            float64 (n_leaves - 1, 4).
        """
        n_leaves, pairs, heights = self._n_leaves, self._pairs, self._heights
        # stable: a merge never comes before its parts, which are older and not higher
        order = np.argsort(heights[:n_first], kind="stable")
        order = np.append(order, n_first + np.argsort(heights[n_first:], kind="stable"))
        number = np.arange(2 * n_leaves - 1)
        number[n_leaves + order] = n_leaves + np.arange(n_leaves - 1)
        tree = np.empty((n_leaves - 1, 4))
        tree[:, :2] = np.sort(number[pairs[order]], axis=1)
        tree[:, 2] = heights[order]
        sizes = [1] * (2 * n_leaves - 1)
        for step, (left, right) in enumerate(tree[:, :2].astype(np.int64).tolist()):
            sizes[n_leaves + step] = sizes[left] + sizes[right]
        tree[:, 3] = sizes[n_leaves:]
        return tree


def join_duplicates(
    features: FloatArray, builder: TreeBuilder
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Merge equal rows at height 0, in balanced trees.

    Args:
        features: (n_images, d).
        builder: Takes the merges.

    Returns:
        Of each distinct row: an image that has it, its node and how many images have it.
    """
    rows = np.ascontiguousarray(features) + 0.0
    as_bytes = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, inverse, counts = np.unique(as_bytes, return_inverse=True, return_counts=True)
    order = np.argsort(inverse, kind="stable")
    starts = np.cumsum(counts) - counts
    first = order[starts]
    by_image = np.argsort(first)
    nodes = first.astype(np.int64)
    for group in np.flatnonzero(counts > 1):
        layer = order[starts[group] : starts[group] + counts[group]].astype(np.int64)
        while len(layer) > 1:
            paired = len(layer) // 2 * 2
            new = builder.add(layer[:paired].reshape(-1, 2), np.zeros(paired // 2))
            layer = np.concatenate([new, layer[paired:]])
        nodes[group] = layer[0]
    return first[by_image], nodes[by_image], counts[by_image]
