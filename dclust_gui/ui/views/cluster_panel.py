"""The left panel: all images, the clusters with a filter, Unassigned and New cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import QLineEdit, QPushButton, QVBoxLayout, QWidget

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.ui.models.mime import IMAGE_IDS_MIME
from dclust_gui.ui.views.cluster_list import ClusterList
from dclust_gui.ui.views.drop_row import DropRow
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent

    from dclust_gui.ui.models.cluster_model import ClusterModel

_NO_CLUSTERS = (
    "No clusters yet.\n\nPress Cluster to let the images group themselves, or drag images onto"
    " “New cluster” below."
)
_NO_MATCH = "No cluster has this in its name."


class ClusterPanel(QWidget):
    """Shows clusters, takes drops, tells wishes.

    Signals:
        shown_requested: Which images to show: ids of clusters (a tuple), `(UNASSIGNED,)`, or `()`
            for all.
        move_requested: image ids (a tuple), target cluster or `UNASSIGNED`.
        new_cluster_requested: image ids (a tuple); empty for those that are selected.
        merge_requested: ids of the clusters that end (a tuple), id of the one that stays.
        rename_requested: cluster id, new name.
        context_menu_requested: global position.
        names_requested: Suggest names for the clusters.
        hint_changed: What a drop would do, in words; empty for none.
        keys_given_back: A name that was asked for from elsewhere has been typed, or not.
    """

    shown_requested = Signal(object)
    move_requested = Signal(object, int)
    new_cluster_requested = Signal(object)
    merge_requested = Signal(object, int)
    rename_requested = Signal(int, str)
    context_menu_requested = Signal(QPoint)
    names_requested = Signal()
    hint_changed = Signal(str)
    keys_given_back = Signal()

    def __init__(self, model: ClusterModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._all = DropRow("All images", "images", takes_drops=False, parent=self)
        self._filter = QLineEdit(self)
        self._filter.setPlaceholderText("Find cluster")
        self._filter.setAccessibleName("Find cluster")
        self._filter.setClearButtonEnabled(True)
        self._filter.setProperty("look", "field")
        self._list = ClusterList(model, self)
        self._unassigned = DropRow("Unassigned", "", takes_drops=True, parent=self)
        self._names = QPushButton("Suggest names…", self)
        self._names.setToolTip("Some clusters have no name yet; the network knows some")
        self._names.hide()
        self._new = DropRow("New cluster", "new", takes_drops=True, parent=self)
        for row in (self._all, self._unassigned):
            row.setCheckable(True)
        self._all.setChecked(True)
        self._new.setToolTip("Make a cluster of the selected images, or drop images here")
        self._unassigned.setToolTip("Images that belong to no cluster; drop images here")
        self.setAcceptDrops(True)  # else what it does not take would reach the window
        self._place()
        self._connect()
        self._on_model_counts_changed()

    def _place(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID // 2, 0, GRID // 2, GRID // 2)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self._all)
        layout.addWidget(self._filter)
        layout.addWidget(self._list, 1)
        layout.addWidget(self._names)
        layout.addWidget(self._unassigned)
        layout.addWidget(self._new)
        self.setMinimumWidth(GRID * 26)

    def _connect(self) -> None:
        self._model.counts_changed.connect(self._on_model_counts_changed)
        self._model.rename_requested.connect(self.rename_requested)
        self._filter.textChanged.connect(self._on_filter_text_changed)
        self._all.clicked.connect(self._on_all_clicked)
        self._unassigned.clicked.connect(self._on_unassigned_clicked)
        self._unassigned.hovered.connect(self._on_unassigned_hovered)
        self._unassigned.dropped.connect(self._on_unassigned_dropped)
        self._new.clicked.connect(self._on_new_clicked)
        self._new.hovered.connect(self._on_new_hovered)
        self._new.dropped.connect(self.new_cluster_requested)
        self._names.clicked.connect(self.names_requested)
        self._list.clusters_selected.connect(self._on_list_clusters_selected)
        self._list.images_dropped.connect(self.move_requested)
        self._list.clusters_dropped.connect(self._on_list_clusters_dropped)
        self._list.hint_changed.connect(self.hint_changed)
        self._list.keys_given_back.connect(self.keys_given_back)
        self._list.customContextMenuRequested.connect(self._on_list_menu_requested)

    @property
    def cluster_list(self) -> ClusterList:
        """The list itself, for the keyboard focus."""
        return self._list

    def selected_clusters(self) -> tuple[int, ...]:
        """Ids of the selected clusters, from top to bottom."""
        return self._list.selected_ids()

    def select_cluster(self, cluster: int) -> None:
        """Select one cluster."""
        self._list.select_id(cluster)

    def select_clusters(self, clusters: Iterable[int]) -> None:
        """Select several clusters."""
        self._list.select_ids(clusters)

    def edit_cluster(self, cluster: int) -> None:
        """Let the user type a cluster's name."""
        self._list.edit_id(cluster)

    def show_all(self) -> None:
        """Go back to all images."""
        self._on_all_clicked()

    def focus_filter(self) -> None:
        """Let the user type what to find."""
        self._filter.setFocus()
        self._filter.selectAll()

    def set_names_offered(self, is_offered: bool) -> None:
        """Offer suggestions of names below the list, or not."""
        self._names.setVisible(is_offered)

    def set_matching(self, images: frozenset[int] | None) -> None:
        """Tell how many images of each cluster a filter lets through; None for no filter."""
        self._model.set_matching(images)

    def set_editable(self, editable: bool) -> None:
        """Take drops and wishes for changes, or not."""
        self._new.setEnabled(editable)
        self._new.setAcceptDrops(editable)
        self._unassigned.setAcceptDrops(editable)

    @Slot()
    def _on_model_counts_changed(self) -> None:
        model = self._model
        self._all.set_count(model.n_images, model.n_matching())
        self._unassigned.set_count(model.count(UNASSIGNED), model.n_matching(UNASSIGNED))
        self._list.set_placeholder(_NO_MATCH if self._model.n_clusters else _NO_CLUSTERS)

    @Slot(str)
    def _on_filter_text_changed(self, text: str) -> None:
        self._model.set_filter(text)
        self._on_model_counts_changed()

    @Slot()
    def _on_all_clicked(self) -> None:
        self._show_fixed(is_all=True)
        self.shown_requested.emit(())

    @Slot()
    def _on_unassigned_clicked(self) -> None:
        self._show_fixed(is_all=False)
        self.shown_requested.emit((UNASSIGNED,))

    def _show_fixed(self, *, is_all: bool) -> None:
        blocked = self._list.blockSignals(True)  # noqa: FBT003 -- Qt's own signature
        self._list.clearSelection()
        self._list.blockSignals(blocked)
        self._list.viewport().update()
        self._all.setChecked(is_all)
        self._unassigned.setChecked(not is_all)

    @Slot(object)
    def _on_list_clusters_selected(self, clusters: tuple[int, ...]) -> None:
        if not clusters and self._unassigned.isChecked():
            return
        self._all.setChecked(not clusters)
        self._unassigned.setChecked(False)
        self.shown_requested.emit(clusters)

    @Slot(object)
    def _on_unassigned_hovered(self, ids: tuple[int, ...]) -> None:
        ids = self._model.with_stacks(ids)
        now = self._model.count(UNASSIGNED)
        after = self._model.count_after_move(ids, UNASSIGNED)
        self._unassigned.set_target_text(f"{now:,} → {after:,}" if ids else "")
        self.hint_changed.emit(f"Take {count_of(len(ids))} out to Unassigned" if ids else "")

    @Slot(object)
    def _on_unassigned_dropped(self, ids: tuple[int, ...]) -> None:
        self.move_requested.emit(ids, UNASSIGNED)

    @Slot()
    def _on_new_clicked(self) -> None:
        self.new_cluster_requested.emit(())

    @Slot(object)
    def _on_new_hovered(self, ids: tuple[int, ...]) -> None:
        ids = self._model.with_stacks(ids)
        self._new.set_target_text(f"{len(ids):,}" if ids else "")
        self.hint_changed.emit(f"New cluster from {count_of(len(ids))}" if ids else "")

    @Slot(object, int)
    def _on_list_clusters_dropped(self, clusters: tuple[int, ...], target: int) -> None:
        self.merge_requested.emit(tuple(c for c in clusters if c != target), target)

    @Slot(QPoint)
    def _on_list_menu_requested(self, place: QPoint) -> None:
        self.context_menu_requested.emit(self._list.viewport().mapToGlobal(place))

    # -- Qt ----------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Keep drags that no row takes from the window; `dragMoveEvent` refuses them."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if event.mimeData().hasUrls() and not event.mimeData().hasFormat(IMAGE_IDS_MIME):
            self.hint_changed.emit("Files from outside cannot be dropped on clusters")

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Refuse drops beside the rows."""
        event.ignore()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """The drag goes elsewhere."""
        self.hint_changed.emit("")
