"""Keywords in sidecars beside images and elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import ImageFacts, ImageStatus, absolute_path
from dclust_gui.engine.scan import scan
from dclust_gui.services.collection import merge_scan
from dclust_gui.services.formats.images import labelled_images
from dclust_gui.services.opening import create_project
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.services.xmp.packet import keywords_of, merge_keywords
from dclust_gui.services.xmp.sidecars import SidecarNames, SidecarResult, write_sidecars

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.services.session import ProjectSession
    from tests.conftest import MakeImages


@pytest.fixture
def photos(tmp_path: Path, make_images: MakeImages) -> Path:
    """Six images in two folders."""
    make_images(tmp_path / "photos", classes=2, each=3)
    return tmp_path / "photos"


def project(photos: Path, place: Path) -> ProjectSession:
    session = create_project(place, [photos])
    found = scan([photos], ignore_events, CancelToken())
    merge_scan(session, found)
    facts = ImageFacts(ImageStatus.OK, width=32, height=32)
    session.update_images([(i, replace(r, facts=facts)) for i, r in enumerate(session.images)])
    session.new_cluster([0, 1], "Birds/Gulls")
    session.new_cluster([2], "")
    return session


@pytest.fixture
def session(photos: Path, tmp_path: Path) -> Iterator[ProjectSession]:
    """Two images in a named cluster, one in a cluster without a name, three in none."""
    opened = project(photos, tmp_path / "p.dclust")
    yield opened
    opened.close()


def write(
    session: ProjectSession, target: Path, names: SidecarNames = SidecarNames.STEM
) -> SidecarResult:
    images = labelled_images(snapshot_of(session))
    return write_sidecars(images, session.roots, target, names, CancelToken())


def path(session: ProjectSession, image: int) -> Path:
    record = session.images[image]
    return absolute_path(session.roots[record.root], record.relative)


def test_beside_the_images_only_named_clusters_get_sidecars(
    session: ProjectSession, photos: Path
) -> None:
    before = {p: p.read_bytes() for p in photos.rglob("*.png")}
    result = write(session, photos)
    assert sorted(result.written) == sorted(path(session, i).with_suffix(".xmp") for i in (0, 1))
    assert (result.unnamed, result.left) == (4, ())
    assert keywords_of(result.written[0].read_bytes()) == ["Birds/Gulls"]
    assert {p: p.read_bytes() for p in photos.rglob("*.png")} == before
    again = write(session, photos)
    assert (again.written, again.unchanged) == ((), 2)


def test_the_full_rule_keeps_the_images_ending(session: ProjectSession, photos: Path) -> None:
    result = write(session, photos, SidecarNames.FULL)
    assert {p.name for p in result.written} == {path(session, i).name + ".xmp" for i in (0, 1)}


def test_a_sidecar_of_either_rule_is_merged_into_and_kept_once(
    photos: Path, tmp_path: Path
) -> None:
    first = min(photos.rglob("*.png"))
    there = first.with_name(first.name + ".XMP")
    old = merge_keywords(None, ["Own"]).replace(b"dclust:keywords", b"dclust:other")
    there.write_bytes(old)
    session = project(photos, tmp_path / "p.dclust")
    write(session, photos)
    assert sorted(keywords_of(there.read_bytes())) == ["Birds/Gulls", "Own"]
    assert not first.with_suffix(".xmp").exists()
    backup = there.with_name(there.name + ".before-dclust")
    assert backup.read_bytes() == old
    session.rename(1, "Cats")
    write(session, photos)
    assert sorted(keywords_of(there.read_bytes())) == ["Cats", "Own"]
    assert backup.read_bytes() == old
    session.close()


def test_elsewhere_sidecars_begin_from_those_beside_the_images(
    session: ProjectSession, photos: Path, tmp_path: Path
) -> None:
    beside = path(session, 0).with_suffix(".xmp")
    beside.write_bytes(merge_keywords(None, ["Own"]).replace(b"dclust:keywords", b"dclust:other"))
    before = beside.read_bytes()
    result = write(session, tmp_path / "keywords")
    assert beside.read_bytes() == before
    new = tmp_path / "keywords" / path(session, 0).relative_to(photos).with_suffix(".xmp")
    assert new in result.written
    assert sorted(keywords_of(new.read_bytes())) == ["Birds/Gulls", "Own"]


def test_a_damaged_sidecar_is_left_and_named(session: ProjectSession, photos: Path) -> None:
    damaged = path(session, 0).with_suffix(".xmp")
    damaged.write_bytes(b"<x:xmpmeta")
    result = write(session, photos)
    assert [p for p, _ in result.left] == [damaged]
    assert damaged.read_bytes() == b"<x:xmpmeta"
    assert len(result.written) == 1


def test_an_image_taken_out_of_its_cluster_loses_the_keyword(
    session: ProjectSession, photos: Path
) -> None:
    write(session, photos)
    session.undo()
    session.undo()
    result = write(session, photos)
    assert len(result.written) == 2
    assert keywords_of(result.written[0].read_bytes()) == []


def test_a_folder_within_the_originals_is_refused(session: ProjectSession, photos: Path) -> None:
    with pytest.raises(InputError, match="inside the folder of the originals"):
        write(session, photos / "new")
