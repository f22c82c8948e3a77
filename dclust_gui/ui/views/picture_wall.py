"""A wall of small square pictures, each with a line of text; keys and clicks choose one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from dclust_gui.ui.models.dendrogram_pictures import request_side
from dclust_gui.ui.views.cluster_delegate import middle_square
from dclust_gui.ui.views.theme import GRID, colours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QPixmap, QResizeEvent
    from PySide6.QtWidgets import QWidget

    from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures

PICTURE_SIDE = 62
_ROOT = QModelIndex()


class WallModel(QAbstractListModel):
    """Images with a short text and a longer one, in order.

    Args:
        parent: Owner.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._images: tuple[int, ...] = ()
        self._texts: tuple[str, ...] = ()
        self._tips: tuple[str, ...] = ()
        self._pictures: DendrogramPictures | None = None

    @property
    def images(self) -> tuple[int, ...]:
        """Ids from first to last."""
        return self._images

    def set_pictures(self, pictures: DendrogramPictures) -> None:
        """Where pictures come from."""
        self._pictures = pictures

    def set_images(self, images: Sequence[int], texts: Sequence[str], tips: Sequence[str]) -> None:
        """Show other images.

        Args:
            images: Ids.
            texts: What stands below each.
            tips: What is told of each.
        """
        if (tuple(images), tuple(texts)) == (self._images, self._texts):
            return
        self.beginResetModel()
        self._images, self._texts, self._tips = tuple(images), tuple(texts), tuple(tips)
        self.endResetModel()

    @Slot()
    def refresh(self) -> None:
        """More pictures are there."""
        if self._images:
            self.dataChanged.emit(self.index(0), self.index(len(self._images) - 1))

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _ROOT) -> int:
        """Number of images; 0 under a valid parent."""
        return 0 if parent.isValid() else len(self._images)

    def data(
        self,
        index: QModelIndex | QPersistentModelIndex,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """The text, the picture, the tip, the id."""
        if not index.isValid() or index.row() >= len(self._images):
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._texts[index.row()]
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return self._tips[index.row()]
            case Qt.ItemDataRole.UserRole:
                return self._images[index.row()]
            case Qt.ItemDataRole.DecorationRole if self._pictures is not None:
                return self._pictures.picture(self._images[index.row()])
        return None


class _Delegate(QStyledItemDelegate):
    """Paints a square picture and the text below it."""

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """A picture and a line."""
        del index
        height: int = option.fontMetrics.height()
        return QSize(PICTURE_SIDE + GRID // 2, PICTURE_SIDE + height + GRID)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint one image."""
        palette = option.palette
        look = colours(palette)
        rect: QRect = option.rect
        cell = QRect(rect.left() + GRID // 4, rect.top() + GRID // 4, PICTURE_SIDE, PICTURE_SIDE)
        picture: QPixmap | None = index.data(Qt.ItemDataRole.DecorationRole)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if picture is not None and not picture.isNull():
            painter.drawPixmap(cell, picture, middle_square(picture))
        else:
            painter.fillRect(cell, QColor(look.border))
        state: QStyle.StateFlag = option.state
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_HasFocus):
            painter.setPen(QPen(QColor(look.accent), 2))
            painter.drawRect(cell.adjusted(1, 1, -1, -1))
        line = QRect(cell.left(), cell.bottom() + 1, cell.width(), rect.bottom() - cell.bottom())
        painter.setPen(QColor(look.faint))
        text = str(index.data(Qt.ItemDataRole.DisplayRole))
        metrics = option.fontMetrics
        elided = metrics.elidedText(text, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, int(Qt.AlignmentFlag.AlignCenter), elided)
        painter.restore()


class PictureWall(QListView):
    """Shows a `WallModel`.

    Signals:
        image_chosen: id of an image that was clicked, or chosen with Enter.
        pictures_wanted: ids in sight (a tuple), and the side in device pixels.
    """

    image_chosen = Signal(int)
    pictures_wanted = Signal(object, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.wall = WallModel(self)
        self.setModel(self.wall)
        self.setItemDelegate(_Delegate(self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName("Images outside, the farthest first")
        self.clicked.connect(self._on_clicked)
        self.activated.connect(self._on_clicked)
        self.verticalScrollBar().valueChanged.connect(self._want)
        self.wall.modelReset.connect(self._want)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other images may be in sight."""
        super().resizeEvent(event)
        self._want()

    @Slot()
    def _want(self) -> None:
        images = self.wall.images
        if not images or not self.isVisible():
            return
        hint = self.sizeHintForIndex(self.wall.index(0))
        columns = max(1, self.viewport().width() // max(1, hint.width()))
        first = columns * (self.verticalScrollBar().value() // max(1, hint.height()))
        rows = 2 + self.viewport().height() // max(1, hint.height())
        side = request_side(PICTURE_SIDE, self.devicePixelRatioF())
        self.pictures_wanted.emit(images[first : first + columns * rows], side)

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        self.image_chosen.emit(int(index.data(Qt.ItemDataRole.UserRole)))
