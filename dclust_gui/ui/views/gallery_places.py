"""Where the gallery is scrolled to: which image stays in sight, and what is loaded next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot

if TYPE_CHECKING:
    from PySide6.QtCore import QRect

    from dclust_gui.ui.views.gallery_view import GalleryView

_LOAD_DELAY_MS = 15
_SETTLE_MS = 60
_AROUND_PX = 4


class GalleryPlaces(QObject):
    """Keeps the place while cells are laid out anew, and asks for thumbnails in sight.

    Args:
        view: The gallery.
    """

    def __init__(self, view: GalleryView) -> None:
        super().__init__(view)
        self._view = view
        self._anchor: tuple[int, int] | None = None
        self._loaded_at = 0
        self._loading = QTimer(self)
        self._loading.setSingleShot(True)
        self._loading.timeout.connect(self._on_loading_timeout)

    def show_row(self, row: int) -> None:
        """Scroll just as far as needed to see a row, with its header when it is the first."""
        view = self._view
        cells = view.geometry_of_cells
        cell = cells.cell_rect(row)
        if cell.isNull():
            return
        header = cells.header_rect(cells.section_of(row))
        if not header.isNull():
            # Its own header, or the one held at the top, must not lie over it.
            cell.setTop(cell.top() - header.height())
        bar, area = view.verticalScrollBar(), view.visible_area()
        if cell.top() - _AROUND_PX < area.top() or cell.height() > area.height():
            bar.setValue(cell.top() - _AROUND_PX)
        elif cell.bottom() + _AROUND_PX > area.bottom():
            bar.setValue(cell.bottom() + _AROUND_PX - area.height())

    def remember(self) -> None:
        """Note which image is where in sight: the current one, or else the first."""
        if self._anchor is not None:
            return
        view = self._view
        cells, area = view.geometry_of_cells, view.visible_area()
        row = view.gallery.row_of(view.selection.current)
        if row < 0 or not area.intersects(cells.cell_rect(row)):
            rows = cells.rows_in(area)
            row = int(rows[0]) if len(rows) and area.top() > 0 else -1
        if 0 <= row < len(view.gallery.ids):
            top = cells.cell_rect(row).top() - area.top()
            self._anchor = view.gallery.id_at(row), top

    def restore(self) -> None:
        """Bring the image that was noted to where it was."""
        anchor, self._anchor = self._anchor, None
        view = self._view
        row = -1 if anchor is None else view.gallery.row_of(anchor[0])
        if anchor is not None and row >= 0:
            top = view.geometry_of_cells.cell_rect(row).top()
            view.verticalScrollBar().setValue(top - anchor[1])

    def is_far(self) -> bool:
        """Whether what is in sight lies far from what was loaded last."""
        view = self._view
        return abs(view.verticalOffset() - self._loaded_at) > view.height()

    def load_soon(self, *, is_far: bool = False) -> None:
        """Load what is in sight: at once when near, when the scrolling rests when far."""
        if is_far:
            self._loading.start(_SETTLE_MS)
        elif not self._loading.isActive():
            self._loading.start(_LOAD_DELAY_MS)

    @Slot()
    def _on_loading_timeout(self) -> None:
        view = self._view
        area = view.visible_area()
        self._loaded_at = area.top()
        rows = self._rows_in(area)
        below = self._rows_in(area.translated(0, area.height()))
        above = self._rows_in(area.translated(0, -area.height() // 2))
        ids, seen = view.gallery.ids, set(rows)
        ahead = [int(ids[row]) for row in (*below, *reversed(above)) if row not in seen]
        view.gallery.want([int(ids[row]) for row in rows], ahead)

    def _rows_in(self, area: QRect) -> list[int]:
        rows: list[int] = self._view.geometry_of_cells.rows_in(area).tolist()
        return rows
