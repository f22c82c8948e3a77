"""The composed tree: a cut at the number of clusters gives back the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import is_monotonic, is_valid_linkage
from sklearn.metrics import adjusted_rand_score

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.composed import composed_tree, inner_tree
from dclust_gui.algorithms.ward import ward_tree

if TYPE_CHECKING:
    from numpy.typing import NDArray


def cut(tree: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Labels after the first n - k merges."""
    n = len(tree) + 1
    parent = np.arange(2 * n - 1)
    for step in range(n - k):
        parent[tree[step, :2].astype(int)] = n + step
    labels = np.arange(n)
    while (parent[labels] != labels).any():
        labels = parent[labels]
    return np.unique(labels, return_inverse=True)[1]


def same_partition(first: NDArray[np.integer], second: NDArray[np.integer]) -> bool:
    """Whether both group the images alike."""
    pairs = len(np.unique(np.stack([first, second]), axis=1).T)
    return pairs == len(np.unique(first)) == len(np.unique(second))


@settings(max_examples=60, deadline=None)
@given(
    labels=st.lists(st.integers(-1, 5), min_size=2, max_size=30),
    levels=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_a_cut_gives_the_labels_also_with_ties_and_noise(
    labels: list[int], levels: int, seed: int
) -> None:
    rows = np.random.default_rng(seed).integers(0, levels, (len(labels), 2)).astype(np.float32)
    tree = composed_tree(rows, np.array(labels))
    assert tree.shape == (len(labels) - 1, 4)
    assert is_valid_linkage(tree)
    assert is_monotonic(tree)
    assert same_partition(cut(tree, len(set(labels))), np.array(labels))


def test_unassigned_images_join_last() -> None:
    rows = np.array([[0.0], [0.1], [9.0], [9.1], [4.0], [50.0]])
    tree = composed_tree(rows, np.array([0, 0, 1, 1, -1, -1]))
    assert same_partition(cut(tree, 2), np.array([0, 0, 0, 0, 1, 1]))


@pytest.mark.parametrize("labels", [[0] * 6, list(range(6))])
def test_one_cluster_and_as_many_as_images(labels: list[int]) -> None:
    rows = np.random.default_rng(0).normal(size=(6, 3))
    tree = composed_tree(rows, np.array(labels))
    assert same_partition(cut(tree, len(set(labels))), np.array(labels))


def test_one_image_has_an_empty_tree() -> None:
    assert composed_tree(np.zeros((1, 3)), np.array([0])).shape == (0, 4)


def test_no_images_or_other_lengths_is_a_clear_error() -> None:
    with pytest.raises(UnusableDataError):
        composed_tree(np.zeros((0, 3)), np.zeros(0, dtype=int))
    with pytest.raises(UnusableDataError):
        composed_tree(np.zeros((2, 3)), np.zeros(3, dtype=int))


def test_large_wide_clusters_go_over_axes_and_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dclust_gui.algorithms.composed.PLAIN_UP_TO", 50)
    monkeypatch.setattr("dclust_gui.algorithms.composed.EXACT_INSIDE", 200)
    random = np.random.default_rng(0)
    rows = random.normal(size=(800, 100)).astype(np.float32)
    labels = np.repeat([0, 1, 2], [40, 160, 600])
    random.shuffle(labels)
    seen: list[tuple[int, int]] = []
    tree = composed_tree(rows, labels, callback=lambda done, total: seen.append((done, total)))
    assert is_valid_linkage(tree)
    assert is_monotonic(tree)
    assert same_partition(cut(tree, 3), labels)
    assert seen[-1] == (3, 3)


def test_a_tree_over_groups_is_near_the_exact_one() -> None:
    random = np.random.default_rng(0)
    rows = (random.normal(size=(5, 8)) * 5)[np.arange(6_000) % 5] + random.normal(size=(6_000, 8))
    tree = inner_tree(rows, np.arange(6_000))
    assert is_valid_linkage(tree)
    assert is_monotonic(tree)
    exact = ward_tree(rows)
    assert adjusted_rand_score(cut(tree, 5), cut(exact, 5)) > 0.99
    np.testing.assert_allclose(tree[-4:, 2], exact[-4:, 2], rtol=0.01)
