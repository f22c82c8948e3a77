"""Re-clustering the rest leaves pinned clusters exactly as they are, unless asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services import marks
from dclust_gui.services.opening import create_project
from dclust_gui.services.reclustering import ReclusterJob
from dclust_gui.services.reclustering_ways import Way
from dclust_gui.services.runs import run_in_project
from dclust_gui.services.snapshot import snapshot_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.workspace import Workspace
    from tests.conftest import MakeImages


@pytest.fixture
def session(
    tmp_path: Path, make_images: MakeImages, workspace: Workspace
) -> Iterator[ProjectSession]:
    """Three classes of twelve images; one of them is pinned, some of it is elsewhere by mistake."""
    photos = tmp_path / "photos"
    make_images(photos, 3, 12)
    opened = create_project(tmp_path / "p.dclust", [photos])
    request = RunRequest((photos,), RunSettings(k=3))
    run_in_project(opened, workspace.engine, request, ignore_events, CancelToken())
    yield opened
    opened.close()


@pytest.mark.parametrize("way", [Way.SPREADING, Way.SEEDED])
def test_nothing_comes_into_a_pinned_cluster_unless_asked(
    session: ProjectSession, workspace: Workspace, way: Way
) -> None:
    from dclust_gui.domain.edits import EditKind, replace_all

    state = session.clustering
    pinned, other = int(state.labels[0]), int(state.labels[-1])
    labels = state.labels.copy()
    astray = np.flatnonzero(labels == pinned)[:2]
    labels[astray] = other
    table = dict(state.clusters)
    session.apply(replace_all(state, EditKind.CUT, "astray", labels, table, state.run_id))
    row = session.clustering.clusters[pinned]
    session.apply(marks.set_mark(session.clustering, [row], marks.Mark.PINNED, wanted=True))
    arrays, snapshot = workspace.stores.arrays, snapshot_of(session)

    asked = ReclusterJob(workspace.engine, arrays, snapshot, way, into_pinned=True)
    found = asked.run(ignore_events, CancelToken())
    assert set(astray.tolist()) <= set(found.images[found.after == pinned].tolist())
    assert (found.n_held, "pinned" in found.note) == (0, False)

    left = ReclusterJob(workspace.engine, arrays, snapshot, way).run(ignore_events, CancelToken())
    assert pinned not in left.after
    assert left.n_held == int((found.after == pinned).sum())
    assert "that would fit pinned clusters stay where they are" in left.note
