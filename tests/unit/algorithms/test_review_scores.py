"""Doubtful images, mixed clusters, clusters that fall apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.algorithms.distances import normalise_rows
from dclust_gui.algorithms.knn import Neighbours, nearest_neighbours
from dclust_gui.algorithms.review_scores import apart_parts, mixed_pairs, neighbour_votes

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRUTH = np.repeat(np.arange(4, dtype=np.int32), 60)


@pytest.fixture(scope="module")
def rows() -> NDArray[np.float32]:
    """Four groups on the sphere, far apart."""
    random = np.random.default_rng(0)
    noisy = np.eye(16)[TRUTH] + 0.08 * random.normal(size=(240, 16))
    found: NDArray[np.float32] = noisy.astype(np.float32)
    normalise_rows(found)
    return found


@pytest.fixture(scope="module")
def near(rows: NDArray[np.float32]) -> Neighbours:
    return nearest_neighbours(rows, 15)


def test_a_misplaced_image_is_in_doubt_and_its_place_is_suggested(near: Neighbours) -> None:
    labels = TRUTH.copy()
    labels[[3, 70]] = [2, 3]
    votes = neighbour_votes(near, labels, 4)
    assert set(np.argsort(-votes.doubt)[:2].tolist()) == {3, 70}
    assert votes.other[[3, 70]].tolist() == [0, 1]
    assert (votes.own + votes.share <= 1 + 1e-5).all()
    assert np.median(votes.doubt) < 0.1


def test_unassigned_images_have_no_own_votes_and_give_none(near: Neighbours) -> None:
    labels = TRUTH.copy()
    labels[:30] = -1
    votes = neighbour_votes(near, labels, 4)
    assert (votes.own[:30] == 0).all()
    assert (votes.other[:30] == 0).all()


def test_halves_of_one_group_are_the_most_mixed_pair(near: Neighbours) -> None:
    labels = TRUTH.copy()
    labels[np.flatnonzero(TRUTH == 2)[::3]] = 4
    pairs = mixed_pairs(near, labels, 5)
    assert (pairs[0].first, pairs[0].second) == (2, 4)
    assert pairs[0].score > 0.8
    assert all(pair.score < 0.1 for pair in pairs[1:])


def test_two_groups_in_one_cluster_fall_apart(rows: NDArray[np.float32], near: Neighbours) -> None:
    labels = np.minimum(TRUTH, 2)
    parts = apart_parts(rows, near, labels, 3)
    assert parts[0].cluster == 2
    assert parts[0].score > 0.95
    assert len(np.unique(TRUTH[parts[0].rows[parts[0].part == 0]])) == 1
    assert all(other.score < 0.8 for other in parts[1:])


def test_small_and_uniform_clusters_are_left_alone() -> None:
    same = np.tile(np.array([1, 0], np.float32), (20, 1))
    near = nearest_neighbours(same, 5)
    labels = np.repeat(np.array([0, 1], np.int32), [15, 5])
    assert apart_parts(same, near, labels, 2) == []


def test_a_callback_can_stop_it(rows: NDArray[np.float32], near: Neighbours) -> None:
    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        apart_parts(rows, near, TRUTH, 4, callback=stop)
