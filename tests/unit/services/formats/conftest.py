"""A clustered project whose names are as awkward as people make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.opening import create_project
from dclust_gui.services.runs import run_in_project
from dclust_gui.services.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.services.session import ProjectSession
    from tests.conftest import MakeImages

AWKWARD = 'Vögel/<b>Möwe</b> & "Co", 海'


@pytest.fixture
def session(
    tmp_path: Path, make_images: MakeImages, embedded: list[int]
) -> Iterator[ProjectSession]:
    """Twelve images in three clusters; one is named, one image moved, one taken out."""
    photos = tmp_path / "photos"
    make_images(photos)
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    opened = create_project(tmp_path / "p.dclust", [photos])
    with Workspace(tmp_path / "cache") as workspace:
        request = RunRequest((photos,), RunSettings(k=3))
        run_in_project(opened, workspace.engine, request, ignore_events, CancelToken())
    keys = sorted(opened.clustering.clusters)
    opened.rename(keys[0], AWKWARD)
    first = opened.clustering.members(keys[0]).tolist()
    opened.move(first[:1], keys[1])
    opened.move(first[1:2], UNASSIGNED)
    yield opened
    opened.close()
