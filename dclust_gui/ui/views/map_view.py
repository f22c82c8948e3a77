"""The map: up to 100,000 images as points and pictures on a plane; says wishes, decides nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import (
    QEvent,
    QPoint,
    QPointF,
    Qt,
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
    QWheelEvent,
)

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.selection import Selection
from dclust_gui.ui.models.dendrogram_pictures import request_side
from dclust_gui.ui.models.map_geometry import nearest_point, points_in_polygon
from dclust_gui.ui.views.map_drag import MapDrop
from dclust_gui.ui.views.map_keys import MapKeys
from dclust_gui.ui.views.map_mouse import MapMouse
from dclust_gui.ui.views.map_overlay import PREVIEW_PX
from dclust_gui.ui.views.map_surface import MapSurface

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from PySide6.QtWidgets import QWidget

    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.map_model import MapModel

REACH_PX = 6.0
"""How near to a dot the pointer must be, beyond its edge."""

_WHEEL_STEP = 1.2
_PREVIEW_MS = 140


class MapTool(StrEnum):
    """What dragging from an empty place does; the value is its name for people."""

    PAN = "Move"
    LASSO = "Lasso"
    BOX = "Rectangle"


class MapView(MapSurface):
    """A `MapSurface` that pointer and keys act on.

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
        super().__init__(model, loader, preview_loader, parent)
        self._tool = MapTool.PAN
        self._mouse = MapMouse(self)
        self._keys = MapKeys(self)
        self._drops = MapDrop(self)
        self._resting = self._timer(_PREVIEW_MS)
        self._resting.timeout.connect(self._on_resting_timeout)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Map of images")

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
        rows, points = self._painter.all_in_view(self._camera)
        found = rows[points_in_polygon(points, corners)]
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
        if not adds:
            self._model.expect(images, rows)
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

    # -- inside ---------------------------------------------------------------------------

    def _drop_gesture(self) -> None:
        self._resting.stop()
        self._mouse.forget()

    @Slot()
    def _on_resting_timeout(self) -> None:
        row = self._attention.hover
        if row >= 0:
            self._attention.is_preview_wanted = True
            side = request_side(PREVIEW_PX, self.devicePixelRatioF())
            self._previews.want([int(self._model.images[row])], side)
            self.update()

    def _tell_screen_reader(self, image: int) -> None:
        self.setAccessibleDescription(self._model.words_for(image))
        event = QAccessibleEvent(self, QAccessible.Event.DescriptionChanged)
        QAccessible.updateAccessibility(event)

    # -- Qt ----------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer; sideways pan."""
        turned = event.angleDelta()
        if abs(turned.x()) > abs(turned.y()):
            self.pan(float(turned.x()), 0.0)
        else:
            self.zoom(_WHEEL_STEP ** (turned.y() / 120), event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Zoom by pinching; keep the zoom and tool keys for the map."""
        kind = event.type()
        if kind == QEvent.Type.NativeGesture and isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom(max(1 + event.value(), 0.1), event.position())
                return True
        elif isinstance(event, QKeyEvent) and kind == QEvent.Type.ShortcutOverride:
            is_ours = self._keys.is_own(event)
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

    def focusInEvent(self, _event: QFocusEvent) -> None:
        """Show which image keys act on."""
        self._attention.has_focus = True
        self.update()

    def focusOutEvent(self, _event: QFocusEvent) -> None:
        """Show that keys go elsewhere."""
        self._attention.has_focus = False
        self.update()
