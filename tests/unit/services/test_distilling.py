"""Distilling a project and sorting other folders with what came out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain import image_edits
from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import BackboneError, ClusteringError, InputError
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.classifying import Doubt, classify_folders, request_for
from dclust_gui.services.distilling import DistilJob, Lesson, save_student
from dclust_gui.services.opening import create_project
from dclust_gui.services.runs import run_in_project
from dclust_gui.services.snapshot import snapshot_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.algorithms.student.files import TaughtStudent
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.workspace import Workspace
    from tests.conftest import MakeImages

EACH = 10
QUICK = Lesson("linear", 0.9, folds=2)


@pytest.fixture
def session(
    tmp_path: Path, make_images: MakeImages, workspace: Workspace
) -> Iterator[ProjectSession]:
    """Three classes in three clusters."""
    photos = tmp_path / "photos"
    make_images(photos, 3, EACH)
    opened = create_project(tmp_path / "p.dclust", [photos])
    request = RunRequest((photos,), RunSettings(k=3))
    run_in_project(opened, workspace.engine, request, ignore_events, CancelToken())
    yield opened
    opened.close()


def distil(session: ProjectSession, workspace: Workspace) -> TaughtStudent:
    job = DistilJob(workspace.engine, snapshot_of(session), "p", QUICK)
    return job.run(ignore_events, CancelToken())


def test_it_learns_the_clusters_with_names_and_edits(
    session: ProjectSession, workspace: Workspace
) -> None:
    first = int(session.clustering.labels[0])
    session.rename(first, "red")
    session.apply(image_edits.approve(session.clustering, range(5)))
    session.move([29], UNASSIGNED)
    taught = distil(session, workspace)
    facts = taught.facts
    assert {c.id: c.name for c in facts.clusters}[first] == "red"
    assert (facts.n_images, facts.n_edited) == (29, 5)
    assert session.run is not None
    assert facts.fingerprint == session.run.backbone
    assert taught.student.accuracy_ > 0.9
    assert facts.project == "p"


def test_small_clusters_are_left_out_by_name(session: ProjectSession, workspace: Workspace) -> None:
    session.new_cluster([0, 1], "pair")
    taught = distil(session, workspace)
    assert taught.facts.left_out == ("pair",)
    assert len(taught.facts.clusters) == 3


def test_new_images_are_sorted_from_the_cache_and_strangers_are_not(
    tmp_path: Path,
    session: ProjectSession,
    workspace: Workspace,
    make_images: MakeImages,
    embedded: list[int],
) -> None:
    taught = distil(session, workspace)
    make_images(tmp_path / "new", 4, EACH + 2)  # a fourth class that nobody taught
    request = request_for(taught, (tmp_path / "new",))
    found = classify_folders(workspace.engine, taught, request, ignore_events, CancelToken(), 0.5)
    by_class = [
        [i for i, r in enumerate(found.records) if r.relative.startswith(f"class {n}".encode())]
        for n in range(4)
    ]
    titles = [set(found.clustering.labels[some].tolist()) - {UNASSIGNED} for some in by_class]
    assert [len(some) for some in titles[:3]] == [1, 1, 1]
    assert len(set.union(*titles[:3])) == 3
    assert (found.clustering.labels[by_class[3]] == UNASSIGNED).all()
    assert Doubt.UNLIKE in found.doubts
    assert len(found.rows()) == 4 * (EACH + 2)
    n_read = sum(embedded)
    again = classify_folders(workspace.engine, taught, request, ignore_events, CancelToken(), 1.0)
    assert sum(embedded) == n_read  # features came from the cache
    assert (again.clustering.labels == UNASSIGNED).sum() >= (
        found.clustering.labels == UNASSIGNED
    ).sum()


def test_another_backbone_is_refused(
    tmp_path: Path, session: ProjectSession, workspace: Workspace
) -> None:
    taught = distil(session, workspace)
    other = replace(taught, facts=replace(taught.facts, fingerprint="0" * 32))
    request = request_for(other, (tmp_path / "photos",))
    with pytest.raises(BackboneError, match="another one here"):
        classify_folders(workspace.engine, other, request, ignore_events, CancelToken())
    lacking = replace(taught, facts=replace(taught.facts, backbone="no-such-model"))
    request = request_for(lacking, (tmp_path / "photos",))
    with pytest.raises(BackboneError, match="needs the backbone 'no-such-model'"):
        classify_folders(workspace.engine, lacking, request, ignore_events, CancelToken())


def test_what_cannot_be_done_is_said(
    tmp_path: Path, session: ProjectSession, workspace: Workspace
) -> None:
    taught = distil(session, workspace)
    (tmp_path / "empty").mkdir()
    request = request_for(taught, (tmp_path / "empty",))
    with pytest.raises(InputError, match="nothing to classify"):
        classify_folders(workspace.engine, taught, request, ignore_events, CancelToken())
    with pytest.raises(InputError, match="threshold"):
        classify_folders(workspace.engine, taught, request, ignore_events, CancelToken(), 2.0)
    with pytest.raises(InputError, match=r"ends in \.pt"):
        save_student(workspace.engine, taught, tmp_path / "model.bin")
    bare = replace(snapshot_of(session), run=None)
    with pytest.raises(InputError, match="Cluster first"):
        DistilJob(workspace.engine, bare).run(ignore_events, CancelToken())
    session.move(range(3 * EACH), UNASSIGNED)
    with pytest.raises(InputError, match="All images are Unassigned"):
        distil(session, workspace)


def test_clusters_that_are_too_small_are_counted_in_words(
    session: ProjectSession, workspace: Workspace
) -> None:
    session.move(range(4, 3 * EACH), UNASSIGNED)
    with pytest.raises(ClusteringError, match="there is only 1 class"):
        distil(session, workspace)
    session.move(range(2, 4), UNASSIGNED)
    with pytest.raises(ClusteringError, match="there is none"):
        distil(session, workspace)


def test_it_can_be_cancelled(session: ProjectSession, workspace: Workspace) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        DistilJob(workspace.engine, snapshot_of(session)).run(ignore_events, token)


def test_the_model_survives_its_file(
    tmp_path: Path, session: ProjectSession, workspace: Workspace
) -> None:
    from dclust_gui.algorithms.student.files import read_student

    taught = distil(session, workspace)
    for name in ("m.pt", "m.onnx"):
        assert save_student(workspace.engine, taught, tmp_path / name) == ""
        again = read_student(tmp_path / name)
        assert again.facts == taught.facts
        rows = np.ones((2, again.student.n_features_in_), np.float32)
        np.testing.assert_array_equal(
            again.student.predict_proba(rows), taught.student.predict_proba(rows)
        )
