"""Lines of text in the dendrogram: measured and laid out once, then painted again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QStaticText

if TYPE_CHECKING:
    from dclust_gui.ui.models.dendrogram_camera import Camera

_MOST_CACHED = 6_000
_LEAST_ROOM_PX = 10


class TextPainter:
    """Paints single lines in two fonts, those of names and of notes.

    Args:
        font: The window's font.
    """

    def __init__(self, font: QFont) -> None:
        self._key = font.toString()
        self.title, self.small = text_fonts(font)
        self._metrics = {id(f): QFontMetricsF(f) for f in (self.title, self.small)}
        self._widths: dict[tuple[int, str], float] = {}
        self._laid_out: dict[tuple[int, str], QStaticText] = {}

    def is_for(self, font: QFont) -> bool:
        """Whether the fonts are those that belong to the window's font."""
        return font.toString() == self._key

    def width(self, words: str, font: QFont) -> float:
        """How wide a line is, in one of the two fonts."""
        key = (id(font), words)
        width = self._widths.get(key)
        if width is None:
            if len(self._widths) > _MOST_CACHED:
                self._widths.clear()
                self._laid_out.clear()
            width = self._widths[key] = self._metrics[id(font)].horizontalAdvance(words)
        return width

    def draw(
        self,
        painter: QPainter,
        place: QRectF,
        words: str,
        font: QFont,
        colour: str,
        side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignVCenter,
    ) -> None:
        """One line, shortened at its end where it does not fit.

        Args:
            painter: Where.
            place: Room for it.
            words: The line.
            font: `title` or `small`.
            colour: Of the letters.
            side: Where it stands in its room; at the left, in the middle if it says nothing else.
        """
        room = place.width()
        if room < _LEAST_ROOM_PX:
            return
        metrics = self._metrics[id(font)]
        width = self.width(words, font)
        if width > room:
            words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
            width = self.width(words, font)
        x, y = place.x(), place.y() + (place.height() - metrics.height()) / 2
        if side & Qt.AlignmentFlag.AlignRight:
            x += room - width
        elif side & Qt.AlignmentFlag.AlignHCenter:
            x += (room - width) / 2
        if side & Qt.AlignmentFlag.AlignBottom:
            y = place.bottom() - metrics.height()
        painter.setFont(font)
        painter.setPen(QColor(colour))
        painter.drawStaticText(QPointF(x, y), self._text(words, font))

    def _text(self, words: str, font: QFont) -> QStaticText:
        key = (id(font), words)
        text = self._laid_out.get(key)
        if text is None:
            text = self._laid_out[key] = QStaticText(words)
            text.setTextFormat(Qt.TextFormat.PlainText)
            text.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
            text.prepare(font=font)
        return text


def text_fonts(font: QFont) -> tuple[QFont, QFont]:
    """Fonts of names and of notes, from the window's font."""
    title, small = QFont(font), QFont(font)
    title.setPixelSize(13)
    title.setWeight(QFont.Weight.DemiBold)
    small.setPixelSize(12)
    small.setWeight(QFont.Weight.Normal)
    return title, small


def along(camera: Camera, low: float, high: float) -> tuple[float, float]:
    """The part of a stretch along the leaves that is in view."""
    return max(low, camera.axis_px), min(high, camera.length_px)
