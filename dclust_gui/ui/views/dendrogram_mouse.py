"""What the mouse does in the dendrogram: select, pan, drag the cut, drag a branch."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtWidgets import QApplication

from dclust_gui.domain.tree_layout import NO_NODE
from dclust_gui.ui.views.dendrogram_drag import run_branch_drag

if TYPE_CHECKING:
    from PySide6.QtGui import QMouseEvent

    from dclust_gui.ui.views.dendrogram_view import DendrogramView


class _Gesture(Enum):
    NONE = auto()
    PRESSED = auto()
    PAN = auto()
    CUT = auto()


class DendrogramMouse(QObject):
    """Turns presses, moves and releases into calls of the view.

    Args:
        view: The dendrogram.
    """

    def __init__(self, view: DendrogramView) -> None:
        super().__init__(view)
        self._view = view
        self._gesture = _Gesture.NONE
        self._pressed_at = QPointF()
        self._last = QPointF()
        self._node = NO_NODE
        self._may_drag = False

    @property
    def is_cutting(self) -> bool:
        """Whether the cut's line is being dragged."""
        return self._gesture is _Gesture.CUT

    def press(self, event: QMouseEvent) -> None:
        """Begin a gesture."""
        view, point = self._view, event.position()
        self._pressed_at = self._last = point
        if event.button() == Qt.MouseButton.MiddleButton:
            self._begin_pan()
        elif event.button() == Qt.MouseButton.LeftButton:
            if view.is_on_cut(point):
                self._gesture = _Gesture.CUT
                view.drag_cut(point)
                return
            self._gesture = _Gesture.PRESSED
            self._node = view.places.node_at(point)
            self._may_drag = view.is_editable and view.places.is_on_branch(point, self._node)

    def move(self, event: QMouseEvent) -> None:
        """Go on with the gesture, or mark what lies under the pointer."""
        view, point = self._view, event.position()
        if self._gesture is _Gesture.CUT:
            view.drag_cut(point)
        elif self._gesture is _Gesture.PAN:
            before, now = view.camera.uv(self._last), view.camera.uv(point)
            view.navigator.pan(before[0] - now[0])
        elif self._gesture is _Gesture.PRESSED:
            distance = (point - self._pressed_at).manhattanLength()
            if distance < QApplication.startDragDistance():
                return
            if self._may_drag:
                node = self._node
                self.forget()
                run_branch_drag(view, node)
                return
            self._begin_pan()
            self.move(event)
        else:
            view.hover(point)
        self._last = point

    def release(self, event: QMouseEvent) -> None:
        """End the gesture."""
        view, gesture = self._view, self._gesture
        node = self._node
        self.forget()
        if gesture is _Gesture.CUT:
            view.cutting.commit()
        elif gesture is _Gesture.PRESSED and node != NO_NODE:
            control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            view.click(node, event.position(), toggles=control, adds=shift)
        view.hover(event.position())

    def double_click(self, event: QMouseEvent) -> None:
        """Zoom to a branch; show a single image large."""
        view = self._view
        if event.button() != Qt.MouseButton.LeftButton or view.is_on_cut(event.position()):
            return
        self.forget()
        node = view.places.node_at(event.position())
        if node != NO_NODE:
            view.branches.activate(node, event.position())

    def cancel(self) -> bool:
        """Give up dragging the cut; False if it is not being dragged."""
        if self._gesture is not _Gesture.CUT:
            return False
        self.forget()
        self._view.cutting.cancel()
        return True

    def forget(self) -> None:
        """End every gesture as it stands."""
        if self._gesture is _Gesture.PAN:
            self._view.viewport().unsetCursor()
        self._gesture = _Gesture.NONE
        self._node = NO_NODE

    def _begin_pan(self) -> None:
        self._gesture = _Gesture.PAN
        self._view.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
