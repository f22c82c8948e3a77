"""Paints a group of copies: a card with a head, pictures, a badge on the best, lines of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen

from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from PySide6.QtGui import QPixmap

    from dclust_gui.ui.views.theme import Colours

N_LINES = 4
"""Lines of text below a picture: name, facts, and a verdict of two."""
BEST = "Best"

_ROUND = 4
_CENTRE = int(Qt.AlignmentFlag.AlignCenter)


@dataclass(frozen=True, slots=True)
class CopyCell:
    """One picture of a group.

    Attributes:
        image: Its id.
        name: File name.
        facts: Size, bytes, format.
        verdict: Why it is the best, or how alike it is.
        place: Its whole path, for the tip.
    """

    image: int
    name: str
    facts: str
    verdict: str
    place: str


@dataclass(frozen=True, slots=True)
class CopyGroup:
    """One group as it is shown; the best copy comes first.

    Attributes:
        title: `3 equal files`.
        detail: What the others take.
        cells: Its pictures.
    """

    title: str
    detail: str
    cells: tuple[CopyCell, ...]


def paint_frame(painter: QPainter, card: QRect, look: Colours, *, is_current: bool) -> None:
    """The ground and the border of a group."""
    shape = QPainterPath()
    shape.addRoundedRect(QRectF(card).adjusted(0.5, 0.5, -0.5, -0.5), _ROUND, _ROUND)
    painter.fillPath(shape, QColor(look.raised if is_current else look.base))
    painter.setPen(QPen(QColor(look.accent if is_current else look.border), 1))
    painter.drawPath(shape)


def paint_head(painter: QPainter, line: QRect, group: CopyGroup, look: Colours) -> None:
    """A group's title, and its detail as far as there is room."""
    plain, bold = painter.font(), QFont(painter.font())
    bold.setWeight(QFont.Weight.DemiBold)
    painter.setFont(bold)
    painter.setPen(QColor(look.text))
    align = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
    painter.drawText(line, align, group.title)
    used = painter.fontMetrics().horizontalAdvance(group.title) + GRID * 2
    painter.setFont(plain)
    painter.setPen(QColor(look.faint))
    room = max(0, line.width() - used)
    text = painter.fontMetrics().elidedText(group.detail, Qt.TextElideMode.ElideRight, room)
    painter.drawText(line.adjusted(used, 0, 0, 0), align, text)


def paint_picture(painter: QPainter, box: QRect, picture: QPixmap | None, look: Colours) -> None:
    """The whole picture in the middle of a box: what was cut off must be seen."""
    painter.fillRect(box, QColor(look.window))
    if picture is not None:
        size = picture.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(QPoint(0, 0), size)
        place.moveCenter(box.center())
        painter.drawPixmap(place, picture)


def paint_words(painter: QPainter, box: QRect, words: str, colour: QColor) -> None:
    """Words in the middle of a box."""
    painter.setPen(colour)
    painter.drawText(box, _CENTRE, words)


def paint_badge(painter: QPainter, box: QRect, look: Colours) -> None:
    """The mark of the best copy."""
    metrics = painter.fontMetrics()
    size = QSize(metrics.horizontalAdvance(BEST) + GRID * 2, metrics.height() + 4)
    badge = QRectF(box.left() + 6, box.top() + 6, size.width(), size.height())
    shape = QPainterPath()
    shape.addRoundedRect(badge, badge.height() / 2, badge.height() / 2)
    painter.fillPath(shape, QColor(look.accent))
    painter.setPen(QColor(look.on_accent))
    painter.drawText(badge, _CENTRE, BEST)


def paint_focus(painter: QPainter, box: QRect, look: Colours, *, has_keys: bool) -> None:
    """The border of the picture with the focus; thinner while the keys go elsewhere."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(look.accent), 2.5 if has_keys else 1.0))
    painter.drawRect(box.adjusted(-1, -1, 1, 1))


def paint_text(
    painter: QPainter, box: QRect, cell: CopyCell, look: Colours, *, is_best: bool
) -> None:
    """Name, facts and verdict below a picture's box."""
    metrics = painter.fontMetrics()
    line = QRect(box.left(), box.bottom() + GRID // 2, box.width(), metrics.height())
    align = int(Qt.AlignmentFlag.AlignLeft)
    for text, colour in ((cell.name, look.text), (cell.facts, look.faint)):
        painter.setPen(QColor(colour))
        elided = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, box.width())
        painter.drawText(line, align, elided)
        line.translate(0, line.height())
    painter.setPen(QColor(look.success if is_best else look.faint))
    line.setHeight(2 * line.height())
    painter.drawText(line, align | int(Qt.TextFlag.TextWordWrap), cell.verdict)
