"""One number of clusters as a card: the number, what it would look like, why it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.views.cluster_delegate import middle_square
from dclust_gui.ui.views.theme import GRID, colours

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QEnterEvent, QFocusEvent, QPaintEvent

    from dclust_gui.services.shortlist import KCandidate
    from dclust_gui.ui.views.theme import Colours

PICTURE_SIDE = 36
"""Side of a card's pictures, device-independent pixels."""

_GAP = 4


@dataclass(frozen=True, slots=True)
class Choice:
    """What a card shows.

    Attributes:
        candidate: The number and the reason.
        images: Ids of typical images, one of each cluster there would be.
    """

    candidate: KCandidate
    images: tuple[int, ...]


class ShortlistCard(QAbstractButton):
    """Paints a choice; a click takes it, the pointer over it or the keyboard's focus previews it.

    Signals:
        looked_at: Whether somebody looks at it now.
    """

    looked_at = Signal(bool)

    def __init__(
        self, choice: Choice, picture: Callable[[int], QPixmap | None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.choice = choice
        self._picture = picture
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._say()
        self.toggled.connect(self._say)

    def room_for(self) -> int:
        """How many pictures fit."""
        return max(1, (self.width() - 2 * GRID + _GAP) // (PICTURE_SIDE + _GAP))

    def sizeHint(self) -> QSize:
        """Title, pictures, reason."""
        lines = 2 * self.fontMetrics().height()
        return QSize(GRID * 28, lines + PICTURE_SIDE + 3 * GRID)

    def minimumSizeHint(self) -> QSize:
        """Three pictures wide."""
        return QSize(3 * (PICTURE_SIDE + _GAP) + 2 * GRID, self.sizeHint().height())

    def nextCheckState(self) -> None:
        """Only the window says which card is in force."""

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        look = colours(self.palette())
        self._paint_ground(painter, look)
        inner = self.rect().adjusted(GRID, GRID // 2 + 2, -GRID, -GRID // 2 - 2)
        height = self.fontMetrics().height()
        self._paint_title(painter, QRect(inner.left(), inner.top(), inner.width(), height), look)
        top = inner.top() + height + GRID // 2
        self._paint_pictures(painter, QRect(inner.left(), top, inner.width(), PICTURE_SIDE), look)
        foot = QRect(inner.left(), inner.bottom() - height + 1, inner.width(), height)
        caution = bool(self.choice.candidate.caution)
        painter.setPen(QColor(look.warning if caution else look.faint))
        text = self._foot_text()
        elide = Qt.TextElideMode.ElideRight
        painter.drawText(
            foot,
            int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
            self.fontMetrics().elidedText(text, elide, foot.width()),
        )

    def _foot_text(self) -> str:
        candidate = self.choice.candidate
        text = candidate.reason[:1].upper() + candidate.reason[1:]
        return f"Rougher than clustering anew. {text}" if candidate.caution else text

    def _paint_ground(self, painter: QPainter, look: Colours) -> None:
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        is_hot = self.underMouse() or self.hasFocus()
        edge = look.accent if self.isChecked() or self.hasFocus() else look.border
        painter.setPen(QPen(QColor(look.faint if self.underMouse() else edge), 1))
        if self.isChecked():
            painter.setPen(QPen(QColor(look.accent), 2))
            box = box.adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(QColor(look.raised if is_hot or self.isChecked() else look.base))
        painter.drawRoundedRect(box, 4, 4)

    def _paint_title(self, painter: QPainter, line: QRect, look: Colours) -> None:
        """The number and its level; at the right that it is in force, or was preselected."""
        candidate = self.choice.candidate
        tail = "suggested" if candidate.is_preselected else "shown now" if self.isChecked() else ""
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        title = f"{count_of(candidate.k, 'cluster')} · {candidate.level}"
        metrics, align = self.fontMetrics(), Qt.AlignmentFlag.AlignVCenter
        needed = QFontMetrics(bold).horizontalAdvance(title)
        room = metrics.horizontalAdvance(tail) + GRID if tail else 0
        if needed + room > line.width():
            title = f"{candidate.k:,} · {candidate.level}"
            needed = QFontMetrics(bold).horizontalAdvance(title)
        if tail and needed + room > line.width():
            tail = "\u2605" if candidate.is_preselected else ""  # a star
            room = metrics.horizontalAdvance(tail) + GRID
        painter.setFont(bold)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        elided = QFontMetrics(bold).elidedText(
            title, Qt.TextElideMode.ElideRight, line.width() - room
        )
        painter.drawText(line, int(align | Qt.AlignmentFlag.AlignLeft), elided)
        painter.setFont(self.font())
        painter.setPen(QColor(look.link if self.isChecked() else look.faint))
        if QFontMetrics(bold).horizontalAdvance(elided) + room <= line.width():
            painter.drawText(line, int(align | Qt.AlignmentFlag.AlignRight), tail)

    def _paint_pictures(self, painter: QPainter, room: QRect, look: Colours) -> None:
        """One picture a cluster; how many do not fit stands on the last one."""
        fit, images = self.room_for(), self.choice.images
        for place, image in enumerate(images[:fit]):
            cell = QRect(
                room.left() + place * (PICTURE_SIDE + _GAP), room.top(), PICTURE_SIDE, PICTURE_SIDE
            )
            picture = self._picture(image)
            if picture is not None and not picture.isNull():
                painter.drawPixmap(cell, picture, middle_square(picture))
            else:
                painter.fillRect(cell, QColor(look.border))
            if place == fit - 1 and len(images) > fit:
                painter.fillRect(cell, QColor(0, 0, 0, 150))
                painter.setPen(QColor("#ffffff"))
                n_more = len(images) - fit + 1
                more = f"+{n_more}" if n_more < 1000 else "…"
                painter.drawText(cell, int(Qt.AlignmentFlag.AlignCenter), more)

    def _say(self) -> None:
        """Words for the tool tip and for screen readers."""
        candidate = self.choice.candidate
        reason = candidate.reason[:1].upper() + candidate.reason[1:]
        words = [f"{candidate.level.capitalize()}: {count_of(candidate.k, 'cluster')}", reason]
        if candidate.caution:
            words.append(candidate.caution)
        if candidate.is_preselected:
            words.append("Suggested")
        self.setAccessibleName(words[0] + (", shown now" if self.isChecked() else ""))
        self.setAccessibleDescription(". ".join(w.rstrip(".") for w in words[1:]) + ".")
        self.setToolTip("<p>" + "</p><p>".join(words) + "</p>")

    def enterEvent(self, event: QEnterEvent) -> None:
        """Somebody looks at it."""
        super().enterEvent(event)
        self.looked_at.emit(True)  # noqa: FBT003 -- a Qt signal

    def leaveEvent(self, event: QEvent) -> None:
        """Somebody looks away."""
        super().leaveEvent(event)
        self.looked_at.emit(False)  # noqa: FBT003 -- a Qt signal

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The keyboard stands on it."""
        super().focusInEvent(event)
        self.looked_at.emit(True)  # noqa: FBT003 -- a Qt signal

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The keyboard has left it."""
        super().focusOutEvent(event)
        self.looked_at.emit(False)  # noqa: FBT003 -- a Qt signal
