"""Merge clusters: which name stays, and what comes together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.splits import propose_merge
from dclust_gui.ui.models.typicality import typical_members
from dclust_gui.ui.views.section_grid import Section, SectionGrid
from dclust_gui.ui.views.theme import GRID
from dclust_gui.ui.windows.dialog_parts import place_above_pictures, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.image_files import ImageFiles

_N_SHOWN = 24


class MergeDialog(QDialog):
    """Shows the clusters, the one whose name stays first.

    Args:
        state: The present state.
        clusters: Ids of at least two clusters.
        typical: float32 (n_images,), how typical images are of their clusters.
        files: Where images are.
        loader: Brings thumbnails.
        parent: The window.

    Signals:
        merge_requested: ids (a tuple) of the clusters that end, id of the one that stays.
    """

    merge_requested = Signal(object, int)

    def __init__(
        self,
        state: Clustering,
        clusters: Iterable[int],
        typical: NDArray[np.float32],
        files: ImageFiles,
        loader: ThumbnailLoader,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Merge clusters")
        self._state = state
        self._counts = state.counts()
        self.proposal = propose_merge(state, clusters)
        self._images = {
            key: typical_members(typical, state, key, _N_SHOWN) for key in self.proposal.clusters
        }
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self.names = QComboBox(self)
        self.names.setAccessibleName("Name that stays")
        self.names.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        for key in self.proposal.clusters:
            self.names.addItem(state.clusters[key].title, key)
        self.swap = QPushButton("Swap", self)
        self.swap.setToolTip("Keep the other name")
        self.swap.setVisible(len(self.proposal.clusters) == 2)
        self.grid = SectionGrid(loader, GRID * 8, self)
        self.grid.set_files(files)
        self.apply = QPushButton("Merge", self)
        self._place()
        self.names.currentIndexChanged.connect(self._on_names_current_index_changed)
        self.swap.clicked.connect(self._on_swap_clicked)
        self.apply.clicked.connect(self._on_apply_clicked)
        self.resize(GRID * 84, GRID * (20 + 14 * min(4, len(self.proposal.clusters))))
        self._show()
        self.apply.setFocus()

    def _place(self) -> None:
        row = QHBoxLayout()
        label = QLabel("Name that stays:", self)
        label.setBuddy(self.names)
        row.addWidget(label)
        row.addWidget(self.names, 1)
        row.addWidget(self.swap)
        place_above_pictures(self, (self._text, row), self.grid, self.apply)

    def _show(self) -> None:
        proposal, table = self.proposal, self._state.clusters
        together = f"{count_of(proposal.n_images)} together; the name and its notes stay."
        self._text.setText(f"{sentence(proposal.title)} {together}")
        self.grid.set_sections(
            [
                Section(
                    table[key].title,
                    f"{count_of(self._counts[key])} · "
                    + ("stays" if key == proposal.survivor else "goes into it"),
                    self._images[key],
                    table[key].colour,
                    1,
                    n_all=self._counts[key],
                )
                for key in proposal.clusters
            ]
        )

    @Slot()
    def _on_names_current_index_changed(self) -> None:
        survivor = int(self.names.currentData())
        self.proposal = propose_merge(self._state, self.proposal.clusters, survivor)
        self._show()

    @Slot()
    def _on_swap_clicked(self) -> None:
        self.names.setCurrentIndex(1 - self.names.currentIndex())

    @Slot()
    def _on_apply_clicked(self) -> None:
        self.accept()
        self.merge_requested.emit(self.proposal.ended, self.proposal.survivor)
