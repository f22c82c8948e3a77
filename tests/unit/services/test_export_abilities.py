"""What a folder allows before anything is tried, and what it holds."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from dclust_gui.services import export_abilities
from dclust_gui.services.export_abilities import file_system, folder_facts
from dclust_gui.services.export_plan import ExportMode
from dclust_gui.storage.export_journal import ExportJournal, StartedFile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.services.conftest import World

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's table of mounts")


def test_a_new_folder_on_the_same_drive_allows_moves_and_links(world: World) -> None:
    facts = folder_facts(world.target, [world.root])
    assert not {ExportMode.COPY, ExportMode.MOVE, ExportMode.HARDLINK} & set(facts.refused)
    assert (facts.mode, facts.n_files, facts.holds_export) == (None, 0, False)
    assert not world.target.exists()


def test_a_project_that_cannot_follow_moves_nothing(world: World) -> None:
    facts = folder_facts(world.target, [world.root], is_read_only=True)
    assert "reading only" in facts.refused[ExportMode.MOVE]


def test_links_need_one_drive(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_abilities, "is_same_device", lambda _a, _b: False)
    facts = folder_facts(world.target, [world.root])
    for mode in (ExportMode.HARDLINK, ExportMode.REFLINK):
        assert "another drive" in facts.refused[mode]
    assert ExportMode.SYMLINK not in facts.refused


@pytest.mark.parametrize("kind", ["vfat", "exfat"])
def test_cards_and_sticks_have_no_links(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(export_abilities, "file_system", lambda _folder: kind)
    refused = folder_facts(world.target, [world.root]).refused
    assert {ExportMode.HARDLINK, ExportMode.SYMLINK, ExportMode.REFLINK} == set(refused)
    assert kind in refused[ExportMode.SYMLINK]


def test_an_export_that_is_there_fixes_the_way_and_tells_of_itself(world: World) -> None:
    for name in ("a.jpg", "b.jpg"):
        world.add(name)
    world.export({"a.jpg": "X", "b.jpg": "X"}, mode=ExportMode.HARDLINK)
    with ExportJournal(world.target, "hardlink", b"/somewhere/p.dclust") as journal:
        journal.start([StartedFile(b"/c.jpg", b"X/c.jpg", 1, mode="hardlink")])
    facts = folder_facts(world.target, [world.root])
    assert facts.mode is ExportMode.HARDLINK
    assert set(facts.refused) == set(ExportMode) - {ExportMode.HARDLINK}
    assert "holds an export of hard links" in facts.refused[ExportMode.COPY]
    assert (facts.n_files, facts.n_begun) == (2, 1)
    assert os.fspath(facts.projects[-1]) == "/somewhere/p.dclust"


@linux
def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    assert file_system(tmp_path / "not" / "there")
    assert file_system(tmp_path / "proc") == file_system(tmp_path)
    assert file_system(type(tmp_path)("/proc/self")) == "proc"
