"""k-means: as good as scikit-learn's, exact in hard cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.cluster import KMeans as Reference
from sklearn.metrics import adjusted_rand_score

from dclust_gui.algorithms import KMeans
from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.lloyd import prepare
from dclust_gui.domain.control import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(("n", "d", "k"), [(500, 8, 6), (60, 200, 4), (600, 4, 30)])
def test_inertia_is_no_worse_than_scikit_learns(n: int, d: int, k: int) -> None:
    rows = np.random.default_rng(0).normal(size=(n, d)).astype(np.float32)
    ours = KMeans(k, random_state=0).fit(rows)
    reference = Reference(k, n_init=5, random_state=0).fit(rows)
    assert ours.inertia_ <= reference.inertia_ * 1.02
    means = np.stack([rows[ours.labels_ == c].mean(0) for c in range(k)])
    np.testing.assert_allclose(ours.cluster_centers_, means, atol=0.05)
    assert ours.inertia_ == pytest.approx(
        float(((rows - ours.cluster_centers_[ours.labels_]) ** 2).sum()), rel=1e-4
    )


def test_separated_clouds_are_found_with_high_confidence(make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, truth = make_blobs(n=300, d=16, k=5)
    model = KMeans(5, random_state=1).fit(rows)
    assert adjusted_rand_score(truth, model.labels_) == 1.0
    assert model.confidence_.dtype == np.float32
    assert model.confidence_.min() > 0.5
    np.testing.assert_array_equal(model.predict(rows), model.labels_)
    np.testing.assert_array_equal(model.transform(rows).argmin(1), model.labels_)


def test_large_collections_start_from_a_sample(
    make_blobs: Callable,  # type: ignore[type-arg]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dclust_gui.algorithms.partition.LARGE", 500)
    monkeypatch.setattr("dclust_gui.algorithms.partition.SAMPLE", 200)
    rows, truth = make_blobs(n=1000, d=4, k=4)
    assert adjusted_rand_score(truth, KMeans(4, random_state=0).fit(rows).labels_) == 1.0


def test_large_wide_collections_go_over_leading_axes(
    make_blobs: Callable,  # type: ignore[type-arg]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, truth = make_blobs(n=1000, d=300, k=4, spread=4.0)
    exact = KMeans(4, random_state=0).fit(rows)
    monkeypatch.setattr("dclust_gui.algorithms.partition.LARGE_VALUES", 1000)
    monkeypatch.setattr("dclust_gui.algorithms.partition.SAMPLE", 500)
    model = KMeans(4, random_state=0).fit(rows)
    assert adjusted_rand_score(truth, model.labels_) > 0.98
    assert model.inertia_ == pytest.approx(exact.inertia_, rel=1e-4)
    assert model.cluster_centers_.shape == (4, 300)


def test_large_centred_features_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).normal(size=(100, 20)).astype(np.float32)
    monkeypatch.setattr("dclust_gui.algorithms.lloyd.LARGE_VALUES", 10)
    assert np.shares_memory(prepare(rows, "cpu")[0].numpy(), rows)
    centred, mean = prepare(rows + 9, "cpu")
    np.testing.assert_allclose(centred.numpy() + mean, rows + 9, atol=1e-5)


def test_one_far_outlier_does_not_blur_the_others(make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, truth = make_blobs(n=200, d=8, k=3)
    rows[0] = 1e6
    model = KMeans(4, random_state=0).fit(rows)
    assert (model.labels_ == model.labels_[0]).sum() == 1
    assert adjusted_rand_score(truth[1:], model.labels_[1:]) == 1.0


def test_more_clusters_than_different_images_is_a_clear_error() -> None:
    rows = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    assert len(set(KMeans(3, random_state=0).fit(rows).labels_)) == 3
    with pytest.raises(UnusableDataError, match="Only 3 of the 12"):
        KMeans(4, random_state=0).fit(rows)


def test_progress_is_told_and_a_callback_can_cancel(make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, _ = make_blobs()
    seen: list[tuple[int, int]] = []
    KMeans(4, random_state=0).fit(rows, callback=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (300, 300)

    def stop(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        KMeans(4, random_state=0).fit(rows, callback=stop)
