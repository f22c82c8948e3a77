"""Split a cluster in parts: how many, and a live preview of them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from dclust_gui.domain.edits import count_of, next_colour
from dclust_gui.ui.views.section_grid import Section, SectionGrid
from dclust_gui.ui.views.theme import GRID
from dclust_gui.ui.windows.dialog_parts import name_problem, place_above_pictures

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.splits import SplitProposal
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.image_files import ImageFiles

MOST_PARTS = 20
_REST_MS = 80
_NAME_WIDTH = GRID * 30


class SplitDialog(QDialog):
    """Asks for proposals and shows them; nothing changes before the button is pressed.

    Args:
        state: The present state.
        cluster: Which cluster.
        typical: float32 (n_images,), how typical images are of their clusters.
        files: Where images are.
        loader: Brings thumbnails.
        parent: The window.

    Signals:
        parts_requested: Propose so many parts.
        split_requested: A `SplitProposal` to carry out; names by the number of the part (a dict).
    """

    parts_requested = Signal(int)
    split_requested = Signal(object, object)

    def __init__(
        self,
        state: Clustering,
        cluster: int,
        typical: NDArray[np.float32],
        files: ImageFiles,
        loader: ThumbnailLoader,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._row = state.clusters[cluster]
        self._typical = typical
        self.setWindowTitle("Split cluster")
        n_images = len(state.members(cluster))
        self._text = QLabel(f"Split '{self._row.title}', {count_of(n_images)}", self)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setProperty("look", "section")
        self._text.setWordWrap(True)
        self.n_parts = QSpinBox(self)
        self.n_parts.setRange(2, max(2, min(MOST_PARTS, n_images)))
        self.n_parts.setAccessibleName("Number of parts")
        self.note = QLabel(self)
        self.note.setProperty("look", "faint")
        self.note.setWordWrap(True)
        self.grid = SectionGrid(loader, GRID * 8, self)
        self.grid.set_files(files)
        self.apply = QPushButton("Split into 20 clusters", self)
        self._proposal: SplitProposal | None = None
        self._asked = 0
        self._names: list[QLineEdit] = []
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._on_rest_timeout)
        self._place()
        self.n_parts.valueChanged.connect(self._on_n_parts_value_changed)
        self.apply.clicked.connect(self._on_apply_clicked)
        self.grid.laid_out.connect(self._place_names)
        self.resize(GRID * 88, GRID * 72)
        self._on_n_parts_value_changed(2)
        self.n_parts.setFocus()
        self.n_parts.selectAll()

    @property
    def cluster(self) -> int:
        """Id of the cluster that would be split."""
        return self._row.id

    def set_proposal(self, proposal: SplitProposal) -> None:
        """Show the parts."""
        self._proposal = proposal
        sizes = proposal.sizes()
        self.grid.set_sections(list(self._sections(proposal, sizes)))
        self.apply.setText(f"Split into {count_of(proposal.n_parts, 'cluster')}")
        self._make_names(proposal.n_parts - 1)
        self._check()

    def names(self) -> dict[int, str]:
        """What was typed, by the number of the part."""
        return {n: field.text() for n, field in enumerate(self._names, 1) if field.text()}

    def set_failure(self, text: str) -> None:
        """Say why there are no such parts."""
        self._proposal = None
        self._make_names(0)
        self.note.setText(text)
        self.grid.set_sections(())
        self.apply.setEnabled(False)

    def _sections(self, proposal: SplitProposal, sizes: tuple[int, ...]) -> list[Section]:
        table, found = list(self._state.clusters.values()), []
        for part, size in enumerate(sizes):
            images = proposal.members(part)
            colour = self._row.colour
            if part:
                colour = next_colour(table)
                table.append(type(self._row)(self._state.next_id + part, colour=colour))
            title = f"Stays '{self._row.title}'" if not part else f"New cluster {part}"
            order = (-self._typical[images]).argsort(kind="stable")
            room = _NAME_WIDTH if part else 0
            detail = count_of(size)
            found.append(Section(title, detail, images[order], colour, 1, title_room=room))
        return found

    def _make_names(self, count: int) -> None:
        """A field for the name of each new part, where its heading is."""
        for field in self._names:
            field.deleteLater()
        self._names = [QLineEdit(self.grid) for _ in range(count)]
        for part, field in enumerate(self._names, 1):
            field.setPlaceholderText(f"Name of new cluster {part}")
            field.setAccessibleName(f"Name of new cluster {part}")
            field.setProperty("look", "field")
            field.textChanged.connect(self._check)
            field.show()
        for before, after in pairwise((self.n_parts, *self._names, self.grid, self.apply)):
            QWidget.setTabOrder(before, after)
        self._place_names()

    @Slot()
    def _place_names(self) -> None:
        for part, field in enumerate(self._names, 1):
            if part < len(self.grid.sections):
                field.setGeometry(self.grid.title_rect(part).adjusted(0, 2, 0, -2))

    @Slot()
    def _check(self) -> None:
        """Say what is wrong with a name, or what will happen."""
        proposal = self._proposal
        if proposal is None:
            return
        problem = name_problem(self._state, [field.text() for field in self._names])
        stays = "The largest part stays; each other one becomes a cluster of its own."
        self.note.setText(problem or f"{stays} You can name them here or later.")
        self.apply.setEnabled(proposal.n_parts > 1 and not problem)

    def _place(self) -> None:
        row = QHBoxLayout()
        label = QLabel("Number of parts:", self)
        label.setBuddy(self.n_parts)
        row.addWidget(label)
        row.addWidget(self.n_parts)
        row.addStretch(1)
        place_above_pictures(self, (self._text, row, self.note), self.grid, self.apply)

    @Slot(int)
    def _on_n_parts_value_changed(self, n_parts: int) -> None:
        if n_parts == self._asked:  # Enter tells the number once more before it presses the button
            return
        self._asked = n_parts
        self._proposal = None
        self.apply.setEnabled(False)
        self.apply.setText(f"Split into {count_of(n_parts, 'cluster')}")
        self.note.setText("Comparing the images…")
        self._rest.start()

    @Slot()
    def _on_rest_timeout(self) -> None:
        self.parts_requested.emit(self.n_parts.value())

    @Slot()
    def _on_apply_clicked(self) -> None:
        if self._proposal is not None:
            self.accept()
            self.split_requested.emit(self._proposal, self.names())
