"""k-means that follows a person's decisions."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.constrained import pck_means, seeded_kmeans


@pytest.fixture
def stripes() -> tuple[np.ndarray, np.ndarray]:
    """Two long stripes, which k-means alone cuts across: (rows, truth)."""
    random = np.random.default_rng(0)
    truth = np.repeat([0, 1], 150)
    rows = np.column_stack([random.uniform(0, 10, 300), 2.0 * truth + random.normal(0, 0.2, 300)])
    return rows, truth


def test_decided_images_keep_their_labels(stripes: tuple[np.ndarray, np.ndarray]) -> None:
    rows, truth = stripes
    seeds = np.full(300, -1, np.int32)
    seeds[::10] = truth[::10]
    found = seeded_kmeans(rows, seeds, 2, random_state=0)
    np.testing.assert_array_equal(found.labels[::10], truth[::10])
    loose = seeded_kmeans(rows, seeds, 2, clamp=False, random_state=0)
    assert loose.inertia <= found.inertia + 1e-9


def test_seeds_decide_which_cluster_has_which_number() -> None:
    random = np.random.default_rng(1)
    truth = np.repeat(np.arange(4), 50)
    centres = np.array([[0, 0], [9, 0], [0, 9], [9, 9]])
    rows = centres[truth] + random.normal(size=(200, 2))
    seeds = np.full(200, -1, np.int32)
    for label in range(3):  # the fourth has none: it starts far from the others
        seeds[np.flatnonzero(truth == label)[:2]] = 2 - label
    found = seeded_kmeans(rows, seeds, 4, random_state=0)
    np.testing.assert_array_equal(found.labels, np.array([2, 1, 0, 3])[truth])
    assert found.n_iter >= 1


def test_all_seeded_is_left_as_it_is() -> None:
    rows = np.random.default_rng(2).normal(size=(30, 3))
    seeds = np.arange(30, dtype=np.int32) % 3
    np.testing.assert_array_equal(seeded_kmeans(rows, seeds, 3).labels, seeds)


def test_links_turn_the_cut_of_the_stripes(stripes: tuple[np.ndarray, np.ndarray]) -> None:
    rows, truth = stripes
    some = np.arange(0, 300, 6)
    upper, lower = some[truth[some] == 1], some[truth[some] == 0]
    must = [*combinations(upper, 2), *combinations(lower, 2)]
    cannot = list(product(upper, lower))
    free = pck_means(rows, 2, [], [], random_state=0)
    linked = pck_means(rows, 2, must, cannot, random_state=0)
    assert adjusted_rand_score(truth[some], linked.labels[some]) == 1.0
    assert adjusted_rand_score(truth, linked.labels) > adjusted_rand_score(truth, free.labels)
    assert linked.broken_must == linked.broken_cannot == 0


def test_links_that_contradict_each_other_are_broken_and_counted() -> None:
    rows = np.array([[0.0], [1.0], [10.0], [11.0]])
    found = pck_means(rows, 2, [(0, 1), (2, 3), (0, 2)], [(0, 2)], random_state=0)
    assert found.broken_must + found.broken_cannot == 1


def test_weightless_links_change_nothing(stripes: tuple[np.ndarray, np.ndarray]) -> None:
    rows, _ = stripes
    free = pck_means(rows, 3, [], [], random_state=3)
    linked = pck_means(rows, 3, [(0, 299)], [(0, 1)], weight=0.0, random_state=3)
    assert linked.inertia == pytest.approx(free.inertia, rel=0.2)
    assert linked.labels.max() == 2


def test_no_cluster_is_empty() -> None:
    rows = np.array([[0.0], [0.1], [0.2], [50.0]])
    seeds = np.array([0, 1, 2, -1], np.int32)
    assert len(np.unique(seeded_kmeans(rows, seeds, 4, random_state=0).labels)) == 4
    assert len(np.unique(pck_means(rows, 4, [(0, 1)], [], random_state=0).labels)) >= 3


def test_wrong_input_is_refused() -> None:
    rows = np.eye(3)
    with pytest.raises(UnusableDataError, match="label from -1 to 1"):
        seeded_kmeans(rows, np.array([0, 2, -1], np.int32), 2)
    with pytest.raises(UnusableDataError, match="not there"):
        pck_means(rows, 2, [(0, 9)], [])
    with pytest.raises(UnusableDataError, match="with itself"):
        pck_means(rows, 2, [], [(1, 1)])
    with pytest.raises(UnusableDataError, match="only 3 images"):
        pck_means(rows, 4, [], [])
