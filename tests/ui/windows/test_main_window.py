"""The real window, driven as a person would."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QInputDialog, QLineEdit, QMessageBox

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.events import Stage, StageProgressed
from dclust_gui.services.cluster_quality import ClusterBar, QualityReport
from dclust_gui.services.marks import Mark
from dclust_gui.services.opening import open_folder, open_project
from dclust_gui.services.settings import Settings
from dclust_gui.ui.models.cluster_model import Role
from dclust_gui.ui.models.mime import IMAGE_IDS_MIME, encode_ids
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.views.quality_bars import QualityBars
from dclust_gui.ui.windows.export_dialog import ExportDialog
from dclust_gui.ui.windows.files_dialog import FilesState
from dclust_gui.ui.windows.skipped_dialog import SkippedDialog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.ui.app import App
    from tests.ui.windows.conftest import QuickEngine

    Start = Callable[[App, Path], None]


def session_of(app: App) -> ProjectSession:
    assert app.controller.session is not None
    return app.controller.session


def drop_on(app: App, cluster: int, ids: list[int]) -> None:
    """Drop images on a cluster's row."""
    view = app.window.clusters.cluster_list
    view.viewport().resize(300, 2000)
    data = QMimeData()
    data.setData(IMAGE_IDS_MIME, encode_ids(ids))
    place = view.visualRect(app.clusters.index(app.clusters.row_of(cluster))).center()
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy = Qt.DropAction.CopyAction
    view.dragEnterEvent(QDragEnterEvent(place, copy, data, left, none))
    view.dropEvent(QDropEvent(QPointF(place), copy, data, left, none))


def shows(action: QAction, text: str) -> Callable[[], bool]:
    """Whether a command can be used under this name."""
    return lambda: action.isEnabled() and action.text() == text


def check_agreement(app: App) -> None:
    """Model, view and project say the same."""
    session = session_of(app)
    clustering = session.clustering
    counts = clustering.counts()
    assert set(app.clusters.cluster_ids()) == set(clustering.clusters)
    for row in range(app.clusters.rowCount()):
        index = app.clusters.index(row)
        key = index.data(Role.ID)
        assert index.data(Role.COUNT) == counts[key]
        assert index.data() == clustering.clusters[key].title
    stored = session.store.clustering()
    assert np.array_equal(stored.labels, clustering.labels)
    assert dict(stored.clusters) == dict(clustering.clusters)
    wanted = app.gallery.filter
    shown = set(app.gallery.ids.tolist())
    if wanted.cluster is not None:
        assert shown == set(clustering.members(wanted.cluster).tolist())
    elif wanted.images is None:
        assert shown == set(range(clustering.n_images))


def test_a_folder_shows_its_images_before_they_are_read(
    start: Start, app: App, photos: Path, qtbot: QtBot
) -> None:
    start(app, photos)
    qtbot.waitUntil(lambda: app.gallery.rowCount() == 24, timeout=5000)
    assert app.window.windowTitle() == "Pets (draft) — dclust"
    qtbot.waitUntil(lambda: app.gallery.picture_of(0) is not None, timeout=5000)
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=5000)


def test_a_whole_session_of_work_survives_closing(
    start: Start,
    clustered_app: App,
    photos: Path,
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    app, session = clustered_app, session_of(clustered_app)
    actions = app.window.actions_
    assert [session.clustering.counts()[c] for c in app.clusters.cluster_ids()] == [8, 8, 8]

    drop_on(app, 2, [0, 1])
    qtbot.waitUntil(lambda: session.clustering.labels[0] == 2, timeout=2000)
    qtbot.waitUntil(lambda: actions["undo"].text() == "Undo move 2 images to 'Cluster 02'")
    assert app.window.messages.messages[-1].text == "Moved 2 images to 'Cluster 02'."
    actions["undo"].trigger()
    assert session.clustering.labels[0] == 1
    assert not [m for m in app.window.messages.messages if m.kind is MessageKind.DONE]
    qtbot.waitUntil(actions["redo"].isEnabled)
    actions["redo"].trigger()
    assert session.clustering.labels[0] == 2

    app.window.clusters.select_cluster(2)
    qtbot.waitUntil(actions["rename"].isEnabled)
    actions["rename"].trigger()
    editor = app.window.clusters.cluster_list.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    qtbot.keyClicks(editor, "Beach")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.clustering.clusters[2].name == "Beach", timeout=2000)
    assert app.gallery.rowCount() == 10

    app.commands.dialogs.export(())
    dialog = app.commands.dialogs.opened("export")
    assert isinstance(dialog, ExportDialog)
    dialog.set_target(tmp_path / "Sorted")
    qtbot.waitUntil(lambda: dialog.state is FilesState.READY, timeout=5000)
    assert not (tmp_path / "Sorted").exists()
    dialog.start()
    qtbot.waitUntil(lambda: dialog.state is FilesState.DONE, timeout=5000)
    assert len(list((tmp_path / "Sorted" / "Beach").iterdir())) == 10
    assert len(list(photos.iterdir())) == 24
    dialog.reject()

    labels = session.clustering.labels
    app.controller.close()
    assert app.window.windowTitle() == "dclust"
    start(app, photos)
    again = session_of(app)
    assert np.array_equal(again.clustering.labels, labels)
    assert again.clustering.clusters[2].name == "Beach"
    qtbot.waitUntil(lambda: actions["undo"].text() == "Undo rename 'Cluster 02' to 'Beach'")
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=5000)
    check_agreement(app)


