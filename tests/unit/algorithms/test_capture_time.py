"""Capture time beside the features: the distances are exactly those of the formula."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dclust_gui.algorithms.capture_time import (
    MOST_COLUMNS,
    has_times,
    mixed_rows,
    pair_spreads,
    shortened,
    thermometer,
)

HOUR, DAY, YEAR = 3600.0, 86400.0, 365.0 * 86400


def squared(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = rows.astype(np.float64)
    found: NDArray[np.float64] = ((wide[:, None] - wide[None]) ** 2).sum(-1)
    return found


def unit_rows(n: int, d: int = 6) -> NDArray[np.float32]:
    rows = np.random.default_rng(n).normal(size=(n, d)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=30))
def test_squared_distances_of_a_code_are_distances_on_the_line(told: list[float]) -> None:
    places = np.array(told)
    code = thermometer(places)
    wanted = np.abs(places[:, None] - places[None])
    assert np.allclose(squared(code), wanted, rtol=1e-4, atol=1e-3)
    lengths = np.linalg.norm(code, axis=1)
    assert np.allclose(lengths, lengths[0], rtol=1e-4, atol=1e-5)


def test_a_code_of_many_places_is_near_the_line_and_exact_across_gaps() -> None:
    random = np.random.default_rng(0)
    places = np.concatenate([random.uniform(0, 1, 2000), random.uniform(6, 7, 2000)])
    code = thermometer(places)
    assert code.shape[1] <= MOST_COLUMNS
    some = random.choice(len(places), 300, replace=False)
    wanted = np.abs(places[some, None] - places[None, some])
    error = wanted - squared(code[some])
    assert np.abs(error).max() <= 7 / MOST_COLUMNS
    across = squared(code[[int(places[:2000].argmax()), 2000 + int(places[2000:].argmin())]])
    gap = places[2000:].min() - places[:2000].max()
    assert across[0, 1] == pytest.approx(gap, rel=1e-4)


def test_unknown_times_lie_in_the_middle_of_all() -> None:
    code = thermometer(np.array([0.0, 1.0, np.nan, 3.0]))
    assert np.allclose(code[2], code[[0, 1, 3]].mean(0))
    assert thermometer(np.array([np.nan, np.nan])).shape == (2, 0)


def test_long_pauses_are_short_and_steady_shooting_hardly_counts() -> None:
    line = shortened(np.array([0, DAY, DAY + 10 * YEAR]))
    day, decade = np.diff(line)
    assert 3 < day < 3.5
    assert decade < 4 * day
    steady = shortened(np.arange(0, 8 * HOUR, 30.0))  # eight hours, a photo every half minute
    assert steady[-1] < day / 30
    assert np.isnan(shortened(np.array([np.nan, 5.0]))[0])


def test_order_of_the_images_does_not_matter() -> None:
    times = np.random.default_rng(1).uniform(0, YEAR, 40)
    order = np.random.default_rng(2).permutation(40)
    assert np.array_equal(shortened(times)[order], shortened(times[order]))


def test_spreads_of_a_sample_are_near_those_of_all() -> None:
    rows = unit_rows(600)
    places = np.random.default_rng(5).uniform(0, 9, 600)
    content, time = pair_spreads(rows, places)
    assert content == pytest.approx(squared(rows).std(), rel=1e-3)
    assert time == pytest.approx(np.abs(places[:, None] - places).std())
    fewer = pair_spreads(rows, places, 200)
    assert fewer == pytest.approx((content, time), rel=0.1)


@pytest.mark.parametrize("weight", [0.25, 0.5, 0.9])
def test_distances_are_the_weighted_sum_of_time_and_content(weight: float) -> None:
    rows, times = unit_rows(30), np.random.default_rng(3).uniform(0, 30 * DAY, 30)
    mixed = squared(mixed_rows(rows, times, weight))
    line = shortened(times)
    time = np.abs(line[:, None] - line[None])
    content = squared(rows)
    time *= content.std() / time.std()
    assert np.allclose(mixed, weight * time + (1 - weight) * content, atol=1e-4)
    assert np.allclose(content, 2 * (1 - rows.astype(np.float64) @ rows.T), atol=1e-5)


def test_no_weight_or_no_difference_in_time_leaves_the_content() -> None:
    rows = unit_rows(5)
    assert mixed_rows(rows, np.arange(5.0), 0.0) is rows
    assert mixed_rows(rows, np.full(5, 7.0), 0.5) is rows
    assert mixed_rows(rows, np.full(5, np.nan), 1.0) is rows
    assert not has_times(np.array([np.nan, 3.0]))
    assert not has_times(np.array([3.0, 3.0]))
    assert has_times(np.array([3.0, np.nan, 4.0]))


def test_time_alone_forgets_the_content() -> None:
    times = np.array([0.0, HOUR, 5 * HOUR, np.nan])
    first = mixed_rows(unit_rows(4), times, 1.0)
    assert np.isfinite(first).all()
    order = np.argsort(squared(first)[0, :3])
    assert order.tolist() == [0, 1, 2]


def test_equal_content_still_gets_a_time() -> None:
    rows = np.ones((3, 4), np.float32)
    mixed = mixed_rows(rows, np.array([0.0, HOUR, DAY]), 0.5)
    assert np.isfinite(mixed).all()
    assert squared(mixed).max() > 0


def test_a_wrong_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        mixed_rows(unit_rows(3), np.arange(3.0), 1.5)
