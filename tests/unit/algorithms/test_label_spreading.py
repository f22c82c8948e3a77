"""Labels that spread from a person's decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix

from dclust_gui.algorithms import KMeans
from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.distances import scale_features
from dclust_gui.algorithms.knn import Neighbours, nearest_neighbours
from dclust_gui.algorithms.label_spreading import (
    MOST_ANCHORS,
    _bounded,
    similarity_graph,
    spread_labels,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Digits:
    """Handwritten digits, grouped by k-means, with the truth as an oracle."""

    def __init__(self) -> None:
        digits = load_digits()
        self.rows = scale_features(digits.data.astype(np.float32), "centre-l2")[0]
        self.truth = digits.target.astype(np.int32)
        self.near = nearest_neighbours(self.rows, 15)
        found = KMeans(n_clusters=10, random_state=0).fit_predict(self.rows)
        _, names = linear_sum_assignment(-confusion_matrix(found, self.truth))
        self.labels = names[found].astype(np.int32)

    def decide(self, corrections: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Decided images, and the labels with them; three approvals to a correction."""
        random = np.random.default_rng(seed)
        wrong = np.flatnonzero(self.labels != self.truth)
        right = np.flatnonzero(self.labels == self.truth)
        decided = np.concatenate(
            [
                random.choice(wrong, corrections, replace=False),
                random.choice(right, 3 * corrections, replace=False),
            ]
        )
        labels = self.labels.copy()
        labels[decided] = self.truth[decided]
        return decided, labels


@pytest.fixture(scope="module")
def digits() -> Digits:
    return Digits()


@pytest.mark.parametrize("seed", range(4))
def test_images_nobody_touched_become_better(digits: Digits, seed: int) -> None:
    decided, labels = digits.decide(30, seed)
    found = spread_labels(digits.rows, digits.near, labels, decided, earlier=digits.labels)
    untouched = np.ones(len(labels), bool)
    untouched[decided] = False
    before = (digits.labels == digits.truth)[untouched].mean()
    after = (found.labels == digits.truth)[untouched].mean()
    assert after > before + 0.02


def test_decided_images_never_move(digits: Digits) -> None:
    decided, labels = digits.decide(30, 0)
    labels[decided[:5]] = (labels[decided[:5]] + 1) % 10  # even where their neighbours disagree
    found = spread_labels(digits.rows, digits.near, labels, decided, earlier=digits.labels)
    np.testing.assert_array_equal(found.labels[decided], labels[decided])


def test_an_image_taken_out_by_hand_stays_out(digits: Digits) -> None:
    decided, labels = digits.decide(30, 0)
    labels[decided[:7]] = -1
    found = spread_labels(digits.rows, digits.near, labels, decided, place_unassigned=True)
    assert (found.labels[decided[:7]] == -1).all()
    assert (found.labels >= 0).sum() == len(labels) - 7


def test_without_decisions_nothing_changes(digits: Digits) -> None:
    found = spread_labels(digits.rows, digits.near, digits.labels, np.array([], np.int64))
    np.testing.assert_array_equal(found.labels, digits.labels)


def test_approvals_alone_leave_nearly_all_as_it_is(digits: Digits) -> None:
    approved = np.flatnonzero(digits.labels == digits.truth)[::20]
    found = spread_labels(digits.rows, digits.near, digits.labels, approved, earlier=digits.labels)
    assert (found.labels == digits.labels).mean() > 0.9


def test_one_decision_is_no_reason_to_move_most_images(digits: Digits) -> None:
    labels = digits.labels.copy()
    wrong = np.flatnonzero(labels != digits.truth)[:1]
    labels[wrong] = digits.truth[wrong]
    found = spread_labels(digits.rows, digits.near, labels, wrong, earlier=digits.labels)
    assert (found.labels == digits.labels).mean() > 0.9


