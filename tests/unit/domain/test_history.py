from __future__ import annotations

import pytest

from dclust_gui.domain.edits import EditKind
from dclust_gui.domain.history import History, Marker, Step


def step(title: str) -> Step:
    return Step(EditKind.MOVE, title, "2026-01-01T00:00:00+00:00", "anna")


def test_new_step_takes_the_place_of_undone_ones() -> None:
    history = History().with_step(step("a")).with_step(step("b")).with_step(step("c"))
    assert history.position == 3
    assert history.redo_step is None
    back = history.moved(1)
    assert back.undo_step == step("a")
    assert back.redo_step == step("b")
    assert back.with_step(step("d")).steps == (step("a"), step("d"))


def test_start_has_nothing_to_undo() -> None:
    assert History().undo_step is None
    assert History().redo_step is None


@pytest.mark.parametrize("position", [-1, 2])
def test_steps_outside_the_history_are_refused(position: int) -> None:
    with pytest.raises(ValueError, match="no such step"):
        History().with_step(step("a")).moved(position)


def test_markers_stay_when_their_steps_are_replaced() -> None:
    history = History().with_step(step("a")).with_step(step("b"))
    history = history.with_marker(Marker("export", "t", "anna", 2)).moved(1)
    assert history.redo_step == step("b")
    assert [e.is_in_force for e in history.entries()] == [True, True, False, False]
    assert [e.is_present for e in history.entries()] == [False, True, False, False]
    changed = history.with_step(step("c"))
    assert changed.markers == (Marker("export", "t", "anna", 1, is_exact=False),)
    assert [e.title for e in changed.entries()] == ["start", "a", "export", "c"]
    assert changed.with_step(step("d")).markers == changed.markers


def test_selection_of_a_jump_is_that_of_the_nearest_step() -> None:
    history = History(tuple(step(t) for t in "abcd"), 2)
    assert [history.selection_step(p) for p in (0, 1, 3, 4)] == [0, 1, 2, 3]
