"""Edits with dialogs, words that name their scope, and the sheet of keys, in the whole window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QMenu

from dclust_gui.domain.errors import InputError
from dclust_gui.domain.splits import ExampleProposal, SplitProposal
from dclust_gui.services.editing.proposals import SecondBest
from dclust_gui.services.inspection import ClusterFit, ImageReport, Neighbour
from dclust_gui.ui.windows.actions import SPECS
from dclust_gui.ui.windows.example_dialog import ExampleDialog
from dclust_gui.ui.windows.key_sheet import keys_text, matching, sheet_rows
from dclust_gui.ui.windows.merge_dialog import MergeDialog
from dclust_gui.ui.windows.shortcuts_dialog import ShortcutsDialog
from dclust_gui.ui.windows.split_dialog import SplitDialog

if TYPE_CHECKING:
    import pytest
    from pytestqt.qtbot import QtBot

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.app import App


def session_of(app: App) -> ProjectSession:
    assert app.controller.session is not None
    return app.controller.session


def last_step(app: App) -> str:
    step = session_of(app).history.undo_step
    return "" if step is None else step.title


def select(app: App, images: list[int]) -> None:
    app.controller.select(images)
    app.commands.presenter.refresh()


def test_commands_say_what_they_would_act_on(clustered_app: App) -> None:
    app, actions = clustered_app, clustered_app.window.actions_
    app.controller.rename(1, "Cats & kittens")
    select(app, [0, 1, 2])
    assert actions["split_out"].text() == "Split 3 images out of 'Cats && kittens'"
    assert actions["unassign"].text() == "Take 3 images out of 'Cats && kittens'"
    assert actions["approve"].text() == "Approve 3 images"
    assert app.window.menus.move.title() == "Move 3 images to"
    select(app, [0, 23])
    assert actions["split_out"].text() == "Split 2 images out of their clusters"
    app.window.clusters.select_cluster(1)
    app.commands.presenter.refresh()
    assert actions["split"].text() == "Split 'Cats && kittens' in parts…"
    assert actions["approve_cluster"].text() == "Approve 8 images of 'Cats && kittens'"
    assert actions["rename"].text() == "Rename 'Cats && kittens'…"
    select(app, [])
    assert not any(actions[name].isEnabled() for name in ("split_out", "approve", "not_here"))


def test_approving_is_one_step_and_can_be_taken_back(clustered_app: App) -> None:
    app, actions = clustered_app, clustered_app.window.actions_
    select(app, [0, 1])
    actions["approve"].trigger()
    assert last_step(app) == "approve 2 images"
    app.commands.presenter.refresh()
    assert actions["approve"].text() == "Take back the approval of 2 images"
    actions["approve"].trigger()
    assert last_step(app) == "take back the approval of 2 images"
    app.window.clusters.select_cluster(2)
    app.commands.presenter.refresh()
    actions["approve_cluster"].trigger()
    assert last_step(app) == "approve 8 images"


def test_splitting_out_makes_a_cluster_that_can_be_named_at_once(clustered_app: App) -> None:
    app = clustered_app
    select(app, [0, 1])
    app.window.actions_["split_out"].trigger()
    assert last_step(app) == "split 2 images out of 'Cluster 01'"
    assert session_of(app).clustering.labels[[0, 1]].tolist() == [4, 4]


def test_merging_shows_the_name_that_stays_and_lets_it_be_swapped(
    clustered_app: App, qtbot: QtBot
) -> None:
    app, session = clustered_app, session_of(clustered_app)
    app.controller.rename(2, "Dogs")
    app.window.clusters.select_cluster(1)
    app.window.clusters.cluster_list.selectAll()
    app.commands.presenter.refresh()
    assert app.window.actions_["merge"].text() == "Merge 3 clusters…"
    app.window.actions_["merge"].trigger()
    dialog = app.commands.dialogs.opened("merge")
    assert isinstance(dialog, MergeDialog)
    assert dialog.names.currentText() == "Dogs"
    assert dialog.grid.sections[0].title == "Dogs"
    dialog.names.setCurrentText("Cluster 03")
    assert dialog.grid.sections[0].detail == "8 images · stays"
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert list(session.clustering.clusters) == [3]
    assert last_step(app) == "merge 2 clusters into 'Cluster 03'"


def test_a_split_in_parts_is_previewed_and_carried_out_as_one_step(
    clustered_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parts(_service: object, snapshot: object, cluster: int, n: int, _t: object) -> object:
        images = np.arange(8, dtype=np.int32)
        return SplitProposal(cluster, images, (images % n).astype(np.int32))

    monkeypatch.setattr("dclust_gui.services.editing.proposals.propose_parts", parts)
    app = clustered_app
    n_steps = len(session_of(app).history.steps)
    app.window.clusters.select_cluster(1)
    app.commands.presenter.refresh()
    app.window.actions_["split"].trigger()
    dialog = app.commands.dialogs.opened("split")
    assert isinstance(dialog, SplitDialog)
    assert not dialog.apply.isEnabled()
    qtbot.waitUntil(dialog.apply.isEnabled)
    assert [len(s.images) for s in dialog.grid.sections] == [4, 4]
    dialog.n_parts.setValue(4)
    assert not dialog.apply.isEnabled()
    qtbot.waitUntil(dialog.apply.isEnabled)
    assert [len(s.images) for s in dialog.grid.sections] == [2, 2, 2, 2]
    assert dialog.apply.text() == "Split into 4 clusters"
    dialog.apply.click()
    assert last_step(app) == "split 'Cluster 01' into 4 clusters"
    assert len(session_of(app).history.steps) == n_steps + 1


def test_a_split_that_cannot_be_says_why(
    clustered_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parts(*_args: object) -> object:
        raise InputError("'Cluster 01' cannot be split.", "Its images have not been read.")

    monkeypatch.setattr("dclust_gui.services.editing.proposals.propose_parts", parts)
    app = clustered_app
    app.window.clusters.select_cluster(1)
    app.commands.presenter.refresh()
    app.window.actions_["split"].trigger()
    dialog = app.commands.dialogs.opened("split")
    assert isinstance(dialog, SplitDialog)
    qtbot.waitUntil(lambda: "cannot be split" in dialog.note.text())
    assert not dialog.apply.isEnabled()


def test_a_split_by_example_follows_the_slider_and_leaves_strays(
    clustered_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def like(_service: object, _snapshot: object, examples: tuple[int, ...], *_: object) -> object:
        images = np.arange(2, 8, dtype=np.int32)
        return ExampleProposal(examples, images, np.linspace(0.9, 0.1, 6, dtype=np.float32), 0.5)

    monkeypatch.setattr("dclust_gui.services.editing.proposals.propose_like", like)
    app = clustered_app
    select(app, [0, 1])
    app.window.actions_["split_example"].trigger()
    dialog = app.commands.dialogs.opened("split example")
    assert isinstance(dialog, ExampleDialog)
    qtbot.waitUntil(dialog.apply.isEnabled)
    assert dialog.chosen == (0, 1, 2, 3, 4)
    dialog.slider.setValue(dialog.slider.maximum())
    assert dialog.apply.text() == "Split out 8 images"
    place = dialog.grid.cell_rect(1, 1).center()
    qtbot.mouseClick(dialog.grid, Qt.MouseButton.LeftButton, pos=place)
    assert dialog.apply.text() == "Split out 7 images"
    dialog.name.setText("Kittens")
    dialog.apply.click()
    assert last_step(app) == "split 7 images out of 'Cluster 01' as 'Kittens'"
    assert session_of(app).clustering.labels[3] == 1


def test_not_here_sends_images_to_their_second_best(
    clustered_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def second(_service: object, _snapshot: object, images: tuple[int, ...], _t: object) -> object:
        ids = np.array(images, np.int32)
        return SecondBest(ids, np.full(len(ids), 3, np.int32), np.zeros(len(ids), np.float32))

    monkeypatch.setattr("dclust_gui.services.editing.proposals.find_second_best", second)
    app = clustered_app
    select(app, [0, 1])
    app.window.actions_["not_here"].trigger()
    qtbot.waitUntil(lambda: session_of(app).clustering.labels[0] == 3)
    assert last_step(app) == "move 2 images to 'Cluster 03', their second-best fit"


def test_the_inspector_moves_an_image_to_its_second_best(clustered_app: App) -> None:
    app, one = clustered_app, clustered_app.window.inspector.one
    app.controller.select([0])
    report = ImageReport(0, (Neighbour(1, 0.9),), ClusterFit(1, 0.8), (ClusterFit(3, 0.7),))
    monkey = app.inspection
    monkey._report = report
    monkey.report_changed.emit()
    assert one.why.target == "Cluster 03"
    one.why.move_button.click()
    assert last_step(app) == "move 1 image to 'Cluster 03'"


def test_a_branch_offers_what_can_be_done_with_its_images(clustered_app: App) -> None:
    app, menu = clustered_app, QMenu()
    app.editing.extend_menu(menu, (4, 5))
    assert session_of(app).selection.images == {4, 5}
    assert app.window.menus.image.menuAction() in menu.actions()


def test_the_sheet_has_every_key_of_the_table_and_can_be_searched(qtbot: QtBot) -> None:
    rows = sheet_rows()
    told = {(row.what, row.keys) for row in rows}
    for spec in SPECS.values():
        if spec.keys and keys_text(spec):
            assert (spec.text.rstrip("…"), keys_text(spec)) in told
    assert [row.what for row in matching(rows, "skip space")] == ["Skip"]
    dialog = ShortcutsDialog()
    qtbot.addWidget(dialog)
    dialog.search.setText("ctrl+g")
    assert ("    Merge clusters", "Ctrl+G") in dialog.shown()
    assert dialog.shown()[0] == ("Clusters", "")


def test_single_letters_are_no_commands_while_typing(clustered_app: App, qtbot: QtBot) -> None:
    app = clustered_app
    select(app, [0])
    before = last_step(app)
    app.window.activateWindow()
    line = app.window.clusters.findChild(QLineEdit)
    assert line is not None
    line.setFocus()
    qtbot.keyClicks(line, "and")
    assert line.text() == "and"
    line.clear()
    for combo in app.window.findChildren(QComboBox):
        event = QKeyEvent(
            QEvent.Type.ShortcutOverride, Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, "a"
        )
        event.ignore()
        QCoreApplication.sendEvent(combo, event)
        assert event.isAccepted()
    assert last_step(app) == before
