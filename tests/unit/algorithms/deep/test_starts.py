"""Starts of the heads: which clusters of a layout are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from dclust_gui.algorithms.deep import starts
from dclust_gui.algorithms.deep.progress import Progress
from dclust_gui.algorithms.partition import KMeans
from dclust_gui.domain.control import Cancelled

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def uneven() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """One wide cluster and two narrow ones side by side: rows (600, 3) and their numbers."""
    random = np.random.default_rng(1)
    truth = np.arange(600) % 3
    centres = np.array([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [9.0, 2.0, 0.0]])
    widths = np.array([2.0, 0.2, 0.2])
    rows = centres[truth] + random.normal(size=(600, 3)) * widths[truth, None]
    return rows.astype(np.float32), truth


def ignore(*_: int) -> None:
    """Nobody listens."""


def test_the_likeliest_mixture_keeps_a_wide_cluster_that_k_means_cuts(
    uneven: tuple[NDArray[np.float32], NDArray[np.int64]],
) -> None:
    rows, truth = uneven
    cut = KMeans(3, n_init=20, random_state=0).fit(rows).labels_
    assert adjusted_rand_score(truth, cut) < 0.8
    mixture = starts.likeliest_mixture(rows, 3, 0, ignore)
    assert adjusted_rand_score(truth, mixture.labels_) > 0.95


def test_a_mixture_of_many_rows_is_learnt_from_some(
    uneven: tuple[NDArray[np.float32], NDArray[np.int64]], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, truth = uneven
    monkeypatch.setattr(starts, "MIXTURE_ROWS", 150)
    mixture = starts.likeliest_mixture(rows, 3, 0, ignore)
    assert len(mixture.labels_) == 150
    assert adjusted_rand_score(truth, mixture.predict(rows)) > 0.9


@pytest.mark.parametrize("is_code", [True, False])
def test_layouts_of_codes_and_of_features_give_every_cluster(
    is_code: bool, uneven: tuple[NDArray[np.float32], NDArray[np.int64]]
) -> None:
    rows, truth = uneven
    labels = starts.starting_labels("n2d", rows[:150], 3, 0, Progress(), is_code=is_code)
    assert labels.dtype == np.int32
    assert adjusted_rand_score(truth[:150], labels) > 0.95


def test_a_start_can_be_cancelled_between_mixtures(
    uneven: tuple[NDArray[np.float32], NDArray[np.int64]],
) -> None:
    def stop(*_: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        starts.likeliest_mixture(uneven[0], 3, 0, stop)
