"""A fixed row of the cluster panel: All images, Unassigned, New cluster; some take drops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.models.mime import IMAGE_IDS_MIME, decode_ids
from dclust_gui.ui.models.palette import NO_COLOUR, paint_mark
from dclust_gui.ui.views.theme import GRID, colours, icon_pixmap, is_dark

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

_SIGN_SIDE = 16


class DropRow(QAbstractButton):
    """Icon, title and count; a drop target if asked to be.

    Args:
        title: What it says.
        icon_name: File stem of its icon; empty for the mark of Unassigned.
        takes_drops: Whether images can be dropped on it.
        parent: The panel.

    Signals:
        hovered: ids held over it (a tuple); empty when the drag has left.
        dropped: ids dropped on it (a tuple); emitted after the drop handler has returned.
    """

    hovered = Signal(object)
    dropped = Signal(object)

    _dropped_now = Signal(object)

    def __init__(
        self, title: str, icon_name: str, *, takes_drops: bool, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setText(title)
        self._icon_name = icon_name
        self._count: int | None = None
        self._matching: int | None = None
        self._target_text = ""
        self._ids: tuple[int, ...] = ()
        self.setAcceptDrops(takes_drops)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName(title)
        self._dropped_now.connect(self._on_dropped_now, Qt.ConnectionType.QueuedConnection)

    def set_count(self, count: int | None, matching: int | None = None) -> None:
        """Show a number of images.

        Args:
            count: How many there are; None shows nothing.
            matching: How many of them a filter lets through; None for no filter.
        """
        if (count, matching) == (self._count, self._matching):
            return
        self._count, self._matching = count, matching
        some = "" if matching is None else f"{matching:,} of "
        self.setAccessibleName(
            self.text() if count is None else f"{self.text()}, {some}{count_of(count)}"
        )
        self.update()

    def set_target_text(self, text: str) -> None:
        """Show what a drop would do; empty when nothing is held over the row."""
        self._target_text = text
        self.update()

    @Slot(object)
    def _on_dropped_now(self, ids: object) -> None:
        self.dropped.emit(ids)

    # -- Qt ----------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """One line of text with air around it."""
        return QSize(GRID * 20, self.fontMetrics().height() + GRID * 2)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the row like those of the list."""
        look = colours(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_target = bool(self._ids)
        text = look.text if self.isEnabled() else look.disabled
        fill = look.soft_accent if self.isChecked() else look.raised if self.underMouse() else ""
        if is_target:
            text, fill = look.on_accent, look.accent
        box = QRectF(self.rect()).adjusted(2, 1, -2, -1)
        if fill:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(fill))
            painter.drawRoundedRect(box, 4, 4)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(look.accent), 1))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        self._paint_text(painter, QColor(text), is_dark=is_target or is_dark(self.palette()))

    def _paint_text(self, painter: QPainter, colour: QColor, *, is_dark: bool) -> None:
        inner = self.rect().adjusted(GRID, 0, -GRID, 0)
        sign = QRect(inner.left() - 1, 0, _SIGN_SIDE, _SIGN_SIDE)
        sign.moveTop(inner.center().y() - _SIGN_SIDE // 2 + 1)
        if self._icon_name:
            scale = self.devicePixelRatioF()
            painter.drawPixmap(sign, icon_pixmap(self._icon_name, colour, _SIGN_SIDE, scale))
        else:
            paint_mark(painter, QRectF(sign.adjusted(1, 1, -1, -1)), NO_COLOUR, is_dark)
        some = "" if self._matching is None else f"{self._matching:,} of "
        count = "" if self._count is None else f"{some}{self._count:,}"
        tail = self._target_text or count
        painter.setPen(colour)
        align = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(inner, int(align | Qt.AlignmentFlag.AlignRight), tail)
        room = inner.adjusted(_SIGN_SIDE + GRID - 2, 0, -GRID, 0)
        painter.drawText(room, int(align | Qt.AlignmentFlag.AlignLeft), self.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter acts like Space."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take up images of this window."""
        ids = decode_ids(bytes(event.mimeData().data(IMAGE_IDS_MIME).data()))
        if ids:
            self._ids = ids
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.hovered.emit(ids)
            self.update()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """The drag goes elsewhere."""
        self._end_drag()

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell the panel, once this handler has returned."""
        ids = self._ids
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._end_drag()
        if ids:
            self._dropped_now.emit(ids)

    def _end_drag(self) -> None:
        self._ids = ()
        self._target_text = ""
        self.hovered.emit(())
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        """Repaint in another look."""
        super().changeEvent(event)
        self.update()
