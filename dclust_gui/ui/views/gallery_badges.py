"""The small signs on thumbnails, drawn as shapes: no sign by colour alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPolygonF,
)

from dclust_gui.ui.models.gallery_cell import Badge

if TYPE_CHECKING:
    from collections.abc import Callable

BADGE_PX = 18
"""Height of a badge."""

_RAW_WIDTH_PX = 34
_STACK_SIGN_PX = 16
_PLATE = QColor(20, 20, 22, 205)
_EDGE = QColor(255, 255, 255, 90)


def badge_pixmap(badge: Badge, ratio: float) -> QPixmap:
    """A badge: a white sign on a dark plate, readable on any picture.

    Args:
        badge: Which.
        ratio: Device pixel ratio.
    """
    width = _RAW_WIDTH_PX if badge is Badge.RAW_PAIR else BADGE_PX
    picture, painter = canvas(width, BADGE_PX, ratio)
    painter.setPen(QPen(_EDGE, 1))
    painter.setBrush(_PLATE)
    painter.drawRoundedRect(QRectF(0.5, 0.5, width - 1, BADGE_PX - 1), 5, 5)
    painters: dict[Badge, Callable[[QPainter], None]] = {
        Badge.DAMAGED: _paint_warning,
        Badge.MISSING: _paint_missing,
        Badge.RAW_PAIR: _paint_raw,
        Badge.HAND_PLACED: _paint_hand,
    }
    painters[badge](painter)
    painter.end()
    return picture


def stack_pixmap(n_images: int, ratio: float, *, is_bracket: bool = False) -> QPixmap:
    """How many images are bound together, behind a sign: sheets for a stack, +/- for a bracket.

    Args:
        n_images: Images of the stack.
        ratio: Device pixel ratio.
        is_bracket: It is a series of exposures.
    """
    font = QFont()
    font.setPixelSize(11)
    font.setBold(True)
    text = f"{n_images:,}"
    wide = QFontMetrics(font).horizontalAdvance(text)
    width = _STACK_SIGN_PX + wide + 6
    picture, painter = canvas(width, BADGE_PX, ratio)
    painter.setPen(QPen(_EDGE, 1))
    painter.setBrush(_PLATE)
    painter.drawRoundedRect(QRectF(0.5, 0.5, width - 1, BADGE_PX - 1), 5, 5)
    painter.setPen(QPen(QColor("white"), 1.3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if is_bracket:
        for line in ((5, 7, 11, 7), (8, 4, 8, 10), (5, 13, 11, 13)):
            painter.drawLine(QPointF(line[0], line[1]), QPointF(line[2], line[3]))
    else:
        painter.drawRoundedRect(QRectF(4, 8, 9, 6), 1, 1)
        painter.drawLine(QPointF(5.4, 5.8), QPointF(11.6, 5.8))
        painter.drawLine(QPointF(6.8, 3.6), QPointF(10.2, 3.6))
    painter.setFont(font)
    place = QRectF(_STACK_SIGN_PX, 0, wide + 2, BADGE_PX)
    painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    painter.end()
    return picture


def unreadable_pixmap(side_px: int, colour: QColor, ratio: float) -> QPixmap:
    """A picture torn in two.

    Args:
        side_px: Side, device-independent pixels.
        colour: Of the lines.
        ratio: Device pixel ratio.
    """
    picture, painter = canvas(side_px, side_px, ratio)
    painter.scale(side_px / 48, side_px / 48)
    painter.setPen(QPen(colour, 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap,
                        Qt.PenJoinStyle.RoundJoin))  # fmt: skip
    painter.drawPolyline(_points((30, 7), (7, 7), (7, 41), (21, 41), (18, 32), (25, 26), (21, 17),
                                 (30, 7)))  # fmt: skip
    painter.drawPolyline(_points((36, 7), (41, 7), (41, 41), (27, 41), (24.5, 33), (31.5, 27),
                                 (27.5, 18), (36, 7)))  # fmt: skip
    painter.end()
    return picture


def canvas(width: int, height: int, ratio: float) -> tuple[QPixmap, QPainter]:
    """An empty, transparent picture and a painter on it.

    Args:
        width: Device-independent pixels.
        height: Device-independent pixels.
        ratio: Device pixel ratio.
    """
    picture = QPixmap(round(width * ratio), round(height * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    return picture, painter


def _points(*points: tuple[float, float]) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in points])


def _paint_warning(painter: QPainter) -> None:
    amber = QColor("#ffc94d")
    painter.setPen(QPen(amber, 1.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap,
                        Qt.PenJoinStyle.RoundJoin))  # fmt: skip
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolygon(_points((9, 3.6), (14.6, 13.6), (3.4, 13.6)))
    painter.drawLine(QPointF(9, 7.4), QPointF(9, 10.2))
    painter.drawPoint(QPointF(9, 12))


def _paint_missing(painter: QPainter) -> None:
    painter.setPen(QPen(QColor("#ff8f80"), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QRectF(4, 4, 10, 10))
    painter.drawLine(QPointF(5.6, 12.4), QPointF(12.4, 5.6))


def _paint_raw(painter: QPainter) -> None:
    font = QFont(painter.font())
    font.setPixelSize(10)
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(QColor("white"))
    painter.drawText(QRectF(0, 0, _RAW_WIDTH_PX, BADGE_PX), Qt.AlignmentFlag.AlignCenter, "RAW")


def _paint_hand(painter: QPainter) -> None:
    """A pin: head, plate and needle."""
    path = QPainterPath()
    path.addRoundedRect(QRectF(6.4, 3.4, 5.2, 5.2), 1.2, 1.2)
    path.addPolygon(_points((4.6, 10.8), (6.4, 8.2), (11.6, 8.2), (13.4, 10.8)))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("white"))
    path.setFillRule(Qt.FillRule.WindingFill)
    painter.drawPath(path)
    painter.setPen(QPen(QColor("white"), 1.3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawLine(QPointF(9, 11), QPointF(9, 14.6))
