"""Bursts and stacks in the whole window: found, looked at, bound, moved, taken apart."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from dclust_gui.domain.bursts import FoundStack, StackKind
from dclust_gui.domain.errors import InputError
from dclust_gui.services.stacking import StackReport
from dclust_gui.ui.windows.stack_dialog import StackDialog

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.ui.app import App

GATE = threading.Event()
LEFT = Qt.MouseButton.LeftButton


@dataclass(frozen=True)
class QuickSearch:
    """Finds a burst of the first three images and a bracket of the next two; of gap 9 nothing."""

    engine: object
    snapshot: Snapshot
    gap_s: float
    least_similarity: float
    title: str = "Looking"

    def run(self, _sink: EventSink, token: CancelToken, /) -> StackReport:
        while not GATE.wait(0.01):
            token.checkpoint()
        if self.gap_s == 8.0:
            raise InputError("There are no images to look at.")
        stacks = (
            FoundStack((0, 1, 2), StackKind.BURST, 1.5, 0.91),
            FoundStack((3, 4), StackKind.BRACKET, 2.0, 0.8),
        )
        found = () if self.gap_s == 9.0 else stacks
        return StackReport(found, 24, 2, 0, 0, self.gap_s, self.least_similarity)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    GATE.set()
    monkeypatch.setattr("dclust_gui.ui.windows.stacking.FindStacksJob", QuickSearch)


def session_of(app: App) -> ProjectSession:
    assert app.controller.session is not None
    return app.controller.session


def dialog_of(app: App, qtbot: QtBot) -> StackDialog:
    app.window.actions_["stacks"].trigger()
    dialog = app.commands.dialogs.opened("stacks")
    assert isinstance(dialog, StackDialog)
    qtbot.waitUntil(lambda: "Comparing" not in dialog.note.text())
    return dialog


def stacks_of(app: App) -> list[int]:
    found: list[int] = session_of(app).saved_clustering.stacks.tolist()
    return found


def test_found_stacks_are_bound_as_one_step(clustered_app: App, quick: None, qtbot: QtBot) -> None:
    app = clustered_app
    dialog = dialog_of(app, qtbot)
    assert [s.title for s in dialog.grid.sections] == ["Burst", "Bracket"]
    assert "1 burst and 1 bracket of 5 images in 24 images." in dialog.note.text()
    assert "2 images have no capture time." in dialog.note.text()
    assert dialog.apply.text() == "Bind 2 stacks"
    assert not any(stacks_of(app))
    dialog.apply.click()
    assert stacks_of(app)[:6] == [1, 1, 1, 2, 2, 0]
    assert app.window.messages.messages[-1].text == "Bound 5 images as 2 stacks."
    app.window.actions_["undo"].trigger()
    assert not any(stacks_of(app))


def test_a_picture_can_be_left_out(clustered_app: App, quick: None, qtbot: QtBot) -> None:
    dialog = dialog_of(clustered_app, qtbot)
    for section in (0, 1):
        spot = dialog.grid.cell_rect(section, 1).center()
        qtbot.mouseClick(dialog.grid, LEFT, pos=spot)
    assert dialog.apply.text() == "Bind 1 stack"
    dialog.apply.click()
    assert stacks_of(clustered_app)[:5] == [1, 0, 1, 0, 0]


def test_other_wishes_are_looked_for_anew(clustered_app: App, quick: None, qtbot: QtBot) -> None:
    dialog = dialog_of(clustered_app, qtbot)
    dialog.gap.setValue(9.0)
    assert not dialog.apply.isEnabled()
    qtbot.waitUntil(lambda: "No burst or bracket" in dialog.note.text())
    assert not dialog.apply.isEnabled()
    dialog.gap.setValue(8.0)
    qtbot.waitUntil(lambda: "no images to look at" in dialog.note.text())
    dialog.similarity.set_value(0.5)
    dialog.gap.setValue(3.0)
    qtbot.waitUntil(dialog.apply.isEnabled)
    assert dialog.least_similarity == pytest.approx(0.5)
    dialog.reject()
    assert not any(stacks_of(clustered_app))


def test_the_project_may_be_closed_while_it_is_searched(
    clustered_app: App, quick: None, qtbot: QtBot
) -> None:
    GATE.clear()
    clustered_app.window.actions_["stacks"].trigger()
    assert clustered_app.commands.dialogs.opened("stacks") is not None
    clustered_app.controller.close()
    qtbot.waitUntil(lambda: clustered_app.commands.dialogs.opened("stacks") is None)
    GATE.set()
    assert not clustered_app.window.actions_["stacks"].isEnabled()


def test_selected_images_are_bound_moved_as_one_and_unbound(clustered_app: App) -> None:
    app, actions = clustered_app, clustered_app.window.actions_
    app.controller.select([0, 9], 0)
    app.commands.presenter.refresh()
    assert actions["bind"].text() == "Bind 2 images as a stack"
    assert not actions["unbind"].isEnabled()
    actions["bind"].trigger()
    labels = session_of(app).saved_clustering.labels
    assert labels[0] == labels[9]
    app.commands.presenter.refresh()
    assert not actions["bind"].isEnabled()
    assert actions["close_stacks"].isEnabled()
    app.controller.move((9,), 3)
    assert session_of(app).saved_clustering.labels[[0, 9]].tolist() == [3, 3]
    text = app.window.messages.messages[-1].text
    assert text.startswith("Moved 2 images (1 stack) to ")
    actions["close_stacks"].trigger()
    assert app.gallery.rowCount() == 23
    app.controller.select([0], 0)
    app.commands.presenter.refresh()
    assert actions["unbind"].text() == "Unbind 1 stack"
    actions["unbind"].trigger()
    assert not any(stacks_of(app))
    assert app.gallery.rowCount() == 24


def test_without_a_project_nothing_can_be_bound(app: App) -> None:
    actions = app.window.actions_
    assert not any(actions[name].isEnabled() for name in ("stacks", "bind", "unbind"))


def test_a_project_that_is_read_only_binds_nothing(
    clustered_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(clustered_app.controller), "is_editable", False)
    clustered_app.controller.select([0, 1], 0)
    clustered_app.commands.presenter.refresh()
    actions = clustered_app.window.actions_
    assert not any(actions[name].isEnabled() for name in ("stacks", "bind", "unbind"))