def test_dropping_a_folder_on_the_window_opens_it(app: App, photos: Path, qtbot: QtBot) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(photos))])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy = Qt.DropAction.CopyAction
    app.window.dragEnterEvent(QDragEnterEvent(QPoint(5, 5), copy, data, left, none))
    event = QDropEvent(QPointF(5, 5), copy, data, left, none)
    app.window.dropEvent(event)
    assert event.dropAction() is Qt.DropAction.CopyAction
    qtbot.waitUntil(lambda: app.gallery.rowCount() == 24, timeout=5000)
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=5000)


def test_images_of_this_window_dropped_beside_a_target_open_nothing(open_app: App) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/somewhere/cat.png")])
    data.setData(IMAGE_IDS_MIME, encode_ids([1]))
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, left, none)
    event.ignore()
    open_app.window.dragEnterEvent(event)
    assert not event.isAccepted()


@pytest.mark.parametrize("stage", [Stage.SCAN, Stage.FEATURES, Stage.CLUSTER])
def test_cancel_leaves_the_project_as_it_was_and_the_window_free(
    start: Start, app: App, photos: Path, qtbot: QtBot, stage: Stage
) -> None:
    import threading

    engine = app.work._engine
    gate = threading.Event()
    engine.gates[stage] = gate  # type: ignore[attr-defined]
    start(app, photos)
    app.work.cluster(app.window.run_panel.settings())
    reached = engine.reached[stage]  # type: ignore[attr-defined]
    qtbot.waitUntil(reached.is_set, timeout=5000)
    qtbot.waitUntil(app.window.jobs.isVisible, timeout=2000)
    app.window.jobs.cancel_requested.emit()
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=500)
    session = session_of(app)
    assert not session.clustering.clusters
    assert not app.work.is_clustering
    assert not session.history.steps
    qtbot.waitUntil(lambda: not app.window.jobs.isVisible(), timeout=1000)
    gate.set()
    app.work.rescan()
    app.work.cluster(app.window.run_panel.settings())
    with qtbot.waitSignal(app.work.run_accepted, timeout=5000):
        pass
    assert len(session.clustering.clusters) == 3


def test_clustering_asked_for_while_reading_follows_and_says_so(
    start: Start, app: App, photos: Path, qtbot: QtBot
) -> None:
    import threading

    engine = app.work._engine
    gate = engine.gates[Stage.FEATURES] = threading.Event()  # type: ignore[attr-defined]
    start(app, photos)
    qtbot.waitUntil(lambda: app.gallery.rowCount() == 24, timeout=5000)
    with qtbot.waitSignal(app.work.run_accepted, timeout=5000):
        app.window.actions_["cluster"].trigger()
        assert "clustering" in app.window.jobs.text
        assert app.work.is_clustering
        gate.set()
    qtbot.waitUntil(lambda: not app.window.jobs.isVisible(), timeout=2000)


def test_pause_holds_the_job_until_resume(
    start: Start, app: App, photos: Path, qtbot: QtBot
) -> None:
    import threading

    engine = app.work._engine
    gate = engine.gates[Stage.FEATURES] = threading.Event()  # type: ignore[attr-defined]
    start(app, photos)
    qtbot.waitUntil(engine.reached[Stage.FEATURES].is_set, timeout=5000)  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: app.work._current is not None, timeout=2000)
    app.window.jobs.pause_requested.emit()
    gate.set()
    assert "Paused" in app.window.jobs.text
    app.window.jobs.resume_requested.emit()
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=5000)
    assert not app.work.n_unread()


