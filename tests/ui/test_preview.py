from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QDrag, QImage
from PySide6.QtWidgets import QApplication, QLabel, QToolButton, QWidget

from dclust_gui.domain.selection import Selection
from dclust_gui.ui.bridge.preview_loader import PreviewLoader
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.gallery_model import GalleryModel
from dclust_gui.ui.models.gallery_order import GalleryFilter
from dclust_gui.ui.views.preview import PreviewOverlay
from dclust_gui.ui.views.preview_canvas import PreviewCanvas
from dclust_gui.ui.views.theme import Theme, ThemeKeeper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

    from tests.ui.conftest import FakeProject, FakeThumbnails


@dataclass
class Stage:
    overlay: PreviewOverlay
    model: GalleryModel
    project: FakeProject
    window: QWidget
    qtbot: QtBot

    def key(self, key: Qt.Key) -> None:
        self.qtbot.keyClick(self.overlay, key)

    def texts(self) -> list[str]:
        return [label.text() for label in self.overlay.findChildren(QLabel) if not label.isHidden()]

    def wait_picture(self) -> None:
        image = self.overlay.image
        self.qtbot.waitUntil(lambda: image in self.overlay._details, timeout=3000)


@pytest.fixture
def stage(project: FakeProject, thumbnails: FakeThumbnails, qtbot: QtBot) -> Iterator[Stage]:
    window = QWidget()
    window.resize(900, 600)
    qtbot.addWidget(window)
    small, large = ThumbnailLoader(thumbnails), PreviewLoader(thumbnails)
    model = GalleryModel(small)
    model.set_source(project)
    overlay = PreviewOverlay(model, large, window)
    window.show()
    yield Stage(overlay, model, project, window, qtbot)
    window.close()
    assert small.shutdown()
    assert large.shutdown()


def test_opens_over_the_window_and_shows_name_place_and_details(stage: Stage) -> None:
    stage.overlay.open_image(9)
    assert stage.overlay.isVisible()
    assert stage.overlay.size() == stage.window.size()
    stage.wait_picture()
    texts = stage.texts()
    assert "img3.jpg  ·  Cluster 01" in texts
    assert "3 of 12" in texts
    assert {"Camera", "Test 1"} <= set(texts)
    assert stage.overlay.accessibleName() == "Preview: img3.jpg, Cluster 01, 3 of 12"


@pytest.mark.parametrize("theme", [Theme.LIGHT, Theme.DARK])
def test_text_is_readable_under_the_style_sheet_of_the_application(
    stage: Stage, qapp: QApplication, theme: Theme
) -> None:
    before = qapp.style().objectName(), qapp.palette(), qapp.styleSheet()
    keeper = ThemeKeeper(qapp, theme)
    try:
        stage.overlay.open_image(9)
        stage.wait_picture()
        picture = stage.overlay.grab().toImage()
        for label in stage.overlay.findChildren(QLabel):
            if label.isHidden() or not label.text():
                continue
            corner = label.mapTo(stage.overlay, QPoint(0, 0))
            area = picture.copy(QRect(corner, label.size()))
            lights = [
                area.pixelColor(x, y).lightness()
                for x in range(area.width())
                for y in range(area.height())
            ]
            assert min(lights) < 60, label.text()
            assert max(lights) > 140, label.text()
        for button in stage.overlay.findChildren(QToolButton):
            assert button.palette().buttonText().color().lightness() > 200
    finally:
        keeper.deleteLater()
        qapp.setStyle(before[0])
        qapp.setPalette(before[1])
        qapp.setStyleSheet(before[2])


def test_file_facts_are_shown_without_exif(stage: Stage) -> None:
    stage.overlay.open_image(9)
    rows = {"Name", "img3.jpg", "Folder", "sub", "40 \u00d7 30", "JPEG · 1 kB"}
    assert rows <= set(stage.texts())


def test_several_selected_images_are_walked_through_alone(stage: Stage) -> None:
    chosen = [stage.model.id_at(row) for row in (2, 5, 9)]
    stage.project.selection = Selection(frozenset(chosen), chosen[0])
    stage.overlay.open_image(chosen[0])
    for wanted in (chosen[1], chosen[2], chosen[2]):
        stage.key(Qt.Key.Key_Right)
        assert stage.overlay.image == wanted


def test_arrows_walk_in_the_order_of_the_gallery_and_stop_at_its_ends(stage: Stage) -> None:
    seen: list[int] = []
    stage.overlay.current_requested.connect(seen.append)
    stage.overlay.open_image(stage.model.id_at(1))
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_End):
        stage.key(key)
    stage.key(Qt.Key.Key_Right)
    assert seen == [stage.model.id_at(row) for row in (0, 1, 11)]
    assert stage.overlay.image == stage.model.id_at(11)


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Space, Qt.Key.Key_Return])
def test_escape_space_and_enter_close(stage: Stage, key: Qt.Key) -> None:
    stage.overlay.open_image(0)
    with stage.qtbot.waitSignal(stage.overlay.closed, timeout=1000):
        stage.key(key)
    assert not stage.overlay.isVisible()
    assert stage.overlay.image is None


