"""What lies over a map and follows the pointer: preview, outline, legend, drop target."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF

from dclust_gui.ui.models.map_geometry import points_in_box
from dclust_gui.ui.views.dendrogram_text import text_fonts
from dclust_gui.ui.views.map_painter import MARK_PX
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from PySide6.QtGui import QFont

    from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures
    from dclust_gui.ui.models.map_model import MapModel
    from dclust_gui.ui.views.map_painter import MapLook, MapPainter

PREVIEW_PX = 200
"""Longest side of the picture under the pointer."""

_LEGEND_ROWS = 12
_LEGEND_WIDTH = 190
_LINE_PX = 19
_GAP_PX = 18


@dataclass(slots=True)
class MapAttention:
    """What pointer and keys are at.

    Attributes:
        hover: Row under the pointer; -1 for none.
        pointer: Where it is.
        is_preview_wanted: The pointer rests on an image.
        outline: The lasso or rectangle being drawn, or the one that made the selection; pixels.
        is_drawing: The outline is being drawn.
        words: Beside the pointer, as the number of images in the rectangle.
        target: Row whose cluster would take what is dragged; -1 for none.
        has_focus: Keys go to the view.
    """

    hover: int = -1
    pointer: QPointF = field(default_factory=QPointF)
    is_preview_wanted: bool = False
    outline: list[QPointF] = field(default_factory=list)
    is_drawing: bool = False
    words: str = ""
    target: int = -1
    has_focus: bool = False


class MapOverlay:
    """Paints over the finished map.

    Args:
        model: The images.
        painter: Knows where they are.
        previews: Brings the picture under the pointer.
    """

    def __init__(self, model: MapModel, painter: MapPainter, previews: DendrogramPictures) -> None:
        self._model = model
        self._painter = painter
        self._previews = previews
        self._legend: tuple[tuple[object, ...], QPixmap] | None = None
        self._is_legend_right = self._is_legend_high = False

    def paint(
        self,
        painter: QPainter,
        area: QRect,
        attention: MapAttention,
        look: MapLook,
        *,
        has_legend: bool,
    ) -> None:
        """Paint it.

        Args:
            painter: On the view.
            area: The view.
            attention: What pointer and keys are at.
            look: As the map was painted.
            has_legend: The legend is wanted.
        """
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if has_legend and area.width() > 3 * _LEGEND_WIDTH:
            self._paint_legend(painter, area, look)
        self._paint_outline(painter, attention, look)
        row = self._model.row_of(self._model.current)
        if attention.has_focus and row >= 0:
            self._ring(painter, row, QColor(look.colours.text), 1.5)
        if attention.hover >= 0:
            self._ring(painter, attention.hover, QColor(look.colours.accent), 2.0)
        if attention.target >= 0:
            self._ring(painter, attention.target, QColor(look.colours.accent), 3.0)
        if attention.words:
            self._paint_words(painter, area, attention, look)
        elif attention.is_preview_wanted and attention.hover >= 0:
            self._paint_preview(painter, area, attention, look)

    # -- the outline -------------------------------------------------------------------------

    def _paint_outline(self, painter: QPainter, attention: MapAttention, look: MapLook) -> None:
        if len(attention.outline) < 2:
            return
        accent = QColor(look.colours.accent)
        fill = QColor(accent)
        fill.setAlpha(36 if attention.is_drawing else 14)
        style = Qt.PenStyle.SolidLine if attention.is_drawing else Qt.PenStyle.DashLine
        outline = QPolygonF(attention.outline)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)  # far faster when large
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(outline, Qt.FillRule.WindingFill)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(accent, 1.5, style))
        painter.drawPolyline(outline)
        painter.drawLine(outline.last(), outline.first())

    def _ring(self, painter: QPainter, row: int, colour: QColor, width: float) -> None:
        """A ring around a picture or a dot, where it is in view."""
        card = next((c for c in self._painter.cards if c.row == row), None)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, width))
        if card is not None:
            painter.drawRect(QRectF(card.place).adjusted(-1.5, -1.5, 1.5, 1.5))
            return
        found = np.flatnonzero(self._painter.rows == row)
        if len(found):
            x, y = self._painter.points[int(found[0])].tolist()
            radius = max(self._painter.dot_px, 4) / 2 + 3
            painter.drawEllipse(QPointF(x, y), radius, radius)

    # -- words and preview -------------------------------------------------------------------

    def _paint_words(
        self, painter: QPainter, area: QRect, attention: MapAttention, look: MapLook
    ) -> None:
        title, _ = text_fonts(painter.font())
        width = QFontMetricsF(title).horizontalAdvance(attention.words) + 2 * GRID
        box = QRectF(0, 0, width, _LINE_PX + GRID)
        # Above the pointer, for what is dragged hangs below it.
        box.moveBottomLeft(attention.pointer + QPointF(_GAP_PX, -_GAP_PX))
        box.moveRight(min(box.right(), float(area.right() - GRID)))
        box.moveTop(max(box.top(), float(GRID)))
        _plate(painter, box, look)
        painter.setFont(title)
        painter.setPen(QColor(look.colours.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, attention.words)

    def _paint_preview(
        self, painter: QPainter, area: QRect, attention: MapAttention, look: MapLook
    ) -> None:
        model, row = self._model, attention.hover
        image = int(model.images[row])
        picture = self._previews.picture(image)
        shown = (PREVIEW_PX, PREVIEW_PX * 3 // 4)
        if picture is not None:
            share = PREVIEW_PX / max(picture.width(), picture.height(), 1)
            shown = (round(picture.width() * share), round(picture.height() * share))
        width = max(shown[0], PREVIEW_PX)
        box = QRectF(0, 0, width + 2 * GRID, shown[1] + 2 * _LINE_PX + 2 * GRID + GRID // 2)
        box = _beside(box, attention.pointer, area)
        _plate(painter, box, look)
        place = QRectF(0, box.top() + GRID, *shown)
        place.moveLeft(box.left() + (box.width() - shown[0]) / 2)
        if picture is None:
            painter.fillRect(place, QColor(look.colours.window))
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(place, picture, QRectF(picture.rect()))
        title, small = text_fonts(painter.font())
        line = QRectF(box.left() + GRID, place.bottom() + GRID // 2, width, _LINE_PX)
        cluster = model.cluster_at(row)
        mark = self._painter.mark(model.colour_of(cluster), look)
        painter.drawPixmap(QPointF(line.left(), line.center().y() - MARK_PX / 2), mark)
        words, confidence = model.title_of(cluster), model.confidence_of(image)
        note = "" if np.isnan(confidence) else f"confidence {confidence:.2f}"
        painter.setFont(small)
        painter.setPen(QColor(look.colours.faint))
        painter.drawText(line, _RIGHT, note)
        room = line.adjusted(MARK_PX + 5, 0, -QFontMetricsF(small).horizontalAdvance(note) - 6, 0)
        painter.setFont(title)
        painter.setPen(QColor(look.colours.text))
        painter.drawText(room, _LEFT, _elided(title, words, room.width()))
        line.translate(0, _LINE_PX)
        painter.setFont(small)
        painter.setPen(QColor(look.colours.faint))
        name = QFontMetricsF(small).elidedText(
            model.name_of(image), Qt.TextElideMode.ElideMiddle, line.width()
        )
        painter.drawText(line, _LEFT, name)

    # -- the legend --------------------------------------------------------------------------

    def _paint_legend(self, painter: QPainter, area: QRect, look: MapLook) -> None:
        key = (self._model.n_labelings, look.dark, look.ratio, area.height())
        if self._legend is None or self._legend[0] != key:
            self._legend = (key, self._legend_picture(painter, area, look))
        picture = self._legend[1]
        size = (picture.width() / look.ratio, picture.height() / look.ratio)
        painter.drawPixmap(self._corner(area, size), picture)

    def legend_box(self, area: QRect, ratio: float) -> QRectF:
        """Where the legend lies; empty when it has not been painted yet."""
        if self._legend is None or area.width() <= 3 * _LEGEND_WIDTH:
            return QRectF()
        picture = self._legend[1]
        size = (picture.width() / ratio, picture.height() / ratio)
        corner = self._corner(area, size)
        return QRectF(corner.x(), corner.y(), *size)

    def settle_legend(self, area: QRect, ratio: float) -> None:
        """Put the legend into the lower corner, else the upper right one, that hides least."""
        if self._legend is None:
            return
        size = (self._legend[1].width() / ratio, self._legend[1].height() / ratio)
        hidden = {}
        for corner in ((False, False), (True, False), (True, True)):
            self._is_legend_right, self._is_legend_high = corner
            place = self._corner(area, size)
            box = (place.x(), place.y(), place.x() + size[0], place.y() + size[1])
            hidden[corner] = len(points_in_box(self._painter.points, box))
        best = min(hidden, key=lambda corner: hidden[corner])
        self._is_legend_right, self._is_legend_high = best

    def _corner(self, area: QRect, size: tuple[float, float]) -> QPointF:
        return QPointF(
            area.width() - GRID - size[0] if self._is_legend_right else GRID,
            GRID if self._is_legend_high else area.height() - GRID - size[1],
        )

    def _legend_picture(self, painter: QPainter, area: QRect, look: MapLook) -> QPixmap:
        limit = max(1, min(_LEGEND_ROWS, (area.height() // 2) // _LINE_PX))
        rows = self._model.legend(limit)
        hidden = self._model.n_clusters - sum(row.colour >= 0 for row in rows)
        n_lines = len(rows) + (hidden > 0)
        if not n_lines:
            return QPixmap()
        size = (_LEGEND_WIDTH, n_lines * _LINE_PX + GRID)
        picture = QPixmap(round(size[0] * look.ratio), round(size[1] * look.ratio))
        picture.setDevicePixelRatio(look.ratio)
        picture.fill(Qt.GlobalColor.transparent)
        own = QPainter(picture)
        own.setRenderHint(QPainter.RenderHint.Antialiasing)
        _plate(own, QRectF(0.5, 0.5, size[0] - 1, size[1] - 1), look, alpha=225)
        _, small = text_fonts(painter.font())
        own.setFont(small)
        line = QRectF(GRID, GRID / 2, size[0] - 2 * GRID, _LINE_PX)
        for row in rows:
            mark = self._painter.mark(row.colour, look)
            own.drawPixmap(QPointF(line.left(), line.center().y() - MARK_PX / 2), mark)
            count = f"{row.count:,}"
            own.setPen(QColor(look.colours.faint))
            own.drawText(line, _RIGHT, count)
            used = QFontMetricsF(small).horizontalAdvance(count) + GRID
            room = line.adjusted(MARK_PX + 6, 0, -used, 0)
            own.setPen(QColor(look.colours.text))
            own.drawText(room, _LEFT, _elided(small, row.title, room.width()))
            line.translate(0, _LINE_PX)
        if hidden > 0:
            own.setPen(QColor(look.colours.faint))
            own.drawText(line, _LEFT, f"and {hidden:,} more")
        own.end()
        return picture


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _elided(font: QFont, words: str, width: float) -> str:
    return QFontMetricsF(font).elidedText(words, Qt.TextElideMode.ElideRight, width)


def _plate(painter: QPainter, box: QRectF, look: MapLook, alpha: int = 245) -> None:
    """What words and previews lie on."""
    fill = QColor(look.colours.raised)
    fill.setAlpha(alpha)
    painter.setPen(QPen(QColor(look.colours.border), 1))
    painter.setBrush(fill)
    painter.drawRoundedRect(box, 6, 6)


def _beside(box: QRectF, pointer: QPointF, area: QRect) -> QRectF:
    """A box right of and below the pointer, or on the other side where there is no room."""
    placed = QRectF(box)
    placed.moveTopLeft(pointer + QPointF(_GAP_PX, _GAP_PX))
    if placed.right() > area.right() - GRID:
        placed.moveRight(pointer.x() - _GAP_PX)
    if placed.bottom() > area.bottom() - GRID:
        placed.moveBottom(pointer.y() - _GAP_PX)
    placed.moveLeft(max(placed.left(), float(GRID)))
    placed.moveTop(max(placed.top(), float(GRID)))
    return placed
