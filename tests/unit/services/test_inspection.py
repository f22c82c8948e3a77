"""The inspector's answers: fits, neighbours, branches, summaries, and what is left empty."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering
from dclust_gui.domain.control import CancelToken
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.services.feature_matrix import FeatureMatrix
from dclust_gui.services.inspection import (
    Branch,
    InspectionService,
    branch_images,
    branches_of,
    chosen_branches,
    summarise,
)
from dclust_gui.services.snapshot import Snapshot

# Images 0-2 point along x, 3-5 along y, 6 between both; 7 has no features.
ROWS = np.array(
    [[1, 0, 0.1], [1, 0.1, 0], [1, 0, -0.1], [0, 1, 0.1], [0.1, 1, 0], [0, 1, -0.1], [1, 0.8, 0]],
    np.float32,
)
TREE = np.array(
    [[0, 1, 0.1, 2], [3, 4, 0.2, 2], [2, 7, 0.3, 3], [5, 8, 0.4, 3], [6, 9, 0.9, 4], [10, 11, 2, 7]]
)


class FixedFeatures:
    """Takes the place of `SimilarService`."""

    def __init__(self) -> None:
        rows = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)
        ids = np.arange(7, dtype=np.int32)
        row_of = np.append(ids, -1).astype(np.int32)
        self.found = FeatureMatrix(ids, row_of, np.zeros(3, np.float32), rows)
        self.error: InputError | None = None

    def matrix(self, snapshot: Snapshot, token: CancelToken | None = None) -> FeatureMatrix:
        """The same rows each time."""
        if self.error is not None:
            raise self.error
        return self.found


def record(number: int, taken_at: str = "", camera: str = "") -> ImageRecord:
    facts = ImageFacts(ImageStatus.OK, taken_at=taken_at, camera=camera)
    return ImageRecord(0, f"img{number}.jpg".encode(), FileStamp(1000 + number, 0), b"", facts)


@pytest.fixture
def snapshot() -> Snapshot:
    images = tuple(record(i, f"2024-0{i + 1}-01T00:00:00" if i < 3 else "") for i in range(8))
    labels = np.array([1, 1, 1, 2, 2, 2, 1, UNASSIGNED], np.int32)
    clustering = Clustering(labels, np.zeros(8, np.uint8), {1: Cluster(1), 2: Cluster(2)}, 3)
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.1, np.nan], np.float32)
    run = Run(
        1,
        "",
        RunSettings(),
        "x",
        np.arange(7, dtype=np.int32),
        np.array([0, 0, 0, 1, 1, 1, 0], np.int32),
        confidence[:7],
        TREE,
    )
    return Snapshot(images, (Path("/photos"),), clustering, run, confidence)


@pytest.fixture
def features() -> FixedFeatures:
    return FixedFeatures()


@pytest.fixture
def service(features: FixedFeatures) -> InspectionService:
    return InspectionService(features)  # type: ignore[arg-type]


def test_neighbours_and_fits_of_a_typical_image(
    service: InspectionService, snapshot: Snapshot
) -> None:
    report = service.inspect(snapshot, 0, n_neighbours=3)
    assert {n.image for n in report.neighbours} == {1, 2, 6}
    assert report.neighbours[0].similarity > 0.95
    assert report.own is not None
    assert report.own.cluster == 1
    assert [fit.cluster for fit in report.others] == [2]
    assert report.margin is not None
    assert report.margin > 0.5


def test_image_does_not_speak_for_itself(service: InspectionService, snapshot: Snapshot) -> None:
    """The mean that an image is compared with is that of the others."""
    report = service.inspect(snapshot, 6)
    others = ROWS[:3] / np.linalg.norm(ROWS[:3], axis=1, keepdims=True)
    mean = others.mean(0)
    own = ROWS[6] / np.linalg.norm(ROWS[6])
    assert report.own is not None
    assert report.own.similarity == pytest.approx(own @ mean / np.linalg.norm(mean), abs=1e-5)


def test_image_alone_in_its_cluster_has_no_fit_of_its_own(
    service: InspectionService, snapshot: Snapshot
) -> None:
    labels = snapshot.clustering.labels.copy()
    labels[6] = 3
    table = {**snapshot.clustering.clusters, 3: Cluster(3)}
    alone = replace(snapshot, clustering=Clustering(labels, np.zeros(8, np.uint8), table, 4))
    report = service.inspect(alone, 6)
    assert report.own is None
    assert report.margin is None
    assert [fit.cluster for fit in report.others] == [1, 2]


def test_unassigned_image_is_compared_with_all_clusters(
    service: InspectionService, snapshot: Snapshot
) -> None:
    labels = snapshot.clustering.labels.copy()
    labels[6] = UNASSIGNED
    table = snapshot.clustering.clusters
    loose = replace(snapshot, clustering=Clustering(labels, np.zeros(8, np.uint8), table, 3))
    report = service.inspect(loose, 6)
    assert report.own is None
    assert [fit.cluster for fit in report.others] == [1, 2]


def test_fits_after_edits_are_those_of_a_fresh_start(
    features: FixedFeatures, snapshot: Snapshot
) -> None:
    kept = InspectionService(features)  # type: ignore[arg-type]
    now = snapshot
    for image, target in ((6, 2), (0, UNASSIGNED), (6, 5), (0, 1)):
        kept.inspect(now, 3)
        labels = now.clustering.labels.copy()
        labels[image] = target
        table = {k: Cluster(k) for k in (1, 2, 5)}
        now = replace(now, clustering=Clustering(labels, np.zeros(8, np.uint8), table, 6))
        fresh = InspectionService(features)  # type: ignore[arg-type]
        one, other = kept.inspect(now, 3), fresh.inspect(now, 3)
        assert one.own is not None
        assert other.own is not None
        assert one.own.similarity == pytest.approx(other.own.similarity, abs=1e-6)
        assert [f.cluster for f in one.others] == [f.cluster for f in other.others]


def test_image_without_features_still_has_its_place(
    service: InspectionService, features: FixedFeatures, snapshot: Snapshot
) -> None:
    report = service.inspect(snapshot, 7)
    assert "could not be read" in report.why_not
    assert (report.neighbours, report.branches) == ((), ())
    features.error = InputError("There is nothing to compare yet.", "Nothing was read.")
    report = service.inspect(snapshot, 0)
    assert report.why_not.startswith("There is nothing to compare yet.")
    assert len(report.branches) == 4


def test_branches_lead_from_the_whole_tree_to_the_first_merge(snapshot: Snapshot) -> None:
    found = branches_of(snapshot.run, 0)
    told = [(b.node, b.n_images, b.height) for b in found]
    assert told == [(12, 7, 2.0), (11, 4, 0.9), (9, 3, 0.3), (7, 2, 0.1)]
    assert [b.is_cluster for b in found] == [False, True, False, False]
    assert branches_of(snapshot.run, 7) == ()
    assert branches_of(None, 0) == ()


def test_cluster_is_marked_among_the_branches(snapshot: Snapshot) -> None:
    assert [b.is_cluster for b in branches_of(snapshot.run, 3)] == [False, True, False]


def test_chain_of_a_thousand_merges_is_thinned_out(snapshot: Snapshot) -> None:
    n = 1000
    made = np.arange(n, 2 * n - 2)
    tree = np.stack(
        [np.append(0, made), np.arange(1, n), np.arange(n - 1.0), np.arange(2, n + 1)], axis=1
    )
    labels = np.where(np.arange(n) < 700, 0, 1).astype(np.int32)
    assert snapshot.run is not None
    chain = replace(snapshot.run, images=np.arange(n, dtype=np.int32), labels=labels, tree=tree)
    found = branches_of(chain, 0)
    sizes = [b.n_images for b in found]
    assert len(found) < 120
    assert (sizes[0], sizes[-1]) == (1000, 2)
    assert [b.n_images for b in found if b.is_cluster] == [700]
    assert sizes == sorted(sizes, reverse=True)


def test_images_of_a_branch(snapshot: Snapshot) -> None:
    assert snapshot.run is not None
    assert branch_images(snapshot.run, 12) == (0, 1, 2, 3, 4, 5, 6)
    assert branch_images(snapshot.run, 9) == (0, 1, 2)
    assert branch_images(snapshot.run, 4) == (4,)
    with pytest.raises(ValueError, match="no such node"):
        branch_images(snapshot.run, 13)


def test_chosen_branches_keep_the_whole_the_cluster_and_the_first_merge() -> None:
    sizes = (1000, 999, 998, 997, 500, 499, 40, 39, 3, 2)
    branches = tuple(Branch(i, size, 10.0 - i, size == 499) for i, size in enumerate(sizes))
    assert chosen_branches(branches, 20) is branches
    assert [b.n_images for b in chosen_branches(branches, 4)] == [1000, 499, 39, 2]
    assert len(chosen_branches(branches, 6)) == 6


def test_summary_of_several_images(snapshot: Snapshot) -> None:
    images = list(snapshot.images)
    images[3] = record(3, camera="Canon")
    report = summarise(replace(snapshot, images=tuple(images)), [0, 1, 3, 7])
    assert report.n_images == 4
    assert report.clusters == ((1, 2), (UNASSIGNED, 1), (2, 1))
    assert (report.first_taken[:7], report.last_taken[:7], report.n_undated) == (
        "2024-01",
        "2024-02",
        2,
    )
    assert report.confidence == pytest.approx((0.9 + 0.8 + 0.6) / 3)
    assert report.n_bytes == 1000 + 1001 + 1003 + 1007
    assert report.cameras == (("Canon", 1),)


def test_summary_of_images_of_which_nothing_is_known(snapshot: Snapshot) -> None:
    report = summarise(snapshot, [7])
    assert (report.first_taken, report.confidence, report.cameras) == ("", None, ())
