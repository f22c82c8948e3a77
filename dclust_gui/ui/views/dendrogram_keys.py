"""What keys do in the dendrogram: walk along branches, zoom, open and close, cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from dclust_gui.domain.tree_layout import NO_NODE

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.ui.views.dendrogram_view import DendrogramView

ZOOM_STEP = 1.25
"""Factor of one zoom step."""

_ALIKE = 1.1


class DendrogramKeys(QObject):
    """Turns keys into calls of the view.

    Args:
        view: The dendrogram.
    """

    def __init__(self, view: DendrogramView) -> None:
        super().__init__(view)
        self._view = view

    def press(self, event: QKeyEvent) -> bool:
        """Take a key; False if it means nothing here."""
        view = self._view
        if view.model.tree is None:
            return False
        if event.matches(QKeySequence.StandardKey.ZoomIn):
            view.navigator.zoom(ZOOM_STEP)
        elif event.matches(QKeySequence.StandardKey.ZoomOut):
            view.navigator.zoom(1 / ZOOM_STEP)
        elif event.key() == Qt.Key.Key_Escape:
            return view.cancel_gesture()
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
            return self._with_alt(event.key())
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return self._with_control(event.key())
        else:
            return self._plain(event.key())
        return True

    def _with_alt(self, key: int) -> bool:
        deeper, higher = self._directions()[:2]
        if key == deeper:
            self._view.cutting.open_branch(self._here())
        elif key == higher:
            self._view.cutting.close_branch(self._here())
        else:
            return False
        return True

    def _with_control(self, key: int) -> bool:
        if key == Qt.Key.Key_0:
            self._view.navigator.fit()
        elif key == Qt.Key.Key_Space:
            self._view.click(self._here(), None, toggles=True, adds=False)
        else:
            return False
        return True

    def _plain(self, key: int) -> bool:
        view = self._view
        deeper, higher, back, on = self._directions()
        page = view.camera.content_px * 0.9
        deeds: dict[int, Callable[[], None]] = {
            deeper: self._go_deeper,
            higher: self._go_higher,
            back: lambda: self._go_beside(-1),
            on: lambda: self._go_beside(1),
            Qt.Key.Key_PageUp: lambda: view.navigator.pan(-page),
            Qt.Key.Key_PageDown: lambda: view.navigator.pan(page),
            Qt.Key.Key_Home: lambda: view.set_current(view.model.layout.root),
            Qt.Key.Key_Plus: lambda: view.navigator.zoom(ZOOM_STEP),
            Qt.Key.Key_Equal: lambda: view.navigator.zoom(ZOOM_STEP),
            Qt.Key.Key_Minus: lambda: view.navigator.zoom(1 / ZOOM_STEP),
            Qt.Key.Key_BracketRight: lambda: view.cutting.step(1),
            Qt.Key.Key_BracketLeft: lambda: view.cutting.step(-1),
            Qt.Key.Key_Return: lambda: view.click(self._here(), None, toggles=False, adds=False),
            Qt.Key.Key_Enter: lambda: view.click(self._here(), None, toggles=False, adds=False),
            Qt.Key.Key_Space: lambda: view.branches.preview(self._here()),
            Qt.Key.Key_Z: lambda: view.navigator.show_branch(self._here()),
            Qt.Key.Key_F2: lambda: view.rename(self._here()),
            Qt.Key.Key_Menu: lambda: view.show_menu(self._here(), QPoint()),
        }
        deed = deeds.get(key)
        if deed is None:
            return False
        deed()
        return True

    def _directions(self) -> tuple[int, int, int, int]:
        """Keys towards the leaves, towards the root, to the branch before and after."""
        key = Qt.Key
        if self._view.camera.is_upright:
            return key.Key_Down, key.Key_Up, key.Key_Left, key.Key_Right
        return key.Key_Right, key.Key_Left, key.Key_Up, key.Key_Down

    def _here(self) -> int:
        view = self._view
        return view.model.layout.root if view.current == NO_NODE else view.current

    def _go_deeper(self) -> None:
        child = int(self._view.model.layout.left[self._here()])
        if child != NO_NODE:
            self._view.set_current(child)

    def _go_higher(self) -> None:
        parent = int(self._view.model.layout.parent[self._here()])
        if parent != NO_NODE:
            self._view.set_current(parent)

    def _go_beside(self, step: int) -> None:
        """The nearest branch on that side that is about as high."""
        layout, here = self._view.model.layout, self._here()
        place = int(layout.start[here]) - 1 if step < 0 else int(layout.stop[here])
        if not 0 <= place < layout.n_leaves:
            return
        node = layout.branch_at(place, float(layout.height[here]) * _ALIKE)
        while layout.contains(node, here):
            left = int(layout.left[node])
            is_left = layout.start[left] <= place < layout.stop[left]
            node = left if is_left else int(layout.right[node])
        self._view.set_current(node)
