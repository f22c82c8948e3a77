"""What keys do in the gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.ui.views.gallery_view import GalleryView

_Action = QAbstractItemView.CursorAction
_Key = Qt.Key

_MOVES = {
    _Key.Key_Left: _Action.MoveLeft,
    _Key.Key_Right: _Action.MoveRight,
    _Key.Key_Up: _Action.MoveUp,
    _Key.Key_Down: _Action.MoveDown,
    _Key.Key_Home: _Action.MoveHome,
    _Key.Key_End: _Action.MoveEnd,
    _Key.Key_PageUp: _Action.MovePageUp,
    _Key.Key_PageDown: _Action.MovePageDown,
}
_ZOOMS = {_Key.Key_Plus: 1, _Key.Key_Equal: 1, _Key.Key_Minus: -1}


class GalleryKeys:
    """Moves the focus, extends the selection, zooms and asks for the preview.

    Args:
        view: The gallery.
    """

    def __init__(self, view: GalleryView) -> None:
        self._view = view
        self._anchor: int | None = None
        self._left: tuple[NDArray[np.int32], int] | None = None

    def press(self, event: QKeyEvent) -> bool:
        """Act on a key; False if it means nothing here."""
        key, held = _Key(event.key()), event.modifiers()
        has_ctrl = bool(held & Qt.KeyboardModifier.ControlModifier)
        has_shift = bool(held & Qt.KeyboardModifier.ShiftModifier)
        if held & Qt.KeyboardModifier.AltModifier:
            return False
        if key in _MOVES:
            self._move(_MOVES[key], has_ctrl=has_ctrl, has_shift=has_shift)
            return True
        if has_ctrl:
            return self._press_with_ctrl(event, key, has_shift=has_shift)
        if key in (_Key.Key_Space, _Key.Key_Return, _Key.Key_Enter):
            return self._preview()
        return key == _Key.Key_Escape and self._escape()

    def anchor_row(self) -> int:
        """The row from which Shift extends; -1 for none."""
        view = self._view
        row = view.gallery.row_of(self._anchor)
        return row if row >= 0 else view.gallery.row_of(view.selection.current)

    def set_anchor(self, image: int) -> None:
        """Extend from here from now on."""
        self._anchor = image

    def remember_row(self) -> None:
        """Note where the focused image is: should it go, keys go on from its neighbour."""
        ids = self._view.gallery.ids
        row = self._view.gallery.row_of(self._view.selection.current)
        if 0 <= row < len(ids):
            self._left = ids, row

    def _neighbour_row(self) -> int:
        """The row of the next image that was after the one that has gone; -1 for none."""
        if self._left is None:
            return -1
        gallery, (ids, row) = self._view.gallery, self._left
        after = gallery.first_shown(ids[row + 1 :])
        return after if after >= 0 else gallery.first_shown(ids[:row][::-1])

    def range_to(self, row: int) -> frozenset[int]:
        """The images from the anchor to a row."""
        start = self.anchor_row()
        first, last = sorted((row if start < 0 else start, row))
        return frozenset(self._view.gallery.ids[first : last + 1].tolist())

    def row_after(self, action: QAbstractItemView.CursorAction) -> int:
        """The row that a cursor action leads to; -1 in an empty gallery."""
        view, cells = self._view, self._view.geometry_of_cells
        last = cells.n_rows - 1
        row = view.gallery.row_of(view.selection.current)
        if row < 0 or last < 0:
            if action not in (_Action.MoveHome, _Action.MoveEnd) and self._neighbour_row() >= 0:
                return self._neighbour_row()
            rows = cells.rows_in(view.visible_area())
            return int(rows[0]) if len(rows) else last
        n_lines = max(1, view.viewport().height() // cells.line_step)
        if action in (_Action.MoveLeft, _Action.MovePrevious):
            return max(0, row - 1)
        if action in (_Action.MoveRight, _Action.MoveNext):
            return min(last, row + 1)
        if action == _Action.MoveHome:
            return 0
        if action == _Action.MoveEnd:
            return last
        goes_up = action in (_Action.MoveUp, _Action.MovePageUp)
        is_page = action in (_Action.MovePageUp, _Action.MovePageDown)
        for _ in range(n_lines if is_page else 1):
            row = cells.above(row) if goes_up else cells.below(row)
        return row

    def _move(
        self, action: QAbstractItemView.CursorAction, *, has_ctrl: bool, has_shift: bool
    ) -> None:
        view = self._view
        row = self.row_after(action)
        if row < 0:
            return
        image = view.gallery.id_at(row)
        if has_shift:
            chosen = self.range_to(row)
            view.request(chosen | view.selection.images if has_ctrl else chosen, image)
        elif has_ctrl:
            view.request(view.selection.images, image)
        else:
            self._anchor = image
            view.request([image], image)

    def _press_with_ctrl(self, event: QKeyEvent, key: Qt.Key, *, has_shift: bool) -> bool:
        view = self._view
        if event.matches(QKeySequence.StandardKey.SelectAll):
            view.select_all()
        elif key == _Key.Key_D and not has_shift:
            view.select_none()
        elif key == _Key.Key_I and has_shift:
            view.invert_selection()
        elif key == _Key.Key_Space:
            self._toggle_current()
        elif key in _ZOOMS:
            view.zoom(_ZOOMS[key])
        elif key == _Key.Key_0:
            view.reset_zoom()
        else:
            return False
        return True

    def _toggle_current(self) -> None:
        view = self._view
        image = view.selection.current
        if view.gallery.row_of(image) >= 0 and image is not None:
            self._anchor = image
            view.request(view.selection.images ^ {image}, image)

    def _preview(self) -> bool:
        view = self._view
        shown = view.selected_shown()
        image = view.selection.current
        if view.gallery.row_of(image) < 0:
            image = shown[0] if shown else None
        if image is not None:
            view.preview_requested.emit(image)
        return True

    def _escape(self) -> bool:
        """Cancel a rubber band, else clear the filter, else the selection."""
        view = self._view
        if view.cancel_gesture():
            return True
        if not view.gallery.filter.shows_all:
            view.filter_reset_requested.emit()
            return True
        if view.selection.images:
            view.select_none()
            return True
        return False
