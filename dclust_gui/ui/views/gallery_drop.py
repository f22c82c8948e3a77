"""Takes images that are dragged within the window onto a section of the grouped gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt, QTimer, Slot

from dclust_gui.ui.models.mime import IMAGE_IDS_MIME, decode_ids
from dclust_gui.ui.views.gallery_mouse import edge_speed

if TYPE_CHECKING:
    from PySide6.QtGui import QDragMoveEvent, QDropEvent

    from dclust_gui.ui.views.gallery_view import GalleryView

_SCROLL_INTERVAL_MS = 16


class GalleryDrop(QObject):
    """Marks the section under a drag, scrolls at the edges, asks for the move after the drop.

    Args:
        view: The gallery.
    """

    def __init__(self, view: GalleryView) -> None:
        super().__init__(view)
        self._view = view
        self._mouse_at = QPoint()
        self._dropped: tuple[tuple[int, ...], int] | None = None
        self._scrolling = QTimer(self)
        self._scrolling.setInterval(_SCROLL_INTERVAL_MS)
        self._scrolling.timeout.connect(self._on_scrolling_timeout)
        self._delivery = QTimer(self)
        self._delivery.setSingleShot(True)
        self._delivery.setInterval(0)
        self._delivery.timeout.connect(self._on_delivery_timeout)

    def enter(self, event: QDropEvent) -> None:
        """Let the window's own images in, so that the edges scroll; all else goes to the window."""
        if event.mimeData().hasFormat(IMAGE_IDS_MIME):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def move(self, event: QDragMoveEvent) -> None:
        """Mark the section under the mouse; there is no target in a gallery without sections."""
        if not event.mimeData().hasFormat(IMAGE_IDS_MIME):
            event.ignore()
            return
        self._mouse_at = event.position().toPoint()
        if edge_speed(self._mouse_at.y(), self._view.viewport().height()):
            self._scrolling.start()
        section = self._section_at(self._mouse_at)
        self._view.set_hot_section(section)
        if section >= 0:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def leave(self) -> None:
        """Forget the drag."""
        self._scrolling.stop()
        self._view.set_hot_section(-1)

    def drop(self, event: QDropEvent) -> None:
        """Take the ids; the wish is emitted after the drop has returned."""
        section = self._section_at(event.position().toPoint())
        self.leave()
        ids = decode_ids(bytes(event.mimeData().data(IMAGE_IDS_MIME).data()))
        cluster = self._view.gallery.sections[section].cluster if section >= 0 else None
        if cluster is None or not ids:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._dropped = ids, cluster
        self._delivery.start()

    def _section_at(self, point: QPoint) -> int:
        view = self._view
        section = view.section_at(point)
        is_target = section >= 0 and view.gallery.sections[section].cluster is not None
        return section if is_target else -1

    @Slot()
    def _on_scrolling_timeout(self) -> None:
        speed = edge_speed(self._mouse_at.y(), self._view.viewport().height())
        if not speed:
            self._scrolling.stop()
            return
        bar = self._view.verticalScrollBar()
        bar.setValue(bar.value() + speed)
        self._view.set_hot_section(self._section_at(self._mouse_at))

    @Slot()
    def _on_delivery_timeout(self) -> None:
        dropped, self._dropped = self._dropped, None
        if dropped is not None:
            self._view.move_requested.emit(*dropped)
