"""Estimates of the number of clusters that are single numbers, side by side on one axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from dclust_gui.ui.views.evidence_axis import LEFT_PX, RIGHT_PX, KAxis
from dclust_gui.ui.views.theme import GRID, colours

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

_DOT_PX = 4.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """One way to count.

    Attributes:
        title: Its name.
        explanation: What it counts.
        numbers: What it says; several for levels.
    """

    title: str
    explanation: str
    numbers: tuple[int, ...]

    @property
    def words(self) -> str:
        """The numbers in words."""
        return ", ".join(f"{n:,}" for n in self.numbers) or "none"


class EvidenceMarks(QWidget):
    """Paints a line to an estimate: its name, its numbers, and dots where they lie."""

    def __init__(
        self, estimates: tuple[Estimate, ...], axis: KAxis, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._estimates = estimates
        self._axis = axis
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Other estimates")
        self.setAccessibleDescription("; ".join(f"{e.title}: {e.words}" for e in estimates))
        rows = "".join(f"<p><b>{e.title}</b>: {e.explanation}</p>" for e in estimates)
        self.setToolTip(rows)

    def sizeHint(self) -> QSize:
        """All rows and the axis."""
        return QSize(GRID * 28, self._row_px() * len(self._estimates) + self._text_px() + GRID)

    def minimumSizeHint(self) -> QSize:
        """As narrow as a panel may be."""
        return QSize(GRID * 20, self.sizeHint().height())

    def _text_px(self) -> int:
        return self.fontMetrics().height() + 2

    def _row_px(self) -> int:
        return self._text_px() + 2 * GRID

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the rows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = colours(self.palette())
        row_px, text_px = self._row_px(), self._text_px()
        room = QRectF(LEFT_PX, 0, self.width() - LEFT_PX - RIGHT_PX, row_px * len(self._estimates))
        self._axis.paint(painter, room, look, self.width())
        for row, estimate in enumerate(self._estimates):
            line = QRectF(room.left(), row * row_px, room.width(), text_px)
            painter.fillRect(line, self.palette().color(QPalette.ColorRole.Window))
            painter.setPen(QColor(look.faint))
            right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            words = painter.fontMetrics().horizontalAdvance(estimate.words)
            title = painter.fontMetrics().elidedText(
                estimate.title, Qt.TextElideMode.ElideRight, int(line.width()) - words - GRID
            )
            painter.drawText(line, left, title)
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
            painter.drawText(line, right, estimate.words)
            y = line.bottom() + GRID * 0.75
            painter.setPen(QColor(look.border))
            painter.drawLine(QPointF(room.left(), y), QPointF(room.right(), y))
            painter.setPen(Qt.PenStyle.NoPen)
            for number in estimate.numbers:
                is_inside = self._axis.least <= number <= self._axis.most
                painter.setBrush(QColor(look.text if is_inside else look.disabled))
                x = self._axis.x(number, self.width())
                painter.drawEllipse(QPointF(x, y), _DOT_PX, _DOT_PX)
