from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dclust_gui.domain.tree import check_tree, cut, cut_at_height, leaf_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHODS = ["ward", "average", "complete", "single"]


def scipy_tree(n_leaves: int, seed: int, method: str = "average") -> NDArray[np.float64]:
    from scipy.cluster.hierarchy import linkage

    points = np.random.default_rng(seed).random((n_leaves, 3))
    return np.asarray(linkage(points, method), np.float64)


def renumbered(labels: NDArray[np.int32]) -> list[int]:
    """Numbers in order of first appearance."""
    numbers: dict[int, int] = {}
    return [numbers.setdefault(label, len(numbers)) for label in labels.tolist()]


@settings(deadline=None)
@given(st.integers(2, 60), st.integers(0, 999), st.sampled_from(METHODS), st.data())
def test_cuts_agree_with_scipy(n_leaves: int, seed: int, method: str, data: st.DataObject) -> None:
    from scipy.cluster.hierarchy import fcluster

    z = scipy_tree(n_leaves, seed, method)
    assert check_tree(z) == n_leaves
    k = data.draw(st.integers(1, n_leaves))
    labels = cut(z, k)
    assert labels.dtype == np.int32
    assert labels.tolist() == renumbered(fcluster(z, k, "maxclust"))
    assert len(np.unique(labels)) == k
    height = data.draw(st.sampled_from([0.0, *z[:, 2].tolist(), 99.0]))
    assert cut_at_height(z, height).tolist() == renumbered(fcluster(z, height, "distance"))


def test_more_clusters_at_lower_heights() -> None:
    z = scipy_tree(50, 0)
    counts = [int(cut_at_height(z, h).max()) + 1 for h in np.linspace(0, z[-1, 2], 20)]
    assert counts == sorted(counts, reverse=True)
    assert (counts[0], counts[-1]) == (50, 1)


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(0, 999))
def test_branches_do_not_cross(n_leaves: int, seed: int) -> None:
    z = scipy_tree(n_leaves, seed) if n_leaves > 1 else np.empty((0, 4))
    order = leaf_order(z)
    assert sorted(order.tolist()) == list(range(n_leaves))
    place = np.argsort(order)
    below = [{int(place[leaf])} for leaf in range(n_leaves)]
    for left, right in z[:, :2].astype(int).tolist():
        assert max(below[left]) < min(below[right])
        both = below[left] | below[right]
        assert max(both) - min(both) == len(both) - 1
        below.append(both)


def test_single_leaf_is_a_tree() -> None:
    z = np.empty((0, 4))
    assert check_tree(z) == 1
    assert cut(z, 1).tolist() == [0]
    assert cut_at_height(z, 1.0).tolist() == [0]
    assert leaf_order(z).tolist() == [0]


def test_long_chain_needs_no_recursion() -> None:
    n = 5000
    rows = np.arange(n - 1)
    left = np.where(rows == 0, 0, n + rows - 1)
    z = np.column_stack([left, rows + 1, rows + 1.0, rows + 2.0])
    assert check_tree(z) == n
    assert leaf_order(z).tolist() == list(range(n))
    assert np.bincount(cut(z, 3)).tolist() == [n - 2, 1, 1]


@pytest.mark.parametrize("k", [0, 11])
def test_impossible_numbers_of_clusters_are_refused(k: int) -> None:
    with pytest.raises(ValueError, match="1 to 10"):
        cut(scipy_tree(10, 0), k)


@pytest.mark.parametrize(
    ("row", "column", "value", "words"),
    [
        (0, 0, -1, "does not exist"),
        (3, 1, 99, "does not exist"),
        (4, 2, -1, "heights fall"),
        (4, 2, np.nan, "finite"),
        (0, 0, np.nan, "finite"),
        (0, 0, 0.5, "whole"),
        (2, 3, 9, "add up"),
    ],
)
def test_what_is_no_tree_is_refused(row: int, column: int, value: float, words: str) -> None:
    z = scipy_tree(8, 0)
    z[row, column] = value
    with pytest.raises(ValueError, match=words):
        check_tree(z)


def test_wrong_shape_and_double_merges_are_refused() -> None:
    with pytest.raises(ValueError, match="four columns"):
        check_tree(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="merged twice"):
        check_tree(np.array([[0.0, 1, 1, 2], [0, 2, 2, 2]]))
