"""What lies outside in a project, and setting it aside."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain import edits
from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.services.feature_matrix import FeatureMatrix
from dclust_gui.services.outliers import (
    Measure,
    OutlierReport,
    beyond,
    deviations_at,
    errors_of,
    measure_outliers,
    probability,
    set_aside,
    usual_deviations,
)
from dclust_gui.services.similar import SimilarService
from dclust_gui.services.snapshot import Snapshot

if TYPE_CHECKING:
    from numpy.typing import NDArray

N = 40


class Planted(SimilarService):
    """Two groups, and an image that is like none; one image has no features."""

    def __init__(self, n: int = N) -> None:
        random = np.random.default_rng(0)
        rows = np.eye(2, 12)[np.arange(n) % 2] * 6 + random.normal(size=(n, 12)) * 0.3
        rows[n - 1] = -np.arange(12) * 2.0
        ids = np.delete(np.arange(n, dtype=np.int32), 3 if n > 3 else [])
        self.features = FeatureMatrix.build(rows[ids].astype(np.float16), ids, n)

    def matrix(self, snapshot: Snapshot, token: CancelToken | None = None) -> FeatureMatrix:
        if token is not None:
            token.checkpoint()
        return self.features


def run_with(errors: NDArray[np.float32] | None, images: NDArray[np.int32]) -> Run:
    n = len(images)
    report = '{"head": {"error_threshold": 0.5}}' if errors is not None else "{}"
    return Run(
        1, "", RunSettings(), "f", images, np.zeros(n, np.int32), np.ones(n, np.float32),
        np.empty((0, 4)), report, errors,
    )  # fmt: skip


def snapshot_with(run: Run | None = None, n: int = N) -> Snapshot:
    record = ImageRecord(0, b"a.png", FileStamp(1, 1), b"x", ImageFacts(ImageStatus.OK))
    labels = (np.arange(n) % 2 + 1).astype(np.int32)
    table = {1: Cluster(1), 2: Cluster(2)}
    clustering = Clustering(labels, np.zeros(n, np.uint8), table, 3)
    return Snapshot((record,) * n, (Path("p"),), clustering, run, np.ones(n, np.float32))


def told(values: NDArray[np.floating], state: Clustering) -> OutlierReport:
    return OutlierReport(Measure.DENSITY, values.astype(np.float32), "", state.labels)


@pytest.mark.parametrize("measure", [Measure.DENSITY, Measure.CONFIDENCE])
def test_the_image_that_is_like_none_lies_farthest_outside(measure: Measure) -> None:
    report = measure_outliers(Planted(), None, snapshot_with(), measure, CancelToken())
    assert math.isnan(report.values[3])
    assert int(np.nanargmax(report.values)) == N - 1
    assert report.about


def test_a_runs_own_errors_are_taken_where_it_has_some() -> None:
    images = np.arange(N - 2, dtype=np.int32)
    run = run_with(np.linspace(0, 1, N - 2, dtype=np.float32), images)
    report = measure_outliers(
        Planted(), None, snapshot_with(run), Measure.RECONSTRUCTION, CancelToken()
    )
    assert report.values[N - 3] == 1.0
    assert np.isnan(report.values[N - 2 :]).all()
    assert "autoencoder" in report.about
    errors = errors_of(run, N)
    assert errors is not None
    assert errors.text(N - 3) == "1 (above the threshold 0.5)"
    assert errors.text(N - 1) == ""


def test_without_an_autoencoder_the_measure_says_so() -> None:
    report = measure_outliers(
        Planted(), None, snapshot_with(), Measure.RECONSTRUCTION, CancelToken()
    )
    assert "PCA" in report.about
    assert errors_of(run_with(None, np.arange(2, dtype=np.int32)), 2) is None
    assert errors_of(None, 2) is None


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("measure", [Measure.RECONSTRUCTION, Measure.DENSITY])
def test_few_images_can_be_measured(measure: Measure, n: int) -> None:
    report = measure_outliers(Planted(n), None, snapshot_with(n=n), measure, CancelToken())
    found = beyond(report, snapshot_with(n=n).clustering)
    assert len(found.images) <= n


def test_a_classifier_needs_two_clusters() -> None:
    snapshot = snapshot_with()
    one = replace(snapshot.clustering, labels=np.ones(N, np.int32))
    with pytest.raises(InputError, match="two clusters"):
        measure_outliers(
            Planted(), None, replace(snapshot, clustering=one), Measure.CONFIDENCE, CancelToken()
        )


def test_a_cancelled_measure_stops() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        measure_outliers(Planted(), None, snapshot_with(), Measure.DENSITY, token)


def test_decided_and_unassigned_images_are_left_out_and_counted() -> None:
    state = snapshot_with().clustering
    flags, labels = state.flags.copy(), state.labels.copy()
    flags[39] = ImageFlag.APPROVED
    labels[38] = UNASSIGNED
    state = replace(state, flags=flags, labels=labels)
    values = np.linspace(0.0, 0.1, N)
    values[36:] = [5, 6, 7, 8]
    values[0] = np.nan
    found = beyond(told(values, state), state)
    assert found.images.tolist() == [37, 36]
    assert (found.kept.tolist(), found.n_unassigned, found.n_unknown) == ([39], 1, 1)
    assert "1 image you placed, approved or pinned stays." in found.text()


def test_a_pinned_cluster_stays() -> None:
    state = snapshot_with().clustering
    pinned = {**state.clusters, 1: replace(state.clusters[1], is_pinned=True)}
    state = replace(state, clusters=pinned)
    values = np.linspace(0.0, 0.1, N)
    values[36:] = 9
    found = beyond(told(values, state), state)
    assert (found.images.tolist(), found.kept.tolist()) == ([37, 39], [36, 38])


def test_a_cluster_that_is_wide_is_forgiven_only_when_compared_with_itself() -> None:
    state = snapshot_with().clustering
    random = np.random.default_rng(0)
    values = np.where(np.arange(N) % 2, random.normal(5, 1, N), random.normal(1, 0.05, N))
    values[0] = 3.0
    report = told(values, state)
    assert beyond(report, state, per_cluster=True).images.tolist() == [0]
    only = beyond(report, state, -9.0, cluster=1).images
    assert (np.sort(only) == np.flatnonzero(state.labels == 1)).all()
    assert math.isnan(beyond(report, state, per_cluster=True).threshold)


def test_a_lower_threshold_never_finds_fewer() -> None:
    state = snapshot_with().clustering
    report = told(np.random.default_rng(0).exponential(size=N), state)
    counts = [len(beyond(report, state, d).images) for d in (0.5, 1, 2, 3, 6)]
    assert counts == sorted(counts, reverse=True)
    with pytest.raises(InputError):
        beyond(report, state, math.nan)


def test_images_added_since_the_measure_are_unknown() -> None:
    state = snapshot_with().clustering
    report = told(np.ones(N - 5), state)
    assert beyond(report, state).n_unknown == 5


def test_a_threshold_in_the_measures_unit_is_turned_into_deviations() -> None:
    state = snapshot_with().clustering
    report = told(np.random.default_rng(0).normal(size=N), state)
    found = beyond(report, state, 2.0)
    assert deviations_at(report, found.threshold) == pytest.approx(2.0)
    doubt = replace(report, measure=Measure.CONFIDENCE)
    limit = beyond(doubt, state, deviations_at(doubt, 0.25)).threshold
    assert probability(limit) == pytest.approx(0.25)
    with pytest.raises(InputError, match="probability"):
        deviations_at(doubt, 2.0)


@pytest.mark.parametrize("middle", [-9.0, 0.0])
def test_doubt_has_its_usual_threshold_at_a_probability(middle: float) -> None:
    state = snapshot_with().clustering
    values = np.random.default_rng(0).normal(size=N) + middle
    values[0] = 3.5
    report = replace(told(values, state), measure=Measure.CONFIDENCE)
    found = beyond(report, state, usual_deviations(report))
    assert found.images.tolist() == [0]
    assert probability(found.threshold) == pytest.approx(0.05)
    assert usual_deviations(report, per_cluster=True) == 3.0
    assert usual_deviations(replace(report, measure=Measure.DENSITY)) == 3.0


def test_setting_aside_is_one_step_that_can_be_taken_back() -> None:
    state = snapshot_with().clustering
    edit = set_aside(state, np.array([5, 7, 7, 99]), Measure.DENSITY)
    assert edit is not None
    after = edits.apply(state, edit)
    assert np.flatnonzero(after.labels == UNASSIGNED).tolist() == [5, 7]
    assert edit.title == "set aside 2 images (distance to its neighbours)"
    back = edits.apply(after, edit.inverse())
    assert (back.labels == state.labels).all()
    assert (back.flags == state.flags).all()


def test_nothing_to_set_aside_is_no_step() -> None:
    state = Clustering.empty(4)
    assert set_aside(state, np.array([0, 1]), Measure.DENSITY) is None
