"""File > Import labels…: what would be done is shown first; one step, or true classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QFileDialog

from dclust_gui.domain.edits import EditKind
from dclust_gui.services.importing.values import SourceKind
from dclust_gui.services.marks import Mark
from dclust_gui.services.opening import create_project
from dclust_gui.ui.windows.dropping import drop_hint
from dclust_gui.ui.windows.import_dialog import ImportDialog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.app import App

TABLE = "shot;kind;who\n" + "".join(
    f"{kind}-{i:02d}.png;{word};anna\n"
    for kind, word in (("cat", "Möhre"), ("dog", "Hund"))
    for i in range(8)
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Labels for cats and dogs, with a line that fits no image and one that repeats another."""
    path = tmp_path / "labels.csv"
    text = TABLE + "none.png;x;anna\ncat-00.png;möhre;anna\n"
    path.write_bytes(text.encode("cp1252"))
    return path


def dialog_of(app: App) -> ImportDialog:
    app.window.actions_["import_labels"].trigger()
    dialog = app.commands.dialogs.opened("import")
    assert isinstance(dialog, ImportDialog)
    return dialog


def session_of(app: App) -> ProjectSession:
    session = app.controller.session
    assert session is not None
    return session


def planned(app: App, qtbot: QtBot, path: Path) -> ImportDialog:
    """The dialog with the plan of a table whose label column was chosen."""
    dialog = dialog_of(app)
    dialog.source.choose(SourceKind.FILE, path)
    qtbot.waitUntil(lambda: "Choose the columns" in dialog.preview.text, timeout=10_000)
    with qtbot.waitSignal(dialog.planned, timeout=10_000):
        dialog.source._label_column.setCurrentIndex(1)
    return dialog


def said(app: App) -> str:
    """The last message."""
    return app.window.messages.messages[-1].text


def titles(app: App) -> list[str]:
    state = session_of(app).clustering
    return [state.clusters[k].title if k >= 0 else "-" for k in state.labels.tolist()]


def test_labels_become_clusters_in_one_step_with_undo(
    open_app: App, qtbot: QtBot, table: Path
) -> None:
    dialog = planned(open_app, qtbot, table)
    assert dialog.source._model.rows[0] == ("cat-00.png", "Möhre", "anna")
    assert dialog.preview.label_rows == (
        ("Möhre", "8", "new cluster"),
        ("Hund", "8", "new cluster"),
    )
    assert [row[0] for row in dialog.preview.problem_rows] == ["line 18", "line 19"]
    assert dialog.preview.text.startswith("16 of 24 images have a label: 16 by path.")
    assert dialog._start.text() == "Import 16 labels"
    dialog._start.click()
    assert open_app.commands.dialogs.opened("import") is None
    assert titles(open_app) == ["Möhre"] * 8 + ["Hund"] * 8 + ["-"] * 8
    assert session_of(open_app).history.steps[-1].kind is EditKind.IMPORT
    assert said(open_app) == "Imported labels of 16 images from 'labels.csv'."
    open_app.window.messages.action_requested.emit("undo")
    assert titles(open_app) == ["-"] * 24


def test_true_classes_show_in_the_quality_panel_and_can_be_taken_back(
    clustered_app: App, qtbot: QtBot, table: Path
) -> None:
    dialog = planned(clustered_app, qtbot, table)
    dialog.set_as_truth(is_wanted=True)
    assert dialog.preview.label_rows[0] == ("Möhre", "8", "true class")
    assert dialog._others.isHidden()
    steps = len(session_of(clustered_app).history.steps)
    answered: list[int] = []
    for end in (clustered_app.query_host.answered, clustered_app.query_host.failed):
        end.connect(lambda ticket, _: answered.append(ticket))
    dialog._start.click()
    truth = session_of(clustered_app).truth()
    assert truth is not None
    assert truth.classes == ("Möhre", "Hund")
    assert len(session_of(clustered_app).history.steps) == steps
    assert clustered_app.window.quality.is_comparing
    assert said(clustered_app) == "Imported true classes of 16 images from 'labels.csv'."
    qtbot.waitUntil(lambda: clustered_app._quality._ticket in answered, timeout=60_000)
    clustered_app.window.messages.action_requested.emit("undo true classes")
    assert session_of(clustered_app).truth() is None
    session_of(clustered_app).set_truth(truth)
    clustered_app.window.quality.forget_requested.emit()
    assert session_of(clustered_app).truth() is None
    clustered_app.window.messages.action_requested.emit("undo true classes")
    again = session_of(clustered_app).truth()
    assert again is not None
    assert again.classes == truth.classes


