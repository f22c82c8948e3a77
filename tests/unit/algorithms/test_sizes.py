"""Groups of similar and of uneven size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import estimator_checks_generator

from dclust_gui.algorithms import KMeans
from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.sizes import (
    BalancedKMeans,
    UnevenKMeans,
    bounded_labels,
    joined_parts,
    size_bounds,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator


@pytest.fixture
def lopsided() -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """A wide cloud of 600 and three tight ones of 25 beside it."""
    random = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2, 3], [600, 25, 25, 25]).astype(np.int32)
    centres = np.array([[0, 0, 0], [6, 0, 0], [0, 6, 0], [0, 0, 6]])
    width = np.where(truth == 0, 1.4, 0.3)[:, None]
    return (centres[truth] + random.normal(size=(675, 3)) * width).astype(np.float32), truth


@pytest.mark.parametrize(("count", "k"), [(10, 3), (7, 7), (100, 3), (101, 30), (5, 1)])
@pytest.mark.parametrize("tolerance", [0.0, 0.25, 1.0])
def test_bounds_can_always_be_kept(count: int, k: int, tolerance: float) -> None:
    low, high = size_bounds(count, k, tolerance)
    assert 1 <= low * k <= count <= high * k


@pytest.mark.parametrize("tolerance", [0.0, 0.1, 0.3])
def test_the_assignment_is_the_cheapest_within_the_bounds(tolerance: float) -> None:
    random = np.random.default_rng(1)
    costs = random.random((120, 5)) ** 2 + np.array([0.0, 0.1, 0.4, 0.4, 0.5])
    low, high = size_bounds(120, 5, tolerance)
    labels = bounded_labels(costs, low, high)
    sizes = np.bincount(labels, minlength=5)
    assert low <= sizes.min() <= sizes.max() <= high
    # the exact answer: a place for each image a cluster can take, the first ones mandatory
    places = np.repeat(costs, high, axis=1)
    is_due = np.tile(np.arange(high) < low, 5)
    places[:, is_due] -= 1e3
    rows, columns = linear_sum_assignment(places)
    best = costs[rows, columns // high].sum()
    assert best - 1e-9 <= costs[np.arange(120), labels].sum() <= 1.01 * best


def test_an_assignment_within_the_bounds_stays() -> None:
    costs = np.array([[0.0, 1], [0, 1], [1, 0]])
    assert bounded_labels(costs, 1, 2).tolist() == [0, 0, 1]


def test_bounds_that_no_assignment_keeps_are_refused() -> None:
    with pytest.raises(UnusableDataError, match="do not fill"):
        bounded_labels(np.zeros((10, 2)), 6, 8)


def test_equal_images_are_shared_out() -> None:
    assert sorted(np.bincount(bounded_labels(np.zeros((10, 3)), 3, 4)).tolist()) == [3, 3, 4]


def test_many_images_keep_the_bounds() -> None:
    costs = np.random.default_rng(0).random((25_000, 4)) + np.array([0.0, 0.3, 0.5, 0.6])
    low, high = size_bounds(25_000, 4, 0.1)
    sizes = np.bincount(bounded_labels(costs, low, high))
    assert low <= sizes.min() <= sizes.max() <= high


@pytest.mark.parametrize("tolerance", [0.0, 0.25])
def test_balanced_clusters_are_of_similar_size(
    lopsided: tuple[NDArray[np.float32], NDArray[np.int32]], tolerance: float
) -> None:
    model = BalancedKMeans(4, tolerance=tolerance, random_state=0).fit(lopsided[0])
    low, high = size_bounds(675, 4, tolerance)
    sizes = np.bincount(model.labels_)
    assert low <= sizes.min() <= sizes.max() <= high
    assert ((model.confidence_ >= 0) & (model.confidence_ <= 1)).all()


def test_balanced_clusters_are_those_of_k_means_where_these_are_even() -> None:
    random = np.random.default_rng(0)
    rows = (np.eye(3) * 8)[np.arange(90) % 3] + random.normal(size=(90, 3))
    model = BalancedKMeans(3, random_state=0).fit(rows)
    plain = KMeans(3, random_state=0).fit(rows)
    assert adjusted_rand_score(model.labels_, plain.labels_) == 1.0


def test_balance_finds_even_groups_that_k_means_misses() -> None:
    random = np.random.default_rng(4)
    truth = np.repeat([0, 1], 200)
    rows = np.column_stack([random.normal(size=400) * 3, truth * 4 + random.normal(size=400)])
    rows[truth == 1, 0] += 3
    even = BalancedKMeans(2, tolerance=0.0, random_state=0).fit(rows)
    assert np.bincount(even.labels_).tolist() == [200, 200]


def test_small_groups_beside_a_large_one_are_found(
    lopsided: tuple[NDArray[np.float32], NDArray[np.int32]],
) -> None:
    rows, truth = lopsided
    plain = KMeans(4, random_state=0).fit(rows)
    uneven = UnevenKMeans(4, random_state=0).fit(rows)
    assert adjusted_rand_score(uneven.labels_, truth) > 0.85
    assert adjusted_rand_score(plain.labels_, truth) < 0.6
    np.testing.assert_array_equal(uneven.predict(rows), uneven.labels_)


def test_the_nearest_means_are_joined_whatever_their_sizes() -> None:
    parts = np.array([[0.0], [1.0], [5.0], [5.5], [20.0]])
    assert joined_parts(parts, np.array([1000, 1000, 2, 3, 1]), 3).tolist() == [0, 0, 1, 1, 2]
    assert joined_parts(parts, np.array([1000, 1000, 2, 3, 1]), 5).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", [BalancedKMeans, UnevenKMeans])
def test_as_many_clusters_as_images(kind: type[BalancedKMeans]) -> None:
    rows = np.arange(4.0).reshape(4, 1)
    assert sorted(kind(4, random_state=0).fit(rows).labels_.tolist()) == [0, 1, 2, 3]
    assert kind(1, random_state=0).fit(rows).labels_.tolist() == [0, 0, 0, 0]
    with pytest.raises(UnusableDataError):
        kind(5).fit(rows)


def test_few_different_images_are_grouped_unevenly() -> None:
    rows = np.repeat([[0.0], [1.0]], [9, 1], axis=0)
    assert np.bincount(UnevenKMeans(2, random_state=0).fit(rows).labels_).tolist() in (
        [9, 1],
        [1, 9],
    )


def test_a_callback_can_stop_the_balancing(
    lopsided: tuple[NDArray[np.float32], NDArray[np.int32]],
) -> None:
    def stop(_done: int, _total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        BalancedKMeans(4, random_state=0).fit(lopsided[0], callback=stop)


def test_a_tolerance_out_of_range_is_refused() -> None:
    with pytest.raises(UnusableDataError, match="tolerance"):
        BalancedKMeans(2, tolerance=2.0).fit(np.eye(4))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("kind", [BalancedKMeans, UnevenKMeans])
def test_scikit_learns_checks_pass(kind: type[BaseEstimator]) -> None:
    failures = []
    for instance, check in estimator_checks_generator(kind(2, n_init=2)):
        try:
            check(instance)
        except pytest.skip.Exception:
            continue
        except Exception as error:  # noqa: BLE001 -- every failure is listed
            name = getattr(check, "func", check).__name__
            if type(error).__name__ != "SkipTest":
                failures.append(f"{name}: {error!r}"[:400])
    assert not failures
