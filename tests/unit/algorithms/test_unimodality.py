"""Clusters wherever a valley lies, none where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.unimodality import Unimodal, neighbouring

if TYPE_CHECKING:
    from numpy.typing import NDArray

WAYS = ("split", "join")


@pytest.fixture
def hills() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Five round hills of uneven size in ten dimensions."""
    random = np.random.default_rng(2)
    truth = np.repeat(np.arange(5), [300, 150, 120, 80, 60])
    rows = (random.normal(size=(5, 10)) * 4)[truth] + random.normal(size=(710, 10))
    return rows.astype(np.float32), truth


@pytest.mark.parametrize("way", WAYS)
def test_the_number_of_hills_is_found(
    way: str, hills: tuple[NDArray[np.float32], NDArray[np.int64]]
) -> None:
    rows, truth = hills
    model = Unimodal(way=way, random_state=0).fit(rows)
    assert model.n_clusters_ == 5
    assert adjusted_rand_score(truth, model.labels_) > 0.98
    assert (np.diff(np.bincount(model.labels_)) <= 0).all()
    assert model.note_ == ""


@pytest.mark.parametrize("way", WAYS)
def test_a_single_hill_stays_whole_and_is_said(way: str) -> None:
    rows = np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)
    model = Unimodal(way=way, random_state=0).fit(rows)
    assert model.n_clusters_ == 1
    assert "no structure" in model.note_


def test_joining_follows_a_curved_ridge_that_k_means_would_cut() -> None:
    random = np.random.default_rng(1)
    angle = random.uniform(0, np.pi, 600)
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    lower = np.stack([1 - np.cos(angle), 0.3 - np.sin(angle)], 1)
    rows = np.concatenate([upper, lower]) + random.normal(size=(1200, 2)) * 0.06
    truth = np.repeat([0, 1], 600)
    model = Unimodal(way="join", random_state=0).fit(rows)
    assert adjusted_rand_score(truth, model.labels_) > 0.9


def test_more_alpha_gives_no_fewer_clusters(
    hills: tuple[NDArray[np.float32], NDArray[np.int64]],
) -> None:
    rows = hills[0] * 0.3 + np.random.default_rng(0).normal(size=(710, 10))
    counts = [Unimodal(alpha=a, random_state=0).fit(rows).n_clusters_ for a in (1e-6, 0.5)]
    assert counts[0] <= counts[1]


@pytest.mark.parametrize("way", WAYS)
def test_few_equal_or_odd_rows_do_not_break_it(way: str) -> None:
    for rows in (np.ones((1, 3)), np.full((90, 4), 2.0), np.eye(12), np.zeros((60, 1))):
        labels = Unimodal(way=way, random_state=0).fit(rows).labels_
        assert len(labels) == len(rows)
    two = np.repeat(np.eye(2), 100, axis=0)
    assert Unimodal(way=way, random_state=0).fit(two).n_clusters_ == 2
    for wrong in (Unimodal(alpha=0.0, way=way), Unimodal(way="guess"), Unimodal(n_groups=0)):
        with pytest.raises(UnusableDataError, match="valleys"):
            wrong.fit(np.eye(12))


def test_neighbours_have_an_image_between_them() -> None:
    centres = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    rows = np.array([[0.4, 0.0], [1.4, 0.0], [2.0, 0.1]], dtype=np.float32)
    np.testing.assert_array_equal(neighbouring(rows, centres), [[0, 1], [1, 2]])
    assert neighbouring(rows, centres[:1]).shape == (0, 2)
