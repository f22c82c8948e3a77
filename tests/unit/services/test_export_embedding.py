"""Exports whose copies hold the names of their clusters, and exports without a check."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.services.export import ExportResult, run_export
from dclust_gui.services.export_plan import Action, ExportMode
from dclust_gui.services.export_undo import plan_undo, run_undo
from dclust_gui.services.xmp.embedding import with_keywords
from dclust_gui.storage.export_journal import read_journal
from dclust_gui.storage.verified_copy import content_hash

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.services.conftest import World

CLUSTERS = {"a.jpg": "Birds/Gulls", "b.jpg": "Birds/Gulls", "c.png": "City"}


def picture(form: str, colour: str) -> str:
    """A picture as a text."""
    out = io.BytesIO()
    Image.new("RGB", (16, 12), colour).save(out, form)
    return os.fsdecode(out.getvalue())


@pytest.fixture
def full(world: World) -> World:
    """A JPEG with a RAW file and a sidecar, another JPEG, a PNG, and one of no cluster."""
    world.add("a.jpg", picture("JPEG", "red"))
    world.add("a.nef", "raw")
    world.add("a.xmp", "<x/>")
    world.add("b.jpg", picture("JPEG", "blue"))
    world.add("c.png", picture("PNG", "green"))
    world.add("d.jpg", picture("JPEG", "white"))
    return world


def export(world: World, clusters: dict[str, str], *, embed: bool = True) -> ExportResult:
    plan = world.plan(clusters, embed_keywords=embed)
    return run_export(plan, ignore_events, CancelToken())


def named(world: World) -> dict[str, bool]:
    """Which files of the export hold a keyword, by path."""
    return {path: "hierarchicalSubject" in text for path, text in world.files().items()}


NAMED = {
    "Birds_Gulls/a.jpg": True,
    "Birds_Gulls/a.nef": False,
    "Birds_Gulls/a.xmp": False,
    "Birds_Gulls/b.jpg": True,
    "City/c.png": True,
    "Unassigned/d.jpg": False,
}


def test_copies_of_named_clusters_hold_the_name_and_originals_stay(full: World) -> None:
    before = full.originals()
    plan = full.plan(CLUSTERS, embed_keywords=True)
    assert any("2 files of other kinds than JPEG" in text for text in plan.warnings)
    assert export(full, CLUSTERS) == ExportResult(copied=6)
    assert named(full) == NAMED
    assert "Birds|Gulls" in full.files()["Birds_Gulls/a.jpg"]
    assert full.originals() == before
    copy = full.target / "Birds_Gulls" / "a.jpg"
    assert copy.stat().st_mtime == 1_000_000_000
    assert full.files()["Birds_Gulls/a.nef"] == "raw"


def test_the_journal_knows_the_copies_own_size_and_hash(full: World) -> None:
    export(full, CLUSTERS)
    state = read_journal(full.target)
    assert state is not None
    source, copy = full.root / "a.jpg", full.target / "Birds_Gulls" / "a.jpg"
    done = state.finished[os.fsencode(source)]
    assert done.content == content_hash(copy) != content_hash(source)
    assert done.size == copy.stat().st_size
    assert done.source_stamp == (source.stat().st_size, source.stat().st_mtime_ns)
    assert done.keywords == "Birds/Gulls"


def test_exporting_again_keeps_them(full: World) -> None:
    export(full, CLUSTERS)
    assert export(full, CLUSTERS) == ExportResult(kept=6)


def test_a_renamed_cluster_moves_its_copies_and_renews_their_names(full: World) -> None:
    export(full, CLUSTERS)
    changed = {**CLUSTERS, "a.jpg": "Birds/Terns"}
    result = export(full, changed)
    assert (result.moved, result.updated, result.failed) == (3, 1, ())
    text = full.files()["Birds_Terns/a.jpg"]
    assert "Birds|Terns" in text
    assert "Gulls" not in text
    assert export(full, changed) == ExportResult(kept=6)


def test_names_come_into_an_export_without_them_and_go_again(full: World) -> None:
    export(full, CLUSTERS, embed=False)
    plain = full.files()
    assert export(full, CLUSTERS) == ExportResult(updated=3, kept=3)
    assert named(full) == NAMED
    assert export(full, CLUSTERS, embed=False) == ExportResult(updated=3, kept=3)
    assert full.files() == plain


def test_a_copy_that_somebody_changed_is_neither_renewed_nor_removed(full: World) -> None:
    export(full, CLUSTERS)
    copy = full.target / "City" / "c.png"
    copy.write_bytes(copy.read_bytes() + b"more")
    result = export(full, CLUSTERS, embed=False)
    assert result.updated == 2
    assert copy.read_bytes().endswith(b"more")
    undone = run_undo(plan_undo(full.target), ignore_events, CancelToken())
    assert [path for path, _ in undone.left] == [copy]
    assert undone.removed == 5


def test_undo_removes_what_was_written_and_nothing_else(full: World) -> None:
    before = full.originals()
    export(full, CLUSTERS)
    assert run_undo(plan_undo(full.target), ignore_events, CancelToken()).is_complete
    assert not full.target.exists()
    assert full.originals() == before


def test_a_picture_that_cannot_take_its_name_is_copied_as_it_is_and_said(full: World) -> None:
    full.add("b.jpg", picture("JPEG", "blue") + "unknown")
    result = export(full, CLUSTERS)
    assert result.failed == ()
    assert [path.name for path, _ in result.unnamed] == ["b.jpg"]
    assert "behind the picture" in result.unnamed[0][1]
    assert full.files()["Birds_Gulls/b.jpg"].endswith("unknown")
    assert export(full, CLUSTERS) == ExportResult(kept=6)


@pytest.mark.parametrize("mode", [mode for mode in ExportMode if mode is not ExportMode.COPY])
def test_other_modes_are_refused_as_originals_are_never_written_to(
    mode: ExportMode, full: World
) -> None:
    before = full.originals()
    with pytest.raises(InputError, match="cannot be embedded"):
        full.plan(CLUSTERS, mode=mode, embed_keywords=True)
    assert full.originals() == before
    assert not full.target.exists()


def test_an_original_with_two_names_on_its_drive_stays_as_it_is(full: World) -> None:
    (full.root / "a.jpg").unlink()
    os.link(full.root / "b.jpg", full.root / "a.jpg")
    before = full.originals()
    export(full, CLUSTERS)
    assert full.originals() == before
    assert named(full)["Birds_Gulls/a.jpg"]


# -- copies without a check ------------------------------------------------------------------


def unchecked(world: World, clusters: dict[str, str]) -> ExportResult:
    return run_export(world.plan(clusters, verify=False), ignore_events, CancelToken())


def test_copies_that_are_not_read_back_are_whole_and_can_be_brought_up_to_date(
    full: World,
) -> None:
    before = full.originals()
    assert unchecked(full, CLUSTERS) == ExportResult(copied=6)
    assert sorted(full.files().values()) == sorted(
        os.fsdecode(data) for data, *_ in before.values()
    )
    assert unchecked(full, CLUSTERS) == ExportResult(kept=6)
    full.add("b.jpg", "new", mtime=1_100_000_000)
    assert unchecked(full, {**CLUSTERS, "a.jpg": "City"}).updated == 1
    assert full.files()["Birds_Gulls/b.jpg"] == "new"
    again = full.plan({**CLUSTERS, "a.jpg": "City"})
    assert {step.action for step in again.steps} == {Action.KEEP}


def test_undo_goes_by_size_and_time_where_nothing_was_read_back(full: World) -> None:
    unchecked(full, CLUSTERS)
    copy = full.target / "City" / "c.png"
    data = copy.read_bytes()
    copy.write_bytes(data[:-1] + b"x")
    result = run_undo(plan_undo(full.target), ignore_events, CancelToken())
    assert [path for path, _ in result.left] == [copy]
    assert result.removed == 5


def test_large_files_are_copied_whole_without_a_check(world: World, tmp_path: Path) -> None:
    data = os.urandom(3_000_001)
    (world.root / "a.jpg").write_bytes(data)
    assert unchecked(world, {"a.jpg": "X"}).copied == 1
    assert (world.target / "X" / "a.jpg").read_bytes() == data


def test_large_pictures_take_names_too(world: World) -> None:
    out = io.BytesIO()
    noise = Image.frombytes("RGB", (900, 900), os.urandom(900 * 900 * 3))
    noise.save(out, "JPEG", quality=98)
    (world.root / "a.jpg").write_bytes(out.getvalue())
    assert len(out.getvalue()) > 1 << 20
    assert export(world, {"a.jpg": "X"}).copied == 1
    expected, _ = with_keywords(out.getvalue(), "X")
    assert (world.target / "X" / "a.jpg").read_bytes() == expected
