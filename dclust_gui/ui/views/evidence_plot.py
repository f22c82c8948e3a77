"""One curve of the evidence for numbers of clusters, with its values under the pointer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from dclust_gui.ui.views.evidence_axis import LEFT_PX, RIGHT_PX, KAxis
from dclust_gui.ui.views.theme import GRID, colours

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent

    from dclust_gui.ui.views.theme import Colours

_PLOT_PX = 72


@dataclass(frozen=True, slots=True)
class Curve:
    """What a plot shows.

    Attributes:
        title: Name of the measure.
        note: How to read it, in a few words.
        explanation: The same in a sentence or two.
        ks: Numbers of clusters.
        values: One to a number; nan where unknown.
        errors: Standard errors, or none.
        is_weak: It seldom helps; drawn faint.
    """

    title: str
    note: str
    explanation: str
    ks: tuple[int, ...]
    values: tuple[float, ...]
    errors: tuple[float, ...] = ()
    is_weak: bool = False

    def words(self, index: int) -> str:
        """One point in words: `8 clusters: 0.412 ± 0.020`."""
        text = f"{self.ks[index]} clusters: {number_text(self.values[index])}"
        has_error = self.errors and math.isfinite(self.errors[index])
        return f"{text} ± {number_text(self.errors[index])}" if has_error else text


class EvidencePlot(QWidget):
    """Paints a curve; the pointer or the arrow keys read its values."""

    def __init__(self, curve: Curve, axis: KAxis, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curve = curve
        self._axis = axis
        self._at = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{curve.title}. {curve.explanation}")
        points = "; ".join(curve.words(i) for i in range(len(curve.ks)))
        self.setAccessibleDescription(points)

    @property
    def reading(self) -> str:
        """The point that is read now, in words; empty for none."""
        return self._curve.words(self._at) if self._at >= 0 else ""

    def sizeHint(self) -> QSize:
        """Title, note or value, plot, numbers."""
        return QSize(GRID * 28, 3 * (self.fontMetrics().height() + 2) + _PLOT_PX + GRID)

    def minimumSizeHint(self) -> QSize:
        """As narrow as a panel may be."""
        return QSize(GRID * 20, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint title, curve and what is read."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = colours(self.palette())
        self._paint_words(painter, look)
        top = 2 * (self.fontMetrics().height() + 2) + GRID // 2
        room = QRectF(LEFT_PX, top, self.width() - LEFT_PX - RIGHT_PX, _PLOT_PX)
        self._axis.paint(painter, room, look, self.width())
        points = self._points(room.adjusted(0, 4, 0, -4))
        self._paint_errors(painter, room.adjusted(0, 4, 0, -4), look)
        line = QColor(look.faint if self._curve.is_weak else look.text)
        painter.setPen(QPen(line, 1 if self._curve.is_weak else 1.6))
        painter.drawPolyline(QPolygonF([p for p in points if p is not None]))
        painter.setPen(Qt.PenStyle.NoPen)
        for k, point in zip(self._curve.ks, points, strict=True):
            if point is not None and (k in self._axis.marked or k == self._read_k()):
                painter.setBrush(QColor(look.accent if k in self._axis.marked else look.text))
                painter.drawEllipse(point, 3.5, 3.5)
        self._paint_reader(painter, room, look)

    def _paint_words(self, painter: QPainter, look: Colours) -> None:
        """The title, and below it how to read it, or what is read."""
        height, width = self.fontMetrics().height() + 2, self.width()
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        weak = self._curve.is_weak
        painter.setPen(
            QColor(look.faint) if weak else self.palette().color(QPalette.ColorRole.Text)
        )
        title = f"{self._curve.title} (weak)" if weak else self._curve.title
        painter.drawText(QRectF(LEFT_PX, 0, width - 2 * LEFT_PX, height), left, title)
        painter.setFont(self.font())
        painter.setPen(QColor(look.link if self.reading else look.faint))
        text = self.fontMetrics().elidedText(
            self.reading or self._curve.note, Qt.TextElideMode.ElideRight, width - 2 * LEFT_PX
        )
        painter.drawText(QRectF(LEFT_PX, height, width - 2 * LEFT_PX, height), left, text)

    def _paint_errors(self, painter: QPainter, room: QRectF, look: Colours) -> None:
        if not self._curve.errors:
            return
        painter.setPen(QPen(QColor(look.disabled), 1))
        for k, value, error in zip(
            self._curve.ks, self._curve.values, self._curve.errors, strict=True
        ):
            if math.isfinite(value) and math.isfinite(error):
                x = self._axis.x(k, self.width())
                painter.drawLine(
                    QPointF(x, self._y(value - error, room)),
                    QPointF(x, self._y(value + error, room)),
                )

    def _paint_reader(self, painter: QPainter, room: QRectF, look: Colours) -> None:
        if self._at >= 0:
            x = self._axis.x(self._curve.ks[self._at], self.width())
            painter.setPen(QPen(QColor(look.faint), 1))
            painter.drawLine(QPointF(x, room.top()), QPointF(x, room.bottom()))
        if self.hasFocus():
            painter.setPen(QPen(QColor(look.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def _points(self, room: QRectF) -> list[QPointF | None]:
        return [
            QPointF(self._axis.x(k, self.width()), self._y(v, room)) if math.isfinite(v) else None
            for k, v in zip(self._curve.ks, self._curve.values, strict=True)
        ]

    def _y(self, value: float, room: QRectF) -> float:
        errors = self._curve.errors or (0.0,) * len(self._curve.values)
        finite = [
            (v - e, v + e)
            for v, e in zip(self._curve.values, errors, strict=True)
            if math.isfinite(v) and math.isfinite(e)
        ]
        low, high = min(a for a, _ in finite), max(b for _, b in finite)
        return room.bottom() - (value - low) / max(high - low, 1e-12) * room.height()

    def _read_k(self) -> int:
        return self._curve.ks[self._at] if self._at >= 0 else 0

    def _read(self, index: int) -> None:
        if index != self._at:
            self._at = index
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read the point under the pointer; over the words, a tip explains the curve."""
        over_words = event.position().y() < 2 * (self.fontMetrics().height() + 2)
        self.setToolTip(f"<p>{self._curve.explanation}</p>" if over_words else "")
        self._read(self._axis.nearest(self._curve.ks, event.position().x(), self.width()))

    def leaveEvent(self, event: QEvent) -> None:
        """Read nothing."""
        super().leaveEvent(event)
        self._read(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right read the neighbouring points."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if step:
            self._read(min(max(self._at + step, 0), len(self._curve.ks) - 1))
            self.setAccessibleDescription(self.reading)
        else:
            super().keyPressEvent(event)


def number_text(value: float) -> str:
    """A value with three significant digits or so."""
    if not math.isfinite(value):
        return "unknown"
    return f"{value:.3f}".replace("-", "\u2212") if abs(value) < 10 else f"{value:,.1f}"
