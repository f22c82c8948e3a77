"""What hands and eyes meet while editing: scope, keys, what is in sight, markers, late answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPalette
from PySide6.QtWidgets import QLineEdit, QListWidget

from dclust_gui.domain import edits
from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.splits import ExampleProposal, SplitProposal
from dclust_gui.services.reviewing import ReviewItem, ReviewKind
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.views.acting import HasSubject
from dclust_gui.ui.views.theme import colours
from dclust_gui.ui.windows.controller import GONE
from dclust_gui.ui.windows.dialog_parts import MOST_SAID, short_step
from dclust_gui.ui.windows.example_dialog import ExampleDialog, count_at, step_for
from dclust_gui.ui.windows.export_dialog import ExportDialog
from dclust_gui.ui.windows.files_dialog import FilesState
from dclust_gui.ui.windows.move_palette import MovePalette
from dclust_gui.ui.windows.split_dialog import SplitDialog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.app import App


def session_of(app: App) -> ProjectSession:
    assert app.controller.session is not None
    return app.controller.session


def last_step(app: App) -> str:
    step = session_of(app).history.undo_step
    return "" if step is None else step.title


def refresh(app: App) -> None:
    app.commands.presenter.refresh()


def split_in_two(_service: object, _snapshot: object, cluster: int, n: int, _t: object) -> object:
    images = np.arange(8, dtype=np.int32)
    return SplitProposal(cluster, images, (images % n).astype(np.int32))


# -- scope: only what is seen is acted on ----------------------------------------------------


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """One about an image, one about two clusters."""
    about_image = ReviewItem(ReviewKind.DOUBTFUL, np.array([5], np.int32), 1, 2, 0.6, 0.6)
    both = np.arange(8, 24, dtype=np.int32)
    about_clusters = ReviewItem(ReviewKind.MERGE, both, 2, 3, 4, 0.5)
    found = (about_image, about_clusters)
    monkeypatch.setattr("dclust_gui.services.reviewing.ReviewJob.run", lambda *_args: found)


@pytest.mark.usefixtures("questions")
def test_commands_in_the_review_act_on_the_image_asked_about_and_on_nothing_unseen(
    clustered_app: App, qtbot: QtBot
) -> None:
    app, session = clustered_app, session_of(clustered_app)
    actions, presenter = app.window.actions_, app.commands.presenter
    app.controller.select([16, 17])
    actions["review_page"].trigger()
    qtbot.waitUntil(lambda: app.review.review is not None)
    assert list(presenter.selected) == [5]
    qtbot.waitUntil(lambda: actions["unassign"].text() == "Take 1 image out of 'Cluster 01'")
    assert app.window.counts.text() == "1 selected of 24"
    actions["unassign"].trigger()
    assert session.clustering.labels[5] == UNASSIGNED
    assert session.clustering.labels[[16, 17]].tolist() == [3, 3]
    assert not presenter.selected  # the next question is about clusters
    qtbot.waitUntil(lambda: not actions["unassign"].isEnabled())
    assert app.window.counts.text() == "24 images"
    actions["gallery"].trigger()
    assert presenter.selected == (16, 17)


def test_pages_that_show_no_selection_say_so(clustered_app: App) -> None:
    app = clustered_app
    app.controller.select([0, 1])
    for page in (app.runs.page, app.reclustering.page):
        app.window.show_page(page)
        assert isinstance(page, HasSubject)
        assert app.commands.presenter.selected == ()
        refresh(app)
        assert not app.window.actions_["move"].isEnabled()


def test_counts_beside_the_gallery_are_of_all_images(clustered_app: App) -> None:
    app = clustered_app
    app.window.clusters.select_cluster(1)
    app.controller.select(range(8))
    app.controller.move(range(8), 2)
    refresh(app)
    assert app.window.counts.text() == "0 of 24 images"
    app.window.actions_["dendrogram"].trigger()
    refresh(app)
    assert app.window.counts.text() == "8 selected of 24"


# -- keys ------------------------------------------------------------------------------------


def test_enter_in_the_number_of_parts_splits(
    clustered_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dclust_gui.services.editing.proposals.propose_parts", split_in_two)
    app = clustered_app
    app.window.clusters.select_cluster(1)
    refresh(app)
    app.window.actions_["split"].trigger()
    dialog = app.commands.dialogs.opened("split")
    assert isinstance(dialog, SplitDialog)
    qtbot.waitUntil(dialog.apply.isEnabled)
    qtbot.keyClicks(dialog.n_parts, "3")
    qtbot.waitUntil(dialog.apply.isEnabled)
    qtbot.keyClick(dialog.n_parts, Qt.Key.Key_Return)
    assert last_step(app) == "split 'Cluster 01' into 3 clusters"


def test_arrows_go_on_beside_images_that_have_left(clustered_app: App, qtbot: QtBot) -> None:
    app, gallery = clustered_app, clustered_app.window.gallery
    app.window.clusters.select_cluster(1)
    app.controller.select([4, 5], 4)
    refresh(app)
    app.window.actions_["unassign"].trigger()
    qtbot.keyClick(gallery, Qt.Key.Key_Right)
    assert session_of(app).selection.current == 6
    app.controller.select([7], 7)
    app.controller.move([7], 2)
    qtbot.keyClick(gallery, Qt.Key.Key_Left)
    assert session_of(app).selection.current == 6  # none is after it: the one before


def test_a_key_right_after_a_click_finds_its_command(clustered_app: App, qtbot: QtBot) -> None:
    app, gallery = clustered_app, clustered_app.window.gallery
    app.window.activateWindow()
    gallery.setFocus()
    refresh(app)
    assert not app.window.actions_["unassign"].isEnabled()
    app.controller.select([3], 3)
    qtbot.keyClick(gallery, Qt.Key.Key_Delete)
    assert session_of(app).clustering.labels[3] == UNASSIGNED


def test_letters_are_for_fields_that_came_after_the_window(
    clustered_app: App, qtbot: QtBot
) -> None:
    app, page = clustered_app, clustered_app.reclustering.page
    app.window.activateWindow()
    app.window.show_page(page)
    page.ways.setFocus()
    qtbot.waitUntil(page.ways.hasFocus)
    key = Qt.Key.Key_G
    event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier, "g")
    event.ignore()
    QCoreApplication.sendEvent(page.ways, event)
    assert event.isAccepted()


def test_naming_a_new_cluster_keeps_what_is_shown_and_gives_the_keys_back(
    clustered_app: App, qtbot: QtBot
) -> None:
    app = clustered_app
    app.window.activateWindow()
    app.window.gallery.setFocus()
    app.controller.select([0, 9])
    refresh(app)
    app.window.actions_["new_cluster"].trigger()
    editor = app.window.clusters.cluster_list.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    qtbot.keyClicks(editor, "Both")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session_of(app).clustering.clusters[4].name == "Both")
    assert app.gallery.rowCount() == 24
    assert app.window.clusters.selected_clusters() == ()
    assert session_of(app).selection.images == {0, 9}
    qtbot.waitUntil(lambda: not app.window.clusters.cluster_list.hasFocus())


# -- what is in sight ------------------------------------------------------------------------


def test_undoing_a_merge_shows_and_selects_its_clusters_again(clustered_app: App) -> None:
    app, panel = clustered_app, clustered_app.window.clusters
    panel.select_clusters((1, 2))
    assert app.gallery.rowCount() == 16
    app.controller.merge([1], 2)
    assert panel.selected_clusters() == (2,)
    app.controller.undo()
    assert panel.selected_clusters() == (1, 2)
    assert app.gallery.rowCount() == 16
    assert session_of(app).selection.images == set(range(8))
    app.controller.redo()
    assert panel.selected_clusters() == (2,)


def test_undo_beside_the_gallery_leaves_the_chosen_clusters(clustered_app: App) -> None:
    app, panel = clustered_app, clustered_app.window.clusters
    app.controller.move([0], 2)
    panel.select_cluster(3)
    app.window.actions_["dendrogram"].trigger()
    app.controller.undo()
    assert panel.selected_clusters() == (3,)
    assert session_of(app).selection.images == {0}


def test_undo_during_a_preview_selects_only_what_it_moved(clustered_app: App) -> None:
    app, session = clustered_app, session_of(clustered_app)
    app.controller.select([3])
    app.controller.rename(1, "Cats")
    state = session.clustering
    session.show_preview(edits.apply(state, edits.move(state, range(8, 14), 1)))
    assert session.clustering.labels[8] == 1
    app.controller.undo()
    assert session.clustering.clusters[1].name == ""
    assert session.selection.images == {3}


def test_back_selects_several_clusters_again(clustered_app: App) -> None:
    app, panel = clustered_app, clustered_app.window.clusters
    panel.select_clusters((1, 3))
    panel.show_all()
    app.window.actions_["back"].trigger()
    assert panel.selected_clusters() == (1, 3)
    assert app.gallery.rowCount() == 16


def test_an_empty_gallery_says_why(clustered_app: App, qtbot: QtBot) -> None:
    app, gallery = clustered_app, clustered_app.window.gallery
    app.window.clusters.select_cluster(1)
    app.controller.move(range(8), 2)
    refresh(app)
    qtbot.waitUntil(lambda: gallery.empty_text.startswith("'Cluster 01' has no images now."))
    assert gallery.accessibleDescription() == gallery.empty_text
    assert not gallery.grab().isNull()
    app.window.clusters.shown_requested.emit((UNASSIGNED,))
    assert gallery.empty_text.startswith("Every image is in a cluster.")
    app.window.clusters.show_all()
    assert gallery.empty_text == ""


def test_marks_are_seen_on_the_selected_target(clustered_app: App) -> None:
    app = clustered_app
    app.controller.select([0])
    refresh(app)
    app.window.actions_["move"].trigger()
    dialog = app.commands.dialogs.opened("move")
    assert dialog is not None
    targets = dialog.findChild(QListWidget)
    assert isinstance(targets, QListWidget)
    soft = QColor(colours(targets.palette()).soft_accent)
    assert targets.palette().color(QPalette.ColorRole.Highlight) == soft


# -- words -----------------------------------------------------------------------------------


def test_undo_says_long_names_short_and_ampersands_whole(clustered_app: App) -> None:
    app, actions = clustered_app, clustered_app.window.actions_
    app.controller.rename(1, "Snow & ice")
    refresh(app)
    assert actions["undo"].text() == "Undo rename 'Cluster 01' to 'Snow && ice'"
    assert actions["undo"].toolTip() == "Undo rename 'Cluster 01' to 'Snow & ice'"
    app.controller.rename(1, "A name that goes on " * 8)
    refresh(app)
    assert len(actions["undo"].text()) <= MOST_SAID
    assert "…" in actions["undo"].text()


def test_a_short_step_is_not_cut() -> None:
    assert short_step("x" * MOST_SAID) == "x" * MOST_SAID
    assert len(short_step("x" * (MOST_SAID + 1))) <= MOST_SAID


def test_what_was_said_of_an_undo_ends_with_the_next_step(clustered_app: App) -> None:
    app = clustered_app
    app.controller.move([0], 2)
    app.controller.undo()
    assert app.window.statusBar().currentMessage().startswith("Undone: move 1 image")
    app.controller.move([1], 2)
    assert app.window.statusBar().currentMessage() == ""


# -- the slider of a split by example --------------------------------------------------------


@pytest.mark.parametrize("n_others", [1, 5, 400, 401, 3_000, 100_000])
def test_the_slider_reaches_none_and_all_and_is_fine_where_few_come(n_others: int) -> None:
    n_steps = min(400, n_others)
    counts = [count_at(step, n_steps, n_others) for step in range(n_steps + 1)]
    assert counts[0] == 0
    assert counts[-1] == n_others
    assert counts == sorted(counts)
    if n_others <= 400:
        assert counts == list(range(n_others + 1))
    else:
        assert counts[4] - counts[3] < counts[-1] - counts[-2]
    for count in {0, n_others // 3, n_others}:
        found = counts[step_for(count, n_steps, n_others)]
        assert abs(found - count) <= 0.01 * n_others


def test_each_arrow_brings_one_image_more_and_words_fit(qtbot: QtBot, clustered_app: App) -> None:
    images = np.arange(2, 8, dtype=np.int32)
    scores = np.array([0.93, 0.92, 0.9, 0.6, 0.2, 0.2], np.float32)
    state = session_of(clustered_app).clustering
    loader = clustered_app.editing._loader
    dialog = ExampleDialog(state, (0, 1), "'Cluster 01'", ImageFiles(), loader)
    qtbot.addWidget(dialog)
    dialog.set_proposal(ExampleProposal((0, 1), images, scores, 0.5))
    assert len(dialog.chosen) == 2 + 4
    dialog.slider.setValue(0)
    assert dialog.chosen == (0, 1)
    assert dialog.note.text() == "0 of 6 other images would come along."
    assert [s.title for s in dialog.grid.sections] == ["Examples", "Stay"]
    assert dialog.grid.sections[1].n_all == 6
    for n_more in (1, 2, 3, 4):
        qtbot.keyClick(dialog.slider, Qt.Key.Key_Right)
        assert len(dialog.chosen) == 2 + n_more
    qtbot.keyClick(dialog.slider, Qt.Key.Key_Right)
    assert len(dialog.chosen) == 2 + 6  # equally like images come together


# -- names that are taken --------------------------------------------------------------------


def test_a_name_that_is_taken_offers_to_merge(clustered_app: App) -> None:
    app, session = clustered_app, session_of(clustered_app)
    app.controller.rename(1, "Cats")
    app.controller.rename(2, " cats ")
    assert session.clustering.clusters[2].name == ""
    message = app.window.messages.messages[-1]
    assert "There is a cluster 'Cats' already." in message.text
    assert message.action_text == "Merge into 'Cats'"
    app.window.messages.action_requested.emit(message.action)
    assert list(session.clustering.clusters) == [1, 3]
    assert last_step(app) == "merge 'Cluster 02' into 'Cats'"


def test_the_warning_of_a_taken_name_goes_with_a_better_one(clustered_app: App) -> None:
    app = clustered_app
    app.controller.rename(1, "Cats")
    app.controller.rename(2, "Cats")
    app.controller.rename(2, "Dogs")
    assert not [m for m in app.window.messages.messages if m.action_text.startswith("Merge")]


def test_parts_of_a_split_are_named_in_the_same_step(
    clustered_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dclust_gui.services.editing.proposals.propose_parts", split_in_two)
    app, session = clustered_app, session_of(clustered_app)
    app.controller.rename(2, "Dogs")
    n_steps = len(session.history.steps)
    app.window.clusters.select_cluster(1)
    refresh(app)
    app.window.actions_["split"].trigger()
    dialog = app.commands.dialogs.opened("split")
    assert isinstance(dialog, SplitDialog)
    dialog.n_parts.setValue(3)
    qtbot.waitUntil(dialog.apply.isEnabled)
    first, second = dialog._names
    assert first.accessibleName() == "Name of new cluster 1"
    assert dialog.grid.title_rect(1).contains(first.geometry())
    qtbot.keyClicks(first, "dogs")
    assert not dialog.apply.isEnabled()
    assert "There is a cluster 'Dogs' already." in dialog.note.text()
    first.setText("Kittens")
    second.setText("kittens")
    assert dialog.note.text() == "Two clusters cannot both be called 'kittens'."
    second.setText("")
    qtbot.keyClick(first, Qt.Key.Key_Return)
    assert [c.title for c in session.clustering.clusters.values()] == [
        *("Cluster 01", "Dogs", "Cluster 03", "Kittens", "Cluster 05")
    ]
    assert len(session.history.steps) == n_steps + 1


def test_a_split_by_example_says_at_once_that_a_name_is_taken(
    qtbot: QtBot, clustered_app: App
) -> None:
    clustered_app.controller.rename(2, "Dogs")
    state = session_of(clustered_app).clustering
    loader = clustered_app.editing._loader
    dialog = ExampleDialog(state, (0, 1), "'Cluster 01'", ImageFiles(), loader)
    qtbot.addWidget(dialog)
    scores = np.array([0.9, 0.8], np.float32)
    dialog.set_proposal(ExampleProposal((0, 1), np.array([2, 3], np.int32), scores, 0.5))
    dialog.name.setText("DOGS")
    assert not dialog.apply.isEnabled()
    assert "There is a cluster 'Dogs' already." in dialog.note.text()
    dialog.name.setText("Puppies")
    assert dialog.apply.isEnabled()


def test_the_palette_offers_no_name_that_cannot_be_used(clustered_app: App, qtbot: QtBot) -> None:
    app = clustered_app
    app.controller.select([0])
    refresh(app)
    app.window.actions_["move"].trigger()
    dialog = app.commands.dialogs.opened("move")
    assert isinstance(dialog, MovePalette)
    line = dialog.findChild(QLineEdit)
    assert isinstance(line, QLineEdit)
    qtbot.keyClicks(line, "cluster 77")
    assert dialog.offered()[-1].startswith("The new cluster cannot be called 'cluster 77'.")
    n_steps = len(session_of(app).history.steps)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert len(session_of(app).history.steps) == n_steps
    line.setText("  UNASSIGNED ")
    assert dialog.offered() == ["Unassigned  ·  0"]


def test_recent_targets_are_on_top_after_opening_again(
    clustered_app: App, photos: Path, start: Callable[[App, Path], None]
) -> None:
    app = clustered_app
    app.controller.move([0], 3)
    app.controller.move([1], 2)
    assert app.controller.recent_targets() == (2, 3)
    app.controller.close()
    assert app.controller.recent_targets() == ()
    start(app, photos)
    assert app.controller.recent_targets() == (2, 3)
    app.controller.move([4], 3)
    assert app.controller.recent_targets() == (3, 2)


# -- markers, and decisions that come too late -----------------------------------------------


def test_an_export_leaves_a_marker_that_undo_steps_over(
    clustered_app: App, qtbot: QtBot, tmp_path: Path
) -> None:
    app, session = clustered_app, session_of(clustered_app)
    app.controller.move([0], 2)
    app.commands.dialogs.export(())
    dialog = app.commands.dialogs.opened("export")
    assert isinstance(dialog, ExportDialog)
    dialog.set_target(tmp_path / "Sorted")
    qtbot.waitUntil(lambda: dialog.state is FilesState.READY, timeout=10_000)
    dialog.start()
    qtbot.waitUntil(lambda: dialog.state is FilesState.DONE, timeout=10_000)
    assert [m.title for m in session.history.markers] == ["export 24 files to 'Sorted'"]
    assert last_step(app) == "move 1 image to 'Cluster 02'"
    dialog.reject()
    app.controller.undo()
    assert session.clustering.labels[0] == 1
    assert len(session.history.markers) == 1


def test_decisions_for_a_cluster_that_has_gone_say_so(
    clustered_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dclust_gui.services.editing.proposals.propose_parts", split_in_two)
    app, session = clustered_app, session_of(clustered_app)
    app.window.clusters.select_cluster(1)
    refresh(app)
    app.window.actions_["split"].trigger()
    dialog = app.commands.dialogs.opened("split")
    assert isinstance(dialog, SplitDialog)
    qtbot.waitUntil(dialog.apply.isEnabled)
    app.controller.merge([1], 2)
    n_steps = len(session.history.steps)
    dialog.apply.click()
    app.controller.move([0], 1)
    app.controller.merge([3], 1)
    assert len(session.history.steps) == n_steps
    assert app.window.messages.messages[-1].text == GONE
