"""Why is it here: heat maps of images in a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.errors import ImageUnreadableError, InputError
from dclust_gui.domain.images import absolute_path
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.opening import create_project
from dclust_gui.services.runs import run_in_project
from dclust_gui.services.similar import SimilarService
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.services.why import WhyService

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.workspace import Workspace


@pytest.fixture
def session(tmp_path: Path, photos: Path, workspace: Workspace) -> Iterator[ProjectSession]:
    """A clustered project of twelve images."""
    opened = create_project(tmp_path / "p.dclust", [photos])
    request = RunRequest((photos,), RunSettings(k=3))
    run_in_project(opened, workspace.engine, request, ignore_events, CancelToken())
    yield opened
    opened.close()


def test_an_image_has_a_heat_map_for_its_own_and_against_another_cluster(
    session: ProjectSession, workspace: Workspace
) -> None:
    service = WhyService(workspace.engine, SimilarService(workspace.engine))
    snapshot = snapshot_of(session)
    own = service.heat(snapshot, 0)
    assert own.values.shape == (7, 7)
    assert np.abs(own.values).max() == pytest.approx(1.0)
    other = int(session.clustering.labels[-1])
    against = service.heat(snapshot, 0, other=other)
    assert not np.array_equal(own.values, against.values)
    elsewhere = service.heat(snapshot, 0, other, int(session.clustering.labels[0]))
    np.testing.assert_allclose(elsewhere.values, -against.values, atol=1e-5)
    service.forget()


def test_an_unassigned_image_and_a_lost_file_are_told(
    session: ProjectSession, workspace: Workspace
) -> None:
    service = WhyService(workspace.engine, SimilarService(workspace.engine))
    session.move([0], -1)
    with pytest.raises(InputError, match="nothing to compare"):
        service.heat(snapshot_of(session), 0)
    record = session.images[1]
    absolute_path(session.roots[record.root], record.relative).unlink()
    with pytest.raises(ImageUnreadableError):
        service.heat(snapshot_of(session), 1)
