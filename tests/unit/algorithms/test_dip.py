"""The dip: against linear programs, published values and what it must not care about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.optimize import linprog

from dclust_gui.algorithms.dip import dip_p_value, dip_statistic, dip_test
from dclust_gui.algorithms.dip_table import PROBABILITIES, QUANTILES, SIZES

if TYPE_CHECKING:
    from numpy.typing import NDArray

PUBLISHED = {
    (10, 0.5): 0.0978,
    (10, 0.95): 0.1396,
    (20, 0.9): 0.0972,
    (50, 0.5): 0.0489,
    (50, 0.95): 0.0703,
    (50, 0.99): 0.0812,
    (100, 0.9): 0.0472,
    (200, 0.5): 0.0256,
    (200, 0.99): 0.0427,
    (1000, 0.95): 0.0169,
}
"""Quantiles of the dip of uniform samples by size and probability (Hartigan and Hartigan 1985,
table 1, in later and larger simulations of it)."""


def by_linear_programs(sample: NDArray[np.float64]) -> float:
    """The least D such that a distribution with its peak at some number is within D of F_n.

    Only at the peak may it jump: there it has two values, left and right.
    """
    places, counts = np.unique(sample, return_counts=True)
    share = np.concatenate([[0.0], np.cumsum(counts)]) / len(sample)
    return min(_nearest(places, share, peak) for peak in range(len(places)))


def _nearest(places: NDArray[np.float64], share: NDArray[np.float64], peak: int) -> float:
    """D for a given peak; unknown are the values at the places, the peak's twice, and D."""
    m = len(places)
    left, right = np.eye(m + 1, m + 2), np.eye(m + 1, m + 2, 1)
    before = left[: peak + 1]  # values up to the peak's left one
    after = right[peak:m]  # values from the peak's right one on
    one = np.eye(1, m + 2, m + 1)[0]
    widths = np.diff(places)[:, None]
    rising, falling = (np.diff(v, axis=0) / w for v, w in (
        (before, widths[:peak]), (after, widths[peak:]),
    ))  # fmt: skip
    ends = np.vstack([before, after[1:]]), np.vstack([before[:-1], after])  # left and right limits
    rows = [*ends[0] - one, *-ends[1] - one, *-rising, *-falling, before[-1] - after[0]]
    rows += [*(ends[1] - one), *(-ends[0] - one)]
    limits = [*share[:-1], *-share[1:], *np.zeros(m), *share[1:], *-share[:-1]]
    bends = [*-np.diff(rising, axis=0), *np.diff(falling, axis=0)]
    found = linprog(
        one, A_ub=np.array([*rows, *bends]), b_ub=[*limits, *np.zeros(len(bends))], bounds=(0, 1)
    )
    return float(found.fun) if found.success else 1.0


@pytest.mark.parametrize("seed", range(12))
def test_the_dip_is_the_least_distance_to_a_single_peak(seed: int) -> None:
    random = np.random.default_rng(seed)
    size = int(random.integers(4, 12))
    samples = (
        random.random(size),
        np.concatenate([random.normal(size=size), 5 + random.normal(size=2)]),
        random.integers(0, 5, size).astype(float),
    )
    for sample in samples:
        least = max(by_linear_programs(sample), 0.5 / len(sample))
        assert dip_statistic(sample) == pytest.approx(least, abs=1e-7)


def test_known_dips() -> None:
    assert dip_statistic([0.0, 0.0, 1.0, 1.0]) == pytest.approx(0.25)
    assert dip_statistic(np.arange(50.0)) == pytest.approx(0.01)  # the least there is
    assert dip_statistic([]) == 0.0
    assert dip_statistic([3.0]) == 0.5
    assert dip_statistic([2.0] * 40) == pytest.approx(1 / 80)


def test_many_equal_numbers_are_one_peak_not_many() -> None:
    assert dip_statistic([0.0, 1.0, 1.0, 1.0, 1.0, 2.0]) == pytest.approx(1 / 12)
    copies = np.concatenate([np.repeat(0.3, 200), np.random.default_rng(0).normal(size=100)])
    assert dip_test(copies)[1] > 0.5


def test_a_hundred_thousand_numbers_are_looked_at() -> None:
    random = np.random.default_rng(0)
    for sample in (random.normal(size=100_000), random.integers(0, 1_000, 100_000)):
        dip, p_value = dip_test(sample)
        assert 0 < dip < 0.25
        assert 0 <= p_value <= 1


def test_order_scale_place_and_direction_do_not_matter() -> None:
    sample = np.random.default_rng(0).normal(size=200)
    dip = dip_statistic(sample)
    for other in (sample[::-1], 1e-6 * sample, sample * 1e5 + 7, -sample):
        assert dip_statistic(other) == pytest.approx(dip, abs=1e-9)


@pytest.mark.parametrize(("size", "probability"), PUBLISHED)
def test_the_table_is_near_the_published_one(size: int, probability: float) -> None:
    quantile = QUANTILES[SIZES.index(size)][PROBABILITIES.index(probability)]
    assert quantile / np.sqrt(size) == pytest.approx(PUBLISHED[size, probability], rel=0.02)


def test_the_table_is_ascending_and_reproducible() -> None:
    table = np.array(QUANTILES)
    assert table.shape == (len(SIZES), len(PROBABILITIES))
    assert (np.diff(table, axis=1) >= 0).all()
    dips = [dip_statistic(np.random.default_rng((1, i)).random(50)) for i in range(2000)]
    middle = QUANTILES[SIZES.index(50)][PROBABILITIES.index(0.5)] / np.sqrt(50)
    assert np.median(dips) == pytest.approx(middle, rel=0.03)


def test_p_values_fall_with_the_dip_and_meet_the_table() -> None:
    for size, probability in ((50, 0.95), (200, 0.99), (1000, 0.5)):
        dip = QUANTILES[SIZES.index(size)][PROBABILITIES.index(probability)] / np.sqrt(size)
        assert dip_p_value(dip, size) == pytest.approx(1 - probability, rel=1e-3)
    between = [dip_p_value(d, 137) for d in np.linspace(0.0, 0.25, 200)]
    assert between[0] == 1.0
    assert (np.diff(between) <= 0).all()
    assert 0 < between[-1] < 1e-9
    assert dip_p_value(0.25, 3) == 1.0
    assert 0.0 <= dip_p_value(0.2, 10_000_000) < 1e-12


def test_the_p_value_of_the_papers_example_is_about_a_tenth() -> None:
    assert dip_p_value(0.059, 63) == pytest.approx(0.10, abs=0.02)


def test_one_peak_is_not_refused_and_two_are() -> None:
    random = np.random.default_rng(4)
    for sample in (random.normal(size=500), random.exponential(size=500), random.random(500)):
        assert dip_test(sample)[1] > 0.01
    two = np.concatenate([random.normal(size=250), 4 + random.normal(size=250)])
    assert dip_test(two)[1] < 1e-4
