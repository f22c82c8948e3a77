"""Bars of the quality panel: one row per cluster, its size and its mean silhouette."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPalette
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.models.palette import cluster_colour, paint_mark
from dclust_gui.ui.views.theme import GRID, colours, is_dark

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent

    from dclust_gui.services.cluster_quality import ClusterBar

_ROW_PX = 28
_MARK_PX = 12
_SIZE_PX = 42
_VALUE_PX = 42
_BAR_PX = 8
_NAME_SHARE = 0.42
_LEAST_FULL = 0.2
"""Silhouette of a full bar where none is larger."""


class QualityBars(QWidget):
    """Paints bars around a common zero: right is good, left is bad, the longest fills its side.

    Signals:
        cluster_requested: Id of the cluster that was clicked.
    """

    cluster_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bars: tuple[ClusterBar, ...] = ()
        self._current = -1
        self._full = 1.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Quality of each cluster")

    def set_bars(self, bars: tuple[ClusterBar, ...]) -> None:
        """Show other clusters."""
        self._bars = bars
        largest = max((abs(b.silhouette) for b in bars if math.isfinite(b.silhouette)), default=0)
        self._full = max(_LEAST_FULL, largest)
        self._current = min(self._current, len(bars) - 1)
        self.setAccessibleDescription("; ".join(bar_text(bar) for bar in bars))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """All rows, at any width."""
        return QSize(GRID * 30, _ROW_PX * max(1, len(self._bars)))

    def minimumSizeHint(self) -> QSize:
        """All rows, narrow."""
        return QSize(GRID * 24, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows in sight."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        first = max(0, event.rect().top() // _ROW_PX)
        last = min(len(self._bars), event.rect().bottom() // _ROW_PX + 1)
        for row in range(first, last):
            self._paint_row(painter, row, self._bars[row])

    def _paint_row(self, painter: QPainter, row: int, bar: ClusterBar) -> None:
        look, dark = colours(self.palette()), is_dark(self.palette())
        rect = QRect(0, row * _ROW_PX, self.width(), _ROW_PX)
        if row == self._current and self.hasFocus():
            painter.setPen(QColor(look.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        middle = rect.center().y() + 0.5
        mark = QRectF(GRID / 2, middle - _MARK_PX / 2, _MARK_PX, _MARK_PX)
        paint_mark(painter, mark, bar.colour, dark)
        left = _MARK_PX + GRID + GRID // 2
        name = QRect(left, rect.top(), round(rect.width() * _NAME_SHARE) - left, rect.height())
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        title = painter.fontMetrics().elidedText(
            bar.title, Qt.TextElideMode.ElideRight, name.width()
        )
        align = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(name, int(align | Qt.AlignmentFlag.AlignLeft), title)
        value = QRect(rect.right() - _VALUE_PX, rect.top(), _VALUE_PX - GRID // 2, rect.height())
        size = QRect(value.left() - _SIZE_PX, rect.top(), _SIZE_PX, rect.height())
        right = int(align | Qt.AlignmentFlag.AlignRight)
        painter.drawText(value, right, silhouette_text(bar.silhouette))
        painter.setPen(QColor(look.faint))
        painter.drawText(size, right, f"{bar.size:,}")
        room = QRectF(
            name.right() + GRID, middle - _BAR_PX / 2, size.left() - name.right() - GRID, _BAR_PX
        )
        self._paint_bar(painter, room, bar)

    def _paint_bar(self, painter: QPainter, room: QRectF, bar: ClusterBar) -> None:
        """The bar on its track; the zero line stands a quarter in, for few are below it."""
        look, dark = colours(self.palette()), is_dark(self.palette())
        zero = room.left() + room.width() / 4
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.border))
        painter.drawRoundedRect(QRectF(room.left(), room.center().y() - 1, room.width(), 2), 1, 1)
        if math.isfinite(bar.silhouette):
            reach = room.right() - zero if bar.silhouette >= 0 else zero - room.left()
            end = zero + reach * bar.silhouette / self._full
            painter.setBrush(cluster_colour(bar.colour, dark))
            box = QRectF(min(zero, end), room.top(), max(2.0, abs(end - zero)), room.height())
            painter.drawRoundedRect(box, 2, 2)
        painter.setBrush(QColor(look.faint))
        painter.drawRect(QRectF(zero - 0.5, room.top() - 3, 1, room.height() + 6))

    def _row_at(self, y: int) -> int:
        row = y // _ROW_PX
        return row if 0 <= row < len(self._bars) else -1

    def _choose(self, row: int) -> None:
        self._current = row
        self.update()
        self.cluster_requested.emit(self._bars[row].cluster)

    def event(self, event: QEvent) -> bool:
        """Tell a row in words under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            place: QPoint = event.pos()
            row = self._row_at(place.y())
            QToolTip.showText(
                event.globalPos(), bar_text(self._bars[row]) if row >= 0 else "", self
            )
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Ask for the cluster under the pointer."""
        row = self._row_at(round(event.position().y()))
        if row >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._choose(row)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """It was carried out when the button went down."""
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk by arrows, ask by Enter."""
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
        if step and self._bars:
            self._current = max(0, min(len(self._bars) - 1, self._current + step))
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._current >= 0:
            self._choose(self._current)
        else:
            super().keyPressEvent(event)


def silhouette_text(value: float) -> str:
    """Two decimals with a true minus; a dash where it is not defined."""
    return f"{value:.2f}".replace("-", "\u2212") if math.isfinite(value) else "\u2013"


def bar_text(bar: ClusterBar) -> str:
    """A row in words."""
    return f"{bar.title}: {count_of(bar.size)}, silhouette {silhouette_text(bar.silhouette)}"