def test_a_failure_of_the_engine_is_told_and_changes_nothing(
    open_app: App, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    open_app.work._engine.failure = RuntimeError("boom")  # type: ignore[attr-defined]
    with caplog.at_level("CRITICAL"):
        open_app.window.actions_["cluster"].trigger()
        qtbot.waitUntil(lambda: bool(open_app.window.messages.messages), timeout=5000)
    message = open_app.window.messages.messages[-1]
    assert message.kind is MessageKind.ERROR
    assert "Your project is as it was" in message.text
    assert not session_of(open_app).clustering.clusters
    qtbot.waitUntil(lambda: not open_app.work.is_busy)


def test_new_files_appear_after_rescan_and_vanished_ones_are_listed(
    open_app: App, photos: Path, qtbot: QtBot
) -> None:
    shutil.copy(photos / "cat-00.png", photos / "cat-new.png")
    (photos / "dog-00.png").unlink()
    (photos / "owl-broken.png").write_bytes(b"broken")
    open_app.window.actions_["rescan"].trigger()
    qtbot.waitUntil(lambda: open_app.gallery.rowCount() == 26, timeout=5000)
    qtbot.waitUntil(lambda: not open_app.work.is_busy, timeout=5000)
    open_app.commands.dialogs.skipped()
    dialog = open_app.commands.dialogs.opened("skipped")
    assert isinstance(dialog, SkippedDialog)
    names = {row[0]: row[2] for row in dialog._model.rows}
    assert names == {"dog-00.png": "It is not there.", "owl-broken.png": "The file is damaged."}
    (photos / "owl-broken.png").write_bytes((photos / "owl-00.png").read_bytes())
    dialog.retry_requested.emit()
    qtbot.waitUntil(lambda: dialog._model.rowCount() == 1, timeout=5000)
    qtbot.waitUntil(lambda: not open_app.work.is_busy, timeout=5000)


def test_delete_takes_images_out_and_offers_undo(clustered_app: App, qtbot: QtBot) -> None:
    app, session = clustered_app, session_of(clustered_app)
    app.controller.select([0, 1, 2], 0)
    qtbot.waitUntil(app.window.actions_["unassign"].isEnabled)
    app.window.activateWindow()
    app.window.gallery.setFocus()
    qtbot.keyClick(app.window.gallery, Qt.Key.Key_Delete)
    assert session.clustering.labels[:3].tolist() == [UNASSIGNED] * 3
    message = app.window.messages.messages[-1]
    assert "stay where they are" in message.text
    app.window.messages.action_requested.emit(message.action)
    assert session.clustering.labels[:3].tolist() == [1, 1, 1]


def test_only_images_in_sight_are_moved(clustered_app: App, qtbot: QtBot) -> None:
    app, session = clustered_app, session_of(clustered_app)
    app.controller.select([0, 20], 0)
    app.window.clusters.select_cluster(3)
    qtbot.waitUntil(lambda: app.window.counts.text() == "1 selected of 8 · 24")
    app.window.actions_["unassign"].trigger()
    assert session.clustering.labels[20] == UNASSIGNED
    assert session.clustering.labels[0] == 1


def test_move_palette_moves_to_the_typed_cluster(clustered_app: App, qtbot: QtBot) -> None:
    app, session = clustered_app, session_of(clustered_app)
    app.controller.rename(3, "Owls")
    app.controller.select([0, 1], 0)
    qtbot.waitUntil(app.window.actions_["move"].isEnabled)
    for text, check in (("ow", "Owls"), ("Brand new", "Brand new")):
        app.window.actions_["move"].trigger()
        dialog = app.commands.dialogs.opened("move")
        assert dialog is not None
        line = dialog.findChild(QLineEdit)
        assert isinstance(line, QLineEdit)
        qtbot.keyClicks(line, text)
        qtbot.keyClick(line, Qt.Key.Key_Return)
        title = session.clustering.clusters[int(session.clustering.labels[0])].title
        assert title == check
        qtbot.waitUntil(lambda: app.commands.dialogs.opened("move") is None)


def test_alt_and_a_number_files_into_that_cluster(clustered_app: App, qtbot: QtBot) -> None:
    app, session = clustered_app, session_of(clustered_app)
    app.controller.select([0], 0)
    app.controller.toggle_mark([3], Mark.PINNED)
    qtbot.waitUntil(lambda: app.window.actions_.quick[0].text() == "Cluster 03")
    app.window.actions_.quick[0].trigger()
    assert session.clustering.labels[0] == 3


def test_merge_keeps_the_named_cluster(clustered_app: App, qtbot: QtBot) -> None:
    app, session = clustered_app, session_of(clustered_app)
    app.controller.rename(2, "Dogs")
    app.controller.merge_all([1, 2, 3])
    assert list(session.clustering.clusters) == [2]
    assert session.clustering.counts()[2] == 24
    assert session.history.undo_step is not None
    assert session.history.undo_step.title == "merge 2 clusters into 'Dogs'"


def test_marks_colour_and_notes_can_be_set_and_undone(clustered_app: App, qtbot: QtBot) -> None:
    app, session = clustered_app, session_of(clustered_app)
    actions, before = app.window.actions_, session.clustering.clusters
    app.window.clusters.cluster_list.selectAll()
    for name, set_text, take_text in (
        ("pin", "Pin 3 clusters", "Unpin 3 clusters"),
        ("review", "Mark 3 clusters reviewed", "Mark 3 clusters not reviewed"),
        ("ignore", "Ignore 3 clusters", "Stop ignoring 3 clusters"),
    ):
        qtbot.waitUntil(shows(actions[name], set_text))
        actions[name].trigger()
        qtbot.waitUntil(shows(actions[name], take_text))
    table = session.clustering.clusters.values()
    assert all(c.is_pinned and c.is_reviewed and c.is_ignored for c in table)
    assert [s.title for s in session.history.steps[-2:]] == [
        "mark 3 clusters as reviewed",
        "ignore 3 clusters",
    ]
    app.window.clusters.select_cluster(2)
    colours = app.window.menus.colour
    colours.aboutToShow.emit()
    assert [a.data() for a in colours.actions() if a.isChecked()] == [before[2].colour]
    colours.actions()[7].trigger()
    assert session.clustering.clusters[2].colour == 7
    qtbot.waitUntil(actions["notes"].isEnabled)
    actions["notes"].trigger()
    dialog = app.commands.dialogs.opened("notes")
    assert isinstance(dialog, QInputDialog)
    dialog.setTextValue("with a white collar\n")
    dialog.accept()
    assert session.clustering.clusters[2].notes == "with a white collar"
    for _ in range(5):
        actions["undo"].trigger()
    assert session.clustering.clusters == before


def test_quality_panel_measures_while_it_is_seen(
    clustered_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, session = clustered_app, session_of(clustered_app)
    asked: list[Snapshot] = []

    def report(_service: object, snapshot: Snapshot, **_: object) -> QualityReport:
        asked.append(snapshot)
        table = snapshot.clustering.clusters
        counts = snapshot.clustering.counts()
        bars = tuple(ClusterBar(k, c.title, c.colour, counts[k], 0.5) for k, c in table.items())
        return QualityReport(bars, 0.5, {}, "", has_folders=False, agreement=None)

    monkeypatch.setattr("dclust_gui.services.cluster_quality.quality_report", report)
    bars = app.window.quality.findChild(QualityBars)
    assert isinstance(bars, QualityBars)
    app.controller.rename(1, "Cats")
    qtbot.wait(500)
    assert asked == []
    panel = next(a for a in app.window.findChildren(QAction) if a.text() == "Quality")
    panel.trigger()
    qtbot.waitUntil(lambda: "Cats: 8 images" in bars.accessibleDescription(), timeout=3000)
    session.move([0], 2)
    qtbot.waitUntil(lambda: "Cats: 7 images" in bars.accessibleDescription(), timeout=3000)
    assert len(asked) == 2
    panel.trigger()
    assert not app.window.quality.isVisible()


def test_read_only_project_says_so_and_allows_no_change(
    start: Start, app: App, photos: Path, qtbot: QtBot
) -> None:
    holder = open_folder(photos)
    start(app, holder.path)
    assert "read only" in app.window.windowTitle()
    assert app.window.messages.messages[0].key == "read only"
    for name in ("new_cluster", "cluster", "rename", "rescan", "undo"):
        assert not app.window.actions_[name].isEnabled()
    assert not app.window.clusters._new.isEnabled()
    app.controller.close()
    holder.close()


def test_save_as_goes_on_in_the_new_file(clustered_app: App, tmp_path: Path, qtbot: QtBot) -> None:
    app = clustered_app
    target = tmp_path / "kept" / "Pets.dclust"
    target.parent.mkdir()
    assert app.controller.save_as(target)
    qtbot.waitUntil(lambda: app.window.windowTitle() == "Pets — dclust")
    app.controller.rename(1, "Cats")
    app.controller.close()
    session = open_project(target)
    assert session.clustering.clusters[1].name == "Cats"
    session.close()


def test_images_found_while_saving_as_reach_the_new_file(
    app: App, photos: Path, tmp_path: Path, engine: QuickEngine, qtbot: QtBot, start: Start
) -> None:
    gate = engine.gates[Stage.SCAN] = threading.Event()
    start(app, photos)
    qtbot.waitUntil(engine.reached[Stage.SCAN].is_set, timeout=5000)
    session = session_of(app)
    old, merging = session.store, threading.Event()
    write = old.write_images
    saved = threading.Event()

    def write_late(rows: Sequence[tuple[int, ImageRecord]]) -> None:
        merging.set()
        assert saved.wait(5)
        write(rows)

    old.write_images = write_late  # type: ignore[method-assign]
    gate.set()
    qtbot.waitUntil(merging.is_set, timeout=5000)
    assert app.controller.save_as(tmp_path / "pets")
    saved.set()
    qtbot.waitUntil(lambda: not app.work.is_busy and not app.work.n_unread(), timeout=10_000)
    assert len(session.images) == 24
    app.controller.close()
    again = open_project(tmp_path / "pets.dclust")
    assert len(again.images) == 24
    again.close()
    assert not [m for m in app.window.messages.messages if m.kind is MessageKind.ERROR]


def test_something_that_is_no_project_is_explained(app: App, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "x.dclust"
    path.write_text("no")
    app.controller.open_path(path)
    qtbot.waitUntil(lambda: bool(app.window.messages.messages), timeout=2000)
    assert app.window.messages.messages[-1].kind is MessageKind.ERROR
    assert app.controller.session is None


def test_closing_while_clustering_asks_first(open_app: App, qtbot: QtBot) -> None:
    import threading

    engine = open_app.work._engine
    engine.gates[Stage.CLUSTER] = threading.Event()  # type: ignore[attr-defined]
    open_app.window.actions_["cluster"].trigger()
    qtbot.waitUntil(engine.reached[Stage.CLUSTER].is_set, timeout=5000)  # type: ignore[attr-defined]
    open_app.window.close()
    assert open_app.window.isVisible()
    assert open_app.commands.dialogs.opened("close") is not None
    open_app.commands.dialogs.close_all()
    open_app.window.close()
    open_app.commands.dialogs.close_confirmed.emit()
    assert not open_app.window.isVisible()


def test_window_state_and_recent_folders_are_remembered(
    open_app: App, photos: Path, qtbot: QtBot
) -> None:
    open_app.window.gallery.set_cell_side(256)
    open_app.window.close()
    assert not open_app.window.isVisible()
    settings = Settings()
    assert settings.recent() == (photos,)
    assert settings.text("thumbnail side") == "256"
    assert settings.text("geometry")


def test_a_thousand_random_actions_leave_all_in_agreement(clustered_app: App, qtbot: QtBot) -> None:
    app, session = clustered_app, session_of(clustered_app)
    rng = np.random.default_rng(7)
    panel, actions = app.window.clusters, app.window.actions_
    for number in range(1000):
        ids = list(app.clusters.cluster_ids())
        images = rng.choice(24, rng.integers(1, 6), replace=False).tolist()
        match rng.integers(0, 12):
            case 0 | 1:
                app.controller.select(images, images[0])
            case 2 | 3 if ids:
                panel.move_requested.emit(tuple(images), int(rng.choice(ids)))
            case 4:
                actions["unassign"].setEnabled(True)
                actions["unassign"].trigger()
            case 5 if len(ids) < 12:
                panel.new_cluster_requested.emit(tuple(images))
            case 6 if len(ids) > 1:
                two = rng.choice(ids, 2, replace=False)
                panel.merge_requested.emit((int(two[0]),), int(two[1]))
            case 7 | 8:
                app.controller.undo()
            case 9:
                app.controller.redo()
            case 10 if ids:
                panel.rename_requested.emit(int(rng.choice(ids)), f"Name {number}")
            case _:
                if ids and rng.random() < 0.7:
                    panel.select_cluster(int(rng.choice(ids)))
                else:
                    panel.show_all()
        if number % 25 == 0:
            check_agreement(app)
    check_agreement(app)
    labels = session.clustering.labels
    path = session.path
    app.controller.close()
    again = open_project(path)
    assert np.array_equal(again.clustering.labels, labels)
    again.close()


def test_no_step_of_the_work_holds_up_the_window(
    start: Start, app: App, photos: Path, qtbot: QtBot, loop_watch: object
) -> None:
    loop_watch.reset()  # type: ignore[attr-defined]
    start(app, photos)
    app.work.cluster(app.window.run_panel.settings())
    with qtbot.waitSignal(app.work.run_accepted, timeout=10_000):
        pass
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=5000)
    app.controller.move([0, 1, 2], 2)
    app.controller.undo()
    qtbot.waitUntil(lambda: app.gallery.picture_of(0) is not None, timeout=5000)
    # decoding, features or clustering on this thread would take far longer
    assert loop_watch.longest_s < 1.0  # type: ignore[attr-defined]


def test_commands_act_on_the_image_shown_large_and_go_on_to_the_next(
    clustered_app: App, qtbot: QtBot
) -> None:
    app, session = clustered_app, session_of(clustered_app)
    chosen = [app.gallery.id_at(row) for row in (0, 1, 2)]
    app.controller.select(chosen, chosen[0])
    app.window.preview.open_image(chosen[0])
    unassign = app.window.actions_["unassign"]
    qtbot.waitUntil(shows(unassign, "Take 1 image out of 'Cluster 01'"))
    unassign.trigger()
    assert [int(session.clustering.labels[i]) for i in chosen] == [UNASSIGNED, 1, 1]
    assert app.window.preview.image == chosen[1]
    app.window.preview.step(1)
    assert session.selection.images == frozenset(chosen)
    assert session.selection.current == chosen[2]


def test_choosing_a_cluster_closes_the_preview(clustered_app: App) -> None:
    app = clustered_app
    app.window.preview.open_image(app.gallery.id_at(0))
    app.window.clusters.select_cluster(2)
    assert app.window.preview.image is None


@pytest.mark.parametrize("way", ["close", "recent", "drop"])
def test_a_running_clustering_is_lost_only_after_a_question(
    open_app: App, tmp_path: Path, qtbot: QtBot, way: str
) -> None:
    app, session = open_app, session_of(open_app)
    engine = app.work._engine
    gate = engine.gates[Stage.CLUSTER] = threading.Event()  # type: ignore[attr-defined]
    app.window.actions_["cluster"].trigger()
    qtbot.waitUntil(engine.reached[Stage.CLUSTER].is_set, timeout=5000)  # type: ignore[attr-defined]
    other = tmp_path / "Other"
    other.mkdir()

    def leave() -> None:
        if way == "close":
            app.window.actions_["close"].trigger()
        elif way == "recent":
            app.window.empty.recent_requested.emit(str(other))
        else:
            app.window.paths_dropped.emit((str(other),))

    leave()
    box = app.commands.dialogs.opened("stop")
    assert isinstance(box, QMessageBox)
    box.button(QMessageBox.StandardButton.Cancel).click()
    assert app.controller.session is session
    assert app.work.is_clustering
    leave()
    box = app.commands.dialogs.opened("stop")
    assert isinstance(box, QMessageBox)
    box.button(QMessageBox.StandardButton.Ok).click()
    qtbot.waitUntil(lambda: app.controller.session is not session, timeout=5000)
    gate.set()
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=5000)


def test_undo_and_redo_select_the_images_they_moved(clustered_app: App) -> None:
    app, session = clustered_app, session_of(clustered_app)
    moved = [app.gallery.id_at(row) for row in (3, 5)]
    app.controller.move(moved, 2)
    app.controller.select([], None)
    app.controller.undo()
    assert session.selection.images == frozenset(moved)
    assert session.selection.current == moved[0]
    app.controller.select([], None)
    app.controller.redo()
    assert session.selection.images == frozenset(moved)


def test_files_of_one_folder_open_it_and_those_of_several_open_nothing(
    app: App, photos: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    app.window.paths_dropped.emit((str(photos / "cat-00.png"), str(tmp_path / "else" / "b.png")))
    assert "several folders" in app.window.messages.messages[-1].text
    with qtbot.waitSignal(app.controller.session_changed, timeout=5000):
        app.window.paths_dropped.emit((str(photos / "cat-00.png"), str(photos / "cat-01.png")))
    assert session_of(app).roots == (photos,)
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=5000)


def test_a_vanished_folder_is_told_of_once_and_what_to_do(
    open_app: App, photos: Path, qtbot: QtBot
) -> None:
    app = open_app
    photos.rename(photos.with_name("Elsewhere"))
    for _ in range(2):
        app.work.rescan()
        qtbot.waitUntil(lambda: not app.work.is_busy, timeout=5000)
    texts = [m.text for m in app.window.messages.messages]
    assert len([t for t in texts if "is not there any more" in t]) == 1
    assert str(photos) in texts[-1]
    photos.with_name("Elsewhere").rename(photos)
    app.work.rescan()
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=5000)
    assert not app.window.messages.messages


