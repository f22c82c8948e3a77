"""Paints what is in sight of the gallery, with the header of the topmost cluster held in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.models.gallery_cell import cluster_colour_index, cluster_title
from dclust_gui.ui.views.gallery_delegate import HEADER_PX
from dclust_gui.ui.views.theme import GRID, colours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QPainter

    from dclust_gui.ui.views.gallery_view import GalleryView


class GalleryPainter:
    """Paints one frame at a time; nothing out of sight is looked at.

    Args:
        view: The gallery.

    Attributes:
        hover_row: The row under the mouse; -1 for none.
        hot_section: The section that dragged images would go to; -1 for none.
        empty_text: What to say where no image is shown; empty for nothing.
    """

    def __init__(self, view: GalleryView) -> None:
        self._view = view
        self.hover_row = -1
        self.hot_section = -1
        self.empty_text = ""

    def paint(self, painter: QPainter, area: QRect) -> None:
        """Paint a part of the viewport."""
        view = self._view
        painter.fillRect(area, view.delegate.shades.ground)
        offset, cells = view.verticalOffset(), view.geometry_of_cells
        if not cells.n_rows:
            self._paint_empty(painter)
            return
        wanted = area.translated(0, offset)
        has_headers = bool(cells.header_rect(0).height())
        if has_headers:
            for section in cells.sections_in(wanted):
                place = cells.header_rect(section).translated(0, -offset)
                self._paint_header(painter, section, place)
        painter.setFont(view.font())
        self._paint_rows(painter, cells.rows_in(wanted).tolist(), offset)
        held = self.held_header()
        if held is not None and held[1].intersects(area):
            self._paint_header(painter, *held)

    def held_header(self) -> tuple[int, QRect] | None:
        """The section whose header stays at the top although it is scrolled past, and where.

        It is in viewport coordinates; the next section's header pushes it out. None when no
        header is held.
        """
        view = self._view
        cells, offset = view.geometry_of_cells, view.verticalOffset()
        section = cells.section_at(offset)
        header = cells.header_rect(section)
        if header.isNull() or header.top() >= offset:
            return None
        room = cells.section_rect(section).bottom() + 1 - offset
        return section, QRect(0, min(0, room - HEADER_PX), header.width(), HEADER_PX)

    def _paint_empty(self, painter: QPainter) -> None:
        view = self._view
        painter.setFont(view.font())
        painter.setPen(QColor(colours(view.palette()).faint))
        box = view.viewport().rect().adjusted(GRID * 4, GRID * 8, -GRID * 4, -GRID * 4)
        flags = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter
        painter.drawText(box, int(flags) | int(Qt.TextFlag.TextWordWrap), self.empty_text)

    def _paint_rows(self, painter: QPainter, rows: Sequence[int], offset: int) -> None:
        view, hovered = self._view, self.hover_row
        selected, current = view.selection.images, view.selection.current
        look_at, paint_cell = view.gallery.look_at, view.delegate.paint_cell
        place_of = view.geometry_of_cells.cell_rect
        for row in rows:
            look, cell = look_at(row), place_of(row)
            cell.translate(0, -offset)
            paint_cell(
                painter,
                cell,
                look,
                is_selected=look.image in selected,
                is_hovered=row == hovered,
                has_focus=look.image == current and view.hasFocus(),
            )

    def _paint_header(self, painter: QPainter, section: int, place: QRect) -> None:
        view = self._view
        entry, source = view.gallery.sections[section], view.gallery.source
        if entry.cluster is None or source is None:
            return
        view.delegate.paint_header(
            painter,
            place,
            cluster_title(source.clustering, entry.cluster),
            count_of(entry.n_images),
            cluster_colour_index(source.clustering, entry.cluster),
            hot=section == self.hot_section,
        )
