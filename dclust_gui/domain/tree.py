"""Merge trees: SciPy linkage matrices, their cuts and their order of leaves, without recursion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_tree(z: NDArray[np.float64]) -> int:
    """Check that a matrix is a merge tree with heights that never fall.

    Args:
        z: float64 (n_leaves - 1, 4): the two merged nodes (a leaf is 0 to n_leaves - 1, the
            node made by row i is n_leaves + i), the height, the number of leaves below.

    Returns:
        The number of leaves.

    Raises:
        ValueError: If it is not such a tree.
    """
    if z.ndim != 2 or z.shape[1] != 4:
        raise ValueError("a merge tree has four columns")
    n_leaves = len(z) + 1
    if not np.isfinite(z).all():
        raise ValueError("a merge tree holds finite numbers")
    children = z[:, :2].astype(np.int64)
    if not np.array_equal(children, z[:, :2]):
        raise ValueError("nodes are whole numbers")
    made = n_leaves + np.arange(len(z))
    if (children < 0).any() or (children >= made[:, None]).any():
        raise ValueError("a merge names a node that does not exist yet")
    if len(np.unique(children)) != children.size:
        raise ValueError("a node is merged twice")
    if (np.diff(z[:, 2]) < 0).any():
        raise ValueError("the heights fall")
    sizes = np.concatenate([np.ones(n_leaves), z[:, 3]])
    if not np.array_equal(sizes[children].sum(1), z[:, 3]):
        raise ValueError("the counts of leaves do not add up")
    return n_leaves


def cut(z: NDArray[np.float64], k: int) -> NDArray[np.int32]:
    """Labels of the k clusters that are left when the last k - 1 merges are not made.

    Args:
        z: A merge tree, see `check_tree`.
        k: Number of clusters, 1 to n_leaves.

    Returns:
        int32 (n_leaves,), 0 to k - 1, numbered by their first leaf.

    Raises:
        ValueError: If k is out of range.
    """
    n_leaves = len(z) + 1
    if not 1 <= k <= n_leaves:
        raise ValueError(f"k must be 1 to {n_leaves}")
    return _labels_after(z, n_leaves - k)


def cut_at_height(z: NDArray[np.float64], height: float) -> NDArray[np.int32]:
    """Labels of the clusters whose merges are all at or below a height.

    Args:
        z: A merge tree with heights that never fall.
        height: The height of the cut.

    Returns:
        int32 (n_leaves,), numbered by their first leaf.
    """
    return _labels_after(z, int(np.searchsorted(z[:, 2], height, side="right")))


def _labels_after(z: NDArray[np.float64], n_merges: int) -> NDArray[np.int32]:
    """Labels of the leaves after the first merges, by pointer doubling."""
    n_leaves = len(z) + 1
    parent = np.arange(n_leaves + n_merges, dtype=np.int64)
    children = z[:n_merges, :2].astype(np.int64)
    parent[children] = (n_leaves + np.arange(n_merges))[:, None]
    while True:
        further = parent[parent]
        if np.array_equal(further, parent):
            break
        parent = further
    _, first, inverse = np.unique(parent[:n_leaves], return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[inverse]


def leaf_order(z: NDArray[np.float64]) -> NDArray[np.int64]:
    """Leaves from left to right, so that no two branches cross.

    Args:
        z: A merge tree.

    Returns:
        int64 (n_leaves,), a permutation of the leaves; left children first.
    """
    n_leaves = len(z) + 1
    sizes = np.concatenate([np.ones(n_leaves, np.int64), z[:, 3].astype(np.int64)])
    start = np.zeros(2 * n_leaves - 1, np.int64)
    left = z[:, 0].astype(np.int64).tolist()
    right = z[:, 1].astype(np.int64).tolist()
    for row in range(len(z) - 1, -1, -1):
        begin = start[n_leaves + row]
        start[left[row]] = begin
        start[right[row]] = begin + sizes[left[row]]
    order = np.empty(n_leaves, np.int64)
    order[start[:n_leaves]] = np.arange(n_leaves)
    return order
