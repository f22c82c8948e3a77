"""The Inbox: new files are sorted by a student of the present clusters, which is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.clustering import UNASSIGNED, ImageFlag
from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import ClusteringError
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.classifying import Doubt
from dclust_gui.services.distilling import DistilJob, Lesson
from dclust_gui.services.inbox import InboxFinding, InboxJob, StudentShelf, arrivals
from dclust_gui.services.opening import create_project
from dclust_gui.services.reviewing import ReviewJob, ReviewKind
from dclust_gui.services.runs import add_images, run_in_project
from dclust_gui.services.snapshot import snapshot_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.workspace import Workspace
    from tests.conftest import MakeImages

EACH = 10
QUICK = Lesson("linear", 0.8, folds=2)


@pytest.fixture
def session(
    tmp_path: Path, make_images: MakeImages, workspace: Workspace
) -> Iterator[ProjectSession]:
    """Three classes in three clusters, and two new images of each that came later."""
    photos = tmp_path / "photos"
    make_images(photos, 3, EACH)
    opened = create_project(tmp_path / "p.dclust", [photos])
    request = RunRequest((photos,), RunSettings(k=3))
    run_in_project(opened, workspace.engine, request, ignore_events, CancelToken())
    make_images(photos, 3, EACH + 2)
    add_images(opened, workspace.engine, request, ignore_events, CancelToken())
    yield opened
    opened.close()


def sort(
    session: ProjectSession, workspace: Workspace, shelf: StudentShelf | None = None
) -> InboxFinding:
    job = InboxJob(workspace.engine, snapshot_of(session), shelf or StudentShelf(), QUICK)
    found = job.run(ignore_events, CancelToken())
    assert found is not None
    return found


def test_new_images_are_sorted_and_nothing_changes_before_it_is_accepted(
    session: ProjectSession, workspace: Workspace
) -> None:
    before = session.clustering
    new = arrivals(snapshot_of(session))
    assert len(new) == 6
    found = sort(session, workspace)
    assert session.clustering is before
    assert sorted(found.images.tolist()) == new.tolist()
    assert len(found.doubts) == len(found.unsure)
    assert len(found.proposal.images) >= 3
    assert (found.proposal.margin >= found.threshold).all()
    edit = found.edit(session.clustering)
    assert edit.title.startswith(f"sort {len(found.proposal.images)} new images into")
    assert session.apply(edit)
    state = session.clustering
    for image in found.proposal.images.tolist():
        folder = session.images[image].relative.split(b"/")[0]
        same = [i for i in range(30) if session.images[i].relative.startswith(folder + b"/")]
        assert state.labels[image] == np.bincount(state.labels[same]).argmax()
    assert not (state.flags[found.proposal.images] & ImageFlag.HAND_PLACED).any()
    session.undo()
    assert (session.clustering.labels[new] == UNASSIGNED).all()


def test_a_part_is_accepted(session: ProjectSession, workspace: Workspace) -> None:
    found = sort(session, workspace)
    out = found.proposal.images[0]
    edit = found.edit(session.clustering, without=[int(out)])
    assert out not in edit.images
    assert len(edit.images) == len(found.proposal.images) - 1


def test_images_decided_on_are_no_arrivals(session: ProjectSession, workspace: Workspace) -> None:
    found = sort(session, workspace)
    image = int(found.proposal.images[0])
    session.move([image], 1)
    session.move([image], UNASSIGNED)  # taken out by hand: it stays Unassigned
    assert image not in arrivals(snapshot_of(session))
    assert not found.still_sure(session.clustering)[0]
    assert image not in found.edit(session.clustering).images


def test_the_student_is_kept_until_the_clusters_change(
    session: ProjectSession, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught: list[int] = []
    original = DistilJob.run

    def counted(self: object, *arguments: object) -> object:
        taught.append(1)
        return original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(DistilJob, "run", counted)
    shelf = StudentShelf()
    sort(session, workspace, shelf)
    session.rename(1, "name")  # teaches nothing new
    sort(session, workspace, shelf)
    assert len(taught) == 1
    session.move([0], int(session.clustering.labels[29]))
    sort(session, workspace, shelf)
    assert len(taught) == 2


def test_the_review_leaves_to_the_inbox_what_waits_there(
    session: ProjectSession, workspace: Workspace
) -> None:
    def asked(without: frozenset[int]) -> set[int]:
        job = ReviewJob(workspace.engine, workspace.stores.arrays, snapshot_of(session), without)
        items = job.run(ignore_events, CancelToken())
        return {int(i.images[0]) for i in items if i.kind is ReviewKind.ARRIVAL}

    every = asked(frozenset())
    assert every
    assert asked(frozenset(every)) == set()


def test_without_new_images_or_a_run_there_is_nothing(
    tmp_path: Path, photos: Path, workspace: Workspace
) -> None:
    opened = create_project(tmp_path / "q.dclust", [photos])
    job = InboxJob(workspace.engine, snapshot_of(opened), StudentShelf())
    assert job.run(ignore_events, CancelToken()) is None
    request = RunRequest((photos,), RunSettings(k=3))
    run_in_project(opened, workspace.engine, request, ignore_events, CancelToken())
    job = InboxJob(workspace.engine, snapshot_of(opened), StudentShelf())
    assert job.run(ignore_events, CancelToken()) is None
    opened.close()


def test_one_cluster_cannot_teach_and_a_cancelled_job_stops(
    session: ProjectSession, workspace: Workspace
) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        InboxJob(workspace.engine, snapshot_of(session), StudentShelf(), QUICK).run(
            ignore_events, token
        )
    session.merge([1, 2, 3], 1)
    with pytest.raises(ClusteringError, match="two classes"):
        sort(session, workspace)


def test_strangers_stay_unassigned_with_a_reason(
    tmp_path: Path, session: ProjectSession, workspace: Workspace, make_images: MakeImages
) -> None:
    make_images(tmp_path / "photos", 4, 3)  # a fourth class
    request = RunRequest((tmp_path / "photos",), RunSettings(k=3))
    add_images(session, workspace.engine, request, ignore_events, CancelToken())
    found = sort(session, workspace)
    fourth = [i for i, r in enumerate(session.images) if r.relative.startswith(b"class 3")]
    assert set(fourth) <= set(found.unsure.tolist())
    assert Doubt.UNLIKE in found.doubts
