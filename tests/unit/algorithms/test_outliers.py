"""How far images lie outside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dclust_gui.algorithms.knn import nearest_neighbours
from dclust_gui.algorithms.outliers import (
    axis_residuals,
    log_odds_against,
    neighbour_distances,
    temperature,
)
from dclust_gui.algorithms.robust import centre_and_spread, robust_deviations, robust_threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rows = tuple["NDArray[np.float32]", "NDArray[np.int32]"]


@pytest.fixture
def planted() -> Rows:
    """Three clouds of 60 on a plane of 20 dimensions, and ten images off the plane."""
    random = np.random.default_rng(3)
    plane = random.normal(size=(4, 20))
    labels = (np.arange(180) % 3).astype(np.int32)
    rows = (random.normal(size=(3, 4)) * 3)[labels] @ plane
    rows += random.normal(size=(180, 4)) @ plane * 0.5 + random.normal(size=(180, 20)) * 0.2
    far = random.normal(size=(10, 20)) * 6
    return np.vstack([rows, far]).astype(np.float32), np.append(labels, [0] * 10).astype(np.int32)


def test_the_threshold_is_the_median_and_three_robust_deviations() -> None:
    values = np.random.default_rng(0).normal(10, 2, 20_000)
    assert robust_threshold(values) == pytest.approx(16.0, abs=0.15)
    assert robust_threshold(values, 1.0) == pytest.approx(12.0, abs=0.1)


def test_outliers_hardly_move_the_threshold() -> None:
    values = np.random.default_rng(0).normal(10, 2, 1_000)
    spoilt = values.copy()
    spoilt[:100] = 1e6
    assert robust_threshold(spoilt) < robust_threshold(values) + 1.5


def test_equal_values_have_nothing_outside() -> None:
    values = np.full(50, 0.25, np.float32)
    values[::2] += 1e-8
    assert not (values > robust_threshold(values)).any()
    assert (robust_deviations(values) < 3).all()


def test_one_different_value_among_equal_ones_is_outside() -> None:
    values = np.zeros(50)
    values[7] = 1.0
    assert np.flatnonzero(values > robust_threshold(values)).tolist() == [7]


@pytest.mark.parametrize("values", [[], [math.nan, math.nan]])
def test_no_values_give_no_error(values: list[float]) -> None:
    assert centre_and_spread(np.array(values)) == (0.0, 1.0)


def test_deviations_within_groups_forgive_a_group_that_is_wide() -> None:
    random = np.random.default_rng(1)
    values = np.concatenate([random.normal(1, 0.1, 200), random.normal(5, 1.0, 40)])
    groups = np.repeat([4, 9], [200, 40])
    assert (robust_deviations(values)[200:] > 3).mean() > 0.9
    assert (robust_deviations(values, groups)[200:] > 3).mean() < 0.1


def test_a_small_group_is_compared_with_all_images() -> None:
    values = np.append(np.random.default_rng(1).normal(1, 0.1, 200), [9.0, 9.1, 9.2])
    groups = np.append(np.zeros(200, int), [1, 1, 1])
    assert (robust_deviations(values, groups)[200:] > 3).all()


def test_unknown_values_stay_unknown() -> None:
    found = robust_deviations(np.array([1.0, 2.0, math.nan]), np.array([0, 0, 1]))
    assert np.isnan(found).tolist() == [False, False, True]


def test_residuals_tell_images_off_the_plane(planted: Rows) -> None:
    rows, _ = planted
    is_far = np.arange(190) >= 180
    assert roc_auc_score(is_far, axis_residuals(rows)) > 0.9
    assert roc_auc_score(is_far, neighbour_distances(nearest_neighbours(rows, 12))) > 0.99


def test_residuals_equal_those_of_the_projection_written_out() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    centred = rows - rows.mean(axis=0)
    axes = np.linalg.svd(centred)[2][:3].T
    wanted = ((centred - centred @ axes @ axes.T) ** 2).sum(axis=1)
    wanted /= (centred**2).sum(axis=1).mean()
    np.testing.assert_allclose(axis_residuals(rows), wanted, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_images_have_measures(count: int) -> None:
    rows = np.eye(3, dtype=np.float32)[:count]
    assert np.isfinite(axis_residuals(rows)).all()
    assert np.isfinite(neighbour_distances(nearest_neighbours(rows, 12))).all()


def test_equal_images_lie_nowhere_outside() -> None:
    rows = np.full((30, 4), 0.1, np.float32)
    assert not axis_residuals(rows).any()
    assert not neighbour_distances(nearest_neighbours(rows, 12)).any()


def test_an_image_in_the_wrong_group_is_the_least_confident() -> None:
    random = np.random.default_rng(2)
    truth = (np.arange(150) % 3).astype(np.int32)
    rows = ((np.eye(8) * 6)[truth] + random.normal(size=(150, 8))).astype(np.float32)
    labels = truth.copy()
    labels[[4, 50, 101]] = (labels[[4, 50, 101]] + 1) % 3
    found = log_odds_against(rows, labels)
    assert sorted(np.argsort(-found)[:3].tolist()) == [4, 50, 101]
    assert (found[[4, 50, 101]] > 0).all()
    assert (np.delete(found, [4, 50, 101]) < 0).mean() > 0.98


def test_probabilities_are_calibrated() -> None:
    random = np.random.default_rng(5)
    labels = random.integers(0, 2, 1_500).astype(np.int32)
    rows = random.normal(size=(1_500, 6)).astype(np.float32)
    rows[:, 0] += 1.6 * labels
    own = 1.0 / (1.0 + np.exp(log_odds_against(rows, labels)))
    # an image whose group gets p shall be in it p of the times: both groups taken together
    for low in (0.2, 0.4, 0.6):
        of_own = ((own >= low) & (own < low + 0.2)).sum()
        of_other = ((1 - own >= low) & (1 - own < low + 0.2)).sum()
        assert of_own / (of_own + of_other) == pytest.approx(low + 0.1, abs=0.07)


def test_confidence_is_unknown_for_unassigned_images_and_tiny_groups() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    labels = np.repeat([0, 1, -1, 7], [18, 15, 5, 2]).astype(np.int32)
    assert np.isnan(log_odds_against(rows, labels)).tolist() == [False] * 33 + [True] * 7


def test_confidence_is_unknown_with_one_group() -> None:
    rows = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
    assert np.isnan(log_odds_against(rows, np.zeros(20, np.int32))).all()


def test_confidence_takes_constant_features() -> None:
    found = log_odds_against(np.ones((20, 3), np.float32), (np.arange(20) % 2).astype(np.int32))
    assert np.isfinite(found).all()


def test_the_same_seed_gives_the_same_confidence(planted: Rows) -> None:
    first, second = log_odds_against(*planted), log_odds_against(*planted)
    np.testing.assert_array_equal(first, second)


def test_a_callback_can_stop_the_classifier(planted: Rows) -> None:
    def stop(_done: int, _total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        log_odds_against(*planted, callback=stop)


def test_overconfident_logits_get_a_temperature_above_1() -> None:
    random = np.random.default_rng(0)
    codes = random.integers(0, 3, 900)
    logits = random.normal(size=(900, 3))
    logits[np.arange(900), codes] += 1.0
    assert temperature(logits * 5.0, codes) > 3.0
    assert temperature(logits * 0.2, codes) < 0.5
