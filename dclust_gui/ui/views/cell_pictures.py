"""Pictures in lines, for a closer look at some images; only those in sight are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures, request_side
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.views.comparison_strips import middle_of
from dclust_gui.ui.views.message_bar import announce
from dclust_gui.ui.views.theme import GRID, colours

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent

    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader

SIDE = GRID * 10
_STEP = SIDE + 4


class CellPictures(QAbstractScrollArea):
    """Shows images by id.

    Args:
        loader: Brings thumbnails, for this view alone.
        parent: Owner.

    Signals:
        preview_requested: id of an image to show large.
    """

    preview_requested = Signal(int)

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images: NDArray[np.int32] | None = None
        self._files = ImageFiles()
        self._current = 0
        self._pictures = DendrogramPictures(loader, self, self)
        self._pictures.arrived.connect(self.viewport().update)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Images of the chosen cell")

    def path_of(self, image: int) -> Path:
        """An image's file."""
        return self._files.path_of(image)

    def content_of(self, image: int) -> bytes:
        """An image's content hash."""
        return self._files.content_of(image)

    def set_images(self, images: NDArray[np.int32] | None, files: ImageFiles) -> None:
        """Show other images, or none."""
        if files.images is not self._files.images:
            self._pictures.clear()
        self._images, self._files, self._current = images, files, 0
        self.verticalScrollBar().setValue(0)
        self._settle_bar()
        self.viewport().update()

    @property
    def n_images(self) -> int:
        """Number of images."""
        return 0 if self._images is None else len(self._images)

    def cell_rect(self, place: int) -> QRect:
        """Where an image is in the viewport."""
        line, column = divmod(place, self._n_fit())
        top = line * _STEP - self.verticalScrollBar().value() + 2
        return QRect(column * _STEP + 2, top, SIDE, SIDE)

    def _n_fit(self) -> int:
        return max(1, self.viewport().width() // _STEP)

    def _settle_bar(self) -> None:
        bar, height = self.verticalScrollBar(), self.viewport().height()
        n_lines = -(-self.n_images // self._n_fit())
        bar.setRange(0, max(0, n_lines * _STEP + 2 - height))
        bar.setPageStep(max(1, height))
        bar.setSingleStep(_STEP // 2)

    def _in_sight(self) -> range:
        top, fit = self.verticalScrollBar().value(), self._n_fit()
        last = ((top + self.viewport().height()) // _STEP + 1) * fit
        return range(min(self.n_images, top // _STEP * fit), min(self.n_images, last))

    def _place_at(self, point: QPoint) -> int:
        return next((p for p in self._in_sight() if self.cell_rect(p).contains(point)), -1)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint what is in sight, and ask for its pictures."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        look = colours(self.palette())
        seen = self._in_sight()
        wanted = [] if self._images is None else self._images[seen.start : seen.stop].tolist()
        for place, image in zip(seen, wanted, strict=True):
            box = QRectF(self.cell_rect(place))
            shape = QPainterPath()
            shape.addRoundedRect(box, 3, 3)
            painter.fillPath(shape, QColor(look.border))
            picture = self._pictures.picture(image)
            if picture is not None:
                painter.save()
                painter.setClipPath(shape)
                painter.drawPixmap(box, picture, middle_of(picture))
                painter.restore()
            if place == self._current and self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(look.accent), 2))
                painter.drawRoundedRect(box.adjusted(-1, -1, 1, 1), 4, 4)
        painter.end()
        self._pictures.want(wanted, request_side(SIDE * 1.5, self.devicePixelRatioF()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Show an image large."""
        place = self._place_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and place >= 0:
            self._current = place
            self.viewport().update()
            self._open()

    def _open(self) -> None:
        if self._images is not None and self._current < len(self._images):
            self.preview_requested.emit(int(self._images[self._current]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk by arrows; Enter and Space show large."""
        key, fit = Qt.Key(event.key()), self._n_fit()
        step = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -fit,
            Qt.Key.Key_Down: fit,
        }.get(key)
        if self._images is None or not len(self._images):
            super().keyPressEvent(event)
        elif step is not None:
            self._current = max(0, min(self.n_images - 1, self._current + step))
            rect, bar = self.cell_rect(self._current), self.verticalScrollBar()
            if rect.top() < 0 or rect.bottom() > self.viewport().height():
                bar.setValue(bar.value() + rect.top() - 2)
            announce(self, self._files.name_of(int(self._images[self._current])))
            self.viewport().update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._open()
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """All was done when the button went down."""
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        """Tell an image's name under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            place = self._place_at(event.pos())
            known = self._images is not None and place >= 0
            name = self._files.name_of(int(self._images[place])) if known else ""  # type: ignore[index]
            QToolTip.showText(event.globalPos(), name, self.viewport())
            return True
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More or fewer images fit."""
        super().resizeEvent(event)
        self._settle_bar()

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """Paint anew."""
        self.viewport().update()
