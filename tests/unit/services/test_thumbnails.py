"""Pictures for the window, workspace, estimates, sample images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from dclust_gui.domain.errors import StorageError
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services import estimate, sample
from dclust_gui.services.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A picture of 800 x 400 with an EXIF turn."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (800, 400), (10, 200, 30)).save(tmp_path / "large.jpg", exif=exif)
    return tmp_path / "large.jpg"


def test_small_picture_comes_from_the_store(
    workspace: Workspace, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = workspace.engine.ingest(workspace.engine.scan([photos]), RunRequest((photos,)))
    path = photos / "class 0" / "image-00.png"
    path.unlink()  # as if the drive were unplugged
    pixels = workspace.thumbnails.load(path, found.contents[0], 128)
    assert pixels is not None
    assert pixels.shape == (32, 32, 3)
    larger = workspace.thumbnails.load(path, found.contents[0], 900)
    assert larger is not None
    assert larger.shape == (32, 32, 3)
    assert workspace.thumbnails.load(path, b"", 128) is None
    assert workspace.thumbnails.full(path, 500) is None


def test_unknown_picture_is_decoded_and_kept(workspace: Workspace, large: Path) -> None:
    content = b"0123456789abcdef"
    small = workspace.thumbnails.load(large, content, 256)
    assert small is not None
    assert small.shape == (256, 128, 3)
    assert workspace.stores.thumbnails.get(content) is not None
    full = workspace.thumbnails.load(large, content, 700)
    assert full is not None
    assert full.shape == (700, 350, 3)
    assert abs(full.reshape(-1, 3).mean(0) - np.array([10, 200, 30])).max() < 4


def test_full_disk_does_not_keep_a_picture_from_being_shown(
    workspace: Workspace, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr("dclust_gui.storage.thumbnail_store.ThumbnailStore.put", fail)
    assert workspace.thumbnails.load(large, b"0123456789abcdef", 256) is not None


def test_details_are_rows_of_text(workspace: Workspace, large: Path, tmp_path: Path) -> None:
    assert all(len(row) == 2 for row in workspace.thumbnails.details(large))
    (tmp_path / "bad.jpg").write_bytes(b"x")
    assert workspace.thumbnails.details(tmp_path / "bad.jpg") is not None


def test_workspace_uses_the_users_cache_by_default(tmp_path: Path) -> None:
    with Workspace() as workspace:
        workspace.stores.thumbnails.put(b"0123456789abcdef", b"x")
    assert (tmp_path / "user-cache").is_dir()


def test_estimates() -> None:
    assert estimate.estimate_seconds(100, rate=50) == 2
    assert estimate.estimate_seconds(600, has_gpu=True) == 2
    assert estimate.estimate_seconds(100) > 0
    assert isinstance(estimate.device_badge(), str)


def test_sample_collection_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "PER_DIGIT", 2)
    monkeypatch.setattr(sample, "_TILE_STEP", 256)
    n_images = sample.make_sample_collection(tmp_path / "demo")
    files = sorted((tmp_path / "demo").rglob("*.png"))
    assert len(files) == n_images
    assert len({path.parent for path in files}) == 12
    times = [path.stat().st_mtime_ns for path in files]
    assert sample.make_sample_collection(tmp_path / "demo") == n_images
    assert [path.stat().st_mtime_ns for path in files] == times
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="sample images"):
        sample.make_sample_collection(tmp_path / "file")