def test_others_can_be_set_free_and_what_is_pinned_is_said(
    clustered_app: App, qtbot: QtBot, table: Path
) -> None:
    session = session_of(clustered_app)
    first = int(session.clustering.labels[0])
    clustered_app.controller.toggle_mark([first], Mark.PINNED)
    dialog = planned(clustered_app, qtbot, table)
    assert sum("which is pinned" in row[2] for row in dialog.preview.problem_rows) == 8
    dialog._others.setChecked(True)
    dialog._start.click()
    kinds = titles(clustered_app)
    assert len(set(kinds[:8])) == 1
    assert kinds[:8] != ["Möhre"] * 8
    assert kinds[8:] == ["Hund"] * 8 + ["-"] * 8


def test_folders_and_keywords_need_no_file(open_app: App, qtbot: QtBot) -> None:
    dialog = dialog_of(open_app)
    for kind in (SourceKind.FOLDERS, SourceKind.XMP):
        with qtbot.waitSignal(dialog.planned, timeout=10_000):
            dialog.source.choose(kind)
        assert "None of 24 images has a label." in dialog.preview.text
        assert not dialog._start.isEnabled()
    dialog.source.choose(SourceKind.FILE)
    assert "Choose a file or folder" in dialog.preview.text


def test_a_file_that_cannot_be_read_is_said_and_another_can_be_chosen(
    open_app: App, qtbot: QtBot, table: Path, tmp_path: Path
) -> None:
    dialog = dialog_of(open_app)
    (tmp_path / "bad.json").write_text("{")
    dialog.source.choose(SourceKind.FILE, tmp_path / "bad.json")
    qtbot.waitUntil(lambda: "is not JSON" in dialog.preview.text, timeout=10_000)
    dialog.source.choose(SourceKind.FILE, table)
    qtbot.waitUntil(lambda: "Choose the columns" in dialog.preview.text, timeout=10_000)
    dialog.reject()


def test_leaving_a_field_as_it_is_asks_for_nothing_anew(
    open_app: App, qtbot: QtBot, table: Path, tmp_path: Path
) -> None:
    dialog = planned(open_app, qtbot, table)
    plan = dialog.plan
    dialog.source._base.editingFinished.emit()
    dialog.source._path.editingFinished.emit()
    assert dialog.plan is plan
    dialog.source._base.setText(str(tmp_path / "Pets"))
    with qtbot.waitSignal(dialog.planned, timeout=10_000):
        dialog.source._base.editingFinished.emit()
    assert dialog.plan is not plan
    dialog.reject()


def test_a_dropped_table_is_imported(open_app: App, qtbot: QtBot, table: Path) -> None:
    assert drop_hint([table], is_open=True) == "Import the labels in labels.csv"
    assert "Import" not in drop_hint([table], is_open=False)
    open_app.window.paths_dropped.emit((str(table),))
    dialog = open_app.commands.dialogs.opened("import")
    assert isinstance(dialog, ImportDialog)
    qtbot.waitUntil(lambda: "Choose the columns" in dialog.preview.text, timeout=10_000)
    dialog.reject()


def test_what_is_not_taken_can_be_saved(
    open_app: App, qtbot: QtBot, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = planned(open_app, qtbot, table)
    place = tmp_path / "left.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(place), ""))
    dialog.preview.save_requested.emit()
    assert place.read_text().splitlines()[1].startswith("line 18,none.png,")
    dialog.reject()


def test_closing_the_project_closes_the_dialog(open_app: App, qtbot: QtBot, table: Path) -> None:
    planned(open_app, qtbot, table)
    open_app.controller.close()
    assert open_app.commands.dialogs.opened("import") is None
    assert not open_app.window.actions_["import_labels"].isEnabled()


def test_a_project_that_somebody_else_holds_takes_no_labels(
    app: App, qtbot: QtBot, photos: Path, tmp_path: Path, start: Callable[[App, Path], None]
) -> None:
    assert not app.window.actions_["import_labels"].isEnabled()
    holder = create_project(tmp_path / "held.dclust", [photos])
    start(app, tmp_path / "held.dclust")
    assert session_of(app).is_read_only
    assert not app.window.actions_["import_labels"].isEnabled()
    app.importing.open()
    assert app.commands.dialogs.opened("import") is None
    holder.close()
