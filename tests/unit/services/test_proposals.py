"""Splits and second-best clusters on features, and an older run kept: proposed, then decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain import image_edits
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import RunSettings
from dclust_gui.domain.stack_edits import Binding, bind
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.editing.past_runs import (
    compare_runs,
    keep_run,
    last_run_summary,
    run_groups,
)
from dclust_gui.services.editing.proposals import ExampleQuery, PartsQuery, SecondBestQuery
from dclust_gui.services.inspection import InspectionService
from dclust_gui.services.opening import create_project
from dclust_gui.services.runs import run_in_project
from dclust_gui.services.similar import SimilarService
from dclust_gui.services.snapshot import snapshot_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.workspace import Workspace


def cluster(session: ProjectSession, workspace: Workspace, k: int) -> None:
    settings = RunSettings(k=k, algorithm="kmeans", reduce="none")
    request = RunRequest(session.roots, settings, "cpu")
    run_in_project(session, workspace.engine, request, ignore_events, CancelToken())


@pytest.fixture
def session(tmp_path: Path, workspace: Workspace, photos: Path) -> Iterator[ProjectSession]:
    """Twelve images of three classes in three clusters."""
    opened = create_project(tmp_path / "p.dclust", [photos])
    cluster(opened, workspace, 3)
    yield opened
    opened.close()


def test_a_merged_cluster_splits_into_what_it_was(
    session: ProjectSession, workspace: Workspace
) -> None:
    before = session.clustering.labels
    session.merge([2, 3], 1)
    similar = SimilarService(workspace.engine)
    found = PartsQuery(similar, snapshot_of(session), 1, 3).run(CancelToken())
    assert found.sizes() == (4, 4, 4)
    assert session.apply(found.edit(session.clustering))
    after = session.clustering.labels
    pairs = set(zip(before.tolist(), after.tolist(), strict=True))
    assert len(pairs) == len({old for old, _ in pairs}) == 3
    assert session.undo()
    like = ExampleQuery(similar, snapshot_of(session), (4, 6)).run(CancelToken())
    assert sorted(like.chosen(like.suggested)) == [4, 5, 6, 7]
    for wrong in (1, 13):
        with pytest.raises(InputError, match="cannot be split"):
            PartsQuery(similar, snapshot_of(session), 1, wrong).run(CancelToken())
    with pytest.raises(InputError, match="The examples are not all in"):
        ExampleQuery(similar, snapshot_of(session), (4,), -1).run(CancelToken())


def test_a_split_keeps_stacks_whole(session: ProjectSession, workspace: Workspace) -> None:
    session.merge([2, 3], 1)
    session.apply(bind(session.clustering, [Binding((0, 1, 4, 8)), Binding((2, 3, 5, 6, 7))]))
    similar = SimilarService(workspace.engine)
    found = PartsQuery(similar, snapshot_of(session), 1, 3).run(CancelToken())
    for stack in ((0, 1, 4, 8), (2, 3, 5, 6, 7)):
        assert len({int(found.parts[image]) for image in stack}) == 1
    assert found.sizes() == tuple(sorted(found.sizes(), reverse=True))
    assert session.apply(found.edit(session.clustering))
    assert len(session.clustering.members(1)) == found.sizes()[0]
    assert session.undo()
    like = ExampleQuery(similar, snapshot_of(session), (0,)).run(CancelToken())
    assert like.examples == (0, 1, 4, 8)
    scores = dict(zip(like.images.tolist(), like.scores.tolist(), strict=True))
    assert len({scores[image] for image in (2, 3, 5, 6, 7)}) == 1
    session.apply(bind(session.clustering, [Binding(tuple(range(12)))]))
    with pytest.raises(InputError, match="a stack stays together"):
        PartsQuery(similar, snapshot_of(session), 1, 2).run(CancelToken())


def test_a_stray_goes_to_its_second_best(session: ProjectSession, workspace: Workspace) -> None:
    own, other = int(session.clustering.labels[0]), int(session.clustering.labels[4])
    session.move([0], other)
    inspection = InspectionService(SimilarService(workspace.engine))
    query = SecondBestQuery(inspection, snapshot_of(session), tuple(range(12)))
    found = query.run(CancelToken())
    assert found.targets()[0] == own
    assert int(np.nanargmin(found.margins)) == 0
    session.apply(image_edits.not_here(session.clustering, {0: found.targets()[0]}))
    assert session.clustering.labels[0] == own


def test_runs_are_compared_and_an_older_one_is_kept(
    session: ProjectSession, workspace: Workspace
) -> None:
    assert last_run_summary(session) == ""
    session.rename(1, "Discs")
    first = session.clustering.labels
    cluster(session, workspace, 2)
    assert "8 of 12 images stayed, 4 moved." in last_run_summary(session)
    compared = compare_runs(session, 1, 2)
    assert compared.comparison.counts.sum() == 12
    assert len(compared.comparison.moved) == 4
    assert "merged into" in compared.sentence
    edit = keep_run(session, 1, [1, 2, 3])
    assert session.apply(edit)
    assert session.clustering.labels.tolist() == first.tolist()
    with pytest.raises(InputError, match="no run 9"):
        run_groups(session, 9)
    with pytest.raises(InputError, match="no cluster 'Sea' in run 1"):
        keep_run(session, 1, ["Sea"])


def test_a_run_that_was_never_accepted_is_named_after_its_likes(session: ProjectSession) -> None:
    run = session.run
    assert run is not None
    number = session.store.add_run(run)
    groups = run_groups(session, number)
    assert groups.labels.tolist() == session.clustering.labels.tolist()
