"""The cluster panel: rows, drops, wishes, and what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QLineEdit

from dclust_gui.domain.changes import ChangeSet
from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.cluster_model import ClusterModel, ClusterOrder, Role
from dclust_gui.ui.models.mime import IMAGE_IDS_MIME, encode_ids
from dclust_gui.ui.views.cluster_list import CLUSTER_IDS_MIME
from dclust_gui.ui.views.cluster_panel import ClusterPanel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pytestqt.modeltest import ModelTester
    from pytestqt.qtbot import QtBot

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
COPY = Qt.DropAction.CopyAction


@pytest.fixture
def project(project: Any) -> Any:
    """Twelve images in three clusters, open for writing."""
    project.is_read_only = False
    return project


@pytest.fixture
def model(project: Any, qtbot: QtBot) -> Iterator[ClusterModel]:
    model = ClusterModel()
    model.set_session(project)
    yield model
    model.set_session(None)


@pytest.fixture
def panel(model: ClusterModel, qtbot: QtBot) -> ClusterPanel:
    panel = ClusterPanel(model)
    qtbot.addWidget(panel)
    panel.resize(300, 700)
    panel.show()
    return panel


def images_mime(ids: list[int]) -> QMimeData:
    data = QMimeData()
    data.setData(IMAGE_IDS_MIME, encode_ids(ids))
    return data


def clusters_mime(ids: list[int]) -> QMimeData:
    data = QMimeData()
    data.setData(CLUSTER_IDS_MIME, encode_ids(ids))
    return data


def hold(panel: ClusterPanel, data: QMimeData, row: int) -> QPoint:
    """Hold a drag over a row."""
    view = panel.cluster_list
    place = view.visualRect(view.model().index(row, 0)).center()
    view.dragEnterEvent(QDragEnterEvent(place, COPY, data, LEFT, NONE))
    view.dragMoveEvent(QDragMoveEvent(place, COPY, data, LEFT, NONE))
    return place


def set_clusters(project: Any, table: dict[int, Cluster], labels: list[int]) -> None:
    before = project.clustering
    project.clustering = Clustering(np.array(labels, np.int32), before.flags, table, 99)
    project.publish(
        ChangeSet(
            1,
            np.flatnonzero(before.labels != project.clustering.labels).astype(np.int32),
            frozenset({*before.clusters, *table}),
        )
    )


def test_model_keeps_qts_rules(model: ClusterModel, qtmodeltester: ModelTester) -> None:
    qtmodeltester.check(model)


def test_model_keeps_qts_rules_while_clusters_come_and_go(
    model: ClusterModel, project: Any, qtmodeltester: ModelTester
) -> None:
    qtmodeltester.check(model)
    model.set_order(ClusterOrder.SIZE)
    set_clusters(project, {2: Cluster(2, "B"), 7: Cluster(7, "A")}, [2, 7, 7, 7] * 3)
    assert model.cluster_ids() == [7, 2]
    model.set_order(ClusterOrder.NAME)
    assert model.cluster_ids() == [7, 2]
    model.set_filter("b")
    assert model.cluster_ids() == [2]
    model.set_filter("")
    assert model.cluster_ids() == [7, 2]


def test_rows_show_name_count_and_most_typical_images(model: ClusterModel, project: Any) -> None:
    index = model.index(0)
    assert index.data() == "Cluster 01"
    assert index.data(Role.COUNT) == 4
    members = project.clustering.members(1)
    best = members[np.argsort(-project.scores[members])]
    assert model._rows[0].exemplars == tuple(best.tolist())
    assert "4 images" in index.data(Qt.ItemDataRole.AccessibleTextRole)


def test_a_stack_stands_for_itself_with_one_picture(model: ClusterModel, project: Any) -> None:
    members = project.clustering.members(1)
    best = members[np.argsort(-project.scores[members])]
    stacks = np.zeros(len(project.images), np.int32)
    stacks[best[:2]] = 1
    project.clustering = replace(project.clustering, stacks=stacks)
    project.publish(ChangeSet(1, best[:2].astype(np.int32)))
    first, second = sorted(best[:2].tolist())
    assert set(model._exemplars[1]) == set(best.tolist())
    assert model._exemplars[1][-1] == second
    assert first in model._exemplars[1][:-1]


def test_a_move_changes_counts_of_both_clusters(model: ClusterModel, project: Any) -> None:
    project.relabel([0], 2)
    assert [model.index(r).data(Role.COUNT) for r in range(3)] == [3, 5, 4]
    assert 0 in model._exemplars[2]
    assert 0 not in model._exemplars[1]
    project.relabel([0, 1], UNASSIGNED)
    assert model.count(UNASSIGNED) == 2


def test_exemplars_are_loaded_in_the_background(
    project: Any, thumbnails: Any, qtbot: QtBot
) -> None:
    loader = ThumbnailLoader(thumbnails, n_threads=1)
    model = ClusterModel(loader)
    model.set_session(project)
    assert model.index(0).data(Role.EXEMPLARS) == (None,) * 4
    qtbot.waitUntil(lambda: None not in model.index(0).data(Role.EXEMPLARS), timeout=3000)
    model.set_session(None)
    assert loader.shutdown()


def test_dropped_images_ask_for_a_move_after_the_drop_has_returned(
    panel: ClusterPanel, qtbot: QtBot
) -> None:
    asked: list[tuple[object, int]] = []
    panel.move_requested.connect(lambda ids, target: asked.append((ids, target)))
    data = images_mime([0, 3])
    place = hold(panel, data, 1)
    event = QDropEvent(QPointF(place), COPY, data, LEFT, NONE)
    panel.cluster_list.dropEvent(event)
    assert asked == []
    qtbot.waitUntil(lambda: asked == [((0, 3), 2)], timeout=1000)
    assert event.dropAction() is COPY


def test_a_held_drag_says_what_would_happen(panel: ClusterPanel) -> None:
    hints: list[str] = []
    panel.hint_changed.connect(hints.append)
    hold(panel, images_mime([0, 1, 3]), 1)
    assert hints == ["Move 3 images to 'Cluster 02'"]
    assert panel.cluster_list._delegate._target_text == "4 → 6"
    hold(panel, clusters_mime([1]), 1)
    assert hints[-1] == "Merge 'Cluster 01' into 'Cluster 02'; the name 'Cluster 02' stays"
    assert panel.cluster_list._delegate._target_text == "merge → 8"


def test_a_held_drag_counts_what_is_bound_to_the_images(
    panel: ClusterPanel, model: ClusterModel, project: Any
) -> None:
    stacks = np.zeros(len(project.images), np.int32)
    stacks[[0, 1, 2]] = 1
    project.clustering = replace(project.clustering, stacks=stacks)
    assert model.with_stacks([2, 99]) == (0, 1, 2)
    assert model.with_stacks([3]) == (3,)
    hints: list[str] = []
    panel.hint_changed.connect(hints.append)
    hold(panel, images_mime([0]), 1)
    assert hints == ["Move 3 images to 'Cluster 02'"]
    panel._on_new_hovered((1,))
    assert hints[-1] == "New cluster from 3 images"


def test_cluster_onto_cluster_asks_for_a_merge(panel: ClusterPanel, qtbot: QtBot) -> None:
    data = clusters_mime([1])
    place = hold(panel, data, 2)
    with qtbot.waitSignal(panel.merge_requested, timeout=1000) as blocker:
        panel.cluster_list.dropEvent(QDropEvent(QPointF(place), COPY, data, LEFT, NONE))
    assert blocker.args == [(1,), 3]


def test_a_cluster_dropped_onto_itself_does_nothing(panel: ClusterPanel) -> None:
    data = clusters_mime([1])
    place = hold(panel, data, 0)
    event = QDropEvent(QPointF(place), COPY, data, LEFT, NONE)
    panel.cluster_list.dropEvent(event)
    assert not event.isAccepted()


def test_foreign_drags_are_not_taken(panel: ClusterPanel) -> None:
    data = QMimeData()
    data.setText("file:///x.jpg")
    event = QDragEnterEvent(QPoint(5, 5), COPY, data, LEFT, NONE)
    panel.cluster_list.dragEnterEvent(event)
    assert not event.isAccepted()


@pytest.mark.parametrize("name", ["_unassigned", "_new"])
def test_fixed_rows_take_drops(panel: ClusterPanel, qtbot: QtBot, name: str) -> None:
    row = getattr(panel, name)
    data = images_mime([4, 5])
    row.dragEnterEvent(QDragEnterEvent(QPoint(5, 5), COPY, data, LEFT, NONE))
    assert row._target_text
    signal = panel.new_cluster_requested if name == "_new" else panel.move_requested
    with qtbot.waitSignal(signal, timeout=1000) as blocker:
        row.dropEvent(QDropEvent(QPointF(5, 5), COPY, data, LEFT, NONE))
    assert blocker.args is not None
    assert blocker.args[0] == (4, 5)
    assert not row._target_text


def test_f2_editing_asks_for_the_name_and_shows_it_once_taken(
    panel: ClusterPanel, qtbot: QtBot, model: ClusterModel
) -> None:
    panel.edit_cluster(2)
    editor = panel.cluster_list.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    qtbot.keyClicks(editor, "Beach")
    with qtbot.waitSignal(panel.rename_requested, timeout=1000) as blocker:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert blocker.args == [2, "Beach"]
    assert model.index(1).data() == "Cluster 02"


def test_selection_says_what_to_show(panel: ClusterPanel, qtbot: QtBot) -> None:
    shown: list[object] = []
    panel.shown_requested.connect(shown.append)
    panel.select_cluster(2)
    panel._unassigned.click()
    assert panel.selected_clusters() == ()
    panel.select_cluster(3)
    qtbot.keyClick(panel.cluster_list, Qt.Key.Key_Escape)
    assert shown == [(2,), (UNASSIGNED,), (3,), ()]
    assert panel._all.isChecked()


def test_a_cluster_that_vanishes_is_no_longer_selected(panel: ClusterPanel, project: Any) -> None:
    panel.select_cluster(2)
    table = {k: v for k, v in project.clustering.clusters.items() if k != 2}
    labels = project.clustering.labels.copy()
    labels[labels == 2] = UNASSIGNED
    set_clusters(project, table, labels.tolist())
    assert panel.selected_clusters() == ()
    assert panel._all.isChecked()


def test_a_read_only_project_takes_no_drop_and_no_name(
    panel: ClusterPanel, project: Any, model: ClusterModel
) -> None:
    project.is_read_only = True
    data = images_mime([0])
    hold(panel, data, 1)
    assert panel.cluster_list._target == -1
    assert not model.flags(model.index(0)) & Qt.ItemFlag.ItemIsEditable


def test_a_small_edit_of_a_large_project_does_not_build_the_list_anew(
    big_project: Any, qtbot: QtBot
) -> None:
    big_project.is_read_only = False
    model = ClusterModel()
    model.set_session(big_project)
    changed: list[int] = []
    model.dataChanged.connect(lambda first, _last, _roles: changed.append(first.row()))
    resets: list[bool] = []
    model.modelReset.connect(lambda: resets.append(True))
    big_project.relabel([1, 2, 3], 5)
    assert changed
    assert not resets
    model.set_session(None)


def test_images_placed_by_hand_are_the_least_typical(model: ClusterModel, project: Any) -> None:
    best = int(model._rows[0].exemplars[0])
    flags = project.clustering.flags.copy()
    flags[best] = ImageFlag.HAND_PLACED
    before = project.clustering
    labels = before.labels.copy()
    labels[best] = 2
    project.clustering = Clustering(labels, flags, before.clusters, before.next_id)
    project.publish(ChangeSet(1, np.array([best], np.int32)))
    assert model._exemplars[2][-1] == best
    project.publish(ChangeSet(2, has_new_run=True))
    assert model._exemplars[2][-1] == best


def test_files_from_outside_are_refused_on_the_panel(panel: ClusterPanel, qtbot: QtBot) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/somewhere/cat.png")])
    with qtbot.waitSignal(panel.hint_changed) as seen:
        enter = QDragEnterEvent(QPoint(5, 5), COPY, data, LEFT, NONE)
        panel.dragEnterEvent(enter)
    assert enter.isAccepted()  # the window below never gets it
    assert "cannot be dropped" in seen.args[0]
    move = QDragMoveEvent(QPoint(5, 5), COPY, data, LEFT, NONE)
    panel.dragMoveEvent(move)
    assert not move.isAccepted()
