"""The map's view: what is painted, selected, dragged and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QByteArray, QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QDropEvent, QImage, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractButton, QApplication

from dclust_gui.domain.clustering import UNASSIGNED, Clustering
from dclust_gui.domain.selection import Selection
from dclust_gui.services.mapping import MapLayout, MapMethod
from dclust_gui.services.mapping_places import exemplars_first, framed, room_levels
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.map_model import MapModel
from dclust_gui.ui.models.mime import IMAGE_IDS_MIME, encode_ids
from dclust_gui.ui.models.palette import cluster_colour
from dclust_gui.ui.views.map_pane import MapPane
from dclust_gui.ui.views.map_view import MapTool, MapView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

    from tests.ui.conftest import FakeProject, FakeThumbnails

LEFT = Qt.MouseButton.LeftButton
GRID = [(x, y) for y in (-1.0, 0.0, 1.0) for x in (-1.0, -0.4, 0.4, 1.0)]
"""Twelve places: image i is at GRID[i]."""


def layout_of(project: FakeProject, method: MapMethod = MapMethod.UMAP) -> MapLayout:
    raw = np.array(GRID, np.float32)
    places = framed(raw if method is MapMethod.UMAP else raw[::-1].copy(), 12)
    order = exemplars_first(project.clustering.labels, project.scores)
    images = np.arange(12, dtype=np.int32)
    levels = room_levels(places, order)
    return MapLayout(method, "f", "l2", (), 12, images, places, places, levels, order)


@pytest.fixture
def pane(qtbot: QtBot, project: FakeProject, thumbnails: FakeThumbnails) -> Iterator[MapPane]:
    """A map of twelve images in three clusters, 800 x 600."""
    loaders = (ThumbnailLoader(thumbnails, n_threads=1), ThumbnailLoader(thumbnails, n_threads=1))
    made = MapPane(MapModel(), *loaders)
    made.view.setFixedSize(800, 600)
    made.set_source(project)
    made.view.set_editable(True)
    made.view.selection_requested.connect(project.select_value)
    made.view.model.set_layout(layout_of(project))
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    made.set_source(None)
    for loader in loaders:
        loader.shutdown()


@pytest.fixture
def view(pane: MapPane) -> MapView:
    """Its view, dots only."""
    pane.view.set_pictures_shown(False)
    pane.view.set_legend_shown(False)
    pane.view.repaint()
    return pane.view


def point_of(view: MapView, image: int) -> QPoint:
    x, y = view.camera.point_of(*view.model.places[image].tolist())
    return QPoint(round(x), round(y))


def drag(qtbot: QtBot, view: MapView, path: list[QPoint], modifier: Qt.KeyboardModifier) -> None:
    qtbot.mousePress(view, LEFT, modifier, path[0])
    for place in path[1:]:
        qtbot.mouseMove(view, place)
    qtbot.mouseRelease(view, LEFT, modifier, path[-1])


def around(view: MapView, images: list[int]) -> list[QPoint]:
    """A rectangle around some images, drawn by hand."""
    points = [point_of(view, i) for i in images]
    left, right = min(p.x() for p in points) - 30, max(p.x() for p in points) + 30
    top, bottom = min(p.y() for p in points) - 30, max(p.y() for p in points) + 30
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top + 5)]
    return [QPoint(x, y) for x, y in corners]


NONE, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)


def test_every_image_is_painted_in_its_cluster_s_colour(view: MapView) -> None:
    shot = view.grab().toImage()
    for image in range(12):
        found = shot.pixelColor(point_of(view, image))
        wanted = cluster_colour(image % 3, dark=False)
        far = max(
            abs(found.red() - wanted.red()),
            abs(found.green() - wanted.green()),
            abs(found.blue() - wanted.blue()),
        )
        assert far < 30


def test_click_ctrl_and_shift_select(qtbot: QtBot, view: MapView, project: FakeProject) -> None:
    qtbot.mouseClick(view, LEFT, NONE, point_of(view, 5))
    assert project.selection.images == {5}
    assert project.selection.current == 5
    qtbot.mouseClick(view, LEFT, CONTROL, point_of(view, 6))
    qtbot.mouseClick(view, LEFT, SHIFT, point_of(view, 7))
    assert project.selection.images == {5, 6, 7}
    qtbot.mouseClick(view, LEFT, CONTROL, point_of(view, 5))
    assert project.selection.images == {6, 7}
    qtbot.mouseClick(view, LEFT, NONE, QPoint(20, 300))
    assert project.selection.images == frozenset()


def test_a_lasso_selects_what_it_encloses(
    qtbot: QtBot, view: MapView, project: FakeProject
) -> None:
    drag(qtbot, view, around(view, [0, 1]), SHIFT)
    assert project.selection.images == {0, 1}
    view.set_tool(MapTool.LASSO)
    drag(qtbot, view, around(view, [6, 7]), NONE)
    assert project.selection.images == {6, 7}
    drag(qtbot, view, around(view, [10, 11]), CONTROL)
    assert project.selection.images == {6, 7, 10, 11}


def test_a_selection_of_other_images_than_asked_for_is_shown_as_it_is(
    view: MapView, project: FakeProject
) -> None:
    asked = frozenset([0, 1])
    view.model.expect(asked, view.model.rows_of(asked))
    project.select_value(Selection(frozenset([2, 3])))
    assert np.flatnonzero(view.model.is_selected).tolist() == [2, 3]
    project.select_value(Selection(asked))
    assert np.flatnonzero(view.model.is_selected).tolist() == [0, 1]


def test_a_rectangle_selects_and_counts(qtbot: QtBot, view: MapView, project: FakeProject) -> None:
    view.set_tool(MapTool.BOX)
    path = around(view, [4, 5, 8, 9])
    qtbot.mousePress(view, LEFT, NONE, path[0])
    qtbot.mouseMove(view, path[2] - QPoint(5, 5))
    qtbot.mouseMove(view, path[2])
    told = [view.attention.words]
    qtbot.mouseRelease(view, LEFT, NONE, path[2])
    told.append(view.attention.words)
    assert told == ["4 images", ""]
    assert project.selection.images == {4, 5, 8, 9}


def test_escape_gives_up_a_lasso_then_the_selection(
    qtbot: QtBot, view: MapView, project: FakeProject
) -> None:
    qtbot.mouseClick(view, LEFT, NONE, point_of(view, 2))
    path = around(view, [0, 1])
    qtbot.mousePress(view, LEFT, SHIFT, path[0])
    for place in path[1:4]:
        qtbot.mouseMove(view, place)
    drawn = [view.attention.is_drawing]
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    drawn.append(view.attention.is_drawing)
    assert drawn == [True, False]
    assert project.selection.images == {2}
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert project.selection.images == frozenset()


def test_dragging_an_empty_place_moves_the_map(qtbot: QtBot, view: MapView) -> None:
    view.zoom(3)
    before = view.camera.point_of(0, 0)
    drag(qtbot, view, [QPoint(400, 330), QPoint(430, 340), QPoint(470, 350)], NONE)
    after = view.camera.point_of(0, 0)
    assert (after[0] - before[0], after[1] - before[1]) == pytest.approx((70, 20), abs=1)


def test_the_wheel_zooms_about_the_pointer_and_keys_zoom_and_fit(
    qtbot: QtBot, view: MapView
) -> None:
    place = QPointF(point_of(view, 3))
    event = QWheelEvent(
        place, view.mapToGlobal(place), QPoint(), QPoint(0, 360), Qt.MouseButton.NoButton,
        NONE, Qt.ScrollPhase.NoScrollPhase, False,  # noqa: FBT003
    )  # fmt: skip
    QApplication.sendEvent(view, event)
    assert view.camera.zoom == pytest.approx(1.2**3)
    assert QPointF(point_of(view, 3)) == place
    qtbot.keyClick(view, Qt.Key.Key_0, CONTROL)
    assert view.camera.is_fit
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.camera.zoom == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("key", "modifier", "is_own"),
    [
        (Qt.Key.Key_R, NONE, True),
        (Qt.Key.Key_Z, NONE, True),
        (Qt.Key.Key_Z, CONTROL, False),
        (Qt.Key.Key_0, CONTROL, True),
        (Qt.Key.Key_M, NONE, False),
    ],
)
def test_no_shortcut_of_the_window_takes_the_map_s_own_keys(
    view: MapView, key: Qt.Key, modifier: Qt.KeyboardModifier, is_own: bool
) -> None:
    event = QKeyEvent(QEvent.Type.ShortcutOverride, key, modifier)
    event.ignore()
    QApplication.sendEvent(view, event)
    assert event.isAccepted() is is_own


def test_arrows_walk_from_image_to_image(qtbot: QtBot, view: MapView, project: FakeProject) -> None:
    qtbot.mouseClick(view, LEFT, NONE, point_of(view, 5))
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert project.selection.current == 6
    qtbot.keyClick(view, Qt.Key.Key_Down, SHIFT)
    assert project.selection.images == {6, 10}
    assert "img2.jpg" in view.accessibleDescription()
    with qtbot.waitSignal(view.preview_requested) as asked:
        qtbot.keyClick(view, Qt.Key.Key_Space)
    assert asked.args == [10]


def test_what_the_filter_leaves_out_is_dimmed_and_cannot_be_selected(
    qtbot: QtBot, view: MapView, project: FakeProject
) -> None:
    view.model.set_shown(np.array([0, 2]))
    view.repaint()
    assert view.model.is_dim.sum() == 10
    qtbot.mouseClick(view, LEFT, NONE, point_of(view, 1))
    assert project.selection.images == frozenset()
    drag(qtbot, view, around(view, [0, 1, 2, 3]), SHIFT)
    assert project.selection.images == {0, 2}
    view.model.set_shown(None)
    assert not view.model.has_dim


def test_another_clustering_recolours_the_map_but_moves_nothing(
    view: MapView, project: FakeProject
) -> None:
    before = view.model.places.copy()
    camera = view.camera
    project.relabel([4], 2)
    np.testing.assert_array_equal(view.model.places, before)
    assert view.camera == camera
    found = view.grab().toImage().pixelColor(point_of(view, 4))
    assert abs(found.hue() - cluster_colour(1, dark=False).hue()) < 12


def test_clusters_are_named_on_the_map_and_follow_names_and_filter(
    qtbot: QtBot, pane: MapPane, project: FakeProject
) -> None:
    view = pane.view
    clusters = set(project.clustering.labels.tolist())
    qtbot.waitUntil(lambda: set(view.named) == clusters)
    first = int(project.clustering.labels[0])
    view.model.set_shown(np.flatnonzero(project.clustering.labels == first))
    qtbot.waitUntil(lambda: view.named == (first,))
    toggle = next(b for b in pane.findChildren(QAbstractButton) if b.text() == "Names")
    told = []
    for _ in range(2):
        toggle.click()
        told.append(view.named)
    view.model.set_layout(None)
    told.append(view.named)
    assert told == [(), (first,), ()]


def test_names_are_painted_over_the_map_and_move_with_it(qtbot: QtBot, view: MapView) -> None:
    qtbot.waitUntil(lambda: len(view.named) == 3)
    view.set_names_shown(False)
    without = view.grab().toImage()
    view.set_names_shown(True)
    qtbot.waitUntil(lambda: view.grab().toImage() != without)
    view.pan(40, 0)
    assert len(view.named) == 3


def test_an_outline_drawn_while_the_map_still_moves_takes_all_inside(
    qtbot: QtBot, view: MapView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dclust_gui.ui.views.map_painter._SAMPLE", 4)
    monkeypatch.setattr("dclust_gui.ui.views.map_painter.MOST_DOTS", 2)
    view.zoom(1.01)
    view.repaint()
    assert len(view.painter.rows) < 12
    outline = [QPointF(0, 0), QPointF(800, 0), QPointF(800, 600), QPointF(0, 600)]
    assert len(view.rows_inside(outline)) == 12


def test_unassigned_images_are_grey_and_in_the_legend(view: MapView, project: FakeProject) -> None:
    project.relabel([0, 1], UNASSIGNED)
    assert view.grab().toImage().pixelColor(point_of(view, 0)).saturation() < 40
    rows = view.model.legend(2)
    assert [(row.title, row.count) for row in rows] == [
        ("Cluster 03", 4),
        ("Cluster 01", 3),
        ("Unassigned", 2),
    ]


def test_pictures_take_the_place_of_dots_and_do_not_overlap(qtbot: QtBot, pane: MapPane) -> None:
    view = pane.view
    qtbot.waitUntil(lambda: len(view.painter.cards) >= 3)
    n_before = len(view.painter.cards)
    view.zoom(1.12)
    qtbot.waitUntil(lambda: len(view.painter.cards) == 12)
    assert n_before < 12
    places = [card.place for card in view.painter.cards]
    assert not any(a.intersects(b) for a in places for b in places if a is not b)
    view.set_pictures_shown(False)
    view.repaint()
    assert not view.painter.cards


@pytest.fixture
def unreadable_files(thumbnails: FakeThumbnails) -> None:
    """No file of the project can be read."""
    thumbnails.unreadable |= {f"img{n}.jpg" for n in range(1, 13)}


@pytest.mark.usefixtures("unreadable_files")
def test_an_unreadable_file_stays_a_dot(qtbot: QtBot, pane: MapPane) -> None:
    view = pane.view
    view.zoom(1.12)
    qtbot.waitUntil(lambda: bool(view.painter.wanted))
    qtbot.waitUntil(lambda: all(view.pictures.is_unreadable(i) for i in view.painter.wanted))
    view.repaint()
    assert not set(view.painter.wanted) & {card.image for card in view.painter.cards}


def test_the_preview_names_image_and_cluster(qtbot: QtBot, view: MapView) -> None:
    qtbot.mouseMove(view, point_of(view, 8))
    assert view.attention.hover == 8
    qtbot.waitUntil(lambda: view.attention.is_preview_wanted)
    view.grab()
    words = view.model.words_for(8)
    assert words.startswith("img4.jpg, Cluster 03, confidence ")
    view.leave()
    assert view.attention.hover == -1


def drop(view: MapView, ids: list[int], place: QPoint) -> QDropEvent:
    data = QMimeData()
    data.setData(IMAGE_IDS_MIME, QByteArray(encode_ids(ids)))
    event = QDropEvent(QPointF(place), Qt.DropAction.CopyAction, data, LEFT, NONE)
    view.dropEvent(event)
    return event


def test_a_drop_on_an_image_asks_to_move_to_its_cluster(qtbot: QtBot, view: MapView) -> None:
    with qtbot.waitSignal(view.move_requested) as asked:
        drop(view, [0, 3], point_of(view, 5))
    assert asked.args == [(0, 3), 3]


def test_a_drop_on_its_own_cluster_or_on_nothing_does_nothing(view: MapView) -> None:
    assert not drop(view, [0, 3], point_of(view, 6)).isAccepted()
    assert not drop(view, [0, 3], QPoint(400, 180)).isAccepted()


def test_a_drag_takes_the_selection_and_begins_inside_the_outline(
    qtbot: QtBot, view: MapView
) -> None:
    drag(qtbot, view, around(view, [0, 1]), SHIFT)
    between = QPointF((point_of(view, 0) + point_of(view, 1)) / 2)
    assert view.row_at(between) == -1
    assert view.is_on_selection(between, -1)
    assert view.dragged_images(-1) == (0, 1)
    assert view.dragged_images(7) == (7,)
    view.clear_selection()
    assert not view.is_on_selection(between, -1)


def test_the_menu_selects_the_image_under_the_pointer_first(
    qtbot: QtBot, view: MapView, project: FakeProject
) -> None:
    with qtbot.waitSignal(view.context_menu_requested) as asked:
        view.open_menu(9, QPoint(3, 4))
    assert asked.args is not None
    assert asked.args[0] == (9,)
    assert project.selection.images == {9}


def test_another_method_glides_to_its_places(
    qtbot: QtBot, view: MapView, project: FakeProject
) -> None:
    old = view.model.places.copy()
    view.model.set_layout(layout_of(project, MapMethod.PCA))
    assert view.model.before is not None
    np.testing.assert_array_equal(view.model.before, old)
    qtbot.waitUntil(lambda: view.row_at(QPointF(point_of(view, 0))) == 0, timeout=3000)


def test_without_a_map_it_says_why_and_takes_no_input(qtbot: QtBot, view: MapView) -> None:
    view.model.set_layout(None)
    view.set_message("Nothing has been read yet.")
    qtbot.mouseClick(view, LEFT, NONE, QPoint(100, 100))
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.grab().width() == 800
    assert view.model.legend(5) == ()


def test_the_bar_sets_tool_and_method_and_tells_progress(qtbot: QtBot, pane: MapPane) -> None:
    buttons = {b.accessibleName(): b for b in pane.findChildren(QAbstractButton)}
    assert {"Map by PCA", "Tool: lasso", "Show the whole map", "Legend"} <= buttons.keys()
    with qtbot.waitSignal(pane.method_requested) as asked:
        buttons["Map by t-SNE"].click()
    assert asked.args == [MapMethod.TSNE]
    buttons["Tool: lasso"].click()
    assert pane.view.tool is MapTool.LASSO
    qtbot.keyClick(pane.view, Qt.Key.Key_H)
    assert buttons["Tool: move"].isChecked()
    pane.set_status("UMAP layout: 12 s left", can_stop=True)
    with qtbot.waitSignal(pane.stop_requested):
        buttons["Stop laying out"].click()


@pytest.mark.parametrize("n", [1, 2])
def test_a_map_of_one_or_two_images_can_be_used(
    qtbot: QtBot, view: MapView, project: FakeProject, n: int
) -> None:
    project.images = project.images[:n]
    old = project.clustering
    project.clustering = Clustering(old.labels[:n], old.flags[:n], old.clusters, old.next_id)
    project.scores = project.scores[:n]
    view.set_source(project)
    places = framed(np.arange(2 * n, dtype=np.float32).reshape(n, 2), n)
    order = np.arange(n)
    view.model.set_layout(
        MapLayout(
            MapMethod.UMAP, "f", "l2", (), n, np.arange(n, dtype=np.int32), places, places,
            room_levels(places, order), order,
        )
    )  # fmt: skip
    view.repaint()
    qtbot.mouseClick(view, LEFT, NONE, point_of(view, n - 1))
    assert project.selection.images == {n - 1}


def test_a_hundred_thousand_points_are_shaded_by_density(
    qtbot: QtBot, big_project: FakeProject, thumbnails: FakeThumbnails
) -> None:
    loaders = (ThumbnailLoader(thumbnails, n_threads=1), ThumbnailLoader(thumbnails, n_threads=1))
    view = MapView(MapModel(), *loaders)
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.set_source(big_project)
    random = np.random.default_rng(0)
    places = framed(random.normal(size=(100_000, 2)).astype(np.float32), 100_000)
    images, order = np.arange(100_000, dtype=np.int32), np.arange(100_000)
    levels = np.full(100_000, 255, np.uint8)
    view.model.set_layout(
        MapLayout(MapMethod.UMAP, "f", "l2", (), 100_000, images, places, places, levels, order)
    )
    shot = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    assert view.painter.dot_px == 0
    base = view.palette().base().color()
    middle, corner = shot.pixelColor(200, 150), shot.pixelColor(2, 2)
    assert QColor(corner) == base or abs(corner.lightness() - base.lightness()) < 8
    assert abs(middle.lightness() - base.lightness()) > 40
    view.set_source(None)
    for loader in loaders:
        loader.shutdown()
