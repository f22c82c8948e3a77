"""The map: up to 100,000 images as points and pictures on a plane; says wishes, decides nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import (
    QEasingCurve,
    QEvent,
    QPoint,
    QPointF,
    Qt,
    QTimer,
    QVariantAnimation,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.selection import Selection
from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures, request_side
from dclust_gui.ui.models.map_camera import MapCamera, extent_of
from dclust_gui.ui.models.map_geometry import nearest_point, points_in_polygon
from dclust_gui.ui.models.map_shading import Canvas, image_over
from dclust_gui.ui.views.map_drag import MapDrop
from dclust_gui.ui.views.map_keys import MapKeys
from dclust_gui.ui.views.map_mouse import MapMouse
from dclust_gui.ui.views.map_overlay import PREVIEW_PX, MapAttention, MapOverlay
from dclust_gui.ui.views.map_painter import MapLook, MapPainter
from dclust_gui.ui.views.theme import GRID, colours, is_dark

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from dclust_gui.services.mapping import MapMethod
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.gallery_source import GallerySource
    from dclust_gui.ui.models.map_model import MapModel

REACH_PX = 6.0
"""How near to a dot the pointer must be, beyond its edge."""

_WHEEL_STEP = 1.2
_PREVIEW_MS = 140
_SETTLE_MS = 140
_WARM_MS = 30
_GLIDE_MS = 600
_LEAST_SIDE_PX = GRID * 20


class MapTool(StrEnum):
    """What dragging from an empty place does; the value is its name for people."""

    PAN = "Move"
    LASSO = "Lasso"
    BOX = "Rectangle"


class MapView(QWidget):
    """Shows a `MapModel`.

    Args:
        model: The images and their places.
        loader: Brings the pictures, for this view alone.
        preview_loader: Brings the picture under the pointer, likewise.
        parent: Owner.

    Signals:
        selection_requested: A `Selection` that the session should take over.
        preview_requested: id of the image to show large.
        context_menu_requested: ids (tuple) and where on the screen.
        move_requested: ids (tuple) that were dropped on a cluster, and that cluster.
        tool_changed: Another `MapTool` is in hand.
        said: A short note for the status bar.
    """

    selection_requested = Signal(object)
    preview_requested = Signal(int)
    context_menu_requested = Signal(object, QPoint)
    move_requested = Signal(object, int)
    tool_changed = Signal(object)
    said = Signal(str)

    def __init__(
        self,
        model: MapModel,
        loader: ThumbnailLoader,
        preview_loader: ThumbnailLoader,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._pictures = DendrogramPictures(loader, model, self)
        self._previews = DendrogramPictures(preview_loader, model, self)
        self._painter = MapPainter(model, self._pictures)
        self._overlay = MapOverlay(model, self._painter, self._previews)
        self._attention = MapAttention()
        self._camera = MapCamera()
        self._canvas = Canvas(1, 1)
        self._painted: tuple[object, ...] = ()
        self._n_arrived = 0
        self._method: MapMethod | None = None
        self._tool = MapTool.PAN
        self._has_pictures = self._has_legend = True
        self._is_moving = self._is_editable = False
        self._kept_outline: tuple[list[tuple[float, float]], int] = ([], -1)
        self._message = ""
        self._mouse = MapMouse(self)
        self._keys = MapKeys(self)
        self._drops = MapDrop(self)
        self._resting = self._timer(_PREVIEW_MS)
        self._settling = self._timer(_SETTLE_MS)
        self._warming = self._timer(_WARM_MS)
        self._glide = QVariantAnimation(self)
        self._set_up()

    def _timer(self, interval_ms: int) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        return timer

    def _set_up(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(_LEAST_SIDE_PX, _LEAST_SIDE_PX)
        self.setAccessibleName("Map of images")
        self._resting.timeout.connect(self._on_resting_timeout)
        self._settling.timeout.connect(self._on_settling_timeout)
        self._warming.timeout.connect(self._on_warming_timeout)
        self._glide.setStartValue(0.0)
        self._glide.setEndValue(1.0)
        self._glide.setDuration(_GLIDE_MS)
        self._glide.setEasingCurve(QEasingCurve.Type.InOutCubic)
        self._glide.valueChanged.connect(self._on_glide_value_changed)
        self._glide.finished.connect(self._settling.start)
        self._model.layout_changed.connect(self._on_model_layout_changed)
        self._model.changed.connect(self._on_model_changed)
        self._pictures.arrived.connect(self._on_pictures_arrived)
        self._previews.arrived.connect(self.update)

    # -- what is shown -----------------------------------------------------------------------

    def set_source(self, source: GallerySource | None) -> None:
        """Show another project, or none."""
        self._pictures.clear()
        self._previews.clear()
        self._method = None
        self._kept_outline = ([], -1)
        self._model.set_source(source)

    def set_message(self, text: str) -> None:
        """What to say while there is no map."""
        self._message = text
        self.update()

    def set_editable(self, is_editable: bool) -> None:
        """Let images be dropped on clusters, or only be looked at."""
        self._is_editable = is_editable
        self.setAcceptDrops(is_editable)

    @property
    def is_editable(self) -> bool:
        """Whether images can be moved."""
        return self._is_editable

    @property
    def model(self) -> MapModel:
        """The images and their places."""
        return self._model

    @property
    def camera(self) -> MapCamera:
        """Which part of the map is shown, and how large."""
        return self._camera

    @property
    def painter(self) -> MapPainter:
        """What paints; knows what is in view."""
        return self._painter

    @property
    def pictures(self) -> DendrogramPictures:
        """The pictures on the map."""
        return self._pictures

    @property
    def attention(self) -> MapAttention:
        """What pointer and keys are at."""
        return self._attention

    @property
    def tool(self) -> MapTool:
        """What dragging does."""
        return self._tool

    def set_tool(self, tool: MapTool) -> None:
        """Take another tool in hand."""
        if tool is not self._tool:
            self._tool = tool
            self._mouse.forget()
            self.tool_changed.emit(tool)
        self.show_cursor()

    @Slot(bool)
    def set_pictures_shown(self, is_wanted: bool) -> None:
        """Show pictures where they fit, or dots only."""
        self._has_pictures = is_wanted
        self.update()

    @Slot(bool)
    def set_legend_shown(self, is_wanted: bool) -> None:
        """Show which colour is which cluster."""
        self._has_legend = is_wanted
        self.update()

    # -- moving ------------------------------------------------------------------------------

    @Slot()
    def fit(self) -> None:
        """Show the whole map."""
        self._set_camera(self._camera.fitted())

    def zoom(self, factor: float, point: QPointF | None = None) -> None:
        """Show the map larger or smaller.

        Args:
            factor: Above 1 for larger.
            point: The pixel that stays in place; the middle if None.
        """
        place = QPointF(self.width() / 2, self.height() / 2) if point is None else point
        self._set_camera(self._camera.zoomed(factor, place.x(), place.y()))

    def pan(self, dx: float, dy: float) -> None:
        """Move the map by pixels."""
        self._set_camera(self._camera.panned(dx, dy))

    def show_selected(self) -> None:
        """Zoom to the selected images."""
        rows = np.flatnonzero(self._model.is_selected)
        if len(rows):
            self._set_camera(self._camera.showing(extent_of(self._model.places[rows])))

    def show_row(self, row: int) -> None:
        """Bring an image into view, moving no more than needed."""
        if row < 0:
            return
        x, y = self._camera.point_of(*self._model.places[row].tolist())
        margin = GRID * 6
        dx = max(margin - x, 0) - max(x - self.width() + margin, 0)
        dy = max(margin - y, 0) - max(y - self.height() + margin, 0)
        if dx or dy:
            self.pan(dx, dy)

    # -- selecting ---------------------------------------------------------------------------

    def row_at(self, point: QPointF) -> int:
        """The image at a pixel, picture or dot, that the filter lets through; -1 for none."""
        card = self._painter.card_at(point.x(), point.y())
        return self.dot_at(point) if card is None else card.row

    def dot_at(self, point: QPointF, reach_px: float = REACH_PX) -> int:
        """The nearest dot at a pixel that the filter lets through; -1 for none."""
        painter, model = self._painter, self._model
        points, rows = painter.points, painter.rows
        if model.has_dim:
            bright = ~model.is_dim[rows]
            points, rows = points[bright], rows[bright]
        found = nearest_point(points, point.x(), point.y(), reach_px + painter.dot_px / 2)
        return int(rows[found]) if found >= 0 else -1

    def is_on_picture(self, point: QPointF) -> bool:
        """Whether a pixel belongs to a picture rather than to a dot."""
        return self._painter.card_at(point.x(), point.y()) is not None

    def is_on_selection(self, point: QPointF, row: int) -> bool:
        """Whether a press there takes hold of the selected images."""
        if row >= 0 and self._model.is_selected[row]:
            return True
        corners = self._outline_corners()
        if len(corners) < 3 or not self._model.n_selected:
            return False
        here = np.array([[point.x(), point.y()]], np.float32)
        return bool(len(points_in_polygon(here, corners)))

    def request(self, images: Iterable[int], current: int | None) -> None:
        """Ask for a selection."""
        self.selection_requested.emit(Selection(frozenset(images), current))

    def click(self, row: int, *, toggles: bool, adds: bool) -> None:
        """Ask for one image to be selected; for none on an empty place.

        Args:
            row: The image; -1 for an empty place.
            toggles: Select or deselect it besides what is selected.
            adds: Select it besides what is selected.
        """
        chosen = self._model.selection
        if row < 0:
            if not toggles and not adds:
                self.clear_selection()
            return
        image = int(self._model.images[row])
        if toggles:
            chosen ^= {image}
        else:
            chosen = chosen | {image} if adds else frozenset([image])
        self.request(chosen, image)
        self._tell_screen_reader(image)

    def clear_selection(self) -> None:
        """Ask for nothing to be selected."""
        if self._model.selection:
            self.request((), None)

    def rows_inside(self, outline: list[QPointF]) -> NDArray[np.int64]:
        """Rows in view inside an outline in pixels, those that the filter lets through."""
        corners = np.array([[p.x(), p.y()] for p in outline])
        found = self._painter.rows[points_in_polygon(self._painter.points, corners)]
        bright: NDArray[np.int64] = found[~self._model.is_dim[found]]
        return bright

    def draw(self, outline: list[QPointF], words: str = "") -> None:
        """Show an outline that is being drawn."""
        self._attention.outline, self._attention.words = outline, words
        self._attention.is_drawing = True
        self.update()

    def take_outline(self, *, adds: bool) -> None:
        """Ask for what lies inside the drawn outline to be selected."""
        outline = self._attention.outline
        rows = self.rows_inside(outline)
        self.drop_drawing()
        images = frozenset(self._model.images[rows].tolist())
        chosen = images | self._model.selection if adds else images
        best = rows[self._model.rank[rows].argmin()] if len(rows) else -1
        self.request(chosen, int(self._model.images[best]) if best >= 0 else None)
        places = [self._camera.place_at(p.x(), p.y()) for p in outline]
        self._kept_outline = (places if images else [], self._model.n_selections)
        self.said.emit(f"{count_of(len(images))} inside the outline")

    def drop_drawing(self) -> None:
        """Forget the outline that is being drawn."""
        self._attention.outline, self._attention.words = [], ""
        self._attention.is_drawing = False
        self.update()

    def cancel(self) -> bool:
        """Give up a gesture, else what is selected; False if there is neither."""
        if self._mouse.cancel():
            return True
        has = bool(self._model.selection)
        self.clear_selection()
        return has

    def dragged_images(self, row: int) -> tuple[int, ...]:
        """What a drag that begins at an image takes along."""
        if row >= 0 and not self._model.is_selected[row]:
            return (int(self._model.images[row]),)
        return self._model.selected()

    def set_target(self, row: int, words: str = "") -> None:
        """Mark the image whose cluster would take what is being dragged."""
        if (row, words) != (self._attention.target, self._attention.words):
            self._attention.target, self._attention.words = row, words
            self.update()

    def hover(self, point: QPointF) -> None:
        """Mark what lies under the pointer; its preview follows when the pointer rests."""
        self._attention.pointer = point
        row = self.row_at(point)
        if row != self._attention.hover:
            self._attention.hover = row
            self._attention.is_preview_wanted = False
            if row >= 0:
                self._resting.start()
            self.update()
        elif self._attention.is_preview_wanted:
            self.update()

    def leave(self) -> None:
        """The pointer is busy or elsewhere."""
        self._resting.stop()
        if self._attention.hover >= 0 or self._attention.is_preview_wanted:
            self._attention.hover, self._attention.is_preview_wanted = -1, False
            self.update()

    def show_cursor(self, *, is_panning: bool = False) -> None:
        """Show what dragging does."""
        shape = Qt.CursorShape.CrossCursor
        if self._tool is MapTool.PAN:
            shape = Qt.CursorShape.ArrowCursor
        self.setCursor(Qt.CursorShape.ClosedHandCursor if is_panning else shape)

    def open_menu(self, row: int, place: QPoint) -> None:
        """Ask for the menu of the selected images, an unselected one under the pointer first."""
        if row >= 0 and not self._model.is_selected[row]:
            self.click(row, toggles=False, adds=False)
        chosen = self._model.selected()
        if chosen:
            self.leave()
            self.context_menu_requested.emit(chosen, place)

    # -- inside ------------------------------------------------------------------------------

    def _set_camera(self, camera: MapCamera) -> None:
        if camera != self._camera:
            self._camera = camera
            self._is_moving = True
            self._settling.start()
            self.update()

    def _tell_screen_reader(self, image: int) -> None:
        self.setAccessibleDescription(self._model.words_for(image))
        event = QAccessibleEvent(self, QAccessible.Event.DescriptionChanged)
        QAccessible.updateAccessibility(event)

    def _outline_corners(self) -> NDArray[np.float64]:
        """The outline that made the selection, in pixels: float64 (n, 2)."""
        places, number = self._kept_outline
        if not places or number != self._model.n_selections:
            return np.empty((0, 2))
        return np.array([self._camera.point_of(x, y) for x, y in places])

    def _look(self) -> MapLook:
        return MapLook(
            colours(self.palette()),
            is_dark(self.palette()),
            self.devicePixelRatioF(),
            has_pictures=self._has_pictures,
            is_moving=self._is_moving,
        )

    def _places(self) -> NDArray[np.float32] | None:
        """Where the images are on their way from one map to another; None when they are there."""
        before = self._model.before
        if before is None or self._glide.state() is not QVariantAnimation.State.Running:
            return None
        share = np.float32(self._glide.currentValue())
        moved: NDArray[np.float32] = before + (self._model.places - before) * share
        return moved

    def _paint_layer(self, look: MapLook) -> None:
        """Paint the map itself anew if anything of it has changed."""
        size = (math.ceil(self.width() * look.ratio), math.ceil(self.height() * look.ratio))
        places = self._places()
        share = -1.0 if places is None else float(self._glide.currentValue())
        key = (self._camera, self._model.revision, self._n_arrived, size, look, share)
        if key == self._painted:
            return
        if not self._canvas.has_size(*size):
            self._canvas = Canvas(*size)
        self._painter.paint(self._canvas, self._camera, look, places)
        self._painted = key
        side = request_side(self._painter.side_px - 4, look.ratio)
        if not self._is_moving or self._painter.dot_px:
            self._pictures.want(self._painter.wanted, side)

    def _paint(self, painter: QPainter) -> None:
        if not len(self._model.images):
            painter.fillRect(self.rect(), self.palette().base())
            painter.setPen(self.palette().placeholderText().color())
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(24, 24, -24, -24), flags, self._message)
            return
        look = self._look()
        self._paint_layer(look)
        image = image_over(self._canvas.pixels)
        image.setDevicePixelRatio(look.ratio)
        painter.drawImage(0, 0, image)
        attention = self._attention
        if not attention.is_drawing:
            corners = self._outline_corners().tolist()
            attention.outline = [QPointF(x, y) for x, y in corners]
        self._overlay.paint(painter, self.rect(), attention, look, has_legend=self._has_legend)

    @Slot()
    def _on_model_layout_changed(self) -> None:
        layout = self._model.layout
        method = None if layout is None else layout.method
        camera = replace(self._camera, extent=self._model.extent)
        if method is not self._method or self._camera.is_fit:
            camera = camera.fitted()
        self._method = method
        self._camera = camera
        self._kept_outline = ([], -1)
        self._attention = MapAttention(has_focus=self.hasFocus())
        self._mouse.forget()
        self._glide.stop()
        self._settling.start()
        self._warming.start()
        if self._model.before is not None and self.isVisible():
            self._glide.start()
        self.update()

    @Slot()
    def _on_model_changed(self) -> None:
        self._is_moving = True
        self._settling.start()
        self.update()

    @Slot()
    def _on_pictures_arrived(self) -> None:
        self._n_arrived += 1
        self.update()

    @Slot()
    def _on_resting_timeout(self) -> None:
        row = self._attention.hover
        if row >= 0:
            self._attention.is_preview_wanted = True
            side = request_side(PREVIEW_PX, self.devicePixelRatioF())
            self._previews.want([int(self._model.images[row])], side)
            self.update()

    @Slot()
    def _on_settling_timeout(self) -> None:
        self._is_moving = False
        if self._camera.is_fit:
            self._overlay.settle_legend(self.rect(), self.devicePixelRatioF())
        self.update()

    @Slot()
    def _on_warming_timeout(self) -> None:
        if self._painter.warm_up(self._look()):
            self._warming.start()

    @Slot("QVariant")
    def _on_glide_value_changed(self, _share: object) -> None:
        self.update()

    # -- Qt ----------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint what is in view."""
        painter = QPainter(self)
        try:
            self._paint(painter)
        finally:
            painter.end()

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Show the same part of the map in the new size."""
        self._set_camera(self._camera.resized(self.width(), self.height()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer; sideways pan."""
        turned = event.angleDelta()
        if abs(turned.x()) > abs(turned.y()):
            self.pan(float(turned.x()), 0.0)
        else:
            self.zoom(_WHEEL_STEP ** (turned.y() / 120), event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Zoom by pinching; keep the zoom keys for the map."""
        kind = event.type()
        if kind == QEvent.Type.NativeGesture and isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom(max(1 + event.value(), 0.1), event.position())
                return True
        elif isinstance(event, QKeyEvent) and kind == QEvent.Type.ShortcutOverride:
            is_ours = self._keys.is_zoom(event)
            event.setAccepted(is_ours)
            return is_ours
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to select, pan, draw or drag."""
        self._mouse.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with it."""
        self._mouse.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End it."""
        self._mouse.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show an image large; zoom in on an empty place."""
        self._mouse.double_click(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the pointer."""
        self.leave()
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk, zoom, select."""
        if not self._keys.press(event):
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of what is selected."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            row = self._model.row_of(self._model.current)
            self.open_menu(row, self.mapToGlobal(self.rect().center()))
        else:
            self.open_menu(self.row_at(QPointF(event.pos())), event.globalPos())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Let the window's own images in."""
        self._drops.enter(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Mark where they would go."""
        self._drops.move(event)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """The drag goes elsewhere."""
        self.set_target(-1)

    def dropEvent(self, event: QDropEvent) -> None:
        """Take them."""
        self._drops.drop(event)

    def changeEvent(self, event: QEvent) -> None:
        """Make everything ready in the colours of another look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._warming.start()

    def focusInEvent(self, _event: QFocusEvent) -> None:
        """Show which image keys act on."""
        self._attention.has_focus = True
        self.update()

    def focusOutEvent(self, _event: QFocusEvent) -> None:
        """Show that keys go elsewhere."""
        self._attention.has_focus = False
        self.update()
