"""Quality per cluster, stability and split validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from dclust_gui.algorithms import KMeans
from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.validation import (
    cluster_quality,
    labeller_of,
    split_validation,
    stability,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LABELLER = labeller_of(lambda seed: KMeans(4, n_init=3, random_state=seed))


def test_quality_of_each_cluster_equals_its_definition(make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, truth = make_blobs(n=120, spread=2.0)
    labels = truth + 3
    found = cluster_quality(rows, labels)
    values = silhouette_samples(rows, labels)
    centres = np.stack([rows[labels == c].mean(0) for c in found.labels])
    np.testing.assert_array_equal(found.sizes, [30] * 4)
    for i, c in enumerate(found.labels):
        assert found.silhouette[i] == pytest.approx(values[labels == c].mean(), abs=1e-5)
        spread = np.linalg.norm(rows[labels == c] - centres[i], axis=1).mean()
        assert found.cohesion[i] == pytest.approx(spread, rel=1e-5)
        others = np.delete(centres, i, axis=0)
        gap = np.linalg.norm(others - centres[i], axis=1).min()
        assert found.separation[i] == pytest.approx(gap, rel=1e-5)


def test_one_cluster_is_separated_from_nothing() -> None:
    found = cluster_quality(np.eye(3), np.array([0, 0, -1]))
    assert np.isinf(found.separation[0])
    assert np.isnan(found.silhouette[0])


def test_separated_clouds_are_stable_and_noise_is_not(make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, _ = make_blobs(n=200, d=16, spread=0.3)
    noise = np.random.default_rng(0).normal(size=(200, 16)).astype(np.float32)
    assert stability(rows, LABELLER, n_pairs=3, random_state=0) > 0.99
    assert split_validation(rows, LABELLER, n_splits=2, random_state=0) > 0.99
    assert stability(noise, LABELLER, n_pairs=3, random_state=0) < 0.7
    assert split_validation(noise, LABELLER, n_splits=2, random_state=0) < 0.7


def test_too_few_images_are_a_clear_error() -> None:
    with pytest.raises(UnusableDataError):
        stability(np.eye(3), LABELLER)
    with pytest.raises(UnusableDataError):
        split_validation(np.eye(3), LABELLER)
    with pytest.raises(UnusableDataError):
        cluster_quality(np.eye(2), np.array([-1, -1]))
