"""Where the gallery's cells and headers lie: plain geometry in content coordinates.

Every answer costs no more than what is in sight, whatever the number of images.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPoint, QRect, QSize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

GAP_PX = 8
"""Space between cells: also where a rubber band can begin."""

MARGIN_PX = 12
"""Space around all cells."""

_SECTION_GAP_PX = 10


def fitted_side(width: int, wanted: int, extra: int) -> int:
    """The side of thumbnails nearest to a wanted one with which a line of cells is full.

    Args:
        width: Width of the visible area, pixels.
        wanted: Wanted side, pixels.
        extra: Width of a cell beyond its thumbnail, pixels.

    Returns:
        The side; never larger than wanted where only one cell fits.
    """
    room = width - 2 * MARGIN_PX + GAP_PX
    columns = round(room / (wanted + extra + GAP_PX))
    if columns <= 1:
        return max(1, min(wanted, room - GAP_PX - extra))
    return room // columns - GAP_PX - extra


class GalleryLayout:
    """Cells of one size in lines, in sections with or without a header.

    Args:
        width: Width of the visible area, pixels.
        cell: Size of a cell.
        counts: Number of cells of each section.
        header_px: Height of a header; 0 for sections without one.
    """

    def __init__(self, width: int, cell: QSize, counts: Sequence[int], header_px: int) -> None:
        self._cell = cell
        self._header_px = header_px
        self._width = width
        room = max(cell.width(), width - 2 * MARGIN_PX)
        self.columns = max(1, (room + GAP_PX) // (cell.width() + GAP_PX))
        n_cells = sum(counts)
        spread = self.columns > 1 and n_cells >= self.columns
        spare = room - self.columns * cell.width() if spread else 0
        self._column_step = cell.width() + (spare // (self.columns - 1) if spread else GAP_PX)
        self.line_step = cell.height() + GAP_PX
        sizes = np.array(counts, np.int64)
        lines = -(-sizes // self.columns)
        below = _SECTION_GAP_PX if header_px else 0
        heights = header_px + lines * self.line_step + below
        # lists: bisect on them is ten times faster than searchsorted for one value
        self._tops: list[int] = [MARGIN_PX, *(MARGIN_PX + np.cumsum(heights)).tolist()]
        self._starts: list[int] = [0, *np.cumsum(sizes).tolist()]
        self._n_sections = len(sizes)
        self.n_rows = self._starts[-1]
        self.height = self._tops[-1] + MARGIN_PX - (GAP_PX if n_cells else 0)

    def section_of(self, row: int) -> int:
        """The section of a row."""
        return bisect_right(self._starts, row) - 1

    def cell_rect(self, row: int) -> QRect:
        """A cell; empty when there is no such row."""
        if not 0 <= row < self.n_rows:
            return QRect()
        section = self.section_of(row)
        line, column = divmod(row - self._starts[section], self.columns)
        return QRect(
            MARGIN_PX + column * self._column_step,
            self._cells_top(section) + line * self.line_step,
            self._cell.width(),
            self._cell.height(),
        )

    def header_rect(self, section: int) -> QRect:
        """A section's header, as wide as the visible area; empty where there is none."""
        if not self._header_px or not 0 <= section < self._n_sections:
            return QRect()
        return QRect(0, self._tops[section], self._width, self._header_px)

    def section_rect(self, section: int) -> QRect:
        """A section with its header."""
        top = self._tops[section]
        return QRect(0, top, self._width, self._tops[section + 1] - top)

    def row_at(self, point: QPoint) -> int:
        """The row of the cell at a point; -1 between cells."""
        section = self.section_at(point.y())
        if section < 0:
            return -1
        line = (point.y() - self._cells_top(section)) // self.line_step
        column = (point.x() - MARGIN_PX) // self._column_step
        if line < 0 or not 0 <= column < self.columns:
            return -1
        row = self._starts[section] + line * self.columns + column
        is_there = row < self._starts[section + 1]
        return row if is_there and self.cell_rect(row).contains(point) else -1

    def header_at(self, point: QPoint) -> int:
        """The section whose header is at a point; -1 elsewhere."""
        section = self.section_at(point.y())
        return section if section >= 0 and self.header_rect(section).contains(point) else -1

    def section_at(self, y: int) -> int:
        """The section at a height; -1 above the first and below the last."""
        section = bisect_right(self._tops, y) - 1
        return section if 0 <= section < self._n_sections else -1

    def sections_in(self, rect: QRect) -> range:
        """Sections that a rectangle touches."""
        if not self._n_sections:
            return range(0)
        last = self._n_sections - 1
        first = bisect_right(self._tops, rect.top()) - 1
        final = bisect_right(self._tops, rect.bottom()) - 1
        return range(max(0, first), min(last, final) + 1)

    def rows_in(self, rect: QRect) -> NDArray[np.int64]:
        """Rows whose cells a rectangle touches, ascending; int64 (n,)."""
        step, wide, high = self._column_step, self._cell.width(), self._cell.height()
        left = max(0, -(-(rect.left() - MARGIN_PX - wide + 1) // step))
        right = min(self.columns - 1, (rect.right() - MARGIN_PX) // step)
        found: list[NDArray[np.int64]] = []
        for section in self.sections_in(rect) if left <= right else range(0):
            top = self._cells_top(section)
            first = max(0, -(-(rect.top() - top - high + 1) // self.line_step))
            last = (rect.bottom() - top) // self.line_step
            n_lines = -(-self._count(section) // self.columns)
            lines = np.arange(first, min(last, n_lines - 1) + 1, dtype=np.int64)
            cells = lines[:, None] * self.columns + np.arange(left, right + 1, dtype=np.int64)
            rows = cells.ravel()[cells.ravel() < self._count(section)]
            found.append(rows + self._starts[section])
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def above(self, row: int) -> int:
        """The row one line up in the same column; the row itself on the first line."""
        section = self.section_of(row)
        start = self._starts[section]
        if row - start >= self.columns:
            return row - self.columns
        before = self._nonempty(range(section - 1, -1, -1))
        if before < 0:
            return row
        count = self._count(before)
        last_line = (count - 1) // self.columns * self.columns
        return self._starts[before] + min(last_line + (row - start) % self.columns, count - 1)

    def below(self, row: int) -> int:
        """The row one line down in the same column; the row itself on the last line."""
        section = self.section_of(row)
        start, count = self._starts[section], self._count(section)
        line, column = divmod(row - start, self.columns)
        if line < (count - 1) // self.columns:
            return start + min((line + 1) * self.columns + column, count - 1)
        after = self._nonempty(range(section + 1, self._n_sections))
        if after < 0:
            return row
        return self._starts[after] + min(column, self._count(after) - 1)

    def _nonempty(self, sections: range) -> int:
        return next((s for s in sections if self._count(s)), -1)

    def _count(self, section: int) -> int:
        return self._starts[section + 1] - self._starts[section]

    def _cells_top(self, section: int) -> int:
        return self._tops[section] + self._header_px
