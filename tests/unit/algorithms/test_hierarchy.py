"""Our linkage against SciPy's, with copies, ties and few images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.cluster.hierarchy import is_monotonic, is_valid_linkage
from scipy.cluster.hierarchy import linkage as reference
from scipy.spatial.distance import pdist

from dclust_gui.algorithms import hierarchy, ward
from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.hierarchy import linkage, linkage_with_info
from dclust_gui.domain.control import Cancelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHODS = ["ward", "single", "complete", "average"]


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code for large collections, on small ones."""
    monkeypatch.setattr(ward, "SMALL", 1)
    monkeypatch.setattr(ward, "DENSE", 16)
    monkeypatch.setattr(hierarchy, "SMALL", 1)


def data(kind: str, n: int = 700) -> NDArray[np.float32]:
    random = np.random.default_rng(0)
    rows = random.normal(size=(n, 5))
    if kind == "clouds":
        rows += random.normal(size=(12, 5))[random.integers(12, size=n)] * 6
    elif kind == "copies":
        rows = rows[random.integers(n // 3, size=n)]
    elif kind == "near copies":
        rows = 50 * rows[random.integers(20, size=n)] + 1e-4 * rows
    elif kind == "far":
        rows += 1000.0
    elif kind == "outlier":
        rows[3] = 1e6
    return rows.astype(np.float32)


def assert_heights_close(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> None:
    allowed = 1e-5 * theirs[:, 2] + 1e-7 * theirs[-1, 2]
    assert (np.abs(ours[:, 2] - theirs[:, 2]) <= allowed).all()


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("method", ["ward", "single"])
@pytest.mark.parametrize("kind", ["one", "clouds", "copies", "near copies", "far", "outlier"])
def test_heights_equal_scipys(method: str, kind: str) -> None:
    rows = data(kind)
    ours = linkage(rows, method)
    theirs = reference(rows.astype(np.float64), method)
    assert is_valid_linkage(ours)
    assert is_monotonic(ours)
    assert_heights_close(ours, theirs)
    if kind in ("one", "clouds"):
        np.testing.assert_array_equal(ours[:, :2], np.sort(theirs[:, :2], axis=1))
        np.testing.assert_array_equal(ours[:, 3], theirs[:, 3])


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("method", ["ward", "single"])
def test_ties_give_a_valid_tree_of_the_right_lowest_heights(method: str) -> None:
    grid = np.stack(np.meshgrid(np.arange(25.0), np.arange(25.0)), -1).reshape(-1, 2)
    tree = linkage(grid, method)
    assert is_valid_linkage(tree)
    assert is_monotonic(tree)
    assert (tree[:200, 2] == 1.0).all()
    if method == "single":
        assert (tree[:, 2] == 1.0).all()


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [2, 3, 40])
def test_identical_images_merge_at_height_zero(method: str, n: int) -> None:
    tree = linkage(np.ones((n, 3)), method)
    assert is_valid_linkage(tree)
    assert (tree[:, 2] == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_one_image_has_no_merges_and_two_have_one(method: str) -> None:
    assert linkage(np.ones((1, 3)), method).shape == (0, 4)
    np.testing.assert_allclose(linkage([[0.0, 0.0], [3.0, 4.0]], method), [[0, 1, 5, 2]])


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine", "correlation"])
@pytest.mark.usefixtures("small_limits")
def test_other_distances_equal_scipys(method: str, metric: str) -> None:
    rows = data("one", 150).astype(np.float64)
    theirs = reference(pdist(rows, metric), method)
    np.testing.assert_allclose(linkage(rows, method, metric)[:, 2], theirs[:, 2], rtol=1e-6)


def test_manhattan_equals_scipys() -> None:
    rows = data("one", 100).astype(np.float64)
    theirs = reference(pdist(rows, "cityblock"), "average")
    np.testing.assert_allclose(linkage(rows, "average", "manhattan"), theirs)


def test_mahalanobis_needs_enough_images() -> None:
    rows = data("one", 400)
    assert is_valid_linkage(linkage(rows, "ward", "mahalanobis"))
    with pytest.raises(UnusableDataError, match="at least 10"):
        linkage(rows[:5], "ward", "mahalanobis")


def test_ward_refuses_distances_it_is_not_defined_for() -> None:
    with pytest.raises(UnusableDataError, match="Euclidean"):
        linkage(np.eye(3), "ward", "manhattan")


@pytest.mark.parametrize("method", ["average", "complete", "single"])
@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine", "manhattan"])
def test_beyond_the_exact_limit_groups_stand_in_with_heights_in_the_same_unit(
    method: str, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = linkage(data("clouds", 300), method, metric)
    monkeypatch.setattr(hierarchy, "EXACT_UP_TO", 100)
    monkeypatch.setattr(hierarchy, "SMALL", 100)
    monkeypatch.setattr(hierarchy, "MICRO_CLUSTERS", 60)
    result = linkage_with_info(data("clouds", 300), method, metric)
    if result.is_exact:
        assert method == "single"
        assert metric != "manhattan"
        return
    assert "60 groups" in result.note
    assert is_valid_linkage(result.tree)
    assert is_monotonic(result.tree)
    assert result.tree[-1, 2] == pytest.approx(exact[-1, 2], rel=0.5)
    assert np.median(result.tree[:, 2]) == pytest.approx(np.median(exact[:, 2]), rel=0.3)


@pytest.mark.parametrize("metric", ["sqeuclidean", "cosine"])
def test_average_heights_over_groups_are_exact_averages(
    metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.concatenate([data("one", 40) + 30, data("one", 40) - [30, -30, 30, 30, 30]])
    exact = linkage(rows, "average", metric)
    monkeypatch.setattr(hierarchy, "EXACT_UP_TO", 50)
    monkeypatch.setattr(hierarchy, "MICRO_CLUSTERS", 8)
    found = linkage(rows, "average", metric)
    assert found[-1, 2] == pytest.approx(exact[-1, 2], rel=1e-4)


def test_many_copies_beyond_the_exact_limit_are_no_obstacle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hierarchy, "EXACT_UP_TO", 50)
    monkeypatch.setattr(hierarchy, "MICRO_CLUSTERS", 30)
    tree = linkage(np.repeat(np.eye(4), 40, axis=0), "complete")
    assert is_valid_linkage(tree)
    assert (tree[:-3, 2] == 0).all()


def test_centroid_linkage_says_that_its_heights_can_fall() -> None:
    result = linkage_with_info(data("one", 50), "centroid")
    assert not result.is_monotone
    np.testing.assert_allclose(result.tree[:, 2], reference(data("one", 50), "centroid")[:, 2])


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("method", METHODS)
def test_a_callback_can_cancel(method: str) -> None:
    def stop(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        linkage(data("one", 60), method, callback=stop)


@pytest.mark.parametrize("rows", [np.empty((0, 3)), np.array([[np.nan, 1.0]]), np.ones(3)])
def test_unusable_features_are_a_clear_error(rows: NDArray[np.float64]) -> None:
    with pytest.raises(UnusableDataError):
        linkage(rows)


def test_unknown_linkage_or_distance_is_a_clear_error() -> None:
    with pytest.raises(UnusableDataError, match="ward, average"):
        linkage(np.eye(3), "best")
    with pytest.raises(UnusableDataError, match="cosine"):
        linkage(np.eye(3), "ward", "taste")
