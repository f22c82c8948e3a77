"""What a review question shows: words, one large picture or both sides, and the buttons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from dclust_gui.ui.views.theme import GRID, colours

if TYPE_CHECKING:
    from PySide6.QtGui import QImage, QMouseEvent, QPaintEvent, QResizeEvent

    from dclust_gui.ui.views.section_grid import Section


@dataclass(frozen=True, slots=True, eq=False)
class ReviewCard:
    """One question as it is shown.

    Attributes:
        question: In words.
        reason: Why it is asked, in words.
        image: The image shown large; None for a question about clusters.
        name: Its file name.
        sections: Exemplars of the clusters, or both sides.
        keep: Words of the button that keeps things as they are.
        take: Words of the button that follows the suggestion.
    """

    question: str
    reason: str
    image: int | None
    name: str
    sections: tuple[Section, ...]
    keep: str
    take: str


class LargePicture(QWidget):
    """One picture as large as there is room.

    Signals:
        clicked: The user wants to see it in the preview.
    """

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = QPixmap()
        self._scaled = QPixmap()
        self._message = ""
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMinimumSize(GRID * 20, GRID * 20)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip("Show large (Enter)")

    @property
    def side_px(self) -> int:
        """Longest side that is of use, device pixels."""
        return round(max(self.width(), self.height()) * self.devicePixelRatioF())

    @property
    def has_picture(self) -> bool:
        """Whether a picture is shown."""
        return not self._picture.isNull()

    def set_picture(self, picture: QImage | QPixmap | None, message: str = "") -> None:
        """Show a picture, or a message where there is none."""
        if picture is None:
            self._picture = QPixmap()
        else:
            self._picture = picture if isinstance(picture, QPixmap) else QPixmap.fromImage(picture)
        self._message = message
        self.update()

    def sizeHint(self) -> QSize:
        """As large as there is room."""
        return QSize(GRID * 80, GRID * 80)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ask for the preview."""
        if event.button() is Qt.MouseButton.LeftButton and self.has_picture:
            self.clicked.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the picture in the middle."""
        painter = QPainter(self)
        if self._picture.isNull():
            painter.setPen(QColor(colours(self.palette()).faint))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), int(flags), self._message)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        ratio = self.devicePixelRatioF()
        size = self._picture.size().scaled(self.size() * ratio, Qt.AspectRatioMode.KeepAspectRatio)
        # Small pictures are not blown up beyond three times their size.
        size = size.boundedTo(self._picture.size() * 3) / ratio
        place = QRectF(QPointF(0, 0), size.toSizeF())
        place.moveCenter(QRectF(self.rect()).center())
        painter.drawPixmap(place, self._picture, QRectF(self._picture.rect()))


class KeyButton(QPushButton):
    """A button that says its key; a long name in its words is cut in the middle.

    Args:
        key: The key, as text.
        parent: Owner.
    """

    def __init__(self, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._key = key
        self._words = ""
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(GRID * 10)

    @property
    def words(self) -> str:
        """What it says, whole."""
        return self._words

    def set_words(self, words: str) -> None:
        """Say something else."""
        self._words = words
        self.setToolTip(f"{words} ({self._key})")
        self.setAccessibleName(f"{words}, key {self._key}")
        self.updateGeometry()
        self._cut()

    def sizeHint(self) -> QSize:
        """Wide enough for the words, within limits."""
        width = self.fontMetrics().horizontalAdvance(f"{self._words}   {self._key}")
        return QSize(min(GRID * 44, width + GRID * 6), super().sizeHint().height())

    def _cut(self) -> None:
        metrics = self.fontMetrics()
        room = self.width() - GRID * 9 // 2 - metrics.horizontalAdvance(f"   {self._key}")
        words = metrics.elidedText(self._words, Qt.TextElideMode.ElideMiddle, max(room, GRID * 4))
        self.setText(f"{words}   {self._key}".replace("&", "&&"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the words anew."""
        super().resizeEvent(event)
        self._cut()
