"""The start-up benchmark starts the real window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.errors import InputError
from dclust_gui.services.bench import startup

if TYPE_CHECKING:
    from pathlib import Path


def test_window_is_visible_before_any_engine_library_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(startup, "REPEATS", 1)
    said: list[str] = []
    visible, loaded = startup.bench_startup(said.append)
    assert said == ["Starting the window"]
    assert (visible.bench, visible.what, visible.unit) == ("startup", "window visible", "s")
    assert 0 < visible.ours < 60
    assert loaded.ours == 0


def test_window_that_does_not_come_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(InputError, match="could not be opened"):
        startup.start_once(tmp_path)
