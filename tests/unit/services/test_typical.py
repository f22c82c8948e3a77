"""Typical images: in the report, kept with the run, counted where they are now."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.engine.requests import HeadFacts, RunRequest
from dclust_gui.services.report import report_values
from dclust_gui.services.typical import run_prototypes, typical_images

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.services.workspace import Workspace


def run_with(report: str) -> Run:
    """A run over images 3, 4, 5, 6."""
    images, labels = np.arange(3, 7, dtype=np.int32), np.array([0, 0, 1, 1], np.int32)
    sure, tree = np.ones(4, np.float32), np.zeros((3, 4))
    return Run(1, "", RunSettings(), "x", images, labels, sure, tree, report)


def test_prototypes_are_image_ids_of_the_runs_rows() -> None:
    parts = [{"cluster": 0, "rows": [1, 0]}, {"cluster": 1, "rows": [3]}]
    run = run_with(json.dumps({"head": {"prototypes": parts}}))
    assert run_prototypes(run) == (4, 3, 6)


@pytest.mark.parametrize(
    "report",
    [
        "{}",
        '{"head": {}}',
        '{"head": null}',
        '{"head": {"prototypes": 3}}',
        '{"head": {"prototypes": [{"rows": [-1, 99, "a"]}]}}',
    ],
)
def test_runs_without_prototypes_have_none(report: str) -> None:
    assert run_prototypes(run_with(report)) == ()
    assert run_prototypes(None) == ()


def test_moved_images_are_typical_of_where_they_are() -> None:
    labels = np.array([1, 1, 1, 1, 2, 2, UNASSIGNED], np.int32)
    clustering = Clustering(labels, np.zeros(7, np.uint8), {1: Cluster(1), 2: Cluster(2)}, 3)
    prototypes = (4, 3, 6, 99)
    assert typical_images(prototypes, clustering, 2) == (4,)
    assert typical_images(prototypes, clustering, 1) == (3,)
    assert typical_images(prototypes, clustering, UNASSIGNED) == ()


def test_the_report_lists_rows_and_files_of_each_cluster(
    workspace: Workspace, photos: Path
) -> None:
    request = RunRequest((photos,), RunSettings(k=3))
    result = workspace.engine.run(request, ignore_events, CancelToken())
    assert "head" not in report_values(result)
    labels = result.clusters.labels
    rows = tuple(int(np.flatnonzero(labels == cluster)[0]) for cluster in (2, 0, 1))
    nan = float("nan")
    facts = HeadFacts(
        name="clustergan",
        n_clusters=3,
        losses={},
        steps=10,
        note="",
        collapsed=False,
        stopped_early=False,
        start_agreement=1.0,
        start_nmi=1.0,
        quality_start=nan,
        quality_end=nan,
        seconds=0.1,
        prototypes=rows,
    )
    result = replace(result, clusters=replace(result.clusters, head=facts))
    head = json.loads(json.dumps(report_values(result)))["head"]
    assert [part["cluster"] for part in head["prototypes"]] == [0, 1, 2]
    assert [part["rows"] for part in head["prototypes"]] == [[rows[1]], [rows[2]], [rows[0]]]
    for part in head["prototypes"]:
        assert all((photos / name).is_file() for name in part["images"])
