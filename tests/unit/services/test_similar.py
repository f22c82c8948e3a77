"""Find similar: by images of the project, by files from outside, while features are incomplete."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.errors import BackboneError, ImageUnreadableError, InputError
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.opening import create_project
from dclust_gui.services.runs import run_in_project
from dclust_gui.services.similar import SimilarService, find_image
from dclust_gui.services.snapshot import Snapshot, snapshot_of

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.fixture
def snapshot(session: ProjectSession) -> Snapshot:
    """Its state."""
    return snapshot_of(session)


@pytest.fixture
def service(workspace: Workspace) -> SimilarService:
    """The service under test."""
    return SimilarService(workspace.engine)


def folder_of(snapshot: Snapshot, image: int) -> bytes:
    return snapshot.images[image].relative.partition(b"/")[0]


def test_images_of_the_same_class_come_first(service: SimilarService, snapshot: Snapshot) -> None:
    found = service.by_images(snapshot, [5], n=3)
    assert {folder_of(snapshot, i) for i in found.images.tolist()} == {folder_of(snapshot, 5)}
    assert 5 not in found.images.tolist()
    assert found.ordered[0] == 5
    assert (np.diff(found.similarity) <= 0).all()
    name = snapshot.images[5].relative.rpartition(b"/")[2].decode()
    assert found.title == f"Similar to {name}"


def test_several_images_are_searched_by_their_mean(
    service: SimilarService, snapshot: Snapshot
) -> None:
    found = service.by_images(snapshot, [0, 1, 0], n=2)
    assert found.query == (0, 1)
    assert found.title == "Similar to 2 images"
    assert {folder_of(snapshot, i) for i in found.images.tolist()} == {folder_of(snapshot, 0)}


def test_file_from_outside_goes_through_the_network_alone(
    service: SimilarService,
    snapshot: Snapshot,
    photos: Path,
    tmp_path: Path,
    embedded: list[int],
) -> None:
    with Image.open(photos / "class 1" / "image-00.png") as picture:
        picture.resize((64, 64)).save(tmp_path / "from outside.png")
    before = len(embedded)
    found = service.by_file(snapshot, tmp_path / "from outside.png", n=2)
    assert embedded[before:] == [1]
    assert {folder_of(snapshot, i) for i in found.images.tolist()} == {b"class 1"}
    assert (found.query, found.title) == ((), "Similar to from outside.png")


def test_copy_of_a_known_image_needs_no_network(
    service: SimilarService,
    snapshot: Snapshot,
    photos: Path,
    tmp_path: Path,
    embedded: list[int],
) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes((photos / "class 2" / "image-02.png").read_bytes())
    before = len(embedded)
    found = service.by_file(snapshot, copy, n=1)
    assert len(embedded) == before
    assert snapshot.images[found.images[0]].relative == b"class 2/image-02.png"
    assert found.similarity[0] == pytest.approx(1, abs=1e-3)


def test_file_of_the_project_is_searched_by_as_that_image(
    service: SimilarService, snapshot: Snapshot, photos: Path
) -> None:
    found = service.by_file(snapshot, photos / "class 0" / "image-01.jpg", n=1)
    assert [snapshot.images[i].relative for i in found.query] == [b"class 0/image-01.jpg"]


@pytest.mark.parametrize("content", [None, b"", b"no image"])
def test_file_that_cannot_be_read_is_told(
    service: SimilarService, snapshot: Snapshot, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "bad.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageUnreadableError, match=r"'bad\.jpg' cannot be read\. .+"):
        service.by_file(snapshot, path)


def test_features_are_loaded_once_and_again_after_a_change(
    service: SimilarService, session: ProjectSession, snapshot: Snapshot
) -> None:
    first = service.matrix(snapshot)
    assert service.matrix(snapshot_of(session)) is first
    session.move([0, 1], 2)  # another clustering, the same images
    assert service.matrix(snapshot_of(session)) is first
    session.add_images([snapshot.images[3]])
    grown = service.matrix(snapshot_of(session))
    assert grown is not first
    assert len(grown.image_ids) == 13
    service.forget()
    assert service.matrix(snapshot_of(session)) is not grown


def test_project_without_features_says_so(
    service: SimilarService, tmp_path: Path, photos: Path
) -> None:
    empty = create_project(tmp_path / "empty.dclust", [photos])
    with pytest.raises(InputError, match="nothing to compare"):
        service.matrix(snapshot_of(empty))
    empty.close()


def test_image_without_features_says_so(
    service: SimilarService, session: ProjectSession, snapshot: Snapshot
) -> None:
    from dataclasses import replace

    session.add_images([replace(snapshot.images[0], content=b"", relative=b"new.jpg")])
    with pytest.raises(InputError, match=r"compared with new\.jpg"):
        service.by_images(snapshot_of(session), [12])


def test_other_backbone_than_the_runs_is_refused_for_files(
    service: SimilarService, snapshot: Snapshot, tmp_path: Path, workspace: Workspace
) -> None:
    from dataclasses import replace

    assert snapshot.run is not None
    other = "another fingerprint"
    contents = [record.content for record in snapshot.images]
    with workspace.stores.features.writer(other, 8) as writer:
        writer.add(contents, np.eye(12, 8, dtype=np.float16))
    changed = replace(snapshot, run=replace(snapshot.run, backbone=other))
    Image.new("RGB", (40, 40), "red").save(tmp_path / "x.png")
    with pytest.raises(BackboneError, match="not the one"):
        service.by_file(changed, tmp_path / "x.png")
    assert len(service.by_images(changed, [0], 3).images) == 3


def test_images_are_found_by_place_or_by_path_below_the_root(
    snapshot: Snapshot, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = next(i for i, r in enumerate(snapshot.images) if r.relative == b"class 1/image-01.jpg")
    assert find_image(snapshot, photos / "class 1" / "image-01.jpg") == wanted
    assert find_image(snapshot, Path("class 1/image-01.jpg")) == wanted
    assert find_image(snapshot, Path("image-01.jpg")) is None
    monkeypatch.chdir(photos / "class 1")
    assert find_image(snapshot, Path("image-01.jpg")) == wanted
    assert find_image(snapshot, photos / "class 9" / "image-01.jpg") is None
