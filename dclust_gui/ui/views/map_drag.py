"""Drags images out of the map, and takes images dropped on a cluster's images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtGui import QDrag

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.models.map_geometry import nearest_point
from dclust_gui.ui.models.mime import IMAGE_IDS_MIME, decode_ids
from dclust_gui.ui.views.gallery_drag import carry, mime_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QDragMoveEvent, QDropEvent

    from dclust_gui.ui.views.map_view import MapView

_TARGET_PX = 28.0
"""How near to an image a drop must be to go to its cluster."""


def run_map_drag(view: MapView, ids: Sequence[int], row: int) -> None:
    """Drag images until they are dropped or Esc is pressed; other applications only get copies.

    Args:
        view: The map.
        ids: Images to drag.
        row: The one under the mouse; -1 for none.
    """
    if not ids:
        return
    drag = QDrag(view)
    drag.setMimeData(mime_of(view.model, ids))
    carry(drag, view, view.pictures.picture(_shown_first(view, ids, row)), len(ids))
    view.set_target(-1)


def _shown_first(view: MapView, ids: Sequence[int], row: int) -> int:
    """The dragged image to show: the one under the mouse, else one whose picture is on the map."""
    if row >= 0 and view.pictures.picture(int(view.model.images[row])) is not None:
        return int(view.model.images[row])
    dragged = frozenset(ids)
    return next((c.image for c in view.painter.cards if c.image in dragged), ids[0])


class MapDrop(QObject):
    """Marks the image whose cluster a drop would go to; says the wish after the drop.

    Args:
        view: The map.
    """

    def __init__(self, view: MapView) -> None:
        super().__init__(view)
        self._view = view
        self._dropped: tuple[tuple[int, ...], int] | None = None
        self._delivery = QTimer(self)
        self._delivery.setSingleShot(True)
        self._delivery.setInterval(0)
        self._delivery.timeout.connect(self._on_delivery_timeout)

    def enter(self, event: QDropEvent) -> None:
        """Let the window's own images in; all else goes to the window."""
        if event.mimeData().hasFormat(IMAGE_IDS_MIME):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def move(self, event: QDragMoveEvent) -> None:
        """Mark the image whose cluster would take them."""
        row, ids = self._target(event)
        if row < 0:
            self._view.set_target(-1)
            event.ignore()
            return
        title = self._view.model.title_of(self._view.model.cluster_at(row))
        self._view.attention.pointer = event.position()
        self._view.set_target(row, f"Move {count_of(len(ids))} to '{title}'")
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def drop(self, event: QDropEvent) -> None:
        """Take the ids; the wish is emitted after the drop has returned."""
        row, ids = self._target(event)
        self._view.set_target(-1)
        if row < 0:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._dropped = ids, self._view.model.cluster_at(row)
        self._delivery.start()

    def _target(self, event: QDropEvent) -> tuple[int, tuple[int, ...]]:
        """The nearest image that is not dragged itself, -1 for none, and the ids dragged."""
        view, model = self._view, self._view.model
        ids = decode_ids(bytes(event.mimeData().data(IMAGE_IDS_MIME).data()))
        if not ids:
            return -1, ()
        dragged = np.zeros(len(model.images), np.bool_)
        dragged[model.rows_of(ids)] = True
        point = event.position()
        card = view.painter.card_at(point.x(), point.y())
        if card is not None and not dragged[card.row]:
            row = card.row
        else:
            rows, points = view.painter.rows, view.painter.points
            may = ~dragged[rows] & ~model.is_dim[rows]
            found = nearest_point(points[may], point.x(), point.y(), _TARGET_PX)
            row = int(rows[may][found]) if found >= 0 else -1
        if row >= 0 and (model.labels[dragged] == model.cluster_at(row)).all() and dragged.any():
            return -1, ids
        return row, ids

    @Slot()
    def _on_delivery_timeout(self) -> None:
        dropped, self._dropped = self._dropped, None
        if dropped is not None:
            self._view.move_requested.emit(*dropped)