def test_stopped_reading_is_no_longer_told_of_once_it_goes_on(
    start: Start, app: App, photos: Path, qtbot: QtBot
) -> None:
    engine = app.work._engine
    gate = engine.gates[Stage.FEATURES] = threading.Event()  # type: ignore[attr-defined]
    start(app, photos)
    qtbot.waitUntil(engine.reached[Stage.FEATURES].is_set, timeout=5000)  # type: ignore[attr-defined]
    app.work.cancel()
    qtbot.waitUntil(lambda: bool(app.window.messages.messages), timeout=3000)
    assert app.window.messages.messages[-1].text.startswith("Stopped.")
    gate.set()
    app.work.rescan()
    assert not app.window.messages.messages
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=5000)


def test_estimate_counts_what_is_read_and_how_fast(
    start: Start, app: App, photos: Path, qtbot: QtBot
) -> None:
    engine = app.work._engine
    gate = engine.gates[Stage.FEATURES] = threading.Event()  # type: ignore[attr-defined]
    start(app, photos)
    qtbot.waitUntil(engine.reached[Stage.FEATURES].is_set, timeout=5000)  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: app.work._current is not None, timeout=2000)
    job = app.work._current
    assert job is not None
    app.work._on_host_progressed(job, StageProgressed(Stage.FEATURES, 14, 24, rate=0.1))
    assert app.work.n_left() == 10
    assert app.work.rate == 0.1
    assert app.window.run_panel._estimate.text() == "About 2 min to read 10 images first"
    gate.set()
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=5000)
    assert app.work.n_left() == 0


