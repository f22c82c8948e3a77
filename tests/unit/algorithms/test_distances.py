"""Scaling of features."""

from __future__ import annotations

import numpy as np
import pytest

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.distances import Scaling, learn_metric, scale_features

ROWS = np.array([[1.0, 5.0, 7.0], [2.0, 5.0, -7.0], [4.0, 5.0, 0.0]], dtype=np.float32)


@pytest.mark.parametrize("how", list(Scaling))
def test_the_stored_scaling_gives_new_rows_the_same_values(how: Scaling) -> None:
    scaled, scale = scale_features(ROWS, how)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scale.apply(ROWS[1:]), scaled[1:])


@pytest.mark.parametrize("how", [Scaling.L2, Scaling.CENTRE_L2])
def test_l2_gives_rows_length_one_and_leaves_zero_rows(how: Scaling) -> None:
    rows = np.array([[0.0, 0.0], [3.0, 4.0], [-3.0, -4.0], [1e-30, 0.0]], dtype=np.float32)
    norms = np.linalg.norm(scale_features(rows, how)[0], axis=1)
    np.testing.assert_allclose(norms[1:3], 1.0, rtol=1e-6)
    assert norms[0] in (0.0, pytest.approx(1.0))


def test_standard_and_minmax_make_constant_features_zero() -> None:
    for how in (Scaling.STANDARD, Scaling.MINMAX):
        scaled, _ = scale_features(ROWS, how)
        assert (scaled[:, 1] == 0).all()
        assert np.isfinite(scaled).all()
    np.testing.assert_allclose(scale_features(ROWS, "minmax")[0][:, 0], [0, 1 / 3, 1], rtol=1e-6)
    np.testing.assert_allclose(scale_features(ROWS, "standard")[0].std(0), [1, 0, 1], rtol=1e-6)


def test_a_large_constant_does_not_eat_the_digits() -> None:
    rows = np.array([[1e6], [1e6 + 1], [1e6 + 2]], dtype=np.float32)
    np.testing.assert_allclose(scale_features(rows, "minmax")[0].ravel(), [0, 0.5, 1])


def test_wrong_kind_width_or_no_rows_is_a_clear_error() -> None:
    with pytest.raises(UnusableDataError, match="minmax"):
        scale_features(ROWS, "whiten")
    with pytest.raises(UnusableDataError, match="no images"):
        scale_features(ROWS[:0])
    with pytest.raises(UnusableDataError, match="not 3"):
        scale_features(ROWS)[1].apply(ROWS[:, :2])


def test_mahalanobis_maps_rows_to_unit_spread_in_every_direction() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(3000, 3)) * [1.0, 1.5, 2.0]
    rows[:, 0] += rows[:, 1]
    mapped = learn_metric(rows, "mahalanobis").apply(rows)
    np.testing.assert_allclose(np.cov(mapped.T), np.eye(3), atol=0.03)


def test_cosine_and_correlation_map_to_their_own_distances() -> None:
    random = np.random.default_rng(1)
    one, two = random.normal(size=(2, 6))
    for metric, expected in (
        ("cosine", 1 - one @ two / np.linalg.norm(one) / np.linalg.norm(two)),
        ("correlation", 1 - np.corrcoef(one, two)[0, 1]),
    ):
        mapping = learn_metric(np.stack([one, two]), metric)
        first, second = mapping.apply(np.stack([one, two]))
        gap = np.linalg.norm(first - second)
        assert mapping.from_euclidean(np.array([gap]))[0] == pytest.approx(expected)
