from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.algorithms import editing
from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.editing import best_threshold, example_scores, second_best, sub_clusters

if TYPE_CHECKING:
    from numpy.typing import NDArray


def groups(
    sizes: tuple[int, ...], dims: int = 16, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Unit rows around well-separated directions, and their groups."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)
    centres = np.linalg.qr(random.normal(size=(dims, dims)))[0][: len(sizes)]
    rows = centres[labels] + 0.1 * random.normal(size=(len(labels), dims))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels


def test_second_best_leaves_the_image_itself_out() -> None:
    rows, labels = groups((5, 5, 1))
    labels = labels.copy()
    labels[0] = 1  # one of group 0 lies in cluster 1
    sums = np.stack([rows[labels == c].sum(0, dtype=np.float64) for c in range(4)])
    counts = np.bincount(labels, minlength=4)
    best, margin = second_best(rows, labels, sums, counts)
    assert best[0] == 0
    assert margin[0] < 0
    assert (best[1:10] != labels[1:10]).all()
    assert (margin[1:5] > 0.5).all()
    assert np.isnan(margin[10])  # alone in its cluster
    unassigned, none = second_best(rows[:1], np.array([-1], np.int32), sums, counts)
    assert unassigned.tolist() == [0]
    assert np.isnan(none).all()


def test_second_best_without_another_cluster() -> None:
    rows, labels = groups((4,))
    sums, counts = rows.sum(0, dtype=np.float64)[None], np.array([4])
    assert second_best(rows, labels, sums, counts)[0].tolist() == [-1] * 4
    empty = second_best(rows, labels, sums, np.array([0]))
    assert empty[0].tolist() == [-1] * 4


@pytest.mark.parametrize("learn_from", [2_500, 40])
def test_parts_are_the_groups_the_largest_first(
    monkeypatch: pytest.MonkeyPatch, learn_from: int
) -> None:
    monkeypatch.setattr(editing, "LEARN_FROM", learn_from)
    rows, labels = groups((20, 50, 30))
    parts = sub_clusters(rows, 3)
    assert parts.dtype == np.int32
    assert np.bincount(parts).tolist() == [50, 30, 20]
    assert len(set(zip(labels.tolist(), parts.tolist(), strict=True))) == 3
    assert sub_clusters(rows.astype(np.float16), 3).tolist() == parts.tolist()
    assert sub_clusters(rows, 3).tolist() == parts.tolist()


def test_too_few_different_rows_are_refused() -> None:
    with pytest.raises(UnusableDataError):
        sub_clusters(np.ones((5, 8), np.float32), 2)


def test_examples_score_their_own_kind_high() -> None:
    rows, labels = groups((30, 60, 40))
    scores = example_scores(rows, np.array([0, 3]))
    at = best_threshold(scores[2:])
    assert ((scores >= at) == (labels == 0)).all()
    assert scores.min() >= 0
    assert scores.max() <= 1
    narrow = example_scores(rows.astype(np.float16), np.array([0, 3]))
    assert np.abs(narrow - scores).max() < 0.01


def test_examples_that_are_all_there_is() -> None:
    rows, _ = groups((3,))
    assert example_scores(rows, np.arange(3)).tolist() == [1, 1, 1]
    assert example_scores(np.eye(8, dtype=np.float32)[[1] * 4], np.array([0])).tolist() == [1] * 4
    assert best_threshold(np.ones(3, np.float32)) == 0.5
    assert best_threshold(np.ones(0, np.float32)) == 0.5