def test_window_says_what_a_drop_of_files_opens(app: App, photos: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(photos))])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy = Qt.DropAction.CopyAction
    app.window.dragEnterEvent(QDragEnterEvent(QPoint(5, 5), copy, data, left, none))
    assert app.window.statusBar().currentMessage() == "Open folder Pets"


def test_messages_lie_over_the_gallery_and_move_nothing(open_app: App, qtbot: QtBot) -> None:
    app, window = open_app, open_app.window
    before = window.gallery.geometry(), window.gallery.mapTo(window, QPoint(0, 0))
    for number in range(2):
        window.messages.show_message(Message(MessageKind.WARNING, f"Something {number}."))
    assert (window.gallery.geometry(), window.gallery.mapTo(window, QPoint(0, 0))) == before
    bar, host = window.messages, window.messages.parentWidget()
    assert host is not None
    assert bar.isVisible()
    assert bar.geometry().bottom() == host.rect().bottom()
    assert 20 < bar.height() < 120
    window.resize(window.width() - 100, window.height() + 60)
    qtbot.waitUntil(lambda: bar.geometry().bottom() == host.rect().bottom())
    assert bar.width() == host.width()
    app.window.messages.clear()
    assert not bar.isVisible()


def test_an_empty_folder_shows_the_invitation_with_a_message(
    start: Start, app: App, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "Nothing").mkdir()
    start(app, tmp_path / "Nothing")
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=5000)
    qtbot.waitUntil(app.window.empty.isVisible, timeout=2000)
    assert "no images in this folder" in app.window.messages.messages[-1].text
    assert app.window.messages.isVisible()
