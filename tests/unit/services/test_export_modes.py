"""Exports by move, hard link and symlink, other layouts, and undoing them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.services import export, export_run, export_undo
from dclust_gui.services.export_layout import Layout
from dclust_gui.services.export_plan import Action, ExportMode
from dclust_gui.services.export_undo import UndoAction, UndoResult, plan_undo, run_undo
from dclust_gui.storage import file_modes
from dclust_gui.storage.export_journal import JOURNAL_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.services.conftest import World

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX links")
CLUSTERS = {"1/a.jpg": "Beach", "1/b.jpg": "Beach", "2/a.jpg": "Beach", "2/c.jpg": "City"}


@pytest.fixture
def full(world: World) -> World:
    """Four pictures in two clusters, one with a side file, and one Unassigned."""
    for name in (*CLUSTERS, "1/a.xmp", "2/d.jpg"):
        world.add(name)
    return world


def undo(world: World) -> UndoResult:
    return run_undo(plan_undo(world.target), ignore_events, CancelToken())


def tree(folder: Path) -> dict[str, str]:
    """Content by path, links as they are."""
    return {
        path.relative_to(folder).as_posix(): f"-> {os.readlink(path)}"  # noqa: PTH115
        if path.is_symlink()
        else path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


EXPECTED = {
    "Beach/a.jpg": "content of 1/a.jpg",
    "Beach/a.xmp": "content of 1/a.xmp",
    "Beach/b.jpg": "content of 1/b.jpg",
    "Beach/a (2).jpg": "content of 2/a.jpg",
    "City/c.jpg": "content of 2/c.jpg",
    "Unassigned/d.jpg": "content of 2/d.jpg",
}


# -- layouts -------------------------------------------------------------------------------


def test_a_name_with_slashes_becomes_nested_folders_where_asked(world: World) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"):
        world.add(name)
    clusters = {
        "a.jpg": "Birds/Gulls",
        "b.jpg": "birds / Terns",
        "c.jpg": "../..//CON/x ",
        "d.jpg": "Birds",
    }
    world.export(clusters, layout=Layout(nested=True))
    expected = ["Birds/d.jpg", "Birds/Gulls/a.jpg", "Birds/Terns/b.jpg", "_/_/CON_/x/c.jpg"]
    assert sorted(world.files()) == sorted(expected)
    assert all(path.resolve().is_relative_to(world.target) for path in world.target.rglob("*"))


def test_images_can_keep_their_folders_below_the_cluster(full: World) -> None:
    full.export(CLUSTERS, layout=Layout(keep_folders=True))
    assert sorted(full.files()) == sorted(
        [
            "Beach/1/a.jpg",
            "Beach/1/a.xmp",
            "Beach/1/b.jpg",
            "Beach/2/a.jpg",
            "City/2/c.jpg",
            "Unassigned/2/d.jpg",
        ]
    )


def test_files_can_be_named_by_a_pattern_and_units_keep_equal_stems(full: World) -> None:
    layout = Layout(pattern="{cluster}-{number}")
    full.export(CLUSTERS, layout=layout)
    assert sorted(full.files()) == sorted(
        [
            "Beach/Beach-0001.jpg",
            "Beach/Beach-0001.xmp",
            "Beach/Beach-0002.jpg",
            "Beach/Beach-0003.jpg",
            "City/City-0001.jpg",
            "Unassigned/Unassigned-0001.jpg",
        ]
    )
    again = full.plan(CLUSTERS, layout=layout)
    assert {step.action for step in again.steps} == {Action.KEEP}


@pytest.mark.parametrize("pattern", ["", "  ", "{nam}", "{name", "name}", "{}"])
def test_a_pattern_that_cannot_be_used_is_refused_with_what_it_may_hold(pattern: str) -> None:
    with pytest.raises(InputError, match=r"\{number\}"):
        Layout(pattern=pattern)


def test_a_pattern_that_gives_equal_names_is_numbered(full: World) -> None:
    plan = full.plan(CLUSTERS, layout=Layout(pattern="{date}"))
    assert plan.collisions == 2
    names = {step.destination for step in plan.steps}
    assert {b"Beach/undated.jpg", b"Beach/undated (2).jpg", b"Beach/undated (3).jpg"} <= names


def test_folders_and_files_never_want_one_name(world: World) -> None:
    world.add("1/B.jpg")
    world.add("x.jpg")
    world.export({"1/B.jpg": "A", "x.jpg": "A/b.JPG"}, layout=Layout(nested=True))
    found = world.files()
    assert sorted(found.values()) == ["content of 1/B.jpg", "content of x.jpg"]
    assert "A/b.JPG/x.jpg" in found


# -- modes ---------------------------------------------------------------------------------


def test_hard_links_are_the_originals_themselves(full: World) -> None:
    before = full.originals()
    plan = full.plan(CLUSTERS, mode=ExportMode.HARDLINK)
    assert plan.copied_bytes == 0
    result = export.run_export(plan, ignore_events, CancelToken())
    assert (result.copied, result.failed) == (6, ())
    assert full.files() == EXPECTED
    assert (full.target / "City" / "c.jpg").samefile(full.root / "2" / "c.jpg")
    assert full.originals() == before


def test_symlinks_are_relative_and_lead_to_the_originals(full: World) -> None:
    full.export(CLUSTERS, mode=ExportMode.SYMLINK)
    assert tree(full.target)["City/c.jpg"] == "-> ../../photos/2/c.jpg"
    assert full.files() == EXPECTED


@pytest.mark.parametrize("mode", [ExportMode.HARDLINK, ExportMode.SYMLINK])
def test_links_follow_their_images_to_other_clusters(full: World, mode: ExportMode) -> None:
    full.export(CLUSTERS, mode=mode)
    nested = Layout(nested=True)
    result = full.export({**CLUSTERS, "2/c.jpg": "City/Old/Town"}, mode=mode, layout=nested)
    assert (result.moved, result.copied, result.failed) == (1, 0, ())
    assert full.files()["City/Old/Town/c.jpg"] == "content of 2/c.jpg"
    assert (full.target / "City/Old/Town/c.jpg").samefile(full.root / "2/c.jpg")
    again = full.plan({**CLUSTERS, "2/c.jpg": "City/Old/Town"}, mode=mode, layout=nested)
    assert {step.action for step in again.steps} == {Action.KEEP}


def test_a_hard_link_is_renewed_when_an_editor_replaced_the_original(full: World) -> None:
    full.export(CLUSTERS, mode=ExportMode.HARDLINK)
    original = full.root / "2" / "c.jpg"
    original.unlink()
    full.add("2/c.jpg", "edited", mtime=1_100_000_000)
    result = full.export(CLUSTERS, mode=ExportMode.HARDLINK)
    assert (result.updated, result.failed) == (1, ())
    assert (full.target / "City" / "c.jpg").samefile(original)


def test_a_move_takes_the_originals_along_and_keeps_them_whole(full: World) -> None:
    inodes = {p.name: p.stat().st_ino for p in (full.root / "2").iterdir()}
    result = full.export(CLUSTERS, mode=ExportMode.MOVE)
    assert (result.copied, result.failed) == (6, ())
    assert full.files() == EXPECTED
    assert full.originals() == {}
    assert (full.target / "City" / "c.jpg").stat().st_ino == inodes["c.jpg"]
    assert result.places[full.root / "2" / "c.jpg"] == full.target / "City" / "c.jpg"


def test_a_move_to_another_drive_copies_checks_and_only_then_removes(
    full: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_run, "is_same_device", lambda *_: False)
    monkeypatch.setattr(export_undo, "is_same_device", lambda *_: False)
    before = full.originals()
    result = full.export(CLUSTERS, mode=ExportMode.MOVE)
    assert (result.copied, result.failed) == (6, ())
    assert full.files() == EXPECTED
    assert full.originals() == {}
    undo(full)
    assert full.originals() == before


def test_a_move_never_lands_on_another_file(full: World) -> None:
    plan = full.plan(CLUSTERS, mode=ExportMode.MOVE)
    (full.target / "City").mkdir(parents=True)
    (full.target / "City" / "c.jpg").write_text("somebody's")
    result = export.run_export(plan, ignore_events, CancelToken())
    assert [path.name for path, _ in result.failed] == ["c.jpg"]
    assert (full.root / "2" / "c.jpg").read_text() == "content of 2/c.jpg"
    assert (full.target / "City" / "c.jpg").read_text() == "somebody's"


def test_an_original_that_cannot_be_taken_away_stays_the_only_one(
    full: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(temporary: Path, destination: Path) -> None:
        os.link(temporary, destination)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(file_modes, "place", refuse)
    result = full.export(CLUSTERS, mode=ExportMode.MOVE)
    assert len(result.failed) == 6
    assert full.files() == {}
    assert len(full.originals()) == 6


def test_reflinks_are_refused_in_one_sentence_where_the_drive_has_none(
    full: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "can_reflink", lambda *_: False)
    with pytest.raises(InputError, match="cannot share the blocks"):
        full.export(CLUSTERS, mode=ExportMode.REFLINK)
    assert full.files() == {}


def test_a_reflink_is_a_copy_of_its_own(full: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def clone(source: Path, temporary: Path) -> None:
        temporary.write_bytes(source.read_bytes())

    monkeypatch.setattr(file_modes, "_clone", clone)
    before = full.originals()
    assert full.export(CLUSTERS, mode=ExportMode.REFLINK).failed == ()
    assert full.files() == EXPECTED
    assert full.originals() == before
    undo(full)
    assert not full.target.exists()


def test_another_mode_into_the_same_folder_is_refused_with_a_hint(full: World) -> None:
    full.export(CLUSTERS)
    with pytest.raises(InputError, match="undo that export first"):
        full.plan(CLUSTERS, mode=ExportMode.MOVE)


# -- undo ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [m for m in ExportMode if m is not ExportMode.REFLINK])
def test_undo_puts_everything_back_as_it_was(full: World, mode: ExportMode) -> None:
    before = full.originals()
    full.export(CLUSTERS, mode=mode, layout=Layout(keep_folders=True))
    plan = plan_undo(full.target)
    assert full.target.exists()  # planning changes nothing
    result = undo(full)
    assert result.is_complete
    assert result.left == ()
    assert len(plan.steps) == 6
    assert not full.target.exists()
    assert full.originals() == before


def test_undo_leaves_what_was_there_before_and_what_came_since(full: World) -> None:
    (full.target / "Beach").mkdir(parents=True)
    (full.target / "City").mkdir()
    (full.target / "Beach" / "mine.txt").write_text("mine")
    full.export(CLUSTERS)
    (full.target / "Unassigned" / "later.txt").write_text("later")
    result = undo(full)
    assert result.is_complete
    assert full.files() == {"Beach/mine.txt": "mine", "Unassigned/later.txt": "later"}
    assert (full.target / "City").is_dir()  # it was there before
    assert not (full.target / JOURNAL_NAME).exists()


def test_undo_leaves_changed_copies_and_says_so_and_can_be_finished_later(full: World) -> None:
    full.export(CLUSTERS)
    copy = full.target / "City" / "c.jpg"
    copy.write_text("content of 2/C.jpg")  # the same length
    os.utime(copy, (1_000_000_000, 1_000_000_000))
    result = undo(full)
    assert result.removed == 5
    assert [path for path, _ in result.left] == [copy]
    assert "changed" in result.left[0][1]
    assert not result.is_complete
    copy.unlink()
    assert undo(full).is_complete
    assert not full.target.exists()


def test_undo_never_overwrites_a_file_in_the_place_of_an_original(full: World) -> None:
    full.export(CLUSTERS, mode=ExportMode.MOVE)
    full.add("2/c.jpg", "a new one")
    result = undo(full)
    assert [path.name for path, _ in result.left] == ["c.jpg"]
    assert (full.root / "2" / "c.jpg").read_text() == "a new one"
    assert (full.target / "City" / "c.jpg").read_text() == "content of 2/c.jpg"
    assert len(full.originals()) == 6


def test_undo_lists_an_original_that_is_nowhere_and_goes_on_when_it_is_back(full: World) -> None:
    before = full.originals()
    full.export(CLUSTERS, mode=ExportMode.MOVE)
    (full.target / "City" / "c.jpg").rename(full.target / "mine.jpg")
    result = undo(full)
    assert [path.name for path, _ in result.left] == ["c.jpg"]
    assert "not there any more" in result.left[0][1]
    assert not result.is_complete
    (full.target / "City").mkdir(exist_ok=True)
    (full.target / "mine.jpg").rename(full.target / "City" / "c.jpg")
    assert undo(full).is_complete
    assert full.originals() == before


def test_undo_lists_folders_that_stay_as_other_files_are_in_them(full: World) -> None:
    full.export(CLUSTERS)
    (full.target / "City" / "mine.txt").write_text("mine")
    result = undo(full)
    assert result.is_complete
    assert result.folders == (full.target, full.target / "City")
    assert tree(full.target) == {"City/mine.txt": "mine"}


def test_undo_makes_a_folder_that_was_removed_meanwhile(full: World) -> None:
    before = full.originals()
    full.export(CLUSTERS, mode=ExportMode.MOVE)
    for folder in ("1", "2"):
        (full.root / folder).rmdir()
    assert undo(full).is_complete
    assert full.originals() == before


def test_undo_keeps_a_hard_link_that_is_the_last_copy(full: World) -> None:
    full.export(CLUSTERS, mode=ExportMode.HARDLINK)
    (full.root / "2" / "c.jpg").unlink()
    result = undo(full)
    assert [path.name for path, _ in result.left] == ["c.jpg"]
    assert (full.target / "City" / "c.jpg").read_text() == "content of 2/c.jpg"


def test_undo_takes_back_a_move_that_was_moved_on_inside_the_export(full: World) -> None:
    before = full.originals()
    full.export(CLUSTERS)
    full.export({**CLUSTERS, "2/c.jpg": "Beach", "1/a.jpg": "City"})
    assert undo(full).is_complete
    assert not full.target.exists()
    assert full.originals() == before


def test_undo_without_an_export_says_so(world: World) -> None:
    world.target.mkdir()
    with pytest.raises(InputError, match="There is no export"):
        plan_undo(world.target)


def test_a_journal_cannot_make_undo_touch_files_elsewhere(full: World) -> None:
    full.export(CLUSTERS)
    journal = full.target / JOURNAL_NAME
    evil = '{"op":"done","source":"/x","to":"../photos/1/a.jpg","size":18,"hash":"","mode":"copy"'
    journal.write_text(journal.read_text() + evil + ',"source_mtime_ns":0,"mtime_ns":0}\n')
    plan = plan_undo(full.target)
    assert plan.n_damaged == 1
    assert all(step.path.is_relative_to(full.target) for step in plan.steps)


def test_a_plan_says_what_undo_will_do_in_words(full: World) -> None:
    full.export(CLUSTERS)
    (full.target / "City" / "c.jpg").write_text("mine")
    (full.target / "Beach" / "b.jpg").unlink()
    plan = plan_undo(full.target)
    assert plan.text == (
        "4 files of the export to be removed, 1 file gone already, 1 file to be left as it is"
    )
    assert plan.count(UndoAction.RETURN) == 0
