"""Paints a cluster as mark, name, count and a strip of its most typical images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from dclust_gui.domain.clustering import Cluster
from dclust_gui.ui.models.cluster_model import EXEMPLAR_SIDE, N_EXEMPLARS, Role, state_words
from dclust_gui.ui.models.palette import paint_mark
from dclust_gui.ui.views.theme import GRID, colours, is_dark

if TYPE_CHECKING:
    from dclust_gui.ui.views.theme import Colours

MARK_SIDE = 14
"""Side of a mark, device-independent pixels."""

_HIDDEN_OPACITY = 0.45
_LONGEST_NAME = 200


class ClusterDelegate(QStyledItemDelegate):
    """Paints rows of a `ClusterModel`; one of them can be marked as the target of a drag."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._target = -1
        self._target_text = ""

    def set_target(self, cluster: int, text: str) -> None:
        """Mark a row as the one that a drag would drop on.

        Args:
            cluster: Its id; -1 for none.
            text: What would happen: `37 → 49`, or a merge in words.
        """
        self._target = cluster
        self._target_text = text

    def sizeHint(
        self, option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """All rows are alike."""
        return QSize(GRID * 24, row_height(option.fontMetrics))

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint one row."""
        look = colours(option.palette)
        cluster = index.data(Role.CLUSTER)
        if not isinstance(cluster, Cluster):
            return
        rect: QRect = option.rect
        is_target = cluster.id == self._target
        painter.save()
        text_colour = self._background(painter, option, look, is_target=is_target)
        inner = rect.adjusted(GRID, GRID // 2 + 2, -GRID, -GRID // 2)
        line = QRect(inner.left(), inner.top(), inner.width(), option.fontMetrics.height() + 4)
        dark = is_dark(option.palette) or text_colour == QColor(look.on_accent)
        place = QRectF(line.left(), line.center().y() - MARK_SIDE / 2 + 1, MARK_SIDE, MARK_SIDE)
        paint_mark(painter, place, cluster.colour, dark)
        count, matching = int(index.data(Role.COUNT)), index.data(Role.MATCHING)
        tail = self._target_text if is_target else tail_text(cluster, count, matching)
        if matching == 0 and not is_target:
            painter.setOpacity(_HIDDEN_OPACITY)
        self._line(painter, option, line, (cluster.title, tail), text_colour)
        top = line.bottom() + 1 + GRID // 2
        self._strip(painter, QRect(inner.left(), top, inner.width(), EXEMPLAR_SIDE), index, look)
        painter.restore()

    def _background(
        self, painter: QPainter, option: QStyleOptionViewItem, look: Colours, *, is_target: bool
    ) -> QColor:
        """Fill the row; returns the colour of text on it."""
        state: QStyle.StateFlag = option.state
        box = QRectF(option.rect).adjusted(2, 1, -2, -1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        text = option.palette.color(QPalette.ColorRole.Text)
        if is_target:
            painter.setBrush(QColor(look.accent))
            painter.drawRoundedRect(box, 4, 4)
            return QColor(look.on_accent)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(look.soft_accent))
            painter.drawRoundedRect(box, 4, 4)
            bar = QRectF(box.left(), box.top() + 4, 3, box.height() - 8)
            painter.setBrush(QColor(look.accent))
            painter.drawRoundedRect(bar, 1.5, 1.5)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(look.raised))
            painter.drawRoundedRect(box, 4, 4)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(look.accent), 1))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        return text

    def _line(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        line: QRect,
        texts: tuple[str, str],
        colour: QColor,
    ) -> None:
        """Name at the left, count at the right; a long name is cut, never the count."""
        title, tail = texts
        metrics: QFontMetrics = option.fontMetrics
        tail_width = metrics.horizontalAdvance(tail)
        bold = QFont(option.font)
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(option.font)
        painter.setPen(colour)
        align = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(line, int(align | Qt.AlignmentFlag.AlignRight), tail)
        left = MARK_SIDE + GRID
        room = line.adjusted(left, 0, -tail_width - GRID, 0)
        elided = QFontMetrics(bold).elidedText(title, Qt.TextElideMode.ElideRight, room.width())
        painter.setFont(bold)
        painter.drawText(room, int(align | Qt.AlignmentFlag.AlignLeft), elided)

    def _strip(
        self,
        painter: QPainter,
        room: QRect,
        index: QModelIndex | QPersistentModelIndex,
        look: Colours,
    ) -> None:
        """As many exemplars as fit, cut to squares."""
        pictures = index.data(Role.EXEMPLARS) or ()
        step = EXEMPLAR_SIDE + GRID // 2
        fit = max(1, min(N_EXEMPLARS, (room.width() + GRID // 2) // step))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if not pictures:
            painter.setPen(QColor(look.faint))
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), "No images")
        for place, picture in enumerate(pictures[:fit]):
            cell = QRect(room.left() + place * step, room.top(), EXEMPLAR_SIDE, EXEMPLAR_SIDE)
            if isinstance(picture, QPixmap):
                painter.drawPixmap(cell, picture, middle_square(picture))
            else:
                painter.fillRect(cell, QColor(look.border))

    def createEditor(
        self,
        parent: QWidget,
        _option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> QWidget:
        """A line for the name."""
        editor = QLineEdit(parent)
        editor.setMaxLength(_LONGEST_NAME)
        editor.setPlaceholderText(str(index.data(Qt.ItemDataRole.DisplayRole)))
        editor.setAccessibleName("Name of the cluster")
        return editor

    def updateEditorGeometry(
        self,
        editor: QWidget,
        option: QStyleOptionViewItem,
        _index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Over the name, so that mark and images stay in sight."""
        rect: QRect = option.rect
        left = GRID + MARK_SIDE + GRID // 2
        height = editor.sizeHint().height()
        editor.setGeometry(rect.left() + left, rect.top() + 2, rect.width() - left - GRID, height)


def row_height(metrics: QFontMetrics) -> int:
    """Height of a row, a multiple of four pixels."""
    height = metrics.height() + 4 + EXEMPLAR_SIDE + 2 * GRID
    return (height + 3) // 4 * 4


def tail_text(cluster: Cluster, count: int, matching: int | None = None) -> str:
    """Count and marks at the end of a row: `pinned · 37`; with a filter set, `pinned · 3 of 37`."""
    size = f"{count:,}" if matching is None else f"{matching:,} of {count:,}"
    return " · ".join([*state_words(cluster), size])


def middle_square(picture: QPixmap) -> QRect:
    """The largest square in the middle of a picture, in its own pixels."""
    side = min(picture.width(), picture.height())
    return QRect((picture.width() - side) // 2, (picture.height() - side) // 2, side, side)
