"""Methods that find the clusters themselves: automatic radii, leading axes, words on failures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from dclust_gui.algorithms import DBSCAN, HDBSCAN, MeanShift
from dclust_gui.algorithms.base import UnusableDataError, outcome_note
from dclust_gui.algorithms.distances import scale_features
from dclust_gui.algorithms.measures import external_measures

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.algorithms.clusterer import Clusterer

FEATURES = Path(__file__).parents[3] / ".." / "shared" / "data" / "features"


@pytest.mark.parametrize("model", [MeanShift(random_state=0), DBSCAN(), HDBSCAN()])
def test_wide_clouds_are_found_on_the_leading_axes(
    model: Clusterer,
    make_blobs: Callable,  # type: ignore[type-arg]
) -> None:
    rows, truth = make_blobs(n=400, d=200, k=4, spread=1.0)
    model.fit(rows)
    assert adjusted_rand_score(truth, model.labels_) > 0.8
    assert model.note_ == ""


def test_mean_shift_on_leading_axes_predicts_its_own_labels(make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, _ = make_blobs(n=300, d=200, k=4)
    model = MeanShift(random_state=0).fit(rows)
    assert model.cluster_centers_.shape == (4, 200)
    np.testing.assert_array_equal(model.predict(rows), model.labels_)


@pytest.mark.parametrize("model", [MeanShift(bandwidth=1e3), DBSCAN(eps=1e3)])
def test_a_single_cluster_is_noted(model: Clusterer, make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, _ = make_blobs(n=60)
    note: str = model.fit(rows).note_
    assert "no structure: 100%" in note
    assert "smaller" in note
    assert "k-means" in note


def test_mostly_unassigned_images_are_noted(make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, _ = make_blobs(n=60)
    note = DBSCAN(eps=1e-3).fit(rows).note_
    assert "100% of the images Unassigned" in note
    assert "larger eps" in note


def test_few_images_are_not_judged() -> None:
    assert outcome_note("X", np.zeros(19, np.int32), "", "") == ""
    assert outcome_note("X", np.zeros(20, np.int32), "", "") != ""


@pytest.mark.parametrize("model", [MeanShift(axes=0), DBSCAN(axes=0), HDBSCAN(axes=0)])
def test_no_axes_is_a_clear_error(model: Clusterer) -> None:
    with pytest.raises(UnusableDataError, match=r"axes|leading"):
        model.fit(np.random.default_rng(0).normal(size=(30, 4)))


@pytest.mark.parametrize("name", ["clothing10", "trash6", "textures10"])
def test_defaults_find_several_clusters_in_frozen_features(name: str) -> None:
    path = FEATURES / f"{name}.lite0.npz"
    if not path.is_file():
        pytest.skip("the sample features are not beside the checkout")
    with np.load(path, allow_pickle=False) as stored:
        picked = np.random.default_rng(0).permutation(len(stored["labels"]))[:1000]
        rows, truth = scale_features(stored["features"][picked])[0], stored["labels"][picked]
    shift = MeanShift(random_state=0).fit(rows)
    assert 4 <= len(shift.cluster_centers_) <= 40
    assert external_measures(shift.labels_, truth).accuracy > 0.4
    dense = DBSCAN().fit(rows).labels_
    assert dense.max() >= 2
    assert np.bincount(dense[dense >= 0]).max() <= 0.5 * len(dense)
