from __future__ import annotations

import numpy as np
import pytest

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.knn import nearest_neighbours
from dclust_gui.algorithms.structure import assess


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
