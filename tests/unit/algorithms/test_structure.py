from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.distances import scale_features
from dclust_gui.algorithms.knn import nearest_neighbours
from dclust_gui.algorithms.structure import MANY_COPIES, assess, closed_groups


def test_clear_clusters_need_no_words() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 80)
    rows = random.normal(size=(160, 12)) + 8 * labels[:, None]
    found = assess(nearest_neighbours(rows, 20), labels)
    assert found.agreement == 1.0
    assert found.notes() == ()


def test_labels_that_do_not_follow_the_features_are_told() -> None:
    random = np.random.default_rng(0)
    rows, labels = random.normal(size=(300, 40)), random.integers(0, 5, 300)
    found = assess(nearest_neighbours(rows, 20), labels)
    assert abs(found.lift) < 0.1
    assert "Little structure" in found.notes()[0]


def test_copies_are_told_and_do_not_pass_for_structure() -> None:
    random = np.random.default_rng(0)
    base = random.normal(size=(150, 40))
    rows = np.concatenate([base, base + 0.01 * random.normal(size=base.shape)])
    labels = np.tile(random.integers(0, 5, 150), 2)
    found = assess(nearest_neighbours(rows, 20), labels)
    assert found.copies == 1.0
    assert found.has_little
    assert "near-duplicate" in found.notes()[-1]


def turned_copies(n_base: int, of_each: int, apart: float) -> np.ndarray:
    """Images with copies at a good part of the usual distance, as turned copies have."""
    random = np.random.default_rng(0)
    base = random.normal(size=(n_base, 64))
    return np.concatenate([base + apart * random.normal(size=base.shape) for _ in range(of_each)])


@pytest.mark.parametrize("of_each", [2, 4, 8])
def test_turned_copies_are_told_although_they_are_far(of_each: int) -> None:
    rows = turned_copies(60, of_each, 0.5)
    near = nearest_neighbours(rows, 15)
    usual = np.median(near.distances[:, -1])
    assert np.median(near.distances[:, 0]) > 0.4 * usual
    assert (closed_groups(near) == of_each).mean() > 0.9
    found = assess(near, np.tile(np.arange(60) % 4, of_each))
    assert found.copies > 0.9
    assert found.has_many_copies
    assert "turned or mirrored" in found.notes()[-1]


def test_the_share_of_copies_is_told() -> None:
    base = np.random.default_rng(1).normal(size=(150, 64))
    rows = np.concatenate([base, turned_copies(25, 4, 0.4)])
    found = assess(nearest_neighbours(rows, 15), np.zeros(len(rows), int))
    assert found.copies == pytest.approx(100 / 250, abs=0.12)
    assert f"{found.copies:.0%}" in found.notes()[-1]


def test_groups_without_a_step_around_them_are_no_copies() -> None:
    line = np.random.default_rng(0).normal(size=(400, 8))
    assert (closed_groups(nearest_neighbours(line, 15)) > 1).mean() < 0.2


@pytest.mark.parametrize(
    "name", ["clothing10", "imagenet_animals", "plankton30", "textures10", "trash6"]
)
def test_real_collections_raise_no_false_alarm(name: str) -> None:
    path = Path(__file__).parents[4] / "shared" / "data" / "features" / f"{name}.lite0.npz"
    if not path.exists():
        pytest.skip("the sample features are not beside the checkout")
    with np.load(path) as data:
        rows, labels = scale_features(data["features"], "centre-l2")[0], data["labels"]
    found = assess(nearest_neighbours(rows, 15), labels.astype(np.int32))
    assert found.copies < 0.6 * MANY_COPIES
    assert not found.has_many_copies


def test_unassigned_images_do_not_count() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, -1], 60)
    rows = random.normal(size=(180, 12)) + 8 * labels[:, None]
    assert assess(nearest_neighbours(rows, 20), labels).agreement == 1.0
    nothing = assess(nearest_neighbours(rows, 20), np.full(180, -1))
    assert np.isnan(nothing.agreement)
    assert nothing.notes() == ()


@pytest.mark.parametrize("count", [1, 2, 15])
def test_few_images_are_not_judged(count: int) -> None:
    rows = np.random.default_rng(0).normal(size=(count, 4))
    assert assess(nearest_neighbours(rows, 20), np.zeros(count, int)).notes() == ()


def test_equal_images_are_copies() -> None:
    found = assess(nearest_neighbours(np.ones((60, 4)), 20), np.zeros(60, int))
    assert found.copies == 1.0
    assert not found.has_little


def test_lengths_must_agree() -> None:
    with pytest.raises(UnusableDataError):
        assess(nearest_neighbours(np.ones((6, 2)), 2), np.zeros(5, int))
