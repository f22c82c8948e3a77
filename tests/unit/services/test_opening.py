"""How projects and folders are opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.services.opening import (
    create_project,
    draft_path,
    is_project,
    open_folder,
    open_project,
)
from dclust_gui.storage.locations import drafts_dir


def test_projects_are_told_by_their_ending(tmp_path: Path) -> None:
    (tmp_path / "folder.dclust").mkdir()
    assert is_project(tmp_path / "a.dclust")
    assert is_project(tmp_path / "a.DCLUST")
    assert not is_project(tmp_path / "photos")
    assert not is_project(tmp_path / "folder.dclust")


def test_folder_opens_the_same_draft_each_time(photos: Path, tmp_path: Path) -> None:
    first = open_folder(photos)
    assert first.is_draft
    assert first.path.parent == drafts_dir()
    assert first.roots == (photos,)
    key = first.new_cluster((), "Kept")
    first.close()
    (tmp_path / "link").symlink_to(photos)
    second = open_folder(tmp_path / "link")
    assert second.path == first.path
    assert second.is_draft
    assert second.clustering.clusters[key].name == "Kept"
    second.close()
    assert not list(photos.rglob("*.dclust*"))


def test_drafts_of_odd_and_equal_names_differ() -> None:
    names = [Path("/a/x"), Path("/b/x"), Path("/"), Path("/a/" + "long" * 60), Path("/a/q:?\n*")]
    names.append(Path("/a") / os.fsdecode(b"\xff"))
    drafts = {draft_path(name).name for name in names}
    assert len(drafts) == len(names)
    assert all(len(name) < 80 and name.isprintable() for name in drafts)


def test_held_project_opens_for_reading(photos: Path, tmp_path: Path) -> None:
    holder = create_project(tmp_path / "p.dclust", [photos])
    other = open_project(tmp_path / "p.dclust")
    assert (holder.is_read_only, other.is_read_only) == (False, True)
    other.close()
    holder.close()
    again = open_project(tmp_path / "p.dclust")
    assert not again.is_read_only
    again.close()


def test_what_cannot_be_opened_is_told(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a folder"):
        open_folder(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no folder"):
        create_project(tmp_path / "p.dclust", [tmp_path / "nowhere"])
    with pytest.raises(StorageError):
        open_project(tmp_path / "nowhere.dclust")
    create_project(tmp_path / "p.dclust", [photos]).close()
    with pytest.raises(StorageError, match="already"):
        create_project(tmp_path / "p.dclust", [photos])
