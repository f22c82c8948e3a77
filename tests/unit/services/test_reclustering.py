"""Re-cluster the rest: decided images stay and steer, nothing changes before it is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain import image_edits
from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.opening import create_project
from dclust_gui.services.reclustering import ReclusterJob, accept, propose
from dclust_gui.services.reclustering_ways import Way
from dclust_gui.services.runs import run_in_project
from dclust_gui.services.snapshot import snapshot_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.domain.proposals import Proposal
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.workspace import Workspace
    from tests.conftest import MakeImages

EACH = 12


@pytest.fixture
def session(
    tmp_path: Path, make_images: MakeImages, workspace: Workspace
) -> Iterator[ProjectSession]:
    """Three classes of twelve images that a run put into two clusters."""
    photos = tmp_path / "photos"
    make_images(photos, 3, EACH)
    opened = create_project(tmp_path / "p.dclust", [photos])
    request = RunRequest((photos,), RunSettings(k=2))
    run_in_project(opened, workspace.engine, request, ignore_events, CancelToken())
    yield opened
    opened.close()


def members_of(session: ProjectSession, number: int) -> list[int]:
    """The images of a class."""
    wanted = f"class {number}/".encode()
    return [i for i, r in enumerate(session.images) if r.relative.startswith(wanted)]


def group_of(session: ProjectSession, number: int) -> list[int]:
    """All images of the cluster that the first image of a class is in."""
    labels = session.clustering.labels
    cluster = int(labels[members_of(session, number)[0]])
    return [int(image) for image in session.clustering.members(cluster)]


def decide(session: ProjectSession) -> int:
    """Three images of a class that shares a cluster get one of their own, others are approved."""
    labels = session.clustering.labels
    shared = next(
        number
        for number in range(3)
        for other in range(3)
        if other != number
        and labels[members_of(session, number)[0]] == labels[members_of(session, other)[0]]
    )
    made = session.new_cluster(members_of(session, shared)[:3], "mine")
    others = [i for n in range(3) if n != shared for i in members_of(session, n)[:3]]
    session.apply(image_edits.approve(session.clustering, others))
    return made


def propose_in(session: ProjectSession, workspace: Workspace, way: Way = Way.SPREADING) -> Proposal:
    return propose(
        workspace.engine, workspace.stores.arrays, snapshot_of(session), CancelToken(), way
    )


@pytest.mark.parametrize("way", [w for w in Way if w not in (Way.ANEW, Way.STUDENT)])
def test_the_rest_follows_the_decisions(
    session: ProjectSession, workspace: Workspace, way: Way
) -> None:
    made = decide(session)
    before = session.clustering
    proposal = propose_in(session, workspace, way)
    assert session.clustering is before  # nothing has changed yet
    assert proposal.n_decided == 9
    assert proposal.way == way.words
    assert accept(session, proposal) == len(proposal.images)
    assert len(session.clustering.members(made)) == EACH
    groups = {tuple(session.clustering.labels[members_of(session, n)]) for n in range(3)}
    assert all(len(set(group)) == 1 for group in groups)
    session.undo()
    np.testing.assert_array_equal(session.clustering.labels, before.labels)


def test_the_same_method_again_keeps_decided_images(
    session: ProjectSession, workspace: Workspace
) -> None:
    made = decide(session)
    proposal = propose_in(session, workspace, Way.ANEW)
    accept(session, proposal)
    assert len(session.clustering.members(made)) >= 3


def test_only_chosen_clusters_are_accepted(session: ProjectSession, workspace: Workspace) -> None:
    made = decide(session)
    proposal = propose_in(session, workspace)
    assert accept(session, proposal, ()) == 0
    assert accept(session, proposal, (made,)) > 0
    assert len(session.clustering.members(made)) == EACH


def test_unassigned_images_are_placed_only_if_asked_for(
    session: ProjectSession, workspace: Workspace
) -> None:
    decide(session)
    free = members_of(session, 0)[5:7]
    labels = session.clustering.labels.copy()
    labels[free] = UNASSIGNED
    from dclust_gui.domain.edits import EditKind, replace_all

    state = session.clustering
    session.apply(
        replace_all(state, EditKind.CUT, "noise", labels, dict(state.clusters), state.run_id)
    )
    arrays, snapshot = workspace.stores.arrays, snapshot_of(session)
    left = ReclusterJob(workspace.engine, arrays, snapshot).run(ignore_events, CancelToken())
    assert not np.isin(free, left.images).any()
    job = ReclusterJob(workspace.engine, arrays, snapshot, place_unassigned=True)
    placed = job.run(ignore_events, CancelToken())
    assert np.isin(free, placed.images).all()


def test_new_arrivals_find_their_cluster(
    session: ProjectSession, workspace: Workspace, make_images: MakeImages
) -> None:
    made = decide(session)
    accept(session, propose_in(session, workspace))
    known = len(session.images)
    make_images(session.roots[0], 3, EACH + 2)
    run = session.run
    request = RunRequest(session.roots, RunSettings(k=2))
    engine = workspace.engine
    scan = engine.scan(session.roots, ignore_events, CancelToken())
    ingest = engine.ingest(scan, request, ignore_events, CancelToken())
    from dclust_gui.services.collection import plan_merge

    merge = plan_merge(session.images, session.roots, scan, ingest)
    session.store.write_images(merge.rows)
    session.take_images(merge.images)
    assert session.run is run
    assert len(session.images) == known + 6
    proposal = propose_in(session, workspace)
    arrivals = np.arange(known, known + 6)
    assert np.isin(arrivals, proposal.images).all()
    accept(session, proposal)
    assert len(session.clustering.members(made)) == EACH + 2


def test_corrections_without_approvals_are_remarked(
    session: ProjectSession, workspace: Workspace
) -> None:
    session.new_cluster(members_of(session, 0)[:3])
    assert "none approved" in propose_in(session, workspace).note


def test_corrections_alone_empty_no_cluster(session: ProjectSession, workspace: Workspace) -> None:
    alone = next(n for n in range(3) if len(group_of(session, n)) == EACH)
    sure = members_of(session, alone)
    (target,) = set(session.clustering.clusters) - {int(session.clustering.labels[sure[0]])}
    session.move(sure[:2], target)
    before = session.clustering.counts()
    proposal = propose_in(session, workspace)
    accept(session, proposal)
    after = session.clustering.counts()
    assert all(after[key] >= before[key] // 2 for key in session.clustering.clusters)
    unmoved = [i for i in sure[2:] if session.clustering.labels[i] != target]
    assert len(unmoved) >= EACH // 2


def test_without_decisions_it_says_what_to_do(
    session: ProjectSession, workspace: Workspace
) -> None:
    with pytest.raises(InputError, match="nothing that could steer") as caught:
        propose_in(session, workspace)
    assert "approve" in caught.value.hint


def test_without_a_run_it_says_so(tmp_path: Path, photos: Path, workspace: Workspace) -> None:
    opened = create_project(tmp_path / "q.dclust", [photos])
    with pytest.raises(InputError, match="nothing to re-cluster"):
        propose_in(opened, workspace)
    opened.close()


def test_one_cluster_cannot_be_re_clustered(session: ProjectSession, workspace: Workspace) -> None:
    first, second = session.clustering.clusters
    session.merge([second], first)
    with pytest.raises(InputError, match="nothing to re-cluster"):
        propose_in(session, workspace)


def test_it_can_be_cancelled(session: ProjectSession, workspace: Workspace) -> None:
    decide(session)
    token = CancelToken()
    token.cancel()
    job = ReclusterJob(workspace.engine, workspace.stores.arrays, snapshot_of(session))
    with pytest.raises(Cancelled):
        job.run(ignore_events, token)
