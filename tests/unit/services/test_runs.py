"""Runs over folders and into projects, the jobs of the window, and how images are followed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.images import ImageStatus
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services import jobs
from dclust_gui.services.collection import image_ids, merge_ingest, merge_scan
from dclust_gui.services.opening import create_project
from dclust_gui.services.runs import add_images, run_in_project, run_on_folders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.workspace import Workspace

SETTINGS = RunSettings(k=3)


@pytest.fixture
def session(tmp_path: Path, photos: Path) -> Iterator[ProjectSession]:
    """A new project over the images."""
    opened = create_project(tmp_path / "p.dclust", [photos, photos])
    yield opened
    opened.close()


def run_again(session: ProjectSession, workspace: Workspace) -> None:
    """Cluster a project."""
    request = RunRequest(session.roots, SETTINGS)
    run_in_project(session, workspace.engine, request, ignore_events, CancelToken())


def names(session: ProjectSession) -> dict[bytes, int]:
    """Labels by path of what is there."""
    pairs = zip(session.images, session.clustering.labels.tolist(), strict=True)
    return {record.relative: label for record, label in pairs if not record.is_missing}


def test_folders_and_a_new_project_give_the_same_table(
    workspace: Workspace, session: ProjectSession, photos: Path
) -> None:
    request = RunRequest((photos,), SETTINGS)
    bare = run_on_folders(workspace.engine, request, ignore_events, CancelToken())
    kept = run_in_project(session, workspace.engine, request, ignore_events, CancelToken())
    assert bare.rows() == kept.rows()
    assert bare.roots == (photos,)
    assert {row.status for row in bare.rows()} == {ImageStatus.OK}


def test_run_in_a_project_is_one_step(workspace: Workspace, session: ProjectSession) -> None:
    run_again(session, workspace)
    assert [step.title for step in session.history.steps] == ["cluster 12 images into 3 clusters"]
    assert session.run is not None
    assert session.run.settings.k == 3
    assert '"version"' in session.run.report
    session.undo()
    assert set(session.clustering.labels.tolist()) == {UNASSIGNED}


def test_the_step_of_a_training_names_its_head(
    workspace: Workspace, session: ProjectSession
) -> None:
    run_again(session, workspace)
    assert session.run is not None
    for name, title in (("dec", "DEC"), ("head-of-tomorrow", "head-of-tomorrow")):
        settings = replace(session.run.settings, head=name)
        session.accept_run(replace(session.run, id=0, settings=settings))
        step = session.history.undo_step
        assert step is not None
        assert step.title == f"cluster 12 images into 3 clusters after training {title}"


def test_stopped_run_leaves_the_project_as_it_was(
    workspace: Workspace, session: ProjectSession
) -> None:
    run_again(session, workspace)
    before, token = session.clustering, CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        run_in_project(
            session, workspace.engine, RunRequest(session.roots, SETTINGS), ignore_events, token
        )
    assert session.clustering is before
    assert len(session.store.runs()) == 1


def test_moved_changed_copied_and_vanished_files(
    workspace: Workspace, session: ProjectSession, photos: Path
) -> None:
    run_again(session, workspace)
    before = names(session)
    (photos / "class 0" / "image-00.png").rename(photos / "class 1" / "renamed.png")
    shutil.copy(photos / "class 0" / "image-02.png", photos / "copy.png")
    (photos / "class 2" / "image-01.jpg").unlink()
    shutil.copy(photos / "class 0" / "image-01.jpg", photos / "class 1" / "image-01.jpg")
    heard: list[ChangeSet] = []
    session.subscribe(heard.append)
    add_images(
        session, workspace.engine, RunRequest(session.roots, SETTINGS), ignore_events, CancelToken()
    )
    after = names(session)
    assert after.pop(b"class 1/renamed.png") == before.pop(b"class 0/image-00.png")
    assert after.pop(b"copy.png") == UNASSIGNED
    assert before.pop(b"class 2/image-01.jpg") >= 0
    assert after == before
    assert len(session.images) == 13
    assert len(heard) == 1
    assert all(change.has_new_images for change in heard)
    assert len(session.history.steps) == 1


def test_scan_alone_makes_pending_images_and_keeps_what_is_known(
    workspace: Workspace, session: ProjectSession, photos: Path
) -> None:
    scan = workspace.engine.scan(session.roots)
    merge_scan(session, scan)
    assert {record.facts.status for record in session.images} == {ImageStatus.PENDING}
    request = RunRequest(session.roots, SETTINGS)
    merge_ingest(session, workspace.engine.ingest(scan, request))
    known = session.images
    merge_scan(session, workspace.engine.scan(session.roots))
    assert session.images == known
    shutil.rmtree(photos / "class 2")
    merge_scan(session, workspace.engine.scan(session.roots))
    assert sum(record.is_missing for record in session.images) == 4
    assert all(record.content for record in session.images)


def test_merge_written_on_another_thread_is_taken_over_in_one_step(
    workspace: Workspace, session: ProjectSession
) -> None:
    engine, token = workspace.engine, CancelToken()
    scan = engine.scan(session.roots)
    merge = jobs.MergeJob(session.store, session.images, scan).run(ignore_events, token)
    assert session.images == ()
    assert merge.unit_ids.tolist() == list(range(12))
    heard: list[ChangeSet] = []
    session.subscribe(heard.append)
    session.take_images(merge.images)
    assert session.images is merge.images
    assert session.clustering.n_images == 12
    assert [change.has_new_images for change in heard] == [True]
    again = jobs.MergeJob(session.store, session.images, scan).run(ignore_events, token)
    assert again.rows == ()
    assert again.images is session.images


def test_stored_run_is_accepted_without_storing_it_twice(
    workspace: Workspace, session: ProjectSession
) -> None:
    engine, token = workspace.engine, CancelToken()
    request = RunRequest(session.roots, SETTINGS)
    scan = engine.scan(session.roots)
    ingest = engine.ingest(scan, request)
    merge_ingest(session, ingest)
    ids = image_ids(session, scan)
    run = jobs.ClusterJob(engine, ingest, request, ids, session.store).run(ignore_events, token)
    assert run.id == 1
    assert session.accept_run(run) == 1
    assert len(session.store.runs()) == 1
    assert session.run is not None
    assert session.run.labels.tolist() == session.store.run(1).labels.tolist()


def test_images_of_a_scan_are_found_in_the_project(
    workspace: Workspace, session: ProjectSession, photos: Path
) -> None:
    scan = workspace.engine.scan(session.roots)
    assert image_ids(session, scan).tolist() == [-1] * 12
    merge_scan(session, scan)
    assert image_ids(session, scan).tolist() == list(range(12))


def test_roots_inside_each_other_are_scanned_once(
    workspace: Workspace, photos: Path, tmp_path: Path
) -> None:
    session = create_project(tmp_path / "nested.dclust", [photos / "class 1", photos])
    run_again(session, workspace)
    assert len(session.images) == 12
    assert sorted({record.root for record in session.images}) == [0, 1]
    session.close()


def test_jobs_do_what_the_command_line_does(workspace: Workspace, session: ProjectSession) -> None:
    engine, token = workspace.engine, CancelToken()
    request = RunRequest(session.roots, SETTINGS)
    scan = jobs.ScanJob(engine, session.roots).run(ignore_events, token)
    ingest = jobs.IngestJob(engine, scan, request).run(ignore_events, token)
    merge_ingest(session, ingest)
    ids = image_ids(session, scan)
    ids[0] = -1
    found = jobs.ClusterJob(engine, ingest, request, ids).run(ignore_events, token)
    assert isinstance(found, Run)
    assert found.images.tolist() == list(range(1, 12))
    session.accept_run(found)
    assert session.clustering.labels[0] == UNASSIGNED
    assert np.isnan(session.confidence()[0])
