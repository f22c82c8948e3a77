"""The cut in the dendrogram: tried out while its line is dragged, asked for when it is let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from dclust_gui.domain.cuts import Cut
from dclust_gui.domain.tree_layout import NO_NODE
from dclust_gui.services.cutting import CutRequest

if TYPE_CHECKING:
    from dclust_gui.ui.models.dendrogram_model import DendrogramModel

MAX_CLUSTERS = 1_000
"""Most clusters that the line can be dragged to."""

_PREVIEW_MS = 60


class DendrogramCutting(QObject):
    """Tries cuts out on the model, and says wishes.

    Args:
        model: The tree and its clusters.
        parent: Owner.

    Signals:
        previewed: A `CutPreview` while the cut is moved, at most one per 60 ms; None after.
        requested: A `CutRequest`, once, when the cut is let go.
        ended: The cut is no longer being moved.
    """

    previewed = Signal(object)
    requested = Signal(object)
    ended = Signal()

    def __init__(self, model: DendrogramModel, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model
        self._is_editable = True
        self._telling = QTimer(self)
        self._telling.setSingleShot(True)
        self._telling.setInterval(_PREVIEW_MS)
        self._telling.timeout.connect(self._on_telling_timeout)

    @property
    def is_editable(self) -> bool:
        """Whether cuts may be asked for."""
        return self._is_editable

    def set_editable(self, is_editable: bool) -> None:
        """Let cuts be asked for, or not."""
        self._is_editable = is_editable

    def try_height(self, height: float) -> None:
        """Show the cut at a height, without writing anything."""
        layout = self._model.layout
        cut = Cut.from_height(layout, height)
        if cut.k > MAX_CLUSTERS:
            cut = Cut.from_k(layout, MAX_CLUSTERS)
        self._try(cut)

    def try_k(self, k: int) -> None:
        """Show the cut into k clusters, without writing anything."""
        self._try(Cut.from_k(self._model.layout, min(max(k, 1), self.most_clusters)))

    @property
    def most_clusters(self) -> int:
        """Most clusters that can be asked for."""
        return min(self._model.layout.n_leaves, MAX_CLUSTERS) if self._model.tree else 1

    def step(self, step: int) -> None:
        """Cut into some clusters more or fewer, at once."""
        if self._is_editable:
            self.try_k(self._model.cut.k + step)
            self.commit()

    @Slot()
    def commit(self) -> None:
        """Ask for the cut that is shown; one step of the history."""
        if not self._model.is_trying:
            return
        cut = self._model.cut
        self._telling.stop()
        self.ended.emit()
        self.requested.emit(CutRequest.whole(cut))
        self._model.drop_preview()
        self.previewed.emit(None)

    @Slot()
    def cancel(self) -> None:
        """Show the present clusters again."""
        self._telling.stop()
        self.ended.emit()
        if self._model.is_trying:
            self._model.drop_preview()
            self.previewed.emit(None)

    def open_branch(self, node: int) -> None:
        """Cut one branch one merge deeper, all others untouched."""
        holder = self._model.present.holder(node)
        if self._is_editable and holder != NO_NODE and not self._model.layout.is_leaf(holder):
            self.requested.emit(CutRequest.opened(self._model.present, holder))

    def close_branch(self, node: int) -> None:
        """Join the clusters of one branch, all others untouched."""
        if not self._is_editable:
            return
        present, layout = self._model.present, self._model.layout
        holder = present.holder(node)
        target = node if holder == NO_NODE else int(layout.parent[holder])
        if target != NO_NODE:
            self.requested.emit(CutRequest.closed(present, target))

    def _try(self, cut: Cut) -> None:
        shown = self._model.cut
        if cut.k == shown.k and cut.height == shown.height and cut.is_same_as(shown):
            return
        self._model.try_cut(cut)
        if not self._telling.isActive():
            self._telling.start()

    @Slot()
    def _on_telling_timeout(self) -> None:
        self.previewed.emit(self._model.preview)
