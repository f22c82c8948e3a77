"""Drags branches out of the dendrogram, and takes images and branches dropped on others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QMimeData, QObject, QPoint, Qt, QTimer, Slot
from PySide6.QtGui import QDrag

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.tree_layout import NO_NODE
from dclust_gui.ui.models.mime import IMAGE_IDS_MIME, decode_ids, encode_ids
from dclust_gui.ui.views.gallery_drag import drag_pixmap

if TYPE_CHECKING:
    from PySide6.QtGui import QDragMoveEvent, QDropEvent

    from dclust_gui.ui.views.dendrogram_view import DendrogramView

_HOT_SPOT = QPoint(48, 61)


def run_branch_drag(view: DendrogramView, node: int) -> None:
    """Drag a branch until it is dropped or Esc is pressed.

    Args:
        view: The dendrogram.
        node: The branch.
    """
    model = view.model
    ids = view.branches.images_of(node)
    drag = QDrag(view)
    data = QMimeData()
    data.setData(IMAGE_IDS_MIME, QByteArray(encode_ids(ids)))
    drag.setMimeData(data)
    start, stop = int(model.layout.start[node]), int(model.layout.stop[node])
    first = model.image_at(model.exemplars.of(start, stop, 1)[0])
    accent = view.palette().highlight().color()
    thumbnail = view.pictures.picture(first)
    drag.setPixmap(drag_pixmap(thumbnail, len(ids), view.devicePixelRatioF(), accent))
    drag.setHotSpot(_HOT_SPOT)
    view.drops.begin(node)
    drag.exec(Qt.DropAction.CopyAction)
    view.drops.end()


class DendrogramDrop(QObject):
    """Marks the cluster under a drag and says the wish after the drop has returned.

    Args:
        view: The dendrogram.
    """

    def __init__(self, view: DendrogramView) -> None:
        super().__init__(view)
        self._view = view
        self._dragged = NO_NODE
        self._dropped: tuple[tuple[int, ...], int, int] | None = None
        self._said: tuple[int, int] = (NO_NODE, 0)
        self._delivery = QTimer(self)
        self._delivery.setSingleShot(True)
        self._delivery.setInterval(0)
        self._delivery.timeout.connect(self._on_delivery_timeout)

    def begin(self, node: int) -> None:
        """A branch of this view is being dragged."""
        self._dragged = node

    def end(self) -> None:
        """The drag is over, wherever it ended."""
        self._dragged = NO_NODE
        self.leave()

    def leave(self) -> None:
        """The drag is elsewhere."""
        self._said = (NO_NODE, 0)
        self._view.set_target(NO_NODE)

    def accepts(self, event: QDropEvent) -> bool:
        """Whether the drag holds the window's own images."""
        return event.mimeData().hasFormat(IMAGE_IDS_MIME)

    def move(self, event: QDragMoveEvent) -> None:
        """Mark the branch that would take the images."""
        target = self._target(event)
        self._view.set_target(target)
        self._say(target, event)
        if target == NO_NODE:
            event.ignore()
        else:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def drop(self, event: QDropEvent) -> None:
        """Take the images; the wish is said a moment later."""
        target = self._target(event)
        self._view.set_target(NO_NODE)
        ids = decode_ids(bytes(event.mimeData().data(IMAGE_IDS_MIME).data()))
        if target == NO_NODE or not ids:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._dropped = (ids, self._cluster_of(target), self._dragged)
        self._delivery.start()

    def _cluster_of(self, target: int) -> int:
        model = self._view.model
        return int(model.cut_clusters[model.cut.index_of(float(model.layout.start[target]))])

    def _say(self, target: int, event: QDragMoveEvent) -> None:
        """Tell what a drop would do, once for each target."""
        n_bytes = event.mimeData().data(IMAGE_IDS_MIME).size()
        if target == NO_NODE or (target, n_bytes) == self._said:
            return
        self._said = (target, n_bytes)
        model, cluster = self._view.model, self._cluster_of(target)
        title = model.title_of(cluster)
        node = self._dragged
        sources = () if node == NO_NODE else self._view.branches.whole_clusters(node)
        merged = [s for s in sources if s != cluster]
        if merged and cluster != UNASSIGNED:
            what = count_of(len(merged), "cluster")
            if len(merged) == 1:
                what = f"'{model.title_of(merged[0])}'"
            self._view.said.emit(f"Merge {what} into '{title}'")
            return
        ids = decode_ids(bytes(event.mimeData().data(IMAGE_IDS_MIME).data()))
        self._view.said.emit(f"Move {count_of(len(ids))} to '{title}'")

    def _target(self, event: QDropEvent) -> int:
        """The branch of the cut below the pointer; `NO_NODE` where nothing can be dropped."""
        view, model = self._view, self._view.model
        if model.tree is None or not event.mimeData().hasFormat(IMAGE_IDS_MIME):
            return NO_NODE
        node = view.places.node_at(event.position())
        if node == NO_NODE:
            return NO_NODE
        holder = model.cut.holder(node)
        if holder == NO_NODE:
            return NO_NODE
        own = self._dragged
        if own != NO_NODE and (
            model.layout.contains(own, holder) or model.layout.contains(holder, own)
        ):
            return NO_NODE
        return holder

    @Slot()
    def _on_delivery_timeout(self) -> None:
        dropped, self._dropped = self._dropped, None
        if dropped is None or self._view.model.tree is None:
            return
        ids, cluster, node = dropped
        sources = () if node == NO_NODE else self._view.branches.whole_clusters(node)
        if sources and cluster != UNASSIGNED:
            self._view.merge_requested.emit(tuple(s for s in sources if s != cluster), cluster)
        else:
            self._view.move_requested.emit(ids, cluster)
