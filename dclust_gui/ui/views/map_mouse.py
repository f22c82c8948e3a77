"""What the mouse does on the map: select, pan, draw an outline, drag images."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtWidgets import QApplication

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.views.map_drag import run_map_drag

if TYPE_CHECKING:
    from PySide6.QtGui import QMouseEvent

    from dclust_gui.ui.views.map_view import MapView

_STEP_PX = 3.0
"""Least distance between two corners of a lasso."""

_DOUBLE_CLICK_ZOOM = 2.0


class _Gesture(Enum):
    NONE = auto()
    PRESSED = auto()
    PAN = auto()
    LASSO = auto()
    BOX = auto()


class MapMouse(QObject):
    """Turns presses, moves and releases into calls of the view.

    Args:
        view: The map.
    """

    def __init__(self, view: MapView) -> None:
        super().__init__(view)
        self._view = view
        self._gesture = _Gesture.NONE
        self._pressed_at = self._last = QPointF()
        self._row = -1
        self._has_images = False
        self._next = _Gesture.NONE
        self._adds = self._toggles = False
        self._outline: list[QPointF] = []

    def press(self, event: QMouseEvent) -> None:
        """Begin a gesture."""
        view, point = self._view, event.position()
        if self._gesture is not _Gesture.NONE or not len(view.model.images):
            return
        self._pressed_at = self._last = point
        if event.button() == Qt.MouseButton.MiddleButton:
            self._begin(_Gesture.PAN)
        elif event.button() == Qt.MouseButton.LeftButton:
            view.leave()
            self._toggles = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self._adds = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._row = view.row_at(point)
            self._gesture = _Gesture.PRESSED
            self._next = self._after_threshold(point)

    def _after_threshold(self, point: QPointF) -> _Gesture:
        """What begins when the mouse goes on; NONE drags images."""
        view, tool = self._view, self._view.tool.name
        is_plain = not self._toggles and not self._adds
        self._has_images = is_plain and view.is_on_selection(point, self._row)
        if is_plain and tool == "PAN" and self._row >= 0 and view.is_on_picture(point):
            self._has_images = True
        if self._has_images:
            return _Gesture.NONE
        if tool == "PAN" and not self._adds:
            return _Gesture.PAN
        return _Gesture.BOX if tool == "BOX" else _Gesture.LASSO

    def move(self, event: QMouseEvent) -> None:
        """Go on with the gesture, or mark what lies under the pointer."""
        view, point = self._view, event.position()
        match self._gesture:
            case _Gesture.PAN:
                view.pan(point.x() - self._last.x(), point.y() - self._last.y())
            case _Gesture.LASSO:
                if (point - self._outline[-1]).manhattanLength() < _STEP_PX:
                    return
                self._outline.append(point)
                view.draw(self._outline)
            case _Gesture.BOX:
                self._outline = _corners(self._pressed_at, point)
                rows = view.rows_inside(self._outline)
                view.attention.pointer = point
                view.draw(self._outline, count_of(len(rows)))
            case _Gesture.PRESSED:
                distance = (point - self._pressed_at).manhattanLength()
                if distance >= QApplication.startDragDistance():
                    self._go_on(event)
            case _Gesture.NONE:
                view.hover(point)
        self._last = point

    def _go_on(self, event: QMouseEvent) -> None:
        """The mouse has gone far enough for a drag."""
        if self._has_images:
            view, row = self._view, self._row
            self.forget()
            if row >= 0 and not view.model.is_selected[row]:
                view.click(row, toggles=False, adds=False)
            run_map_drag(view, view.dragged_images(row), row)
            return
        self._begin(self._next)
        self.move(event)

    def release(self, event: QMouseEvent) -> None:
        """End the gesture."""
        view, gesture = self._view, self._gesture
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        row, adds, toggles = self._row, self._adds, self._toggles
        is_lasso_by_key = view.tool.name == "PAN"
        outline = self._outline
        self.forget(keeps_drawing=True)
        if gesture in (_Gesture.LASSO, _Gesture.BOX):
            if len(outline) > 2:
                view.take_outline(adds=toggles or (adds and not is_lasso_by_key))
            else:
                view.drop_drawing()
        elif gesture is _Gesture.PRESSED:
            view.click(row, toggles=toggles, adds=adds)
        view.hover(event.position())

    def double_click(self, event: QMouseEvent) -> None:
        """Show an image large; zoom in on an empty place."""
        view = self._view
        if event.button() != Qt.MouseButton.LeftButton or event.modifiers():
            self.press(event)
            return
        self.forget()
        row = view.row_at(event.position())
        if row >= 0:
            view.leave()
            view.preview_requested.emit(int(view.model.images[row]))
        else:
            view.zoom(_DOUBLE_CLICK_ZOOM, event.position())

    def cancel(self) -> bool:
        """Give up drawing; False if nothing is drawn."""
        is_drawing = self._gesture in (_Gesture.LASSO, _Gesture.BOX)
        self.forget()
        return is_drawing

    def forget(self, *, keeps_drawing: bool = False) -> None:
        """End every gesture as it stands."""
        if self._gesture in (_Gesture.LASSO, _Gesture.BOX) and not keeps_drawing:
            self._view.drop_drawing()
        self._gesture = _Gesture.NONE
        self._row = -1
        self._outline = []
        self._has_images = False
        self._view.show_cursor()

    def _begin(self, gesture: _Gesture) -> None:
        self._gesture = gesture
        self._view.leave()
        if gesture is _Gesture.PAN:
            self._view.show_cursor(is_panning=True)
        else:
            self._outline = [self._pressed_at]


def _corners(one: QPointF, other: QPointF) -> list[QPointF]:
    """The corners of a rectangle, in order."""
    return [one, QPointF(other.x(), one.y()), other, QPointF(one.x(), other.y())]
