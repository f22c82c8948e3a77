from __future__ import annotations

from typing import TYPE_CHECKING

from dclust_gui.storage import locations

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_variables_put_both_folders_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DCLUST_CACHE_DIR", str(tmp_path / "c"))
    monkeypatch.setenv("DCLUST_DATA_DIR", str(tmp_path / "d"))
    assert locations.cache_dir() == tmp_path / "c"
    assert locations.data_dir() == tmp_path / "d"
    assert locations.weights_dir() == tmp_path / "d" / "weights"
    assert locations.drafts_dir() == tmp_path / "d" / "drafts"
    assert not (tmp_path / "c").exists()


def test_without_variables_the_users_own_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DCLUST_CACHE_DIR")
    monkeypatch.delenv("DCLUST_DATA_DIR")
    assert "dclust" in str(locations.cache_dir())
    assert locations.cache_dir() != locations.data_dir()
