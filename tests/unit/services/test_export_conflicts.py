"""Names that other people's files have: listed, decided one by one, never overwritten."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.services.export import run_export
from dclust_gui.services.export_layout import Layout
from dclust_gui.services.export_plan import Conflict, ExportMode, OnConflict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.services.conftest import World

ASK = OnConflict.ASK
CLUSTERS = {"a.jpg": "X", "b.jpg": "X", "c.jpg": "X"}


@pytest.fixture
def taken(world: World) -> World:
    """Three images; somebody's files have the names of two."""
    for name in CLUSTERS:
        world.add(name)
    (world.target / "X").mkdir(parents=True)
    for name in ("a.jpg", "B.JPG"):
        (world.target / "X" / name).write_text("somebody's")
    return world


def key(world: World, name: str) -> bytes:
    return os.fsencode(world.root / name)


def test_conflicts_are_listed_and_nothing_starts_before_they_are_decided(taken: World) -> None:
    plan = taken.plan(CLUSTERS, on_conflict=ASK)
    assert plan.conflicts == (
        Conflict(taken.root / "a.jpg", b"X/a.jpg"),
        Conflict(taken.root / "b.jpg", b"X/B.JPG"),
    )
    assert plan.undecided == plan.conflicts
    assert [step.source.name for step in plan.steps] == ["c.jpg"]
    assert any("2 images would get names that others have" in text for text in plan.warnings)
    with pytest.raises(InputError, match="Nothing is decided about 2 names"):
        run_export(plan, ignore_events, CancelToken())
    assert sorted(taken.files()) == ["X/B.JPG", "X/a.jpg"]


def test_each_conflict_is_decided_on_its_own(taken: World) -> None:
    choices = {key(taken, "a.jpg"): OnConflict.NUMBER}
    half = taken.plan(CLUSTERS, on_conflict=ASK, choices=choices)
    assert [conflict.source.name for conflict in half.undecided] == ["b.jpg"]
    choices[key(taken, "b.jpg")] = OnConflict.SKIP
    plan = taken.plan(CLUSTERS, on_conflict=ASK, choices=choices)
    assert (plan.undecided, len(plan.conflicts), plan.collisions) == ((), 2, 1)
    result = run_export(plan, ignore_events, CancelToken())
    assert (result.copied, result.skipped, result.failed) == (2, 1, ())
    assert taken.files() == {
        "X/B.JPG": "somebody's",
        "X/a.jpg": "somebody's",
        "X/a (2).jpg": "content of a.jpg",
        "X/c.jpg": "content of c.jpg",
    }


def test_a_second_time_only_what_was_left_out_is_asked_again(taken: World) -> None:
    choices = {
        key(taken, "a.jpg"): OnConflict.NUMBER,
        key(taken, "b.jpg"): OnConflict.SKIP,
    }
    run_export(taken.plan(CLUSTERS, on_conflict=ASK, choices=choices), ignore_events, CancelToken())
    again = taken.plan(CLUSTERS, on_conflict=ASK)
    assert [conflict.source.name for conflict in again.conflicts] == ["b.jpg"]


def test_a_file_with_the_same_content_is_no_conflict_and_needs_no_copy(world: World) -> None:
    world.add("a.jpg")
    (world.target / "X").mkdir(parents=True)
    (world.target / "X" / "a.jpg").write_text("content of a.jpg")
    plan = world.plan({"a.jpg": "X"}, on_conflict=ASK)
    assert (plan.conflicts, plan.steps) == ((), ())
    assert [skipped.reason for skipped in plan.skipped] == ["The same file is there already."]


def test_equal_names_inside_the_export_are_numbered_without_asking(world: World) -> None:
    for name in ("1/a.jpg", "2/a.jpg"):
        world.add(name)
    plan = world.plan({"1/a.jpg": "X", "2/a.jpg": "X"}, on_conflict=ASK)
    assert (plan.conflicts, plan.collisions) == ((), 1)
    run_export(plan, ignore_events, CancelToken())
    assert sorted(world.files()) == ["X/a (2).jpg", "X/a.jpg"]


def test_a_taken_side_file_is_a_conflict_of_its_whole_unit(world: World) -> None:
    for name in ("a.jpg", "a.xmp"):
        world.add(name)
    (world.target / "X").mkdir(parents=True)
    (world.target / "X" / "a.xmp").write_text("somebody's")
    plan = world.plan({"a.jpg": "X"}, on_conflict=ASK)
    assert plan.conflicts == (Conflict(world.root / "a.jpg", b"X/a.xmp"),)
    decided = world.plan(
        {"a.jpg": "X"}, on_conflict=ASK, choices={key(world, "a.jpg"): OnConflict.NUMBER}
    )
    run_export(decided, ignore_events, CancelToken())
    assert sorted(world.files()) == ["X/a (2).jpg", "X/a (2).xmp", "X/a.xmp"]


def test_a_move_asks_too_and_leaves_out_what_was_decided_so(taken: World, tmp_path: Path) -> None:
    choices = {key(taken, name): OnConflict.SKIP for name in ("a.jpg", "b.jpg")}
    plan = taken.plan(CLUSTERS, mode=ExportMode.MOVE, on_conflict=ASK, choices=choices)
    run_export(plan, ignore_events, CancelToken())
    assert sorted(path.name for path in taken.root.iterdir()) == ["a.jpg", "b.jpg"]


def test_names_that_no_folder_can_have_are_said(world: World) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"):
        world.add(name)
    clusters = {"a.jpg": "Birds/Gulls", "b.jpg": "CON", "c.jpg": "Sea"}
    assert world.plan(clusters).mapped == (("Birds/Gulls", "Birds_Gulls"), ("CON", "CON_"))
    assert world.plan(clusters, layout=Layout(nested=True)).mapped == (("CON", "CON_"),)
    assert world.plan(clusters, only={3}, include_unassigned=False).mapped == ()
