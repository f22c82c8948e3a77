"""The review queue: what it asks, what answers do, going back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.clustering import UNASSIGNED, ImageFlag
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.edits import EditKind, replace_all
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services import marks
from dclust_gui.services.opening import create_project
from dclust_gui.services.reviewing import (
    Choice,
    ReviewItem,
    ReviewJob,
    ReviewKind,
    ReviewSession,
)
from dclust_gui.services.runs import run_in_project
from dclust_gui.services.snapshot import snapshot_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.workspace import Workspace
    from tests.conftest import MakeImages

EACH = 12


@pytest.fixture
def session(
    tmp_path: Path, make_images: MakeImages, workspace: Workspace
) -> Iterator[ProjectSession]:
    """Three classes of twelve images in three clusters."""
    photos = tmp_path / "photos"
    make_images(photos, 3, EACH)
    opened = create_project(tmp_path / "p.dclust", [photos])
    request = RunRequest((photos,), RunSettings(k=3))
    run_in_project(opened, workspace.engine, request, ignore_events, CancelToken())
    yield opened
    opened.close()


def relabel(session: ProjectSession, images: list[int], cluster: int) -> None:
    """Other labels that nobody decided on."""
    state = session.clustering
    labels = state.labels.copy()
    labels[images] = cluster
    table = dict(state.clusters)
    session.apply(replace_all(state, EditKind.CUT, "test", labels, table, state.run_id))


def questions(session: ProjectSession, workspace: Workspace) -> tuple[ReviewItem, ...]:
    job = ReviewJob(workspace.engine, workspace.stores.arrays, snapshot_of(session))
    return job.run(ignore_events, CancelToken())


def test_a_misplaced_image_is_asked_about(session: ProjectSession, workspace: Workspace) -> None:
    right, wrong = int(session.clustering.labels[0]), int(session.clustering.labels[-1])
    relabel(session, [0], wrong)
    item = next(i for i in questions(session, workspace) if i.kind is ReviewKind.DOUBTFUL)
    assert (item.images.tolist(), item.cluster, item.suggestion) == ([0], wrong, right)
    assert session.clustering.clusters[right].title in item.question(session.clustering)


def test_the_suggestion_moves_it_and_back_takes_that_back(
    session: ProjectSession, workspace: Workspace
) -> None:
    right, wrong = int(session.clustering.labels[0]), int(session.clustering.labels[-1])
    relabel(session, [0], wrong)
    times = iter([0.0, 2.0, 4.0, 6.0])
    asked = tuple(i for i in questions(session, workspace) if i.images.tolist() == [0])
    walk = ReviewSession(session, asked, clock=lambda: next(times))
    assert walk.n_left == 1
    walk.answer(Choice.SUGGESTION)
    assert session.clustering.labels[0] == right
    assert (walk.current, walk.n_decided, walk.per_minute) == (None, 1, 30.0)
    assert walk.back()
    assert session.clustering.labels[0] == wrong
    assert walk.current is asked[0]
    assert not walk.back()


def test_keeping_approves_and_skipping_does_nothing(
    session: ProjectSession, workspace: Workspace
) -> None:
    wrong = int(session.clustering.labels[-1])
    relabel(session, [0], wrong)
    asked = tuple(i for i in questions(session, workspace) if i.images.tolist() == [0])
    walk = ReviewSession(session, asked)
    steps = session.history.position
    walk.answer(Choice.SKIP)
    assert session.history.position == steps
    walk.back()
    walk.answer(Choice.KEEP)
    assert session.clustering.flags[0] == ImageFlag.APPROVED
    assert not questions(session, workspace) or all(
        i.images.tolist() != [0] for i in questions(session, workspace)
    )


def test_back_leaves_other_steps_alone(session: ProjectSession, workspace: Workspace) -> None:
    wrong = int(session.clustering.labels[-1])
    relabel(session, [0], wrong)
    asked = tuple(i for i in questions(session, workspace) if i.images.tolist() == [0])
    walk = ReviewSession(session, asked)
    walk.answer(Choice.SUGGESTION)
    session.rename(wrong, "later")
    with pytest.raises(InputError, match="1 other step followed it"):
        walk.back()
    assert (session.clustering.clusters[wrong].name, walk.n_decided) == ("later", 1)
    session.undo()
    walk.refresh()
    assert walk.back()
    assert session.clustering.labels[0] == wrong
    assert walk.current is asked[0]


def test_pauses_do_not_count_as_thought(session: ProjectSession, workspace: Workspace) -> None:
    wrong = int(session.clustering.labels[-1])
    relabel(session, [0, 1], wrong)
    asked = tuple(i for i in questions(session, workspace) if i.kind is ReviewKind.DOUBTFUL)
    times = iter([0.0, 3600.0, 3602.0])
    walk = ReviewSession(session, asked, clock=lambda: next(times))
    assert walk.answer(Choice.KEEP)
    assert walk.per_minute == 0.0
    assert walk.answer(Choice.KEEP)
    assert walk.per_minute == 30.0
    assert not walk.answer(Choice.KEEP)


def test_an_answer_to_a_stale_question_does_nothing(
    session: ProjectSession, workspace: Workspace
) -> None:
    wrong = int(session.clustering.labels[-1])
    relabel(session, [0], wrong)
    asked = tuple(i for i in questions(session, workspace) if i.images.tolist() == [0])
    walk = ReviewSession(session, asked)
    session.move([0], UNASSIGNED)
    steps = session.history.position
    assert not walk.answer(Choice.SUGGESTION)
    assert session.history.position == steps
    assert (walk.current, walk.n_dropped, walk.n_decided) == (None, 1, 0)


def test_questions_about_clusters_with_other_images_are_dropped(
    session: ProjectSession, workspace: Workspace
) -> None:
    first, last = int(session.clustering.labels[0]), int(session.clustering.labels[-1])
    half = np.flatnonzero(session.clustering.labels == first)[::2].tolist()
    made = session.new_cluster()
    relabel(session, half, made)
    merge = questions(session, workspace)[0]
    assert merge.kind is ReviewKind.MERGE
    assert merge.still_holds(session.clustering)
    third = np.flatnonzero(session.clustering.labels == last).tolist()
    relabel(session, third, made)
    assert made in session.clustering.clusters
    assert not merge.still_holds(session.clustering)
    session.undo()
    assert merge.still_holds(session.clustering)
    row = session.clustering.clusters[made]
    session.apply(marks.set_mark(session.clustering, [row], marks.Mark.IGNORED, wanted=True))
    assert not merge.still_holds(session.clustering)


def test_a_pinned_cluster_is_not_split(session: ProjectSession, workspace: Workspace) -> None:
    first, last = int(session.clustering.labels[0]), int(session.clustering.labels[-1])
    relabel(session, np.flatnonzero(session.clustering.labels == last).tolist(), first)
    item = next(i for i in questions(session, workspace) if i.kind is ReviewKind.SPLIT)
    assert item.still_holds(session.clustering)
    row = session.clustering.clusters[first]
    session.apply(marks.set_mark(session.clustering, [row], marks.Mark.PINNED, wanted=True))
    assert not item.still_holds(session.clustering)


def test_halves_of_a_class_are_to_be_merged(session: ProjectSession, workspace: Workspace) -> None:
    half = np.flatnonzero(session.clustering.labels == session.clustering.labels[0])[::2].tolist()
    made = session.new_cluster()
    relabel(session, half, made)
    item = questions(session, workspace)[0]
    assert item.kind is ReviewKind.MERGE
    n = len(session.clustering.clusters)
    walk = ReviewSession(session, (item,))
    walk.answer(Choice.SUGGESTION)
    assert len(session.clustering.clusters) == n - 1
    assert not item.still_holds(session.clustering)


def test_two_classes_in_one_cluster_are_to_be_split(
    session: ProjectSession, workspace: Workspace
) -> None:
    first, last = int(session.clustering.labels[0]), int(session.clustering.labels[-1])
    relabel(session, np.flatnonzero(session.clustering.labels == last).tolist(), first)
    item = next(i for i in questions(session, workspace) if i.kind is ReviewKind.SPLIT)
    walk = ReviewSession(session, (item,))
    walk.answer(Choice.SUGGESTION)
    labels = session.clustering.labels
    assert labels[0] != labels[-1]
    assert len(set(labels[:EACH].tolist())) == 1


def test_a_question_that_became_pointless_is_passed_over(
    session: ProjectSession, workspace: Workspace
) -> None:
    wrong = int(session.clustering.labels[-1])
    relabel(session, [0, 1], wrong)
    asked = tuple(i for i in questions(session, workspace) if i.kind is ReviewKind.DOUBTFUL)
    assert [i.images.tolist() for i in asked] in ([[0], [1]], [[1], [0]])
    session.move([int(asked[0].images[0])], UNASSIGNED)
    assert ReviewSession(session, asked).current is asked[1]


def test_without_a_run_it_says_so(tmp_path: Path, photos: Path, workspace: Workspace) -> None:
    opened = create_project(tmp_path / "q.dclust", [photos])
    with pytest.raises(InputError, match="nothing to review"):
        questions(opened, workspace)
    opened.close()
