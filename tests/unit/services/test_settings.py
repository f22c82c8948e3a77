"""What is remembered between starts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dclust_gui.services.settings import Settings
from dclust_gui.storage.locations import data_dir

if TYPE_CHECKING:
    from pathlib import Path


def test_texts_and_recent_places_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.json"
    settings = Settings(path)
    assert settings.text("theme", "auto") == "auto"
    settings.set_text("theme", "dark \udcff")
    places = [tmp_path / f"{number}" for number in range(15)]
    for place in places:
        place.mkdir()
        settings.add_recent(place)
    settings.add_recent(places[13])
    again = Settings(path)
    assert again.text("theme") == "dark \udcff"
    assert again.recent()[:3] == (places[13], places[14], places[12])
    assert len(again.recent()) == 12
    places[13].rmdir()
    assert Settings(path).recent()[0] == places[14]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"a": 1, "recent": 2}'])
def test_damaged_file_counts_as_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    settings = Settings(path)
    assert settings.text("a", "none") == "none"
    assert settings.recent() == ()
    settings.set_text("a", "1")
    assert json.loads(path.read_text("utf-8"))["a"] == "1"


def test_path_that_may_not_be_looked_at_counts_as_gone(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    settings.set_text("recent", "\0".join(["x" * 5000, str(tmp_path)]))
    assert settings.recent() == (tmp_path,)


def test_settings_that_cannot_be_written_do_no_harm() -> None:
    from pathlib import Path

    settings = Settings(Path("/dev/null/settings.json"))
    settings.set_text("a", "1")
    assert settings.text("a") == "1"
    Settings().set_text("b", "2")
    assert (data_dir() / "settings.json").exists()
