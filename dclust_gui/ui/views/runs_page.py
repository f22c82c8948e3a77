"""The page that compares two runs: a sentence, a matrix of counts, and the images of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.services.editing.run_sides import Side, SideKind, SideOffer, SidesCompared
from dclust_gui.ui.models.history_model import full_time
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.views.cell_pictures import SIDE, CellPictures
from dclust_gui.ui.views.count_matrix import CountMatrix, MatrixWords
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PySide6.QtGui import QResizeEvent

    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader

_ALL = 10_000
_NARROW = GRID * 84
_NOTHING = "Click a cell to see its images."


class RunsPage(QWidget):
    """Shows a `SidesCompared`; says which sides, images and clusters are wanted.

    Args:
        loader: Brings thumbnails, for this view alone.
        parent: Owner.

    Signals:
        sides_requested: Compare what the lists say now; see `sides`.
        images_requested: ids (an array) to show in the gallery, their title.
        keep_requested: ids (a tuple) of clusters to keep as the first side has them.
    """

    sides_requested = Signal()
    images_requested = Signal(object, str)
    keep_requested = Signal(object)

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._offers: tuple[SideOffer, ...] = ()
        self._found: SidesCompared | None = None
        self._files = ImageFiles()
        self._editable = False
        self._images: NDArray[np.int32] = np.empty(0, np.int32)
        self._image_title = ""
        self.first = self._list("First run", "Its clusters are the rows")
        self.second = self._list("Second run", "Its clusters are the columns")
        self.swap = QPushButton("Swap", self)
        self.swap.setToolTip("Exchange rows and columns")
        self._sentence = QLabel(self)
        self._sentence.setWordWrap(True)
        self._sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.matrix = CountMatrix(self)
        self._cell = QLabel(_NOTHING, self)
        self._cell.setProperty("look", "section")
        self._cell.setWordWrap(True)
        self.show_images = QPushButton("Show in gallery", self)
        self.keep = QPushButton(self)
        self.pictures = CellPictures(loader, self)
        self._lines = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._place()
        self._connect()
        self._refresh_buttons()

    # -- what is shown -----------------------------------------------------------------------

    @property
    def sides(self) -> tuple[Side, Side] | None:
        """The chosen sides; None without any."""
        first, second = self.first.currentData(), self.second.currentData()
        if isinstance(first, Side) and isinstance(second, Side):
            return first, second
        return None

    @property
    def sentence(self) -> str:
        """What stayed, moved, split, merged and appeared."""
        return self._sentence.text()

    @property
    def cell_text(self) -> str:
        """Which cell is chosen, in words."""
        return self._cell.text()

    def images_acted_on(self) -> tuple[int, ...]:
        """None: images that are selected elsewhere are not seen here."""
        return ()

    def set_offers(self, offers: Sequence[SideOffer], first: Side, second: Side) -> None:
        """Offer sides and choose two of them."""
        self._offers = tuple(offers)
        for box, wanted in ((self.first, first), (self.second, second)):
            box.blockSignals(True)  # noqa: FBT003 -- Qt
            box.clear()
            for place, offer in enumerate(self._offers):
                box.addItem(offer.text, offer.side)
                box.setItemData(place, full_time(offer.time), Qt.ItemDataRole.ToolTipRole)
                if offer.side == wanted:
                    box.setCurrentIndex(place)
            widest = max(self.fontMetrics().horizontalAdvance(o.text) for o in self._offers)
            box.view().setMinimumWidth(widest + GRID * 5)
            box.blockSignals(False)  # noqa: FBT003 -- Qt

    def set_busy(self) -> None:
        """A comparison is being made; the last one stays in sight."""
        if self._found is None:
            self._sentence.setText("Comparing…")

    def set_failure(self, text: str) -> None:
        """Say why there is no comparison."""
        self._show(None)
        self._sentence.setText(text)

    def set_found(self, found: SidesCompared, files: ImageFiles) -> None:
        """Show a comparison; the same cell stays chosen if it is still there."""
        old, place = self._found, self.matrix.current
        self._files = files
        self._show(found)
        table = found.found.comparison
        if not table.counts.size:
            self._sentence.setText("The two have no image in common.")
            return
        self._sentence.setText(found.found.sentence)
        same = old is not None and (old.first, old.second) == (found.first, found.second)
        n_rows, n_columns = table.counts.shape
        if same and place != (-1, -1) and place[0] < n_rows and place[1] < n_columns:
            self.matrix.choose(*place)
        else:
            self._choose_largest_move()

    def set_editable(self, is_editable: bool) -> None:
        """Let the user keep clusters, or only look."""
        self._editable = is_editable
        self._refresh_buttons()

    def _show(self, found: SidesCompared | None) -> None:
        self._found = found
        self._images = np.empty(0, np.int32)
        self._cell.setText(_NOTHING if found is not None else "")
        self.pictures.set_images(None, self._files)
        if found is None:
            self.matrix.set_found(None, MatrixWords({}, "", ""))
            return
        clusters = {**found.found.first.clusters, **found.found.second.clusters}
        words = MatrixWords(clusters, self._short(found.first), self._short(found.second))
        can_check = found.first.kind is not SideKind.NOW
        self.matrix.set_found(found.found.comparison, words, can_check=can_check)

    def _choose_largest_move(self) -> None:
        """Begin with the cell in which most images have moved."""
        if self._found is None:
            return
        table = self._found.found.comparison
        counts = table.counts.copy()
        counts[np.equal.outer(np.array(table.rows), np.array(table.columns))] = 0
        if counts.any():
            row, column = divmod(int(counts.argmax()), counts.shape[1])
            self.matrix.choose(row, column)

    def _short(self, side: Side) -> str:
        for offer in self._offers:
            if offer.side == side:
                return offer.text.partition(" · ")[0]
        return ""

    def _refresh_buttons(self) -> None:
        checked, found = self.matrix.checked, self._found
        can_keep = found is not None and found.first.kind is not SideKind.NOW
        name = "" if found is None else self._short(found.first).replace("Run", "run")
        name = name.replace("Before", "before")
        what = "these clusters" if len(checked) != 1 else "this cluster"
        tail = f" ({len(checked):,})" if len(checked) > 1 else ""
        source = f"from {name}" if name.startswith("run") else f"as {name}"
        self.keep.setText(f"Keep {what} {source}{tail}" if can_keep else "Keep these clusters")
        self.keep.setEnabled(self._editable and can_keep and bool(checked))
        self.keep.setToolTip(
            "The checked clusters get the images again that they had there; one step"
            if can_keep
            else "Choose an earlier run at the left to keep clusters from it"
        )
        self.show_images.setEnabled(len(self._images) > 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window the buttons go below the words."""
        super().resizeEvent(event)
        is_narrow = event.size().width() < _NARROW
        flow = QBoxLayout.Direction
        self._lines.setDirection(flow.TopToBottom if is_narrow else flow.LeftToRight)

    # -- placing -----------------------------------------------------------------------------

    def _list(self, name: str, tip: str) -> QComboBox:
        box = QComboBox(self)
        box.setAccessibleName(name)
        box.setToolTip(tip)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(18)
        return box

    def _place(self) -> None:
        title = QLabel("Compare runs", self)
        title.setProperty("look", "heading")
        arrow = QLabel("→", self)
        lists = QHBoxLayout()
        lists.setSpacing(GRID)
        lists.addWidget(self.first, 1)
        lists.addWidget(arrow)
        lists.addWidget(self.second, 1)
        lists.addWidget(self.swap)
        head = QVBoxLayout()
        head.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID)
        head.setSpacing(GRID)
        head.addWidget(title)
        head.addLayout(lists)
        head.addWidget(self._sentence)
        below = QWidget(self)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addStretch(1)
        buttons.addWidget(self.show_images)
        buttons.addWidget(self.keep)
        line = self._lines
        line.setSpacing(GRID)
        line.addWidget(self._cell, 1)
        line.addLayout(buttons)
        inner = QVBoxLayout(below)
        inner.setContentsMargins(GRID * 2, GRID, GRID, GRID)
        inner.setSpacing(GRID)
        inner.addLayout(line)
        inner.addWidget(self.pictures, 1)
        self.pictures.setMinimumSize(QSize(SIDE, SIDE + GRID))
        self.matrix.setMinimumHeight(GRID * 20)
        split = QSplitter(Qt.Orientation.Vertical, self)
        split.setChildrenCollapsible(False)
        split.addWidget(self.matrix)
        split.addWidget(below)
        split.setStretchFactor(0, 1)
        split.setSizes([_ALL, SIDE * 2 + GRID * 10])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(split, 1)
        self.setFocusProxy(self.matrix)

    def _connect(self) -> None:
        self.first.activated.connect(self._on_lists_activated)
        self.second.activated.connect(self._on_lists_activated)
        self.swap.clicked.connect(self._on_swap_clicked)
        self.matrix.place_chosen.connect(self._on_matrix_place_chosen)
        self.matrix.checks_changed.connect(self._on_matrix_checks_changed)
        self.show_images.clicked.connect(self._on_show_images_clicked)
        self.keep.clicked.connect(self._on_keep_clicked)

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_lists_activated(self) -> None:
        self.sides_requested.emit()

    @Slot()
    def _on_swap_clicked(self) -> None:
        first, second = self.first.currentIndex(), self.second.currentIndex()
        self.first.setCurrentIndex(second)
        self.second.setCurrentIndex(first)
        self.sides_requested.emit()

    @Slot(int, int)
    def _on_matrix_place_chosen(self, row: int, column: int) -> None:
        if self._found is None:
            return
        table = self._found.found.comparison
        before = table.rows[row] if row >= 0 else None
        after = table.columns[column] if column >= 0 else None
        self._images = table.images_in(before, after)
        self._image_title = self.title_of(before, after)
        self._cell.setText(f"{self.matrix.place_text(row, column)}.")
        self.pictures.set_images(self._images, self._files)
        self._refresh_buttons()

    def title_of(self, before: int | None, after: int | None) -> str:
        """What to call the images of a cell: `'Beach' → 'Sea'`."""
        titles = {} if self._found is None else self._found.found.titles
        names = [titles.get(c, "") for c in (before, after) if c is not None]
        if before == after:
            names = names[:1]
        return " → ".join(names)

    @Slot()
    def _on_matrix_checks_changed(self) -> None:
        self._refresh_buttons()

    @Slot()
    def _on_show_images_clicked(self) -> None:
        self.images_requested.emit(self._images, self._image_title)

    @Slot()
    def _on_keep_clicked(self) -> None:
        wanted = tuple(c for c in self.matrix.checked if c != UNASSIGNED)
        if wanted:
            self.keep_requested.emit(wanted)


def images_text(n_images: int, title: str) -> str:
    """The title of a result: `12 images: 'Beach' → 'Sea'`."""
    return f"{count_of(n_images)}: {title}"
