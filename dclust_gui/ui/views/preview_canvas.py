"""Shows one picture: fitted, or at 100 % and beyond, moved with the mouse."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

MAX_ZOOM = 8.0
_STEP = 1.25
_TEXT = QColor(200, 200, 200)


class PreviewCanvas(QWidget):
    """Paints a picture on a dark ground; the picture's pixels are device pixels at 100 %.

    Signals:
        every_pixel_requested: Zoomed so far that a larger picture is needed.
        clicked_outside: A click beside the picture.
        zoom_changed: The zoom, or what it is measured by, is another.
        drag_requested: The fitted picture is being pulled away.
    """

    every_pixel_requested = Signal()
    clicked_outside = Signal()
    zoom_changed = Signal()
    drag_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pixmap = QPixmap()
        self._message = ""
        self._full_width = 0
        self._is_whole = False
        self._zoom = 0.0
        self._middle = QPointF(0.5, 0.5)
        self._held_at: QPointF | None = None
        self._has_moved = False
        self.setMouseTracking(True)

    @property
    def is_fitted(self) -> bool:
        """Whether the whole picture is in sight."""
        return self._zoom == 0

    @property
    def zoom(self) -> float:
        """Device pixels per pixel of the file."""
        return self._zoom or self._fit_zoom()

    @property
    def has_every_pixel(self) -> bool:
        """Whether the picture at hand is as large as the file's."""
        return self._is_whole

    def set_picture(
        self, picture: QImage | QPixmap, full_width: int, *, is_whole: bool = False
    ) -> None:
        """Show a picture; zoom and place are kept.

        Args:
            picture: Upright.
            full_width: Width of the file's picture in pixels, at least the picture's own.
            is_whole: It has every pixel of the file's.
        """
        self._pixmap = QPixmap.fromImage(picture) if isinstance(picture, QImage) else picture
        self._full_width = max(full_width, self._pixmap.width())
        self._is_whole = is_whole
        self._message = ""
        self._clamp()
        self.update()
        self.zoom_changed.emit()

    def set_message(self, text: str) -> None:
        """Show words in place of a picture."""
        self._pixmap = QPixmap()
        self._message = text
        self.update()

    def fit(self) -> None:
        """Show the whole picture."""
        self._zoom = 0.0
        self._middle = QPointF(0.5, 0.5)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.update()
        self.zoom_changed.emit()

    def set_zoom(self, zoom: float, at: QPointF | None = None) -> None:
        """Show so many device pixels per pixel of the file.

        Args:
            zoom: Below the fitted size it fits.
            at: Point of the widget that stays where it is; None for the middle.
        """
        if self._pixmap.isNull():
            return
        fixed = QPointF(self.rect().center()) if at is None else at
        before = self.picture_rect()
        share = QPointF(
            (fixed.x() - before.x()) / before.width(), (fixed.y() - before.y()) / before.height()
        )
        if zoom <= self._fit_zoom():
            self.fit()
            return
        self._zoom = min(MAX_ZOOM, zoom)
        size = self._size_at(self._zoom)
        centre = QRectF(self.rect()).center()
        self._middle = QPointF(
            share.x() - (fixed.x() - centre.x()) / size.width(),
            share.y() - (fixed.y() - centre.y()) / size.height(),
        )
        self._clamp()
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.update()
        self.zoom_changed.emit()
        if not self.has_every_pixel:
            self.every_pixel_requested.emit()

    def toggle_zoom(self, at: QPointF | None = None) -> None:
        """Change between the whole picture and 100 %."""
        if self.is_fitted:
            self.set_zoom(max(1.0, self._fit_zoom() * 1.01), at)
        else:
            self.fit()

    def zoom_by(self, steps: float, at: QPointF | None = None) -> None:
        """Zoom in or out by steps."""
        self.set_zoom(self.zoom * _STEP**steps, at)

    def picture_rect(self) -> QRectF:
        """Where the picture lies in the widget."""
        size = self._size_at(self.zoom)
        rect = QRectF(QPointF(), size)
        rect.moveCenter(QRectF(self.rect()).center())
        return rect.translated(
            (0.5 - self._middle.x()) * size.width(), (0.5 - self._middle.y()) * size.height()
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the picture, or the message."""
        painter = QPainter(self)
        if self._pixmap.isNull():
            painter.setPen(_TEXT)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._message)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, on=self.zoom < 2)
        painter.drawPixmap(self.picture_rect(), self._pixmap, QRectF(self._pixmap.rect()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the picture."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._held_at = event.position()
            self._has_moved = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move a zoomed picture; one that is wholly in sight can be pulled out of the window."""
        if self._held_at is None:
            return
        step = event.position() - self._held_at
        if self.is_fitted and self._is_pulled(step):
            self._held_at = None
            self.drag_requested.emit()
            return
        if not self._has_moved and step.manhattanLength() < 4:
            return
        self._has_moved = True
        if self.is_fitted:
            return
        size = self._size_at(self._zoom)
        self._middle -= QPointF(step.x() / size.width(), step.y() / size.height())
        self._held_at = event.position()
        self._clamp()
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self.update()

    def _is_pulled(self, step: QPointF) -> bool:
        """Whether the picture, and not the ground beside it, was pulled far enough."""
        is_held = self._held_at is not None and self.picture_rect().contains(self._held_at)
        is_far = step.manhattanLength() >= QApplication.startDragDistance()
        return is_held and is_far and not self._pixmap.isNull()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click on the picture changes the zoom; beside it, it closes."""
        if event.button() != Qt.MouseButton.LeftButton or self._held_at is None:
            return
        self._held_at = None
        if not self.is_fitted:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        if self._has_moved:
            return
        if self.picture_rect().contains(event.position()) and not self._pixmap.isNull():
            self.toggle_zoom(event.position())
        else:
            self.clicked_outside.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the mouse."""
        self.zoom_by(event.angleDelta().y() / 120, event.position())
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the picture in sight."""
        super().resizeEvent(event)
        self._clamp()
        self.zoom_changed.emit()

    def _fit_zoom(self) -> float:
        """Zoom that shows the whole picture; never above 100 % but for small pictures' sake."""
        if self._pixmap.isNull() or not self._full_width:
            return 1.0
        ratio = self.devicePixelRatioF()
        full_height = self._full_width * self._pixmap.height() / self._pixmap.width()
        fit = min(self.width() * ratio / self._full_width, self.height() * ratio / full_height)
        return max(0.001, min(fit, 4.0))

    def _size_at(self, zoom: float) -> QSizeF:
        if self._pixmap.isNull():
            return QSizeF(1, 1)
        width = max(1.0, self._full_width * zoom / self.devicePixelRatioF())
        return QSizeF(width, width * self._pixmap.height() / self._pixmap.width())

    def _clamp(self) -> None:
        """Let no edge of the picture come further in than the widget's."""
        if self.is_fitted:
            return
        size = self._size_at(self._zoom)
        reach_x = max(0.0, 0.5 - self.width() / 2 / size.width())
        reach_y = max(0.0, 0.5 - self.height() / 2 / size.height())
        self._middle = QPointF(
            min(0.5 + reach_x, max(0.5 - reach_x, self._middle.x())),
            min(0.5 + reach_y, max(0.5 - reach_y, self._middle.y())),
        )
