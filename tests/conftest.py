"""Settings that every test needs: no screen, and no file of the real user's touched."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def private_user_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point cache and data folders of the user to a temporary place."""
    monkeypatch.setenv("DCLUST_CACHE_DIR", str(tmp_path / "user-cache"))
    monkeypatch.setenv("DCLUST_DATA_DIR", str(tmp_path / "user-data"))
