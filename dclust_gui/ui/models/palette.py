"""The twelve cluster colours, each with a mark of its own shape: colour is never the only sign.

The colours keep a contrast of at least 3:1 to the window's background in both themes, and stay
apart when seen with protanopia and deuteranopia (simulated after Machado et al., 2009).
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from dclust_gui.domain.clustering import PALETTE_SIZE

NO_COLOUR = -1
"""Index of Unassigned: a neutral grey ring."""

_LIGHT = (
    *("#3153a8", "#df741d", "#259f8a", "#a23d4f", "#b37dc6", "#3188f2"),
    *("#89581a", "#3234d6", "#a2905e", "#551a65", "#685c81", "#471d27"),
)
_DARK = (
    *("#5788f2", "#f2b733", "#5bf2ba", "#d67264", "#f292c3", "#89d9f2"),
    *("#b7db87", "#82abf2", "#f2f27b", "#cc406e", "#3c9b95", "#cc8940"),
)
_NEUTRAL_LIGHT = "#7a7a7a"
_NEUTRAL_DARK = "#9a9a9a"

MARK_NAMES = (
    *("disc", "square", "triangle", "diamond", "plus", "star"),
    *("lower triangle", "hexagon", "ring", "bars", "cross", "half disc"),
)
"""Names of the marks, for screen readers."""


def cluster_colour(index: int, dark: bool) -> QColor:
    """The colour of a cluster.

    Args:
        index: `Cluster.colour`; wraps at `PALETTE_SIZE`; `NO_COLOUR` for Unassigned.
        dark: For a dark background.
    """
    if index < 0:
        return QColor(_NEUTRAL_DARK if dark else _NEUTRAL_LIGHT)
    return QColor((_DARK if dark else _LIGHT)[index % PALETTE_SIZE])


def mark_name(index: int) -> str:
    """The shape of a cluster's mark in words."""
    return "dashed ring" if index < 0 else MARK_NAMES[index % PALETTE_SIZE]


def paint_mark(painter: QPainter, rect: QRectF, index: int, dark: bool = False) -> None:
    """Paint a cluster's mark in its colour.

    Args:
        painter: Active painter; its state is kept.
        rect: Where; the mark fills the largest centred square of it.
        index: `Cluster.colour`; `NO_COLOUR` for Unassigned.
        dark: For a dark background.
    """
    side = min(rect.width(), rect.height())
    box = QRectF(0, 0, side, side)
    box.moveCenter(rect.center())
    colour = cluster_colour(index, dark)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if index < 0:
        pen = QPen(colour, max(1.0, side / 8), Qt.PenStyle.DotLine)
        inset = pen.widthF() / 2
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(box.adjusted(inset, inset, -inset, -inset))
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPath(mark_path(box, index))
    painter.restore()


def mark_pixmap(side_px: int, index: int, dark: bool, scale: float = 1.0) -> QPixmap:
    """A cluster's mark as a small picture for menus and lists.

    Args:
        side_px: Side in device-independent pixels.
        index: `Cluster.colour`; `NO_COLOUR` for Unassigned.
        dark: For a dark background.
        scale: Device pixel ratio.
    """
    picture = QPixmap(round(side_px * scale), round(side_px * scale))
    picture.setDevicePixelRatio(scale)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    paint_mark(painter, QRectF(1, 1, side_px - 2, side_px - 2), index, dark)
    painter.end()
    return picture


def mark_path(box: QRectF, index: int) -> QPainterPath:
    """The outline of a mark.

    Args:
        box: A square.
        index: Palette index, at least 0; wraps at `PALETTE_SIZE`.
    """
    shape = index % PALETTE_SIZE
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.WindingFill)
    corners = _POLYGONS.get(shape)
    if corners is not None:
        path.addPolygon(QPolygonF([_at(box, x, y) for x, y in corners]))
        path.closeSubpath()
    elif shape == 0:
        path.addEllipse(box)
    elif shape == 8:
        path.setFillRule(Qt.FillRule.OddEvenFill)
        path.addEllipse(box)
        inner = box.width() * 0.28
        path.addEllipse(box.adjusted(inner, inner, -inner, -inner))
    elif shape == 9:
        for left in (0.04, 0.38, 0.72):
            path.addRect(_part(box, left, 0.06, 0.24, 0.88))
    else:
        path.moveTo(box.center())
        path.arcTo(box, 90, 180)
        path.closeSubpath()
        thin = max(1.0, box.width() * 0.1)
        right = QPainterPath()
        right.addEllipse(box)
        hole = QPainterPath()
        hole.addEllipse(box.adjusted(thin, thin, -thin, -thin))
        path = path.united(right.subtracted(hole))
    return path


def _at(box: QRectF, x: float, y: float) -> QPointF:
    return QPointF(box.x() + x * box.width(), box.y() + y * box.height())


def _part(box: QRectF, x: float, y: float, width: float, height: float) -> QRectF:
    return QRectF(_at(box, x, y), _at(box, x + width, y + height))


def _round_points(
    n: int, start: float, radii: tuple[float, ...]
) -> tuple[tuple[float, float], ...]:
    """Corners on circles around the middle of the unit square, radii taken in turn."""
    angles = [start + 2 * math.pi * i / n for i in range(n)]
    return tuple(
        (0.5 + radii[i % len(radii)] * math.cos(a), 0.5 + radii[i % len(radii)] * math.sin(a))
        for i, a in enumerate(angles)
    )


_PLUS = (
    *((0.34, 0.02), (0.66, 0.02), (0.66, 0.34), (0.98, 0.34), (0.98, 0.66), (0.66, 0.66)),
    *((0.66, 0.98), (0.34, 0.98), (0.34, 0.66), (0.02, 0.66), (0.02, 0.34), (0.34, 0.34)),
)


def _turned(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """The points turned by 45 degrees around the middle of the unit square."""
    c = math.sqrt(0.5)
    return tuple(
        (0.5 + c * (x - 0.5) - c * (y - 0.5), 0.5 + c * (x - 0.5) + c * (y - 0.5))
        for x, y in points
    )


_POLYGONS = {
    1: ((0.07, 0.07), (0.93, 0.07), (0.93, 0.93), (0.07, 0.93)),
    2: ((0.5, 0.04), (1.0, 0.94), (0.0, 0.94)),
    3: ((0.5, -0.02), (1.02, 0.5), (0.5, 1.02), (-0.02, 0.5)),
    4: _PLUS,
    5: _round_points(10, -math.pi / 2, (0.54, 0.24)),
    6: ((0.0, 0.06), (1.0, 0.06), (0.5, 0.96)),
    7: _round_points(6, 0.0, (0.52,)),
    10: _turned(_PLUS),
}
