"""Exports in the real window: the session follows a move and its undo; what was cut short."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QDialog, QMessageBox

from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.images import absolute_path
from dclust_gui.services.export import run_export
from dclust_gui.services.export_memory import ExportEnd, ExportMemory
from dclust_gui.services.export_plan import ExportMode, export_items, plan_export
from dclust_gui.services.export_undo import UndoAction
from dclust_gui.services.export_wish import ExportWish
from dclust_gui.services.settings import Settings
from dclust_gui.storage.export_journal import JOURNAL_NAME
from dclust_gui.ui.windows.export_dialog import ExportDialog
from dclust_gui.ui.windows.exporting import FINISH_EXPORT
from dclust_gui.ui.windows.files_dialog import FilesDialog, FilesState
from dclust_gui.ui.windows.undo_export_dialog import UndoExportDialog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.app import App

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="compares POSIX paths")
WAIT_MS = 20_000


def session_of(app: App) -> ProjectSession:
    assert app.controller.session is not None
    return app.controller.session


def paths(app: App) -> list[Path]:
    session = session_of(app)
    return [absolute_path(session.roots[r.root], r.relative) for r in session.images]


def settle(dialog: FilesDialog, app: App, qtbot: QtBot) -> None:
    busy = (FilesState.PLANNING, FilesState.RUNNING, FilesState.FOLLOWING)
    qtbot.waitUntil(lambda: dialog.state not in busy and not app.work.is_busy, timeout=WAIT_MS)


def open_export(app: App, qtbot: QtBot, target: Path, mode: ExportMode) -> ExportDialog:
    """The export dialog with its dry run."""
    app.window.actions_["export"].trigger()
    dialog = app.commands.dialogs.opened("export")
    assert isinstance(dialog, ExportDialog)
    dialog.set_target(target)
    dialog.choices.modes.buttons[mode].click()
    qtbot.waitUntil(lambda: dialog.state is FilesState.READY, timeout=WAIT_MS)
    return dialog


def consent(dialog: QDialog) -> None:
    box = dialog.findChild(QMessageBox, "move")
    assert isinstance(box, QMessageBox)
    box.button(QMessageBox.StandardButton.Ok).click()


def move_away(app: App, qtbot: QtBot, target: Path) -> None:
    """Move all images into an export and close the dialog."""
    dialog = open_export(app, qtbot, target, ExportMode.MOVE)
    dialog.start()
    consent(dialog)
    settle(dialog, app, qtbot)
    assert dialog.state is FilesState.DONE
    dialog.reject()


def open_undo(app: App, qtbot: QtBot) -> UndoExportDialog:
    """The dialog of Undo export with its dry run."""
    app.window.actions_["undo_export"].trigger()
    dialog = app.commands.dialogs.opened("undo export")
    assert isinstance(dialog, UndoExportDialog)
    qtbot.waitUntil(lambda: dialog.state is not FilesState.PLANNING, timeout=WAIT_MS)
    return dialog


def test_the_window_follows_a_move_and_its_undo(
    clustered_app: App, qtbot: QtBot, tmp_path: Path, photos: Path
) -> None:
    app, target = clustered_app, tmp_path / "Sorted"
    before, labels = paths(app), session_of(app).clustering.labels.tolist()
    move_away(app, qtbot, target)
    assert list(photos.iterdir()) == []
    assert all(path.is_file() and path.is_relative_to(target) for path in paths(app))
    assert app.gallery.path_of(0).is_relative_to(target)
    assert len(session_of(app).images) == 24
    assert not any(record.is_missing for record in session_of(app).images)
    undo = open_undo(app, qtbot)
    assert [row[1] for row in undo.model.rows] == ["goes back"] * 24
    assert undo.text == "24 files back to where they were."
    undo.start()
    settle(undo, app, qtbot)
    assert "24 files moved back" in undo.text
    undo.reject()
    assert paths(app) == before
    assert all(path.is_file() for path in before)
    assert not target.exists()
    assert list(session_of(app).roots) == [photos]
    assert not any(record.is_missing for record in session_of(app).images)
    assert session_of(app).clustering.labels.tolist() == labels
    titles = [marker.title for marker in session_of(app).history.markers]
    assert titles == ["export 24 files to 'Sorted'", "undo export of 24 files to 'Sorted'"]
    step = session_of(app).history.undo_step
    assert step is not None
    assert step.title.startswith("cluster")  # undo steps over both


@pytest.mark.parametrize("how", ["go on", "again"])
def test_a_stopped_export_is_followed_as_far_as_it_came_and_goes_on(
    clustered_app: App,
    qtbot: QtBot,
    tmp_path: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    app, target = clustered_app, tmp_path / "Sorted"
    dialog = open_export(app, qtbot, target, ExportMode.MOVE)

    raised: list[bool] = []

    def cancelled_half_way(_token: CancelToken) -> None:
        if not raised and len(list(photos.iterdir())) <= 12:
            raised.append(True)
            raise Cancelled

    monkeypatch.setattr(CancelToken, "checkpoint", cancelled_half_way)
    dialog.start()
    consent(dialog)
    qtbot.waitUntil(lambda: dialog.state is FilesState.DONE, timeout=WAIT_MS)
    monkeypatch.undo()
    settle(dialog, app, qtbot)
    assert "The export was stopped" in dialog.text
    moved = [path for path in paths(app) if path.is_relative_to(target)]
    assert len(moved) == 24 - len(list(photos.iterdir())) > 0
    assert all(path.is_file() for path in paths(app))
    if how == "go on":
        assert dialog._start.text() == "Go on"
        dialog._start.click()
        qtbot.waitUntil(lambda: "moved" in dialog.text, timeout=WAIT_MS)
        settle(dialog, app, qtbot)
        assert "Could not" not in dialog.text
        dialog.reject()
        assert list(photos.iterdir()) == []
        assert all(path.is_file() and path.is_relative_to(target) for path in paths(app))
        return
    dialog.reject()
    again = open_export(app, qtbot, target, ExportMode.MOVE)
    assert again._start.text() == "Finish moving…"
    again.start()
    consent(again)
    settle(again, app, qtbot)
    assert list(photos.iterdir()) == []
    assert all(path.is_file() and path.is_relative_to(target) for path in paths(app))
    again.reject()


def test_closing_the_window_in_the_middle_of_a_move_follows_the_files_first(
    clustered_app: App, qtbot: QtBot, tmp_path: Path
) -> None:
    from dclust_gui.services.opening import open_project

    app, target = clustered_app, tmp_path / "Sorted"
    place = session_of(app).path
    dialog = open_export(app, qtbot, target, ExportMode.MOVE)
    dialog.start()
    consent(dialog)
    app.window.close()
    assert app.commands.dialogs.opened("close") is not None
    app.commands.dialogs.close_confirmed.emit()
    qtbot.waitUntil(lambda: app.controller.session is None, timeout=WAIT_MS)
    again = open_project(place)
    found = [absolute_path(again.roots[r.root], r.relative) for r in again.images]
    again.close()
    assert all(path.is_file() for path in found)


def test_undo_leaves_what_was_changed_and_says_why(
    clustered_app: App, qtbot: QtBot, tmp_path: Path
) -> None:
    app, target = clustered_app, tmp_path / "Sorted"
    dialog = open_export(app, qtbot, target, ExportMode.COPY)
    dialog.start()
    settle(dialog, app, qtbot)
    dialog.reject()
    changed = next(path for path in target.rglob("*.png"))
    changed.write_bytes(b"painted over")
    undo = open_undo(app, qtbot)
    name = changed.relative_to(target).as_posix()
    assert undo.model.rows[0] == (name, "stays", "It was changed since it was exported.")
    undo.start()
    settle(undo, app, qtbot)
    assert undo.text == "23 files removed. 1 file left as it is."
    assert list(target.rglob("*.png")) == [changed]
    undo.reject()


def test_without_an_export_undo_asks_for_a_folder(
    open_app: App, qtbot: QtBot, tmp_path: Path
) -> None:
    undo = open_undo(open_app, qtbot)
    assert "No export of this project is remembered" in undo.text
    assert not undo._start.isEnabled()
    undo.choose(tmp_path)
    qtbot.waitUntil(lambda: undo.state is FilesState.ASKING, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "There is no export" in undo.text, timeout=WAIT_MS)
    undo.reject()


def test_what_another_project_has_moved_is_not_undone_here(
    clustered_app: App, qtbot: QtBot, tmp_path: Path
) -> None:
    app, target = clustered_app, tmp_path / "Sorted"
    move_away(app, qtbot, target)
    other = tmp_path / "other.dclust"
    other.write_bytes(b"")
    journal = target / JOURNAL_NAME
    mine = str(session_of(app).path)
    journal.write_text(journal.read_text().replace(mine, str(other)))
    undo = open_undo(app, qtbot)
    assert undo._plan is not None
    assert undo._plan.count(UndoAction.RETURN) == 24
    assert "moved by another project" in undo.text
    assert not undo._start.isEnabled()
    undo.reject()


def test_an_export_that_a_crash_cut_short_is_offered_when_the_project_opens(
    open_app: App,
    qtbot: QtBot,
    tmp_path: Path,
    photos: Path,
    start: Callable[[App, Path], None],
) -> None:
    app, target = open_app, tmp_path / "Sorted"
    target.mkdir()
    (target / JOURNAL_NAME).write_text('{"dclust_export":2}\n')
    memory = ExportMemory(Settings())
    project = session_of(app).path
    memory.keep(project, ExportWish(target), ExportEnd.RUNNING)
    app.exporting.memory = memory
    app.controller.close()
    start(app, photos)
    offered = [m for m in app.window.messages.messages if m.action == FINISH_EXPORT]
    assert [message.text for message in offered] == ["The export to 'Sorted' was interrupted."]
    app.window.messages.action_requested.emit(FINISH_EXPORT)
    dialog = app.commands.dialogs.opened("export")
    assert isinstance(dialog, ExportDialog)
    assert dialog.choices.target.text() == os.fspath(target)
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=WAIT_MS)
    settle(dialog, app, qtbot)
    dialog.reject()


def test_a_project_without_clusters_can_be_exported_and_an_empty_one_says_so(
    open_app: App, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = open_export(open_app, qtbot, tmp_path / "out", ExportMode.COPY)
    assert dialog.choices.images.what.itemText(0) == "All 0 clusters"
    assert dialog.text.startswith("24 files to copy")
    dialog.choices.images.unassigned.setChecked(False)
    qtbot.waitUntil(lambda: "There is nothing to export" in dialog.text, timeout=WAIT_MS)
    assert not dialog._start.isEnabled()
    dialog.reject()


def test_a_read_only_project_can_be_copied_but_not_moved(
    clustered_app: App,
    qtbot: QtBot,
    tmp_path: Path,
    start: Callable[[App, Path], None],
) -> None:
    from dclust_gui.services.opening import open_project

    app = clustered_app
    place = session_of(app).path
    app.controller.close()
    holder = open_project(place)
    start(app, place)
    assert session_of(app).is_read_only
    dialog = open_export(app, qtbot, tmp_path / "out", ExportMode.COPY)
    assert not dialog.choices.modes.buttons[ExportMode.MOVE].isEnabled()
    assert "reading only" in dialog.choices.modes.buttons[ExportMode.MOVE].toolTip()
    dialog.start()
    settle(dialog, app, qtbot)
    assert "24 files copied" in dialog.text
    dialog.reject()
    holder.close()


def test_a_draft_that_is_saved_takes_the_memory_of_its_exports_along(
    clustered_app: App, qtbot: QtBot, tmp_path: Path
) -> None:
    app, target = clustered_app, tmp_path / "Sorted"
    move_away(app, qtbot, target)
    assert app.controller.save_as(tmp_path / "saved.dclust")
    undo = open_undo(app, qtbot)
    assert undo.targets.currentText() == os.fspath(target)
    undo.start()
    settle(undo, app, qtbot)
    assert "24 files moved back" in undo.text
    undo.reject()
    assert all(path.is_file() for path in paths(app))


def test_a_stopped_copy_goes_on_without_doubles(
    clustered_app: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, target = clustered_app, tmp_path / "Sorted"
    dialog = open_export(app, qtbot, target, ExportMode.COPY)
    raised: list[bool] = []

    def cancelled_half_way(_token: CancelToken) -> None:
        if not raised and len(list(target.rglob("*.png"))) >= 5:
            raised.append(True)
            raise Cancelled

    monkeypatch.setattr(CancelToken, "checkpoint", cancelled_half_way)
    dialog.start()
    settle(dialog, app, qtbot)
    monkeypatch.undo()
    if raised:
        assert dialog._start.text() == "Go on"
        dialog._start.click()
        qtbot.waitUntil(lambda: "copied" in dialog.text, timeout=WAIT_MS)
        settle(dialog, app, qtbot)
    assert "Could not" not in dialog.text
    assert len(list(target.rglob("*.png"))) == 24
    dialog.reject()


def test_a_move_that_a_crash_cut_short_is_followed_when_the_project_opens(
    clustered_app: App,
    qtbot: QtBot,
    tmp_path: Path,
    photos: Path,
    start: Callable[[App, Path], None],
) -> None:
    app, target = clustered_app, tmp_path / "Sorted"
    session = session_of(app)
    wish = ExportWish(target, mode=ExportMode.MOVE)
    items = export_items(session.images, session.clustering)
    request = wish.tree_request(session.clustering, session.path)
    plan = plan_export(items, session.roots, request)
    half = replace(plan, steps=plan.steps[:12])
    run_export(half, ignore_events, CancelToken())  # and nobody has followed
    app.exporting.memory.keep(session.path, wish, ExportEnd.RUNNING)
    app.controller.close()
    start(app, photos)
    qtbot.waitUntil(lambda: len(session_of(app).roots) == 2, timeout=WAIT_MS)
    qtbot.waitUntil(
        lambda: not any(r.is_missing for r in session_of(app).images) and not app.work.is_busy,
        timeout=WAIT_MS,
    )
    assert len(session_of(app).images) == 24
    assert all(path.is_file() for path in paths(app))
    assert sum(path.is_relative_to(target) for path in paths(app)) == 12
    messages = [m.text for m in app.window.messages.messages if m.action == FINISH_EXPORT]
    assert messages == ["The move to 'Sorted' was interrupted; some files are there, some are not."]
