"""Exports that are remembered: what was asked for, how they ended, across projects and saves."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from dclust_gui.services.export_layout import Layout
from dclust_gui.services.export_memory import ExportEnd, ExportMemory
from dclust_gui.services.export_plan import ExportMode, OnConflict
from dclust_gui.services.export_wish import ExportWish, KeywordFormat, format_named, wish_of
from dclust_gui.services.formats.dataset import TreeFormat
from dclust_gui.services.formats.images import Scope
from dclust_gui.services.formats.writing import FileFormat
from dclust_gui.services.settings import Settings
from dclust_gui.services.xmp.sidecars import SidecarNames
from dclust_gui.storage.export_journal import JOURNAL_NAME

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def memory(tmp_path: Path) -> ExportMemory:
    return ExportMemory(Settings(tmp_path / "settings.json"))


def wish(target: Path) -> ExportWish:
    return ExportWish(
        target,
        TreeFormat.HUGGINGFACE,
        Scope(frozenset({3, 1}), only_reviewed=True, with_unassigned=False),
        ExportMode.SYMLINK,
        OnConflict.ASK,
        Layout(nested=True, keep_folders=True, pattern="{cluster}-{number}"),
        SidecarNames.FULL,
        beside=True,
        embed_keywords=True,
        verify=False,
    )


def test_a_wish_comes_back_as_it_was_after_a_restart(tmp_path: Path, memory: ExportMemory) -> None:
    project, target = tmp_path / "p.dclust", tmp_path / os.fsdecode(b"caf\xe9 100%")
    memory.keep(project, wish(target), ExportEnd.STOPPED)
    again = ExportMemory(Settings(tmp_path / "settings.json"))
    found = again.to(project, target)
    assert found is not None
    assert (found.wish, found.end) == (wish(target), ExportEnd.STOPPED)


def test_one_entry_a_folder_the_last_one_first_each_project_its_own(
    tmp_path: Path, memory: ExportMemory
) -> None:
    one, other = tmp_path / "1.dclust", tmp_path / "2.dclust"
    for project, name in ((one, "a"), (one, "b"), (other, "c"), (one, "a")):
        memory.keep(project, ExportWish(tmp_path / name), ExportEnd.DONE)
    assert [past.wish.target.name for past in memory.of(one)] == ["a", "b"]
    assert [past.wish.target.name for past in memory.of(other)] == ["c"]
    memory.forget(one, tmp_path / "a")
    assert [past.wish.target.name for past in memory.of(one)] == ["b"]
    memory.rename(one, tmp_path / "saved.dclust")
    assert [past.wish.target.name for past in memory.of(tmp_path / "saved.dclust")] == ["b"]


def test_only_what_neither_ended_nor_was_stopped_counts_as_interrupted(
    tmp_path: Path, memory: ExportMemory
) -> None:
    project, target = tmp_path / "p.dclust", tmp_path / "out"
    memory.keep(project, ExportWish(target), ExportEnd.RUNNING)
    assert memory.interrupted(project) is None  # it had not begun to write
    target.mkdir()
    (target / JOURNAL_NAME).write_text("")
    found = memory.interrupted(project)
    assert found is not None
    assert found.wish.target == target
    memory.keep(project, ExportWish(target), ExportEnd.STOPPED)
    assert memory.interrupted(project) is None


@pytest.mark.parametrize("text", ["", "nonsense", "{}", "[1, null]", '[{"project": 3}]'])
def test_a_memory_that_cannot_be_read_is_empty(
    tmp_path: Path, memory: ExportMemory, text: str
) -> None:
    settings = Settings(tmp_path / "settings.json")
    settings.set_text("exports", text)
    again = ExportMemory(settings)
    assert again.of(tmp_path / "p.dclust") == ()
    again.keep(tmp_path / "p.dclust", ExportWish(tmp_path), ExportEnd.DONE)
    assert len(again.of(tmp_path / "p.dclust")) == 1


def test_what_a_record_does_not_say_is_as_by_default(tmp_path: Path) -> None:
    record = {"target": str(tmp_path), "mode": "teleport", "pattern": "{nonsense}"}
    assert wish_of({**record}) == ExportWish(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX names")
def test_formats_are_known_by_their_names() -> None:
    for form in (*TreeFormat, *FileFormat, *KeywordFormat):
        assert format_named(form.value) is form
    assert format_named("never heard of") is TreeFormat.FOLDERS
