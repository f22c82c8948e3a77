"""The history panel: rows, times, one jump a click, 10,000 steps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QWidget

from dclust_gui.domain.edits import EditKind
from dclust_gui.domain.history import History, Marker, Step
from dclust_gui.ui.models.history_model import (
    HistoryModel,
    HistoryRole,
    full_time,
    relative_time,
)
from dclust_gui.ui.views.history_panel import (
    NO_PROJECT,
    NOTHING_YET,
    HistoryPanel,
    below_text,
    icon_name,
)

if TYPE_CHECKING:
    from pytestqt.modeltest import ModelTester
    from pytestqt.qtbot import QtBot

NOON = "2026-03-12T12:00:00+00:00"


def step(number: int, kind: EditKind = EditKind.MOVE) -> Step:
    return Step(kind, f"move {number} images to 'Beach'", NOON, "ada")


def history(n_steps: int, position: int | None = None) -> History:
    steps = tuple(step(n) for n in range(1, n_steps + 1))
    return History(steps, n_steps if position is None else position)


def export(position: int) -> Marker:
    return Marker("export 3 images to 'sorted'", NOON, "ada", position)


def titles(model: HistoryModel) -> list[str]:
    return [str(model.index(row).data()) for row in range(model.rowCount())]


def test_the_newest_step_is_on_top_and_markers_lie_behind_their_step(
    qtmodeltester: ModelTester,
) -> None:
    model = HistoryModel()
    model.set_history(history(2).with_marker(export(1)))
    assert titles(model) == [
        "Move 2 images to 'Beach'",
        "Export 3 images to 'sorted'",
        "Move 1 images to 'Beach'",
        "Start",
    ]
    assert [model.index(r).data(HistoryRole.POSITION) for r in range(4)] == [2, 1, 1, 0]
    qtmodeltester.check(model, force_py=True)


@pytest.mark.parametrize("position", range(4))
def test_rows_say_the_same_as_the_history(position: int) -> None:
    shown = history(3, 3).with_marker(export(0)).with_marker(export(2)).moved(position)
    model = HistoryModel()
    model.set_history(shown)
    rows = [model.entry(row) for row in reversed(range(model.rowCount()))]
    expected = list(shown.entries())
    assert [(e.title.lower(), e.position, e.is_in_force, e.is_present) for e in rows] == [
        (e.title.lower(), e.position, e.is_in_force, e.is_present) for e in expected
    ]
    assert model.entry(model.present_row()).is_present


def test_a_new_step_is_one_new_row(qtbot: QtBot) -> None:
    model = HistoryModel()
    model.set_history(history(3))
    inserted: list[tuple[int, int]] = []
    resets: list[bool] = []
    model.rowsInserted.connect(lambda _parent, first, last: inserted.append((first, last)))
    model.modelReset.connect(lambda: resets.append(True))
    model.set_history(history(3).with_step(step(4)))
    assert inserted == [(0, 0)]
    assert not resets
    model.set_history(history(4, 2))
    assert not resets  # undo moves the mark and nothing else
    model.set_history(history(4, 2).with_step(step(9)))
    assert resets == [True]  # the undone steps are gone
    assert model.rowCount() == 4


def test_undone_steps_say_so_and_markers_never_do() -> None:
    model = HistoryModel()
    model.set_history(history(2).with_marker(export(2)).moved(1))
    marker, undone, present = (model.entry(row) for row in range(3))
    assert not below_text(marker).startswith("undone")
    assert below_text(undone).startswith("undone · ")
    assert present.is_present
    assert icon_name(marker) == "export"
    assert "undo steps over it" in model.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert "Click to do it again" in model.index(1).data(Qt.ItemDataRole.ToolTipRole)
    assert model.index(2).data(Qt.ItemDataRole.AccessibleTextRole).endswith("you are here")


def test_every_kind_has_an_icon() -> None:
    model = HistoryModel()
    model.set_history(History(tuple(step(1, kind) for kind in EditKind)))
    assert len({icon_name(model.entry(row)) for row in range(model.rowCount())}) > len(EditKind) - 2


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(hours=20), "yesterday 19:30"),
        (timedelta(days=60), "10 Jan"),
        (timedelta(days=400), "4 Feb 2025"),
    ],
)
def test_times_are_told_from_now(ago: timedelta, text: str) -> None:
    now = datetime(2026, 3, 11, 15, 30).astimezone()
    assert relative_time((now - ago).isoformat(), now) == text


def test_a_time_that_is_none_is_shown_as_it_is() -> None:
    assert relative_time("some day", datetime.now().astimezone()) == "some day"
    assert full_time("") == ""
    moment = datetime(2026, 3, 12, 9, 5, 7).astimezone().isoformat()
    assert full_time(moment) == "Thursday, 12 March 2026, 09:05:07"


@pytest.fixture
def panel(qtbot: QtBot) -> HistoryPanel:
    panel = HistoryPanel()
    qtbot.addWidget(panel)
    panel.resize(300, 400)
    panel.show()
    return panel


def test_without_steps_the_panel_says_what_will_come(panel: HistoryPanel) -> None:
    assert panel.note == NO_PROJECT
    panel.set_history(History(), editable=True)
    assert panel.note == NOTHING_YET
    panel.set_history(history(1), editable=True)
    assert panel.note == ""


def test_a_click_is_one_jump(panel: HistoryPanel, qtbot: QtBot) -> None:
    panel.set_history(history(5), editable=True)
    asked: list[int] = []
    panel.jump_requested.connect(asked.append)
    place = panel.view.visualRect(panel.model.index(3)).center()
    qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert asked == [2]
    present = panel.view.visualRect(panel.model.index(0)).center()
    qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=present)
    assert asked == [2]  # one is there already


def test_arrows_look_and_enter_jumps(panel: HistoryPanel, qtbot: QtBot) -> None:
    panel.set_history(history(5), editable=True)
    asked: list[int] = []
    panel.jump_requested.connect(asked.append)
    for _ in range(2):
        qtbot.keyClick(panel.view, Qt.Key.Key_Down)
    assert asked == []
    qtbot.keyClick(panel.view, Qt.Key.Key_Return)
    assert asked == [3]
    panel.set_history(history(5, 3), editable=True)
    assert panel.view.currentIndex().row() == 2
    qtbot.keyClick(panel.view, Qt.Key.Key_End)
    qtbot.keyClick(panel.view, Qt.Key.Key_Return)
    assert asked == [3, 0]


def test_a_read_only_history_is_only_looked_at(panel: HistoryPanel, qtbot: QtBot) -> None:
    panel.set_history(history(5), editable=False)
    asked: list[int] = []
    panel.jump_requested.connect(asked.append)
    qtbot.keyClick(panel.view, Qt.Key.Key_End)
    qtbot.keyClick(panel.view, Qt.Key.Key_Return)
    assert asked == []


def test_ten_thousand_steps_are_shown_and_followed_at_once(
    panel: HistoryPanel, qtbot: QtBot
) -> None:
    many = history(10_000)
    panel.set_history(many, editable=True)
    panel.grab()
    panel.set_history(many.with_step(step(1)), editable=True)
    panel.grab()
    panel.set_history(history(10_000).moved(10), editable=True)
    panel.grab()
    assert panel.view.visualRect(panel.model.index(panel.model.present_row())).isValid()
    assert panel.model.index(0).parent() == QModelIndex()
    assert len(panel.findChildren(QWidget)) < 20  # rows are painted, not built
