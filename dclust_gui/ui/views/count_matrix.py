"""Counts of images by cluster before (rows) and after (columns), with titles that stay in sight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QHelpEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QFrame,
    QToolTip,
    QWidget,
)

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.ui.models.palette import NO_COLOUR, paint_mark
from dclust_gui.ui.views.agreement_table import mixed
from dclust_gui.ui.views.check_mark import paint_check
from dclust_gui.ui.views.message_bar import announce
from dclust_gui.ui.views.theme import GRID, colours, is_dark

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent

    from dclust_gui.domain.clustering import Cluster
    from dclust_gui.domain.comparison import Comparison

ROW = 28
_LEAST_CELL = 40
_MARK = 12
_CHECK = 16
_MOST_LABEL = GRID * 32
_MOST_HEAD = GRID * 16
_BOLD_FROM = 0.45


@dataclass(frozen=True, slots=True)
class MatrixWords:
    """Names around a matrix.

    Attributes:
        clusters: Clusters of both sides by id.
        rows: What the rows are: `run 1`.
        columns: What the columns are.
    """

    clusters: Mapping[int, Cluster]
    rows: str
    columns: str

    def title(self, cluster: int) -> str:
        """A cluster's title."""
        known = self.clusters.get(cluster)
        return "Unassigned" if known is None else known.title

    def quoted(self, cluster: int) -> str:
        """A cluster's title for a sentence."""
        return f"'{self.title(cluster)}'" if cluster in self.clusters else self.title(cluster)

    def colour(self, cluster: int) -> int:
        """Its palette index."""
        return self.clusters[cluster].colour if cluster in self.clusters else NO_COLOUR


