"""The horizontal axis of the evidence: numbers of clusters on a logarithmic scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

if TYPE_CHECKING:
    from dclust_gui.ui.views.theme import Colours

LEFT_PX = 8
RIGHT_PX = 8
_TICKS = (2, 3, 5, 8, 12, 20, 40, 80, 160, 320, 640, 1280)


@dataclass(frozen=True, slots=True)
class KAxis:
    """Places of numbers of clusters.

    Attributes:
        least: Number at the left end.
        most: Number at the right end, above `least`.
        marked: The numbers of the short list.
    """

    least: int = 2
    most: int = 40
    marked: tuple[int, ...] = ()

    def x(self, k: float, width: float) -> float:
        """The place of a number in a widget so wide; beyond the ends, the ends."""
        low, high = math.log(self.least), math.log(max(self.most, self.least + 1))
        share = (math.log(max(k, 1.0)) - low) / (high - low)
        return LEFT_PX + min(max(share, 0.0), 1.0) * (width - LEFT_PX - RIGHT_PX)

    def nearest(self, ks: tuple[int, ...], x: float, width: float) -> int:
        """Index of the number whose place is nearest; -1 where there is none."""
        return min(
            range(len(ks)), key=lambda i: abs(self.x(ks[i], width) - x), default=-1
        )  # a few dozen

    def paint(self, painter: QPainter, room: QRectF, look: Colours, width: float) -> None:
        """Lines of the marked numbers, and numbers below the room.

        Args:
            painter: Active painter.
            room: The plot; the numbers stand below it.
            look: Colours.
            width: The widget's.
        """
        metrics = painter.fontMetrics()
        painter.setPen(QPen(QColor(look.border), 1))
        painter.drawLine(room.bottomLeft(), room.bottomRight())
        taken: list[tuple[float, float]] = []
        for k in (*self.marked, *_TICKS):
            if not self.least <= k <= self.most:
                continue
            x, is_marked = self.x(k, width), k in self.marked
            if is_marked:
                painter.setPen(QPen(QColor(look.accent), 1, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(x, room.top()), QPointF(x, room.bottom()))
            text = str(k)
            half = metrics.horizontalAdvance(text) / 2
            left = min(max(x - half, 0.0), width - 2 * half)
            if any(left < end + 5 and left + 2 * half > start - 5 for start, end in taken):
                continue
            taken.append((left, left + 2 * half))
            painter.setPen(QColor(look.link if is_marked else look.faint))
            painter.drawText(QPointF(left, room.bottom() + metrics.ascent() + 2), text)
