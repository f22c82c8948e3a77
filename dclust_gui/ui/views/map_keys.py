"""What keys do on the map: walk from image to image, pan, zoom, select, tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from dclust_gui.ui.models.map_geometry import next_point

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.ui.views.map_view import MapView

ZOOM_STEP = 1.25
"""Factor of one zoom step."""

_PAN_SHARE = 0.15
"""Share of the view that Ctrl and an arrow move the map by."""

_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}

_TOOL_KEYS = (Qt.Key.Key_Z, Qt.Key.Key_L, Qt.Key.Key_R, Qt.Key.Key_H)


class MapKeys(QObject):
    """Turns keys into calls of the view.

    Args:
        view: The map.
    """

    def __init__(self, view: MapView) -> None:
        super().__init__(view)
        self._view = view

    def is_own(self, event: QKeyEvent) -> bool:
        """Whether a key zooms the map or takes a tool, so that the window must not take it."""
        is_tool = event.key() in _TOOL_KEYS and not event.modifiers()
        return is_tool or self._zoom_of(event) is not None

    def _zoom_of(self, event: QKeyEvent) -> float | None:
        """The factor that a key zooms by; 0 for the whole map; None for other keys."""
        key = event.key()
        has_control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if event.matches(QKeySequence.StandardKey.ZoomIn):
            return ZOOM_STEP
        if event.matches(QKeySequence.StandardKey.ZoomOut):
            return 1 / ZOOM_STEP
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            return ZOOM_STEP
        if key == Qt.Key.Key_Minus:
            return 1 / ZOOM_STEP
        is_fit = (key == Qt.Key.Key_0 and has_control) or key == Qt.Key.Key_Home
        return 0.0 if is_fit else None

    def press(self, event: QKeyEvent) -> bool:
        """Take a key; False if it means nothing here."""
        view, key = self._view, event.key()
        if not len(view.model.images):
            return False
        factor = self._zoom_of(event)
        if factor is not None:
            if factor:
                view.zoom(factor)
            else:
                view.fit()
            return True
        modifiers = event.modifiers()
        if modifiers & Qt.KeyboardModifier.AltModifier:
            return False
        has_control = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        has_shift = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        if key in _ARROWS:
            dx, dy = _ARROWS[Qt.Key(key)]
            if has_control:
                view.pan(-dx * view.width() * _PAN_SHARE, -dy * view.height() * _PAN_SHARE)
            else:
                self._walk(dx, dy, adds=has_shift)
            return True
        if key == Qt.Key.Key_Escape:
            return view.cancel()
        if has_control:
            if key == Qt.Key.Key_Space:
                view.click(self._here(), toggles=True, adds=False)
                return True
            return False
        return self._plain(key)

    def _plain(self, key: int) -> bool:
        view = self._view
        tool = type(view.tool)
        deeds: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Z: view.show_selected,
            Qt.Key.Key_L: lambda: view.set_tool(tool.LASSO),
            Qt.Key.Key_R: lambda: view.set_tool(tool.BOX),
            Qt.Key.Key_H: lambda: view.set_tool(tool.PAN),
            Qt.Key.Key_Space: self._preview,
            Qt.Key.Key_Return: self._preview,
            Qt.Key.Key_Enter: self._preview,
        }
        deed = deeds.get(key)
        if deed is None:
            return False
        deed()
        return True

    def _here(self) -> int:
        """The row of the current image; the most typical one in view where there is none."""
        view = self._view
        row = view.model.row_of(view.model.current)
        if row >= 0:
            return row
        rows = view.painter.rows
        rows = rows[~view.model.is_dim[rows]]
        return int(rows[view.model.rank[rows].argmin()]) if len(rows) else -1

    def _walk(self, dx: int, dy: int, *, adds: bool) -> None:
        view, model = self._view, self._view.model
        row, before = self._here(), model.row_of(model.current)
        if row < 0:
            return
        if before >= 0:
            bright = np.flatnonzero(~model.is_dim)
            start = int(np.searchsorted(bright, row))
            if start >= len(bright) or bright[start] != row:
                return
            found = next_point(model.places[bright], start, dx, dy)
            if found < 0:
                return
            row = int(bright[found])
        view.click(row, toggles=False, adds=adds)
        view.show_row(row)

    def _preview(self) -> None:
        row = self._here()
        if row >= 0:
            self._view.preview_requested.emit(int(self._view.model.images[row]))