def test_unreadable_file_says_so(stage: Stage, thumbnails: FakeThumbnails) -> None:
    thumbnails.unreadable.add("img12.jpg")
    stage.overlay.open_image(0)
    stage.wait_picture()
    assert stage.overlay.canvas._message == "This file cannot be read."


def test_neighbours_are_read_ahead(stage: Stage, thumbnails: FakeThumbnails) -> None:
    stage.overlay.open_image(stage.model.id_at(5))
    stage.qtbot.waitUntil(lambda: len(stage.overlay._details) == 3, timeout=3000)
    assert [name for name, _ in thumbnails.asked] == ["img6.jpg", "img7.jpg", "img5.jpg"]


def test_zoom_to_a_hundred_percent_asks_for_every_pixel_once(
    stage: Stage, thumbnails: FakeThumbnails
) -> None:
    stage.overlay.open_image(stage.model.id_at(5))
    stage.qtbot.waitUntil(lambda: len(stage.overlay._details) == 3, timeout=3000)
    whole = len(thumbnails.asked)
    stage.key(Qt.Key.Key_Z)
    zoomed = stage.overlay.canvas.is_fitted
    stage.key(Qt.Key.Key_0)
    assert (zoomed, stage.overlay.canvas.is_fitted) == (False, True)
    assert len(thumbnails.asked) <= whole + 1


def test_follows_the_window_and_closes_when_its_image_is_filtered_out(stage: Stage) -> None:
    stage.overlay.open_image(0)
    stage.window.resize(500, 400)
    assert stage.overlay.size() == stage.window.size()
    stage.model.set_filter(GalleryFilter(cluster=2))
    assert stage.overlay.image is None


def test_image_that_is_not_shown_is_not_opened(stage: Stage) -> None:
    stage.overlay.open_image(999)
    assert not stage.overlay.isVisible()


@pytest.fixture
def canvas(qtbot: QtBot) -> PreviewCanvas:
    made = PreviewCanvas()
    made.resize(400, 300)
    qtbot.addWidget(made)
    picture = QImage(1000, 500, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    made.set_picture(picture, 4000)
    return made


def test_fitted_picture_lies_whole_in_the_middle(canvas: PreviewCanvas) -> None:
    assert canvas.picture_rect().getRect() == pytest.approx((0, 50, 400, 200), abs=1)
    assert canvas.zoom == pytest.approx(0.1)


def test_zoom_keeps_the_point_under_the_mouse_and_asks_for_more_pixels(
    canvas: PreviewCanvas, qtbot: QtBot
) -> None:
    at = QPointF(300, 150)
    with qtbot.waitSignal(canvas.every_pixel_requested, timeout=1000):
        canvas.set_zoom(1.0, at)
    rect = canvas.picture_rect()
    assert rect.width() == pytest.approx(4000)
    assert (at.x() - rect.x()) / rect.width() == pytest.approx(0.75, abs=0.01)


def test_no_edge_of_a_zoomed_picture_comes_into_sight(canvas: PreviewCanvas, qtbot: QtBot) -> None:
    canvas.set_zoom(1.0)
    for _ in range(40):
        qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(10, 150))
        qtbot.mouseMove(canvas, QPoint(390, 150))
        qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(390, 150))
    assert canvas.picture_rect().left() == pytest.approx(0, abs=1)


def test_zooming_out_ends_at_the_whole_picture(canvas: PreviewCanvas) -> None:
    canvas.set_zoom(1.0)
    canvas.zoom_by(-100)
    assert canvas.is_fitted


def test_click_beside_the_picture_asks_to_close(canvas: PreviewCanvas, qtbot: QtBot) -> None:
    with qtbot.waitSignal(canvas.clicked_outside, timeout=1000):
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(200, 10))


def test_a_picture_that_is_wholly_in_sight_is_dragged_out_as_its_file(
    stage: Stage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    dragged: list[tuple[list[str], Qt.DropAction]] = []

    def run(drag: QDrag, actions: Qt.DropAction) -> Qt.DropAction:
        dragged.append(([url.fileName() for url in drag.mimeData().urls()], actions))
        return Qt.DropAction.IgnoreAction

    monkeypatch.setattr(QDrag, "exec", run)
    stage.overlay.open_image(9)
    stage.wait_picture()
    canvas = stage.overlay.canvas
    middle = canvas.picture_rect().center().toPoint()

    def pull() -> None:
        qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
        qtbot.mouseMove(canvas, middle + QPoint(QApplication.startDragDistance() + 5, 0))
        qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=middle)

    pull()
    assert dragged == [(["img3.jpg"], Qt.DropAction.CopyAction)]
    assert canvas.is_fitted
    canvas.toggle_zoom()
    pull()  # a zoomed picture is moved instead
    assert len(dragged) == 1
