"""The nearest images as small pictures that can be chosen with mouse and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QWidget

from dclust_gui.ui.models.palette import paint_mark
from dclust_gui.ui.views.theme import GRID, colours, is_dark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QModelIndex, QPersistentModelIndex
    from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QResizeEvent
    from PySide6.QtWidgets import QStyleOptionViewItem

    from dclust_gui.ui.models.inspection_model import ClusterLook

_COLUMNS = 4
_GAP = 4
_MARK_PX = 12
_IMAGE_ROLE = Qt.ItemDataRole.UserRole
_COLOUR_ROLE = Qt.ItemDataRole.UserRole + 1
_PICTURE_ROLE = Qt.ItemDataRole.UserRole + 2


class _Cell(QStyledItemDelegate):
    """Paints a picture that fills its cell, and the mark of another cluster."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint one cell."""
        palette = option.palette
        state = option.state
        cell = QRectF(option.rect)
        cell.adjust(_GAP / 2, _GAP / 2, -_GAP / 2, -_GAP / 2)
        look = colours(palette)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        shape = QPainterPath()
        shape.addRoundedRect(cell, 3, 3)
        painter.fillPath(shape, QColor(look.base))
        picture = index.data(_PICTURE_ROLE)
        painter.setClipPath(shape)
        if isinstance(picture, QPixmap):
            side = min(picture.width(), picture.height())
            middle = QRectF(0, 0, side, side)
            middle.moveCenter(QRectF(picture.rect()).center())
            painter.drawPixmap(cell, picture, middle)
        colour = index.data(_COLOUR_ROLE)
        if colour is not None:
            self._paint_sign(painter, cell, int(colour), is_dark(palette))
        painter.setClipping(False)
        flag = QStyle.StateFlag
        if state & (flag.State_MouseOver | flag.State_HasFocus):
            focused = bool(state & flag.State_HasFocus)
            painter.setPen(QPen(QColor(look.accent if focused else look.faint), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(cell.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.restore()

    def _paint_sign(self, painter: QPainter, cell: QRectF, colour: int, dark: bool) -> None:
        ground = QRectF(cell.right() - 19, cell.bottom() - 19, 24, 24)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(30, 30, 30, 225) if dark else QColor(250, 250, 250, 225))
        painter.drawRoundedRect(ground, 5, 5)
        mark = QRectF(cell.right() - 16, cell.bottom() - 16, _MARK_PX, _MARK_PX)
        paint_mark(painter, mark, colour, dark)


class NeighbourStrip(QListWidget):
    """Shows neighbours, the nearest first; images of other clusters have those clusters' marks.

    Signals:
        chosen: id of an image that was clicked, or chosen with Enter.
        opened: id of an image whose large preview is wanted.
    """

    chosen = Signal(int)
    opened = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures: dict[int, QPixmap] = {}
        self.setViewMode(QListWidget.ViewMode.IconMode)
        self.setMovement(QListWidget.Movement.Static)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSpacing(0)
        self.setFrameShape(QListWidget.Shape.NoFrame)
        self.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        self.viewport().setAutoFillBackground(False)
        self.setItemDelegate(_Cell(self))
        self.setAccessibleName("Nearest images")
        self.itemClicked.connect(self._on_item_chosen)

    def images(self) -> tuple[int, ...]:
        """Ids of the images shown."""
        return tuple(int(self.item(row).data(_IMAGE_ROLE)) for row in range(self.count()))

    def set_neighbours(
        self, rows: Sequence[tuple[int, str, float | None, ClusterLook]], own: int
    ) -> None:
        """Show neighbours; pictures that are there already are kept.

        Args:
            rows: Image, name, similarity (None where it is of no interest) and cluster of each.
            own: The cluster whose images need no mark.
        """
        self._pictures = {i: p for i, p in self._pictures.items() if i in {r[0] for r in rows}}
        self.clear()
        for image, name, similarity, cluster in rows:
            item = QListWidgetItem()
            item.setData(_IMAGE_ROLE, image)
            item.setData(_COLOUR_ROLE, None if cluster.cluster == own else cluster.colour)
            item.setData(_PICTURE_ROLE, self._pictures.get(image))
            words = f"{name}\n{cluster.title}"
            if similarity is not None:
                words += f"\nSimilarity {similarity:.2f}"
            item.setToolTip(words)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, words.replace("\n", ", "))
            self.addItem(item)
        self._arrange()

    def set_picture(self, image: int, picture: QImage | None) -> None:
        """Show a neighbour's picture."""
        if picture is None:
            return
        self._pictures[image] = QPixmap.fromImage(picture)
        for row in range(self.count()):
            if self.item(row).data(_IMAGE_ROLE) == image:
                self.item(row).setData(_PICTURE_ROLE, self._pictures[image])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Four pictures a line, whatever the width."""
        super().resizeEvent(event)
        self._arrange()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter chooses, Space opens; the rest is Qt's."""
        has_item, key = self.currentRow() >= 0, event.key()
        if has_item and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_item_chosen(self.currentItem())
        elif has_item and key == Qt.Key.Key_Space:
            self.opened.emit(int(self.currentItem().data(_IMAGE_ROLE)))
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The first click has chosen already; the second would choose what came in its place."""
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        """Let the wheel scroll the panel, not the strip."""
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return False
        return super().viewportEvent(event)

    def _arrange(self) -> None:
        side = max(32, (self.viewport().width() - 1) // _COLUMNS)
        self.setGridSize(QSize(side, side))
        for row in range(self.count()):
            self.item(row).setSizeHint(QSize(side, side))
        self.setFixedHeight(side * -(-self.count() // _COLUMNS) + 2 if self.count() else GRID)

    @Slot(QListWidgetItem)
    def _on_item_chosen(self, item: QListWidgetItem) -> None:
        self.chosen.emit(int(item.data(_IMAGE_ROLE)))
