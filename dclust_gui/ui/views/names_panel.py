"""The names panel: suggestions for the names of clusters, and the user's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.views.names_row import NameOffers, NameRow, Naming
from dclust_gui.ui.views.theme import GRID, ICON_SIDE, icon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent

NO_CLUSTERS = "Cluster the images; then names can be suggested for the clusters."
_INTRO = (
    "What the network takes the images for, where it sets a cluster apart from the others. Click a"
    " name to give it."
)
_MOST_ROWS = 100
"""Clusters that have a row; Accept all names the others, too."""


class NamesPanel(QWidget):
    """Shows `NameOffers`; says what is accepted.

    Signals:
        shown_changed: Whether somebody can see it now.
        name_requested: id of a cluster, its name.
        all_requested: Give the first suggestion to every cluster without a name.
        vocabulary_requested: Choose a file of own words.
        vocabulary_cleared: Do without the own words.
        cluster_requested: id of a cluster to show.
    """

    shown_changed = Signal(bool)
    name_requested = Signal(int, str)
    all_requested = Signal()
    vocabulary_requested = Signal()
    vocabulary_cleared = Signal()
    cluster_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[NameRow] = []
        self._words_text = ""
        self._note = QLabel(self)
        self._words = QPushButton("Own words…", self)
        self._words_name = QLabel(self)
        self._clear = QToolButton(self)
        self._area = QScrollArea(self)
        self._holder = QWidget(self)
        self._list = QVBoxLayout(self._holder)
        self._all = QPushButton("Accept all", self)
        self._place()
        self._words.clicked.connect(self.vocabulary_requested)
        self._clear.clicked.connect(self.vocabulary_cleared)
        self._all.clicked.connect(self._on_all_clicked)
        self.set_vocabulary("", 0)
        self.set_note(NO_CLUSTERS)
        self._follow_look()

    @property
    def rows(self) -> tuple[NameRow, ...]:
        """The rows, one to a cluster."""
        return tuple(self._rows)

    def set_note(self, text: str) -> None:
        """Say why there is nothing to show."""
        self._fill([])
        self._note.setText(text)
        self._all.setEnabled(False)
        self._all.setText("Accept all")

    def set_busy(self) -> None:
        """Suggestions are on their way; old ones stay in sight."""
        if not self._rows:
            self.set_note("Looking at what the network takes the images for…")

    def set_names(self, found: Sequence[NameOffers], *, editable: bool) -> None:
        """Show suggestions; rows whose suggestions are the same stay where they are."""
        shown = list(found[:_MOST_ROWS])
        now = [(r.offers.cluster, [o.name for o in r.offers.offers]) for r in self._rows]
        if now != [(o.cluster, [x.name for x in o.offers]) for o in shown]:
            self._fill(shown)
        for row, offers in zip(self._rows, shown, strict=True):
            row.set_offers(offers, editable=editable)
        if not found:
            self.set_note(NO_CLUSTERS)
            return
        n_more = len(found) - len(shown)
        more = f" The first {_MOST_ROWS} of {count_of(len(found), 'cluster')}." if n_more else ""
        nothing = all(not offers.offers for offers in found)
        self._note.setText(
            "No class of the network sets one of these clusters apart from the others. Own words"
            " may help."
            if nothing
            else _INTRO + more
        )
        n_free = sum(o.naming is Naming.NONE and bool(o.offers) for o in found)
        self._all.setText(f"Accept {count_of(n_free, 'name')}" if n_free else "Accept all")
        self._all.setEnabled(editable and n_free > 0)
        self._all.setToolTip("Clusters that have a name keep it; one step takes all back")

    def set_vocabulary(self, name: str, n_words: int) -> None:
        """Show which own words are used; an empty name for none."""
        self._words_text = f"{name} ({count_of(n_words, 'word')})" if name else ""
        self._words.setToolTip(
            "A text file with one word a line: names that fit your images come first"
        )
        self._clear.setVisible(bool(name))
        self._words_name.setToolTip(self._words_text)
        self._elide()

    # -- inside ------------------------------------------------------------------------------

    def _place(self) -> None:
        self.setMinimumWidth(GRID * 28)
        self._note.setWordWrap(True)
        self._note.setProperty("look", "faint")
        self._words_name.setProperty("look", "faint")
        self._words_name.setMinimumWidth(1)
        self._clear.setAutoRaise(True)
        self._clear.setIconSize(QSize(ICON_SIDE, ICON_SIDE))
        self._clear.setAccessibleName("Do without the own words")
        self._clear.setToolTip("Do without the own words")
        self._all.setProperty("look", "primary")
        self._list.setContentsMargins(0, 0, GRID // 2, 0)
        self._list.setSpacing(GRID + GRID // 2)
        self._area.setWidget(self._holder)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setAccessibleName("Suggested names")
        self.setFocusProxy(self._area)
        words = QHBoxLayout()
        words.setSpacing(GRID // 2)
        words.addWidget(self._words)
        words.addWidget(self._words_name, 1)
        words.addWidget(self._clear)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID // 2, GRID // 2, GRID)
        layout.setSpacing(GRID)
        layout.addWidget(self._note)
        layout.addLayout(words)
        layout.addWidget(self._area, 1)
        layout.addWidget(self._all)

    def _fill(self, found: Sequence[NameOffers]) -> None:
        while (item := self._list.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._rows = [NameRow(offers, self._holder) for offers in found]
        for row in self._rows:
            row.name_requested.connect(self.name_requested)
            row.cluster_requested.connect(self.cluster_requested)
            self._list.addWidget(row)
        self._list.addStretch(1)

    def _elide(self) -> None:
        elide, room = Qt.TextElideMode.ElideMiddle, max(0, self._words_name.width())
        self._words_name.setText(self.fontMetrics().elidedText(self._words_text, elide, room))

    def _follow_look(self) -> None:
        self._clear.setIcon(icon("close", self.palette()))

    # -- Qt ----------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """It can be seen now."""
        super().showEvent(event)
        self.shown_changed.emit(True)  # noqa: FBT003 -- a Qt signal

    def hideEvent(self, event: QHideEvent) -> None:
        """It cannot be seen any more."""
        super().hideEvent(event)
        self.shown_changed.emit(False)  # noqa: FBT003 -- a Qt signal

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the file's name to what fits."""
        super().resizeEvent(event)
        self._elide()

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icon in the colours of another look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._follow_look()

    @Slot()
    def _on_all_clicked(self) -> None:
        self._area.setFocus()  # the button is about to be disabled, and focus would go anywhere
        self.all_requested.emit()

    @Slot(str)
    def show_failure(self, text: str) -> None:
        """Say that nothing can be suggested, and why."""
        self.set_note(text)
