"""Measures of the present clusters, and their agreement with folders."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering
from dclust_gui.domain.control import CancelToken
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.services.cluster_quality import (
    QualityReport,
    folder_classes,
    quality_report,
    trust_notes,
)
from dclust_gui.services.feature_matrix import FeatureMatrix
from dclust_gui.services.similar import SimilarService
from dclust_gui.services.snapshot import Snapshot

KINDS = ("cat", "dog", "owl")
N_EACH = 20


@dataclass
class FixedFeatures(SimilarService):
    """Gives these features without an engine."""

    features: FeatureMatrix

    def matrix(self, snapshot: Snapshot, token: CancelToken | None = None) -> FeatureMatrix:
        return self.features


def image(path: str, status: ImageStatus = ImageStatus.OK) -> ImageRecord:
    return ImageRecord(0, path.encode(), FileStamp(1, 1), b"x", ImageFacts(status))


def snapshot_with(labels: list[int]) -> Snapshot:
    images = tuple(image(f"{kind}/{i}.png") for kind in KINDS for i in range(N_EACH))
    table = {1: Cluster(1, "Cats", 4), 2: Cluster(2), 3: Cluster(3), 4: Cluster(4, "Empty")}
    n = len(images)
    clustering = Clustering(np.array(labels, np.int32), np.zeros(n, np.uint8), table, 5)
    report = '{"internal": {"space": "features", "silhouette": 0.5, "mse": null}}'
    nothing = np.empty(0, np.int32)
    run = Run(
        1, "", RunSettings(), "f", nothing, nothing, np.empty(0, np.float32),
        np.empty((0, 4)), report,
    )  # fmt: skip
    return Snapshot(images, (Path("photos"),), clustering, run, np.ones(n, np.float32))


@pytest.fixture
def service() -> SimilarService:
    """Three far groups of images in the order of `snapshot_with`."""
    rng = np.random.default_rng(0)
    centres = np.eye(3, 8)[np.repeat(np.arange(3), N_EACH)] * 10
    rows = (centres + rng.normal(size=(3 * N_EACH, 8))).astype(np.float16)
    ids = np.arange(len(rows), dtype=np.int32)
    return FixedFeatures(FeatureMatrix.build(rows, ids, len(rows)))


def report_of(service: SimilarService, labels: list[int], *, folders: bool = True) -> QualityReport:
    token = CancelToken()
    return quality_report(service, snapshot_with(labels), with_folders=folders, token=token)


def test_good_clusters_have_long_bars_and_agree_with_their_folders(service: SimilarService) -> None:
    report = report_of(service, [1] * 20 + [2] * 20 + [3] * 20)
    assert [(bar.title, bar.colour, bar.size) for bar in report.bars] == [
        ("Cats", 4, 20),
        ("Cluster 02", 0, 20),
        ("Cluster 03", 0, 20),
    ]
    assert all(bar.silhouette > 0.5 for bar in report.bars)
    assert report.silhouette == pytest.approx(np.mean([bar.silhouette for bar in report.bars]))
    assert report.run == {"silhouette": 0.5}
    assert report.run_space == "features"
    assert report.agreement is not None
    assert report.agreement.accuracy == report.agreement.nmi == report.agreement.ari == 1
    assert report.agreement.counts.tolist() == np.diag([20, 20, 20]).tolist()


def test_columns_follow_the_matching_and_unassigned_comes_last(service: SimilarService) -> None:
    labels = [3] * 20 + [1] * 18 + [UNASSIGNED] * 2 + [2] * 20
    agreement = report_of(service, labels).agreement
    assert agreement is not None
    assert agreement.classes == KINDS
    assert agreement.titles == ("Cluster 03", "Cats", "Cluster 02", "Unassigned")
    assert agreement.counts.tolist() == [[20, 0, 0, 0], [0, 18, 0, 2], [0, 0, 20, 0]]
    assert agreement.accuracy == pytest.approx(58 / 60)


def test_one_cluster_has_no_silhouette_and_none_no_bars(service: SimilarService) -> None:
    report = report_of(service, [1] * 60)
    assert [bar.size for bar in report.bars] == [60]
    assert math.isnan(report.silhouette)
    empty = report_of(service, [UNASSIGNED] * 60)
    assert empty.bars == ()
    assert empty.agreement is None
    assert empty.has_folders


def test_folders_are_compared_only_when_asked(service: SimilarService) -> None:
    assert report_of(service, [1] * 30 + [2] * 30, folders=False).agreement is None


def test_class_is_the_first_folder_of_readable_images() -> None:
    images = (
        image("a/b/1.png"),
        image("2.png"),
        image("c/3.png", ImageStatus.UNREADABLE),
        image("d/4.png"),
    )
    assert folder_classes(images) == ["a", "", "", "d"]


@pytest.mark.parametrize(
    ("report", "notes"),
    [
        ("{}", ()),
        ('{"trust": 3}', ()),
        ('{"trust": {"notes": "x"}}', ()),
        ('{"trust": {"copies": 0.6, "notes": ["Many copies.", "Little structure."]}}', None),
    ],
)
def test_doubts_are_read_from_the_runs_report(report: str, notes: tuple[str, ...] | None) -> None:
    wanted = ("Many copies.", "Little structure.") if notes is None else notes
    assert trust_notes(report) == wanted
