"""A check box painted by hand, for views without a widget to each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from dclust_gui.ui.views.theme import colours

if TYPE_CHECKING:
    from PySide6.QtGui import QPalette

_SIDE = 14
_RADIUS = 2


def paint_check(painter: QPainter, rect: QRect, palette: QPalette, state: Qt.CheckState) -> None:
    """Paint a check box in the middle of a rectangle, with the contrast of the dialogs' own.

    Args:
        painter: Antialiased.
        rect: Where.
        palette: Of the view.
        state: Checked, partly or not.
    """
    look = colours(palette)
    box = QRectF(0, 0, _SIDE, _SIDE)
    box.moveCenter(QRectF(rect).center())
    painter.save()
    if state is Qt.CheckState.Unchecked:
        painter.setPen(QPen(QColor(look.faint), 1))
        painter.setBrush(QColor(look.base))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.accent))
        painter.drawRoundedRect(box, _RADIUS, _RADIUS)
        pen = QPen(QColor(look.on_accent), 2)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        left, top = box.left(), box.top()
        if state is Qt.CheckState.Checked:
            painter.drawPolyline(
                [QPointF(left + x, top + y) for x, y in ((3.2, 7.2), (6, 10), (10.8, 4.2))]
            )
        else:
            painter.drawLine(QPointF(left + 3.5, top + 7), QPointF(left + 10.5, top + 7))
    painter.restore()
