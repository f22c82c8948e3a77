"""What the mouse does in the gallery: click, Ctrl, Shift, rubber band, drag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QRect, Qt, QTimer, Slot
from PySide6.QtGui import QMouseEvent, QPainter
from PySide6.QtWidgets import QApplication

from dclust_gui.ui.views.gallery_drag import run_drag

if TYPE_CHECKING:
    from dclust_gui.ui.views.gallery_view import GalleryView

EDGE_PX = 28
"""Distance from the upper and lower edge within which the gallery scrolls by itself."""

_SCROLL_INTERVAL_MS = 16
_MAX_SCROLL_PX = 40


def edge_speed(y: int, height: int) -> int:
    """Pixels to scroll per turn with the mouse at a height; 0 away from the edges."""
    if y < EDGE_PX:
        return -min(_MAX_SCROLL_PX, 4 + (EDGE_PX - y))
    if y > height - EDGE_PX:
        return min(_MAX_SCROLL_PX, 4 + (y - height + EDGE_PX))
    return 0


class GalleryMouse(QObject):
    """Turns presses, moves and releases into wishes of the gallery.

    Args:
        view: The gallery.
    """

    def __init__(self, view: GalleryView) -> None:
        super().__init__(view)
        self._view = view
        self._pressed_at: QPoint | None = None
        self._pressed_image: int | None = None
        self._on_release: frozenset[int] | None = None
        self._opens: int | None = None
        self._band: tuple[QPoint, QPoint] | None = None
        self._band_base: frozenset[int] = frozenset()
        self._before_band = view.selection
        self._mouse_at = QPoint()
        self._scrolling = QTimer(self)
        self._scrolling.setInterval(_SCROLL_INTERVAL_MS)
        self._scrolling.timeout.connect(self._on_scrolling_timeout)

    @property
    def is_banding(self) -> bool:
        """Whether a rubber band is being drawn."""
        return self._band is not None

    def press(self, event: QMouseEvent) -> None:
        """Select by a press of the left button, as the modifiers say."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        view = self._view
        point = event.position().toPoint()
        row = view.row_at(point)
        has_ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        has_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._on_release = None
        if row >= 0:
            self._pressed_at, self._pressed_image = point, view.gallery.id_at(row)
            # A stack is taken as one, unless Alt asks for a single image of it.
            image = view.gallery.id_at(row)
            is_alone = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
            own = frozenset([image]) if is_alone else view.gallery.stack_of(image)
            self._press_image(row, own, has_ctrl=has_ctrl, has_shift=has_shift)
            return
        section = view.header_at(point)
        if section >= 0:
            self._press_header(section, has_ctrl=has_ctrl)
        else:
            self._begin_band(point, adds=has_ctrl or has_shift)

    def move(self, event: QMouseEvent) -> None:
        """Draw the rubber band, or start a drag once the mouse has gone far enough."""
        point = event.position().toPoint()
        if self._band is not None:
            self._mouse_at = point
            self._stretch_band()
            if edge_speed(point.y(), self._view.viewport().height()):
                self._scrolling.start()
            return
        if self._pressed_at is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        if (point - self._pressed_at).manhattanLength() >= QApplication.startDragDistance():
            self._drag()

    def release(self, event: QMouseEvent) -> None:
        """End the gesture."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        wanted, image, opens = self._on_release, self._pressed_image, self._opens
        self.forget()
        if opens is not None:
            self._view.preview_requested.emit(opens)
        if wanted is not None:
            self._view.request(wanted, image)

    def double_click(self, event: QMouseEvent) -> None:
        """Ask for the preview once the button is up; with modifiers, a second click."""
        row = self._view.row_at(event.position().toPoint())
        is_plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if event.button() == Qt.MouseButton.LeftButton and row >= 0 and is_plain:
            self.forget()
            self._pressed_at = event.position().toPoint()
            self._pressed_image = self._opens = self._view.gallery.id_at(row)
        else:
            self.press(event)

    def cancel(self) -> bool:
        """Give up a rubber band and take back what it selected; False if there is none."""
        if self._band is None:
            return False
        before = self._before_band
        self.forget()
        self._view.request(before.images, before.current)
        return True

    def forget(self) -> None:
        """End every gesture as it stands."""
        if self._band is not None:
            self._view.viewport().update()
        self._band = None
        self._pressed_at = self._pressed_image = self._on_release = self._opens = None
        self._scrolling.stop()

    def forget_rows(self) -> None:
        """The rows lie elsewhere now: a rubber band means nothing any more."""
        if self._band is not None:
            self.forget()

    def paint_band(self, painter: QPainter, offset: int) -> None:
        """Paint the rubber band over the cells."""
        if self._band is None:
            return
        rect = self._band_rect().translated(0, -offset)
        colour = self._view.palette().highlight().color()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        painter.setPen(colour)
        colour.setAlpha(48)
        painter.setBrush(colour)
        painter.drawRect(rect.adjusted(0, 0, -1, -1))

    # -- inside ----------------------------------------------------------------------------

    def _press_image(
        self, row: int, own: frozenset[int], *, has_ctrl: bool, has_shift: bool
    ) -> None:
        """Select an image.

        Args:
            row: Its row.
            own: The image with those that are taken along.
            has_ctrl: Add it or take it away.
            has_shift: Select up to it.
        """
        view = self._view
        image = view.gallery.id_at(row)
        chosen = view.selection.images
        if has_shift:
            reach = view.keys.range_to(row)
            view.request(chosen | reach if has_ctrl else reach, image)
            return
        view.keys.set_anchor(image)
        if has_ctrl and image in chosen:
            self._on_release = chosen - own
        elif has_ctrl:
            view.request(chosen | own, image)
        elif image in chosen:
            self._on_release = own
            view.request(chosen, image)
        else:
            view.request(own, image)

    def _press_header(self, section: int, *, has_ctrl: bool) -> None:
        view = self._view
        entry = view.gallery.sections[section]
        ids = frozenset(view.gallery.ids[entry.start : entry.start + entry.count].tolist())
        view.request(ids | view.selection.images if has_ctrl else ids, view.selection.current)

    def _begin_band(self, point: QPoint, *, adds: bool) -> None:
        view = self._view
        start = view.to_content(point)
        self._before_band = view.selection
        self._band = start, start
        self._mouse_at = point
        self._band_base = view.selection.images if adds else frozenset()
        if not adds and view.selection.images:
            view.select_none()

    def _stretch_band(self) -> None:
        if self._band is None:
            return
        view, before = self._view, self._band_rect()
        self._band = self._band[0], view.to_content(self._mouse_at)
        rect = self._band_rect()
        dirty = before.united(rect).translated(0, -view.verticalOffset())
        view.viewport().update(dirty.adjusted(-2, -2, 2, 2))
        rows = view.geometry_of_cells.rows_in(rect)
        chosen = self._band_base | frozenset(view.gallery.ids[rows].tolist())
        if chosen != view.selection.images:
            view.request(chosen, view.selection.current)

    def _band_rect(self) -> QRect:
        if self._band is None:
            return QRect()
        start, end = self._band
        top_left = QPoint(min(start.x(), end.x()), min(start.y(), end.y()))
        bottom_right = QPoint(max(start.x(), end.x()), max(start.y(), end.y()))
        return QRect(top_left, bottom_right)

    def _drag(self) -> None:
        view, image = self._view, self._pressed_image
        self.forget()
        if image is None:
            return
        ids = view.selected_shown() if image in view.selection.images else (image,)
        run_drag(view, ids, image)

    @Slot()
    def _on_scrolling_timeout(self) -> None:
        view = self._view
        speed = edge_speed(self._mouse_at.y(), view.viewport().height())
        if self._band is None or not speed:
            self._scrolling.stop()
            return
        bar = view.verticalScrollBar()
        bar.setValue(bar.value() + speed)
        self._stretch_band()