@pytest.mark.parametrize("every", [1, 10])
def test_one_approved_cluster_does_not_swallow_the_others(digits: Digits, every: int) -> None:
    approved = np.flatnonzero((digits.labels == 3) & (digits.truth == 3))[::every]
    found = spread_labels(digits.rows, digits.near, digits.labels, approved, earlier=digits.labels)
    before, after = (np.mean(labels == digits.truth) for labels in (digits.labels, found.labels))
    assert after > before - 0.01
    assert (found.labels == 3).sum() < 1.5 * (digits.labels == 3).sum()


def test_unassigned_images_stay_so_unless_asked_for(digits: Digits) -> None:
    decided, labels = digits.decide(20, 1)
    away = np.setdiff1d(np.arange(0, len(labels), 9), decided)
    labels[away] = -1
    kept = spread_labels(digits.rows, digits.near, labels, decided)
    assert (kept.labels[away] == -1).all()
    placed = spread_labels(digits.rows, digits.near, labels, decided, place_unassigned=True)
    assert (placed.labels[away] == digits.truth[away]).mean() > 0.8


def test_a_cluster_made_by_hand_draws_its_like(digits: Digits) -> None:
    # all nines were among the others; ten of them are put into a new cluster
    labels = digits.truth.copy()
    nines = np.flatnonzero(labels == 9)
    others = np.flatnonzero(labels != 9)
    labels[nines] = 3
    earlier = labels.copy()
    decided = np.concatenate([nines[::10], others[::40]])
    labels[nines[::10]] = 9
    found = spread_labels(digits.rows, digits.near, labels, decided, earlier=earlier)
    assert (found.labels[nines] == 9).mean() > 0.6
    assert (found.labels[others] == digits.truth[others]).mean() > 0.95


def test_the_second_best_label_is_another_one_and_margins_are_positive(digits: Digits) -> None:
    decided, labels = digits.decide(30, 2)
    found = spread_labels(digits.rows, digits.near, labels, decided, earlier=digits.labels)
    undecided = np.setdiff1d(np.arange(len(labels)), decided)
    assert (found.second[undecided] != found.labels[undecided]).all()
    assert (found.margin >= 0).all()


def test_the_same_input_gives_the_same_labels(digits: Digits) -> None:
    decided, labels = digits.decide(30, 3)
    first = spread_labels(digits.rows, digits.near, labels, decided)
    second = spread_labels(digits.rows, digits.near, labels, decided)
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.margin, second.margin)


def test_the_graph_is_symmetric_with_eigenvalues_of_at_most_one(digits: Digits) -> None:
    graph = similarity_graph(digits.near)
    assert abs(graph - graph.T).max() < 1e-6
    vector = np.ones(graph.shape[0])
    for _ in range(50):
        vector = graph @ vector
        vector /= np.linalg.norm(vector)
    assert np.linalg.norm(graph @ vector) <= 1 + 1e-5


def test_many_decisions_are_bounded_corrections_first() -> None:
    before = np.zeros(3 * MOST_ANCHORS, np.int32)
    labels = before.copy()
    labels[5::10] = 1
    anchors = _bounded(np.arange(len(labels)), labels, before, 0)
    assert len(anchors) == MOST_ANCHORS
    assert np.isin(np.flatnonzero(labels == 1), anchors).all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_tiny_collections(n: int) -> None:
    rows = np.eye(3, dtype=np.float32)[:n]
    near = (
        nearest_neighbours(rows, 15)
        if n > 1
        else Neighbours(np.empty((1, 0), np.int32), np.empty((1, 0), np.float32))
    )
    labels = np.arange(n, dtype=np.int32)
    found = spread_labels(rows, near, labels, np.array([0]))
    assert found.labels[0] == 0
    assert found.labels.shape == (n,)


def test_wrong_sizes_are_refused(digits: Digits) -> None:
    with pytest.raises(UnusableDataError, match="rows of features"):
        spread_labels(digits.rows[:-1], digits.near, digits.labels, np.array([0]))
    with pytest.raises(UnusableDataError, match="does not exist"):
        spread_labels(digits.rows, digits.near, digits.labels, np.array([10**6]))


def test_a_callback_can_stop_it(digits: Digits) -> None:
    decided, labels = digits.decide(5, 0)

    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        spread_labels(digits.rows, digits.near, labels, decided, callback=stop)
