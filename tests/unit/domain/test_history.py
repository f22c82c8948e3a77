from __future__ import annotations

import pytest

from dclust_gui.domain.edits import EditKind
from dclust_gui.domain.history import History, Step


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
