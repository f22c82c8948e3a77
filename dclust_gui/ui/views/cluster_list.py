"""The list of clusters: images are dropped onto it, clusters dragged onto each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QApplication,
    QListView,
    QWidget,
)

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.models.cluster_model import ClusterModel, Role
from dclust_gui.ui.models.mime import IMAGE_IDS_MIME, decode_ids, encode_ids
from dclust_gui.ui.views.cluster_delegate import ClusterDelegate
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from collections.abc import Iterable

CLUSTER_IDS_MIME = "application/x-dclust-cluster-ids"
"""Format of dragged clusters; the bytes are those of `mime.encode_ids`."""

_SCROLL_MS = 30
_SCROLL_ZONE = 32
_SCROLL_STEP = 16


class ClusterList(QListView):
    """Shows a `ClusterModel`.

    Signals:
        clusters_selected: ids of the selected clusters, from top to bottom (a tuple).
        images_dropped: image ids (a tuple), cluster id.
        clusters_dropped: ids of the dragged clusters (a tuple), id of the one below.
        hint_changed: What a drop would do here, in words; empty when nothing is held.
        shown: A cluster was chosen with Enter; its id.
        keys_given_back: A name that was asked for from elsewhere has been typed, or not.
    """

    clusters_selected = Signal(object)
    images_dropped = Signal(object, int)
    clusters_dropped = Signal(object, int)
    hint_changed = Signal(str)
    keys_given_back = Signal()

    _images_dropped_now = Signal(object, int)
    _clusters_dropped_now = Signal(object, int)

    def __init__(self, model: ClusterModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._delegate = ClusterDelegate(self)
        self._images: tuple[int, ...] = ()
        self._clusters: tuple[int, ...] = ()
        self._target = -1
        self._placeholder = ""
        self._is_asked = False
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self.setAccessibleName("Clusters")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        queued = Qt.ConnectionType.QueuedConnection
        self._images_dropped_now.connect(self.images_dropped, queued)
        self._clusters_dropped_now.connect(self.clusters_dropped, queued)
        self._scroller = QTimer(self)
        self._scroller.setInterval(_SCROLL_MS)
        self._scroller.timeout.connect(self._on_scroller_timeout)
        self._last_place = QPoint()

    def selected_ids(self) -> tuple[int, ...]:
        """Ids of the selected clusters, from top to bottom."""
        rows = sorted(self.selectedIndexes(), key=QModelIndex.row)
        return tuple(int(index.data(Role.ID)) for index in rows)

    def select_id(self, cluster: int) -> None:
        """Select one cluster and bring it into sight."""
        row = self._model.row_of(cluster)
        if row >= 0:
            self.setCurrentIndex(self._model.index(row))
            self.scrollTo(self._model.index(row))

    def select_ids(self, clusters: Iterable[int]) -> None:
        """Select clusters, and bring the first of them into sight."""
        rows = sorted(row for row in map(self._model.row_of, clusters) if row >= 0)
        if not rows:
            return
        chosen = QItemSelection()
        for row in rows:
            chosen.select(self._model.index(row), self._model.index(row))
        flags = QItemSelectionModel.SelectionFlag
        first = self._model.index(rows[0])
        self.selectionModel().setCurrentIndex(first, flags.NoUpdate)
        self.selectionModel().select(chosen, flags.ClearAndSelect)
        self.scrollTo(first)

    def edit_id(self, cluster: int) -> None:
        """Let the user type a cluster's name; then the keys go back to where they were.

        What is selected, and thereby what is shown, stays.
        """
        row = self._model.row_of(cluster)
        index = self._model.index(row)
        if row < 0 or not index.flags() & Qt.ItemFlag.ItemIsEditable:
            return
        focus = QApplication.focusWidget()
        self._is_asked = focus is not self and not (focus and self.isAncestorOf(focus))
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        self.scrollTo(index)
        self.setFocus()
        self.edit(index)

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        """Give the keys back to where they were before a name was asked for."""
        super().closeEditor(editor, hint)
        is_asked, self._is_asked = self._is_asked, False
        if is_asked and self.hasFocus():
            self.keys_given_back.emit()

    def set_placeholder(self, text: str) -> None:
        """What to say when there is no row."""
        self._placeholder = text
        self.viewport().update()

    # -- drag and drop -----------------------------------------------------------------------

    def startDrag(self, _actions: Qt.DropAction) -> None:
        """Drag the selected clusters."""
        ids = self.selected_ids()
        if not ids or not self.currentIndex().flags() & Qt.ItemFlag.ItemIsDragEnabled:
            return
        data = QMimeData()
        data.setData(CLUSTER_IDS_MIME, encode_ids(ids))
        drag = QDrag(self)
        drag.setMimeData(data)
        rect = self.visualRect(self.currentIndex())
        drag.setPixmap(self.viewport().grab(rect))
        drag.setHotSpot(QPoint(GRID * 2, GRID * 2))
        drag.exec(Qt.DropAction.CopyAction)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take up images or clusters of this window."""
        self._target = -1
        data = event.mimeData()
        ids = decode_ids(bytes(data.data(IMAGE_IDS_MIME).data()))
        self._images = self._model.with_stacks(ids)
        self._clusters = decode_ids(bytes(data.data(CLUSTER_IDS_MIME).data()))
        if self._images or self._clusters:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self._scroller.start()
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Mark the cluster below, and say what a drop would do."""
        self._last_place = event.position().toPoint()
        self._aim()
        if self._target >= 0:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """The drag goes elsewhere."""
        self._end_drag()

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell the window, once this handler has returned."""
        self._last_place = event.position().toPoint()
        self._aim()
        target, images, clusters = self._target, self._images, self._clusters
        self._end_drag()
        if target < 0:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if images:
            self._images_dropped_now.emit(images, target)
        elif clusters:
            self._clusters_dropped_now.emit(clusters, target)

    def _aim(self) -> None:
        """Find the cluster below the drag."""
        index = self.indexAt(self._last_place)
        target = int(index.data(Role.ID)) if index.isValid() else -1
        if target >= 0 and not index.flags() & Qt.ItemFlag.ItemIsDropEnabled:
            target = -1
        if self._clusters and set(self._clusters) <= {target}:
            target = -1
        if target == self._target:
            return
        self._target = target
        tail, hint = self._consequence(target) if target >= 0 else ("", "")
        self._delegate.set_target(target, tail)
        self.hint_changed.emit(hint)
        self.viewport().update()

    def _consequence(self, target: int) -> tuple[str, str]:
        """What a drop does: a few signs for the row, and a sentence."""
        (title,) = self._model.titles([target])
        now = self._model.count(target)
        if self._images:
            after = self._model.count_after_move(self._images, target)
            hint = f"Move {count_of(len(self._images))} to '{title}'"
            return f"{now:,} → {after:,}", hint
        sources = [key for key in self._clusters if key != target]
        after = now + sum(self._model.count(key) for key in sources)
        names = self._model.titles(sources)
        what = f"'{names[0]}'" if len(names) == 1 else count_of(len(names), "cluster")
        return f"merge → {after:,}", f"Merge {what} into '{title}'; the name '{title}' stays"

    def _end_drag(self) -> None:
        self._images = self._clusters = ()
        self._target = -1
        self._scroller.stop()
        self._delegate.set_target(-1, "")
        self.hint_changed.emit("")
        self.viewport().update()

    @Slot()
    def _on_scroller_timeout(self) -> None:
        """Scroll while a drag is held near an edge."""
        y = self._last_place.y()
        bar = self.verticalScrollBar()
        if y < _SCROLL_ZONE:
            bar.setValue(bar.value() - _SCROLL_STEP)
        elif y > self.viewport().height() - _SCROLL_ZONE:
            bar.setValue(bar.value() + _SCROLL_STEP)
        else:
            return
        self._target = -2
        self._aim()

    # -- Qt ----------------------------------------------------------------------------------

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Tell which clusters are selected now."""
        super().selectionChanged(selected, deselected)
        self.clusters_selected.emit(self.selected_ids())

    def rowsAboutToBeRemoved(
        self, parent: QModelIndex | QPersistentModelIndex, start: int, end: int
    ) -> None:
        """A removed cluster is no longer selected, and its neighbour does not inherit that."""
        self.selectionModel().select(
            QItemSelection(self._model.index(start), self._model.index(end)),
            self.selectionModel().SelectionFlag.Deselect,
        )
        super().rowsAboutToBeRemoved(parent, start, end)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc shows all images again."""
        if event.key() == Qt.Key.Key_Escape and self.selectedIndexes():
            self.clearSelection()
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows, or what to do while there are none."""
        super().paintEvent(event)
        if self._placeholder and not self._model.rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            box = self.viewport().rect().adjusted(GRID * 2, GRID * 2, -GRID * 2, -GRID * 2)
            flags = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter
            painter.drawText(box, int(flags) | int(Qt.TextFlag.TextWordWrap), self._placeholder)
            painter.end()