class CountMatrix(QAbstractScrollArea):
    """Paints the cells in sight; shades are shares of the row.

    Signals:
        place_chosen: Indices of a row and a column; -1 for all of them.
        checks_changed: Rows were checked or unchecked.
    """

    place_chosen = Signal(int, int)
    checks_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: Comparison | None = None
        self._words = MatrixWords({}, "", "")
        self._checked: set[int] = set()
        self._can_check = False
        self._current = (-1, -1)
        self._label_px, self._head_px, self._cell_px = 0, 0, _LEAST_CELL
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Clusters of both against each other")
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)

    # -- what is shown -----------------------------------------------------------------------

    def set_found(
        self, found: Comparison | None, words: MatrixWords, *, can_check: bool = False
    ) -> None:
        """Show another comparison, or none.

        Args:
            found: The counts.
            words: Names around them.
            can_check: Rows have check boxes.
        """
        self._found, self._words, self._can_check = found, words, can_check
        rows = set() if found is None else set(found.rows)
        self._checked &= rows if can_check else set()
        self._current = (-1, -1)
        self._measure()
        self.viewport().update()
        self.checks_changed.emit()

    @property
    def checked(self) -> tuple[int, ...]:
        """Clusters of the checked rows, in order."""
        found = self._found
        return () if found is None else tuple(c for c in found.rows if c in self._checked)

    @property
    def current(self) -> tuple[int, int]:
        """Indices of the chosen row and column; -1 for all of them."""
        return self._current

    def choose(self, row: int, column: int) -> None:
        """Mark a place as chosen and tell of it."""
        self._current = (row, column)
        self._show_current()
        self.viewport().update()
        announce(self, self.place_text(row, column))
        self.place_chosen.emit(row, column)

    def set_checked(self, row: int, *, is_checked: bool) -> None:
        """Check a row or not; Unassigned cannot be."""
        found = self._found
        if found is None or not self._can_check or found.rows[row] == UNASSIGNED:
            return
        (self._checked.add if is_checked else self._checked.discard)(found.rows[row])
        self.viewport().update()
        self.checks_changed.emit()

    def place_text(self, row: int, column: int) -> str:
        """A place in words: `12 images went from 'Beach' to 'Sea'`."""
        found, words = self._found, self._words
        if found is None or (row < 0 and column < 0):
            return ""
        if column < 0:
            n = count_of(int(found.counts[row].sum()))
            return f"{n} in {words.quoted(found.rows[row])} ({words.rows})"
        if row < 0:
            n = count_of(int(found.counts[:, column].sum()))
            return f"{n} in {words.quoted(found.columns[column])} ({words.columns})"
        before, after = found.rows[row], found.columns[column]
        n = count_of(int(found.counts[row, column]))
        if before == after:
            return f"{n} stayed in {words.quoted(before)}"
        return f"{n} went from {words.quoted(before)} to {words.quoted(after)}"

    # -- where things are --------------------------------------------------------------------

    def cell_rect(self, row: int, column: int) -> QRect:
        """Where a cell is in the viewport."""
        left = self._label_px + column * self._cell_px - self.horizontalScrollBar().value()
        top = self._head_px + row * ROW - self.verticalScrollBar().value()
        return QRect(left, top, self._cell_px, ROW)

    def check_rect(self, row: int) -> QRect:
        """Where a row's check box is."""
        top = self.cell_rect(row, 0).top()
        return QRect(GRID, top + (ROW - _CHECK) // 2, _CHECK, _CHECK)

    def _measure(self) -> None:
        found, words = self._found, self._words
        metrics = QFontMetrics(self.font())
        if found is None:
            self._label_px = self._head_px = 0
        else:
            # The longest texts are measured, not all: there may be thousands of clusters.
            rows = sorted((words.title(c) for c in found.rows), key=len)[-8:]
            columns = sorted((words.title(c) for c in found.columns), key=len)[-8:]
            most = f"{int(found.counts.sum(1).max(initial=0)):,}"
            number = metrics.horizontalAdvance(most) + GRID
            before = GRID * 3 + _MARK + (_CHECK + GRID if self._can_check else 0)
            widest = max((metrics.horizontalAdvance(text) for text in rows), default=0)
            most_label = min(_MOST_LABEL, self.viewport().width() * 2 // 5)
            self._label_px = min(most_label, before + widest + GRID + number)
            widest = max((metrics.horizontalAdvance(text) for text in columns), default=0)
            self._head_px = min(_MOST_HEAD, widest + _MARK + GRID * 2)
            self._cell_px = max(_LEAST_CELL, number + GRID)
        self._settle_bars()

    def _settle_bars(self) -> None:
        n_rows, n_columns = (0, 0) if self._found is None else self._found.counts.shape
        room = self.viewport().size()
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        width, height = room.width() - self._label_px, room.height() - self._head_px
        across.setRange(0, max(0, n_columns * self._cell_px - width + 1))
        down.setRange(0, max(0, n_rows * ROW - height + 1))
        across.setPageStep(max(1, width))
        down.setPageStep(max(1, height))
        across.setSingleStep(self._cell_px)
        down.setSingleStep(ROW)

    def _ranges(self) -> tuple[range, range]:
        """Rows and columns in sight."""
        found = self._found
        if found is None:
            return range(0), range(0)
        room, top, left = self.viewport().size(), self.verticalScrollBar(), None
        left = self.horizontalScrollBar().value()
        first_row, first_column = top.value() // ROW, left // self._cell_px
        last_row = (top.value() + room.height() - self._head_px) // ROW + 1
        last_column = (left + room.width() - self._label_px) // self._cell_px + 1
        n_rows, n_columns = found.counts.shape
        return (
            range(first_row, max(first_row, min(n_rows, last_row))),
            range(first_column, max(first_column, min(n_columns, last_column))),
        )

    def _place_at(self, point: QPoint) -> tuple[int, int] | None:
        """Indices of what is at a point; -1 for a title; None outside."""
        found = self._found
        if found is None:
            return None
        row = column = -1
        if point.y() >= self._head_px:
            row = (point.y() - self._head_px + self.verticalScrollBar().value()) // ROW
        if point.x() >= self._label_px:
            x = point.x() - self._label_px + self.horizontalScrollBar().value()
            column = x // self._cell_px
        n_rows, n_columns = found.counts.shape
        outside = row >= n_rows or column >= n_columns or (row < 0 and column < 0)
        return None if outside else (row, column)

    def _show_current(self) -> None:
        row, column = self._current
        room, rect = self.viewport().size(), self.cell_rect(max(row, 0), max(column, 0))
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        if column >= 0 and rect.left() < self._label_px:
            across.setValue(across.value() + rect.left() - self._label_px)
        elif column >= 0 and rect.right() > room.width():
            across.setValue(across.value() + rect.right() - room.width())
        if row >= 0 and rect.top() < self._head_px:
            down.setValue(down.value() + rect.top() - self._head_px)
        elif row >= 0 and rect.bottom() > room.height():
            down.setValue(down.value() + rect.bottom() - room.height())

    # -- painting ----------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint cells, then the titles around them."""
        found = self._found
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if found is None:
            return
        rows, columns = self._ranges()
        room = self.viewport().rect()
        painter.setClipRect(room.adjusted(self._label_px, self._head_px, 0, 0))
        self._paint_cells(painter, found, rows, columns)
        painter.setClipRect(room.adjusted(0, self._head_px, 0, 0))
        for row in rows:
            self._paint_label(painter, found, row)
        painter.setClipRect(room.adjusted(self._label_px, 0, 0, 0))
        for column in columns:
            self._paint_head(painter, found, column)
        painter.setClipRect(room)
        self._paint_corner(painter)

    def _paint_cells(
        self, painter: QPainter, found: Comparison, rows: range, columns: range
    ) -> None:
        look = colours(self.palette())
        base, full = QColor(look.base), QColor(look.accent)
        align = int(Qt.AlignmentFlag.AlignCenter)
        for row in rows:
            total = max(1, int(found.counts[row].sum()))
            for column in columns:
                count = int(found.counts[row, column])
                box = self.cell_rect(row, column)
                inner = box.adjusted(1, 1, 0, 0)
                share = count / total
                painter.fillRect(inner, mixed(base, full, share**0.7))
                if found.rows[row] == found.columns[column]:
                    painter.setPen(QPen(QColor(look.faint), 1))
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.drawRect(QRectF(inner).adjusted(0.5, 0.5, -0.5, -0.5))
                if count:
                    painter.setPen(QColor(look.on_accent if share > _BOLD_FROM else look.text))
                    painter.drawText(box, align, f"{count:,}")
        row, column = self._current
        if row >= 0 or column >= 0:
            n_rows, n_columns = found.counts.shape
            first = self.cell_rect(max(row, 0), max(column, 0))
            last = self.cell_rect(
                row if row >= 0 else n_rows - 1, column if column >= 0 else n_columns - 1
            )
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(look.text), 2))
            painter.drawRect(QRectF(first.united(last)).adjusted(1, 1, 0, 0))

    def _paint_label(self, painter: QPainter, found: Comparison, row: int) -> None:
        look, cluster = colours(self.palette()), found.rows[row]
        line = self.cell_rect(row, 0)
        left = GRID
        if self._can_check:
            if cluster != UNASSIGNED:
                self._paint_check(painter, row)
            left += _CHECK + GRID
        middle = line.center().y() + 1
        mark = QRectF(left, middle - _MARK / 2, _MARK, _MARK)
        paint_mark(painter, mark, self._words.colour(cluster), is_dark(self.palette()))
        left += _MARK + GRID
        count = f"{int(found.counts[row].sum()):,}"
        metrics = painter.fontMetrics()
        right = self._label_px - GRID
        align = int(Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(QColor(look.faint))
        tail = metrics.horizontalAdvance(count)
        painter.drawText(QRect(right - tail, line.top(), tail + 1, ROW), align, count)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        box = QRect(left, line.top(), right - tail - GRID - left, ROW)
        title = metrics.elidedText(
            self._words.title(cluster), Qt.TextElideMode.ElideRight, box.width()
        )
        painter.drawText(box, align, title)

    def _paint_check(self, painter: QPainter, row: int) -> None:
        is_on = self._found is not None and self._found.rows[row] in self._checked
        state = Qt.CheckState.Checked if is_on else Qt.CheckState.Unchecked
        paint_check(painter, self.check_rect(row), self.palette(), state)

    def _paint_head(self, painter: QPainter, found: Comparison, column: int) -> None:
        cluster, box = found.columns[column], self.cell_rect(0, column)
        middle = box.center().x() + 1
        mark = QRectF(middle - _MARK / 2, self._head_px - _MARK - 4, _MARK, _MARK)
        paint_mark(painter, mark, self._words.colour(cluster), is_dark(self.palette()))
        painter.save()
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        painter.translate(middle, self._head_px - _MARK - GRID)
        painter.rotate(-90)
        room = QRect(0, -ROW // 2, self._head_px - _MARK - GRID, ROW)
        elide = Qt.TextElideMode.ElideRight
        text = painter.fontMetrics().elidedText(self._words.title(cluster), elide, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), text)
        painter.restore()

    def _paint_corner(self, painter: QPainter) -> None:
        """What rows and columns are."""
        look = colours(self.palette())
        painter.setPen(QColor(look.faint))
        metrics = painter.fontMetrics()
        width = self._label_px - GRID * 2
        elide = Qt.TextElideMode.ElideRight
        rows = metrics.elidedText(f"{self._words.rows} ↓", elide, width)
        columns = metrics.elidedText(f"{self._words.columns} →", elide, width)
        left, bottom = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignBottom
        right = Qt.AlignmentFlag.AlignRight
        place = QRect(GRID, 0, width, self._head_px - 4)
        painter.drawText(place, int(left | bottom), rows)
        painter.drawText(
            place.adjusted(0, 0, 0, -metrics.height() - 4), int(right | bottom), columns
        )
        if self.hasFocus() and self._current == (-1, -1):
            painter.setPen(QPen(QColor(look.accent), 1))
            corner = QPointF(self._label_px - 1, self._head_px - 1)
            painter.drawRoundedRect(QRectF(QPointF(1, 1), corner), 4, 4)

    # -- mouse and keys ----------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a cell, a row or a column; check a row."""
        point = event.position().toPoint()
        place = self._place_at(point)
        if event.button() != Qt.MouseButton.LeftButton or place is None:
            return
        row, column = place
        if column < 0 and self._can_check and self._is_on_check(row, point):
            cluster = self._found.rows[row] if self._found else UNASSIGNED
            self.set_checked(row, is_checked=cluster not in self._checked)
        else:
            self.choose(row, column)

    def _is_on_check(self, row: int, point: QPoint) -> bool:
        return self.check_rect(row).adjusted(-GRID, -6, GRID // 2, 6).contains(point)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk over cells; Space checks the row."""
        found, key = self._found, Qt.Key(event.key())
        step = {
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
        }.get(key)
        if found is None or not found.counts.size or (step is None and key != Qt.Key.Key_Space):
            super().keyPressEvent(event)
            return
        row, column = self._current
        if step is None:
            if row >= 0:
                is_on = found.rows[row] in self._checked
                self.set_checked(row, is_checked=not is_on)
                announce(
                    self,
                    f"{self._words.title(found.rows[row])} {'not checked' if is_on else 'checked'}",
                )
            return
        if (row, column) == (-1, -1):
            self.choose(0, 0)
            return
        n_rows, n_columns = found.counts.shape
        row = max(-1 if column >= 0 else 0, min(n_rows - 1, row + step[0]))
        column = max(-1 if row >= 0 else 0, min(n_columns - 1, column + step[1]))
        self.choose(row, column)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """All was done when the button went down."""
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        """Tell a cell in words under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            place = self._place_at(event.pos())
            text = "" if place is None else self.place_text(*place)
            QToolTip.showText(event.globalPos(), text, self.viewport())
            return True
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More or fewer cells fit."""
        super().resizeEvent(event)
        self._measure()

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """Paint anew: titles do not scroll along."""
        self.viewport().update()
