"""Re-clustering by a classifier taught by the present clusters, the tree, k-means or a linkage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.algorithms.student import selftraining
from dclust_gui.algorithms.student.selftraining import SelfTrained, self_train
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services import teaching
from dclust_gui.services.opening import create_project
from dclust_gui.services.reclustering import ReclusterJob, accept
from dclust_gui.services.reclustering_ways import Way
from dclust_gui.services.runs import run_in_project
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.services.teaching import Teacher, left_out_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.proposals import Proposal
    from dclust_gui.services.reclustering_ways import Question
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.workspace import Workspace
    from tests.conftest import MakeImages

EACH = 16


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


def propose(
    session: ProjectSession, workspace: Workspace, teacher: Teacher = Teacher.PRESENT
) -> Proposal:
    job = ReclusterJob(
        workspace.engine,
        workspace.stores.arrays,
        snapshot_of(session),
        Way.STUDENT,
        teacher=teacher,
    )
    return job.run(ignore_events, CancelToken())


@pytest.mark.parametrize("teacher", list(Teacher))
def test_a_clean_clustering_is_left_as_it_is(
    session: ProjectSession, workspace: Workspace, teacher: Teacher
) -> None:
    proposal = propose(session, workspace, teacher)
    assert len(proposal.images) == 0
    assert proposal.way == Way.STUDENT.words
    assert teacher.words in proposal.note
    assert "On images it had not seen it agrees" in proposal.note


def test_strays_are_put_right_and_decisions_stay(
    session: ProjectSession, workspace: Workspace
) -> None:
    state = session.clustering
    first, other = int(state.labels[0]), int(state.labels[EACH])
    from dclust_gui.domain.edits import EditKind, replace_all

    labels = state.labels.copy()
    labels[[0, 1]] = other
    session.apply(
        replace_all(state, EditKind.RECLUSTER, "stray", labels, dict(state.clusters), state.run_id)
    )
    session.move([2], other)
    proposal = propose(session, workspace, Teacher.TREE)
    assert set(proposal.images.tolist()) <= {0, 1}
    assert 2 not in proposal.images
    accept(session, proposal)
    moved = session.clustering.labels[proposal.images]
    assert (moved == first).all()
    assert session.clustering.labels[2] == other


def test_too_small_clusters_are_named(session: ProjectSession, workspace: Workspace) -> None:
    session.new_cluster([0], "single")
    proposal = propose(session, workspace)
    assert "1 cluster has too few images to be taught: 'single'." in proposal.note
    assert 0 not in proposal.images
    assert left_out_words(["a", "b", "c", "d"])[0].endswith("'a', 'b', 'c', ….")
    assert left_out_words([]) == []


def test_images_that_nobody_knows_stay_where_they_are(
    session: ProjectSession, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [0, EACH, 2 * EACH]

    def half_silent(question: Question, _teacher: Teacher) -> NDArray[np.int32]:
        labels = question.rows.labels.copy()
        labels[silent] = -1
        return labels

    def unsure(*args: object, **options: object) -> SelfTrained:
        found = self_train(*args, **options)  # type: ignore[arg-type]
        return replace(found, labels=half_silent(asked[0], Teacher.KMEANS))

    asked: list[Question] = []

    def remembered(question: Question, teacher: Teacher) -> NDArray[np.int32]:
        asked.append(question)
        return half_silent(question, teacher)

    monkeypatch.setattr(teaching, "teacher_labels", remembered)
    monkeypatch.setattr(selftraining, "self_train", unsure)
    proposal = propose(session, workspace, Teacher.KMEANS)
    assert len(proposal.images) == 0


def test_same_project_same_proposal(session: ProjectSession, workspace: Workspace) -> None:
    session.move(range(3), int(session.clustering.labels[EACH]))
    first, second = (propose(session, workspace) for _ in "ab")
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.margin, second.margin)
